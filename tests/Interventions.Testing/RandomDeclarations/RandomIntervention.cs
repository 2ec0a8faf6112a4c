using System.Collections.Immutable;
using Interventions.Runtime;
using Interventions.Testing.ToyModels;
using static TorchSharp.torch;

namespace Interventions.Testing.RandomDeclarations;

/// <summary>
/// Random declarations on a model, from a seed: writes of every kind, derived runs, sweeps, captures, gradients, metrics. Not every one
/// makes sense; those are refused.
/// </summary>
public sealed class RandomIntervention(ModelSchema schema, int seed, Device? device = null)
{
    private static readonly Read s_value = new Read.Value();

    private readonly Random _random = new(seed), _padding = new(~seed), _words = new(seed ^ 0x2545), _sharing = new(seed ^ 0x71c3);
    private readonly List<string> _placeholders = [];
    private readonly List<Read> _shared = [];
    private IPromptSet? _prompts, _reference;
    private readonly List<string> _runs = ["clean", "corrupted"];

    /// <summary>Prompts of three runs that begin alike, of one length or mixed, from rows that are padded on either side.</summary>
    public IPromptSet Prompts(int vocabulary)
    {
        int count = _random.Next(1, 5);
        bool isMixed = Chance(0.5);
        int length = _random.Next(3, 8);
        _prompts = new RandomPrompts([.. Enumerable.Range(0, count).Select(_ =>
        {
            int own = isMixed ? _random.Next(3, 8) : length, shared = _random.Next(0, own);
            long[] clean = [.. Enumerable.Range(0, own).Select(_ => (long)_random.Next(vocabulary))];
            int mid = _random.Next(own);
            RunTokens Run(bool isOther) => Padded.Around(
                new(
                    [.. clean.Select((id, i) => isOther && i >= shared ? _random.Next(vocabulary) : id)],
                    [Chance(0.7) ? mid : _random.Next(own), own - 1]),
                _padding.Next(3), _padding.Next(3));
            return new PromptTokens(
                [Run(false), Run(true), Run(Chance(0.8))],
                [_random.Next(vocabulary), _random.Next(vocabulary)]) { Template = _random.Next(2) };
        })]);
        // Of both templates, and as long as any prompt.
        _reference = new RandomPrompts([.. Enumerable.Range(0, 5).Select(i =>
        {
            RunTokens Run() => new([.. Enumerable.Range(0, 7 - (i / 2)).Select(_ => (long)_random.Next(vocabulary))], [1, 6 - (i / 2)]);
            return new PromptTokens([Run(), Run(), Run()], [0, 0]) { Template = i % 2 };
        })]);
        return _prompts;
    }

    /// <summary>The runs of which values are kept: all, or some. To be asked after <see cref="Graph"/>.</summary>
    public IReadOnlyList<string>? KeptRuns() =>
        _sharing.Next(2) == 0 ? null : [.. new[] { "clean", "corrupted", "other" }.Where(_ => _sharing.Next(2) == 0)];

    public InterventionGraph Graph()
    {
        List<DerivedRun> derived = [];
        for (int i = _random.Next(3); i > 0 && Chance(0.6); i--)
            derived.Add(new DerivedRun($"derived{i}", Chance(0.3) ? "corrupted" : null));
        ImmutableArray<WriteNode> writes = [.. Enumerable.Range(0, _random.Next(5)).Select(i => Write(i, derived))];
        ImmutableArray<CaptureNode> captures = [.. Enumerable.Range(0, _random.Next(3)).Select(i => Capture(i))];
        bool isDifferentiated = Chance(0.35);
        ImmutableArray<GradientNode> gradients = isDifferentiated ? [.. Enumerable.Range(0, _random.Next(1, 3)).Select(Gradient)] : [];
        return new InterventionGraph
        {
            Name = "Random",
            Sweeps = [.. Lists()],
            Changes = Chance(0.2) ? "corrupted" : null,
            Runs = [.. derived],
            Writes = writes,
            Captures = captures,
            Gradients = gradients,
            Metrics = gradients.Length > 0 || captures.Length == 0 || Chance(0.7) ? [Metric()] : [],
        };
    }

    private WriteNode Write(int number, List<DerivedRun> derived)
    {
        // What a method of this generator returns is no whole number.
        SiteDefinition site = SmoothSite();
        string path = Path(site, mayAddPlaceholders: true);
        string? run = derived.Count > 0 && Chance(0.5) ? derived[_random.Next(derived.Count)].Name : null;
        // A run reads only runs before it, or the generator would make circles.
        string[] donors =
            run is null ? ["clean", "corrupted", "other", .. derived.Select(one => one.Name)] : ["clean", "corrupted", "other"];
        string donor = Chance(0.15) && CanSweep("r") ? "{r}" : donors[_random.Next(donors.Length)];
        WriteKind? kind = _random.Next(14) switch
        {
            0 when MayBeZero(site) => new WriteKind.Zero(),
            1 => new WriteKind.Scale(0.5),
            2 or 3 => new WriteKind.Freeze(Chance(0.5) ? null : donor),
            4 or 5 => new WriteKind.Copy(donor),
            6 when site.Axes[site.Axes.Count - 1] == "d_model" => new WriteKind.Add(Vector(), 1.5),
            7 when site.Axes[site.Axes.Count - 1] == "d_model" => new WriteKind.ProjectOut(Vector()),
            8 or 9 => Mean(),
            10 => Resample(),
            11 or 12 => Mix(site, path, donor),
            _ => null,
        };
        string name = $"Write{number}";
        return kind is not null
            ? new WriteNode(name, path, kind, run)
            : _random.Next(8) switch
            {
                0 => new WriteNode(
                    name, path, [s_value, new Read.From(donor)], x => (x[0] * 0.7) + (x[1] * 0.5), run)
                { Pointwise = Chance(0.5) },
                1 => new WriteNode(name, path, [new Read.From(donor)], x => x[0] * 1.1, run) { Pointwise = Chance(0.5) },
                2 => new WriteNode(name, path, [s_value], x => x[0].tanh(), run),
                3 => new WriteNode(name, path, [s_value, Shared(new Read.Of(Earlier(site, path)))], x => x[0] + Summary(x[1], x[0]), run),
                // A donor may lie anywhere in another run, and may be swept on its own.
                4 => new WriteNode(
                    name, path, [s_value, Shared(new Read.From(donor, Path(Site(), mayAddPlaceholders: true, single: true)))],
                    x => x[0] + Summary(x[1], x[0]), run),
                // So may what a mean is of; of the own site it stands at indices.
                5 => new WriteNode(
                    name, path, [s_value, Shared(MeanOf(Path(Site(), mayAddPlaceholders: true, single: true), Chance(0.5)))],
                    x => x[0] + Summary(x[1], x[0]), run),
                6 => new WriteNode(name, path, [MeanOf(null, true)], x => x[0], run) { Pointwise = Chance(0.5) },
                // Sees all that it selects: no row of it may be left out.
                _ => new WriteNode(name, path, [s_value], x => x[0] - (0.3 * x[0].mean([1L], keepdim: true)), run),
            };

        Tensor Vector()
        {
            using Generator generator = new((ulong)_random.Next());
            return randn(schema.SizeOf("d_model")!.Value, dtype: float64, generator: generator).to(device ?? CPU);
        }
    }

    // Scores that are masked are −∞.
    private static Tensor Summary(Tensor x, Tensor like) =>
        x.tanh().flatten(1).mean([1L]).view([-1, .. Enumerable.Repeat(1L, like.shape.Length - 1)]);

    /// <summary>Half of the time, a value that methods have in common in place of what it is made of.</summary>
    private Read Shared(Read read)
    {
        if (_sharing.Next(2) == 0)
            return read;
        Read made = _sharing.Next(2) == 0 || _shared.Count == 0 ? read : _shared[_sharing.Next(_shared.Count)];
        Read shared = new Read.Shared(new SharedNode($"Shared{_shared.Count}", new([read, made]), x => Summary(x[0], x[1]) + x[1]));
        _shared.Add(shared);
        return shared;
    }

    /// <summary>A site that is mostly computed before another one; one that is not is refused.</summary>
    private string Earlier(SiteDefinition site, string path)
    {
        int place = Enumerable.Range(0, schema.Sites.Count).First(i => schema.Sites[i] == site);
        SiteDefinition earlier = schema.Sites[_random.Next(Math.Max(1, place))];
        return Path(earlier, mayAddPlaceholders: false, single: true, layer: path.Contains("{l}", StringComparison.Ordinal) ? "{l}" : "0");
    }

    private int[] Lengths => [.. _prompts!.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct()];

    /// <summary>
    /// A mask along the last axis, along positions, or a number a layer; null where none of them has a length that is known here.
    /// </summary>
    private WriteKind.Mix? Mix(SiteDefinition site, string path, string donor)
    {
        List<(string Axis, int Size)> axes = [];
        if (Layers() is > 1 and int count && Chance(0.7))
            axes.Add(("layer", count));
        if (site.Axes.Contains("pos") && IsWhole("pos") && Lengths is [int length] && Chance(0.3))
            axes.Add(("pos", length));
        string last = site.Axes[site.Axes.Count - 1];
        if (schema.SizeOf(site, last) is int size && IsWhole(last) && Chance(0.7))
            axes.Add((last, size));
        if (axes.Count == 0)
            return null;
        using Generator generator = new((ulong)_random.Next());
        Tensor mask = rand([.. axes.Select(axis => (long)axis.Size)], dtype: float64, generator: generator).to(device ?? CPU);
        if (Chance(0.3))
            mask = mask.gt(0.5);
        // Without names, the mask broadcasts as it is.
        EquatableArray<string> names =
            axes is [(var only, _)] && only == last && Chance(0.5) ? default : new(axes.Select(axis => axis.Axis));
        return new WriteKind.Mix(mask, names, _random.Next(5) switch
        {
            0 when MayBeZero(site) => (WriteKind)new WriteKind.Zero(),
            1 => Mean(),
            2 => Resample(),
            _ => null,
        } ?? new WriteKind.Copy(donor));

        bool IsWhole(string axis) =>
            !path.Contains($"{axis}=", StringComparison.Ordinal) && !path.Contains($"{axis}!=", StringComparison.Ordinal);

        int Layers()
        {
            int all = schema.SizeOf("layer") ?? 1, first = path.IndexOf(".[", StringComparison.Ordinal);
            return
                path.Contains(".*", StringComparison.Ordinal) ? all :
                path.Contains(".[!=", StringComparison.Ordinal) ? all - 1 :
                first >= 0 ? all - (path[first + 2] - '0') : 1;
        }
    }

    private WriteKind.Mean Mean() =>
        new(_runs[_random.Next(_runs.Count)], Chance(0.3), Chance(0.5) ? _reference : null, Chance(0.3));

    private Read.Mean MeanOf(string? site, bool atIndices) => new(
        _runs[_random.Next(_runs.Count)], Chance(0.3), Chance(0.5) ? _reference : null, Chance(0.3), site, atIndices);

    /// <summary>A partner is equally long where the length decides what is selected.</summary>
    private WriteKind.Resample? Resample() => Lengths is [_] && _prompts!.Prompts.Count > 1
        ? new(_runs[_random.Next(_runs.Count)], _random.Next(100))
        : null;

    /// <summary>A norm that divides by 0 gives what nobody can compare.</summary>
    private static bool MayBeZero(SiteDefinition site) => !site.Path.EndsWith("scale", StringComparison.Ordinal);

    /// <summary>Some of the swept placeholders go through points together, or through some of their values.</summary>
    private IEnumerable<SweepAxis> Lists()
    {
        string[] listed = [.. _placeholders.Where(name => name != "r" && Chance(0.5))];
        if (listed.Length == 0)
            yield break;
        string[] points = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => string.Join('.', listed.Select(Coordinate))).Distinct()];
        yield return listed.Length == 1
            ? new SweepAxis(listed[0], [.. points.Select(SweepCoordinate.Parse)])
            : SweepAxis.OfPoints(string.Join(", ", listed), points);

        string Coordinate(string name) => name switch
        {
            "l" => $"{_random.Next(schema.SizeOf("layer") ?? 1)}",
            "h" => $"{_random.Next(schema.SizeOf("head") ?? 1)}",
            _ => new[] { "1", "mid", "-1" }[_random.Next(3)],
        };
    }

    private CaptureNode Capture(int number)
    {
        string path = Path(Site(), mayAddPlaceholders: false);
        int kind = _random.Next(3);
        if (_shared.Count > 0 && _sharing.Next(2) == 0)
            return new CaptureNode(
                $"Capture{number}", path, [s_value, _shared[_sharing.Next(_shared.Count)]], x => x[0] + Summary(x[1], x[0]));
        return kind switch
        {
            0 => new CaptureNode($"Capture{number}", path, [s_value, new Read.From("corrupted")], x => x[0] - x[1]),
            1 => new CaptureNode($"Capture{number}", path, [s_value], x => x[0], BeforeWrites: true),
            _ => new CaptureNode($"Capture{number}", path, [s_value], x => x[0]),
        };
    }

    private GradientNode Gradient(int number) =>
        new($"Gradient{number}", Path(SmoothSite(), mayAddPlaceholders: false), [new Read.Gradient(), s_value], x => x[0] * (1 + x[1]));

    private MetricNode Metric() => _random.Next(3) switch
    {
        // Only the toy model reads words.
        < 2 when schema.Model == nameof(ToyModel) && _words.Next(3) == 0 => new MetricNode(
            "Metric", [new Read.Logit("right", "end"), new Read.WordLogits("Words", EquatableArray.Of(" b", "d", "."), "end")],
            x => x[0] - (x[1].softmax(-1) * x[1]).sum(-1)),
        0 => new MetricNode("Metric", [new Read.Logit("right", "end"), new Read.Logit("wrong", "mid")], x => x[0] - (2 * x[1])),
        1 => new MetricNode(
            "Metric", [new Read.Logits("end"), new Read.Logits("end", "clean")], x => (x[0].softmax(-1) * x[1].log_softmax(-1)).sum(-1)),
        _ => new MetricNode(
            "Metric", [new Read.Logit("right", "mid"), new Read.Of(Path(Site(), mayAddPlaceholders: false, single: true))],
            x => x[0] * x[1].square().flatten(1).sum(-1)),
    };

    private SiteDefinition Site() => schema.Sites[_random.Next(schema.Sites.Count)];

    private SiteDefinition SmoothSite()
    {
        SiteDefinition site = Site();
        return site.WholeNumbers ? schema.Sites[0] : site;
    }

    private string Path(SiteDefinition site, bool mayAddPlaceholders, bool single = false, string? layer = null)
    {
        int layers = schema.SizeOf("layer") ?? 1;
        layer ??= _random.Next(5) switch
        {
            0 when !single => "*",
            1 when !single => $"[{_random.Next(layers)}..{(Chance(0.5) ? $"{layers - 1}" : "")}]",
            2 when !single && layers > 1 && Chance(0.3) => $"[!={_random.Next(layers)}]",
            2 when mayAddPlaceholders && CanSweep("l") => "{l}",
            _ => $"{_random.Next(layers)}",
        };
        List<string> selectors = [];
        foreach (string axis in site.Axes)
            if (Selector(axis, mayAddPlaceholders) is { } selector)
                selectors.Add(axis + (selector.StartsWith('!') ? selector : $"={selector}"));
        string path = site.Path.Replace("{layer}", layer, StringComparison.Ordinal);
        return selectors.Count == 0 ? path : $"{path}[{string.Join("; ", selectors)}]";
    }

    private string? Selector(string axis, bool mayAddPlaceholders) => axis switch
    {
        "pos" or "query" or "key" => _random.Next(13) switch
        {
            0 => "end",
            1 => "mid",
            2 => "0..1",
            3 => "-1",
            4 => "mid,end",
            5 => "1..-1",
            6 or 7 when mayAddPlaceholders && CanSweep("p") => "{p=1,mid,-1}",
            8 => "1..",
            9 => "!=mid",
            10 => "!=0,-1",
            11 => "named",
            _ => null,
        },
        "head" or "kv_head" or "neuron" or "expert" or "choice" => _random.Next(6) switch
        {
            0 => "0",
            1 => "1,0",
            2 or 3 when mayAddPlaceholders && axis == "head" && CanSweep("h") => "{h}",
            4 => "!=0",
            _ => null,
        },
        _ => null,
    };

    /// <summary>At most two placeholders, so that sweeps stay small.</summary>
    private bool CanSweep(string name)
    {
        if (_placeholders.Contains(name))
            return true;
        if (_placeholders.Count == 2)
            return false;
        _placeholders.Add(name);
        return true;
    }

    private bool Chance(double probability) => _random.NextDouble() < probability;
}
