using System.Collections.Immutable;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>
/// An intervention graph whose every name was found in one model's schema and one prompt set's vocabulary. Runs are numbers: first those of
/// the prompt set, then the derived ones, in an order in which each reads earlier ones only.
/// </summary>
internal sealed record BoundIntervention
{
    /// <summary>The declaration's name, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>The run of the prompt set that writes change.</summary>
    public required int BaseRun { get; init; }

    /// <summary>The run of the prompt set whose tokens the run has that a write changes.</summary>
    public int TokensOf(BoundWrite write) => Runs.FirstOrDefault(run => run.Number == write.Run)?.Of ?? BaseRun;

    /// <summary>The derived runs.</summary>
    public required ImmutableArray<BoundRun> Runs { get; init; }

    /// <summary>The placeholders that writes have.</summary>
    public required ImmutableArray<SweepAxis> Sweep { get; init; }

    /// <summary>What is written, in order.</summary>
    public required ImmutableArray<BoundWrite> Writes { get; init; }

    /// <summary>What is captured.</summary>
    public required ImmutableArray<BoundCapture> Captures { get; init; }

    /// <summary>Which gradients are kept.</summary>
    public required ImmutableArray<BoundGradient> Gradients { get; init; }

    /// <summary>What is measured.</summary>
    public required ImmutableArray<BoundMetric> Metrics { get; init; }

    /// <summary>The trained values whose gradients are summed.</summary>
    public required ImmutableArray<BoundParameter> Parameters { get; init; }

    /// <summary>The runs of the prompt set of which values are kept; <see langword="null"/> for all.</summary>
    public IReadOnlySet<int>? KeptRuns { get; init; }

    /// <summary>Prompts in which a write copies what is there already, by the write's number; found when a run is prepared.</summary>
    public IReadOnlyDictionary<int, ImmutableArray<int>> Alike { get; init; } = ImmutableDictionary<int, ImmutableArray<int>>.Empty;

    /// <summary>What may be a slip in the prompts; found when a run is prepared.</summary>
    public ImmutableArray<string> Notes { get; init; } = [];

    /// <summary>Captures and gradients.</summary>
    public IEnumerable<BoundKeep> Kept => Captures.Concat<BoundKeep>(Gradients);

    /// <summary>What the methods of writes, captures, gradients and metrics read.</summary>
    public IEnumerable<BoundRead> Reads => Writes.SelectMany(write => write.Reads)
        .Concat(Kept.SelectMany(keep => keep.Reads)).Concat(Metrics.SelectMany(metric => metric.Reads));

    /// <summary>Whether captures, gradients and metrics of a run of the prompt set are kept.</summary>
    public bool Keeps(int run) => KeptRuns?.Contains(run) ?? true;

    /// <summary>The means that are read.</summary>
    public IEnumerable<BoundRead.Mean> Means =>
        Writes.SelectMany(write => write.Reads).Concat(Kept.SelectMany(keep => keep.Reads)).OfType<BoundRead.Mean>();

    /// <summary>Every combination of the placeholders' coordinates, the last one fastest; one empty point without placeholders.</summary>
    public IEnumerable<SweepPoint> Points()
    {
        IEnumerable<ImmutableArray<SweepCoordinate>> points = [[]];
        foreach (SweepAxis axis in Sweep)
            points = points.SelectMany(head => axis.Coordinates.Select(head.Add));
        return points.Select(coordinates => new SweepPoint(Sweep, coordinates));
    }

    /// <summary>What methods read of other prompts than their own: reads of one kind, of every node and point of the sweep.</summary>
    public IEnumerable<ReferenceRead<TRead>> References<TRead>()
        where TRead : BoundRead
    {
        IEnumerable<(BoundSite Site, ImmutableArray<BoundRead> Reads)> methods = Writes
            .SelectMany(write => write.Parts.Prepend(write)).Select(write => (write.Site, write.Reads))
            .Concat(Kept.Select(keep => (keep.Site, keep.Reads)));
        (BoundSite Site, TRead Read)[] found =
            [.. methods.SelectMany(method => method.Reads.OfType<TRead>().Select(read => (read.OtherSite ?? method.Site, read)))];
        return found.Length == 0
            ? []
            : Points().SelectMany(point => found.SelectMany(one =>
                one.Site.Names(point).Select(node => new ReferenceRead<TRead>(one.Read, one.Site, node, point))));
    }
}

/// <summary>A derived run.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Of">The run of the prompt set whose tokens it reads.</param>
/// <param name="Name">Its name.</param>
internal sealed record BoundRun(int Number, int Of, string Name);

/// <summary>A write; <paramref name="Run"/> is the derived run's number, or null for the changed run.</summary>
internal sealed record BoundWrite(WriteNode Node, BoundSite Site, ImmutableArray<BoundRead> Arguments, int? Run)
{
    /// <summary>What is read for the arguments.</summary>
    public ImmutableArray<BoundRead> Reads { get; } = Arguments.Leaves();

    /// <summary>The declared writes that it consists of; none for a single one.</summary>
    public ImmutableArray<BoundWrite> Parts { get; init; } = [];

    /// <summary>Its place among the declared writes; of several that are one, the first one's.</summary>
    public int Number { get; init; }

    /// <summary>Whether a tensor that it uses is a trained value of the declaration.</summary>
    public bool IsTrained { get; init; }

    /// <summary>The declared writes: the parts, or this one.</summary>
    public IEnumerable<BoundWrite> Declared => Parts.IsEmpty ? [this] : Parts;

    /// <summary>Whether it takes over another run's values as they are.</summary>
    public bool IsCopy => Node.Kind is WriteKind.Freeze or WriteKind.Copy;

    /// <summary>
    /// Whether what it puts at one selected position depends on that position alone, so that it can be called for some of them. A built-in
    /// write whose tensor has an axis of positions lines up with all of them.
    /// </summary>
    public bool IsPointwise => Node.Kind switch
    {
        WriteKind.Add add => LiesBehindPositions(add.Vector),
        WriteKind.AddSwept add => LiesBehindPositions(add.Vector),
        WriteKind.Mix { Axes.Count: > 0 } mix => !mix.Axes.Contains(Site.Definition.Axes[Site.PositionAxis]),
        WriteKind.Mix mix => LiesBehindPositions(mix.Mask),
        WriteKind.Zero or WriteKind.Scale or WriteKind.ScaleSwept or WriteKind.ProjectOut or WriteKind.ProjectOnto => true,
        WriteKind.Freeze or WriteKind.Copy or WriteKind.Mean or WriteKind.Resample => true,
        // A method sees all of another site that it reads.
        _ => Node.Pointwise && !Reads.OtherSites().Any(),
    };

    /// <summary>The sites whose selection decides which prompts the method sees together.</summary>
    public IEnumerable<BoundSite> Selected => Reads.OtherSites().Prepend(Site);

    private bool LiesBehindPositions(Tensor tensor) => tensor.shape.Length < Site.Axes.Length - Site.PositionAxis;
}

/// <summary>Something kept of a site: a capture or a gradient.</summary>
internal abstract record BoundKeep(string Name, BoundSite Site, ImmutableArray<BoundRead> Arguments, MethodBody Body)
{
    /// <summary>What is read for the arguments.</summary>
    public ImmutableArray<BoundRead> Reads { get; } = Arguments.Leaves();

    /// <summary>What the method reads, as declared.</summary>
    public abstract ImmutableArray<Read> Declared { get; }

    /// <summary>Whether the method mixes prompts.</summary>
    public abstract bool AcrossBatch { get; }

    /// <summary>Whether the kept value depends on the sweep's point. Then an unchanged run, too, keeps one value for each point.</summary>
    public bool IsSwept => Site.IsSwept || Reads.Any(read => read.IsSwept);
}

/// <summary>A value that is kept.</summary>
internal sealed record BoundCapture(CaptureNode Node, BoundSite Site, ImmutableArray<BoundRead> Arguments)
    : BoundKeep(Node.Name, Site, Arguments, Node.Body)
{
    public override ImmutableArray<Read> Declared => Node.Reads;

    public override bool AcrossBatch => Node.AcrossBatch;
}

/// <summary>A metric's gradient with respect to a value.</summary>
internal sealed record BoundGradient(GradientNode Node, BoundSite Site, ImmutableArray<BoundRead> Arguments, BoundMetric Metric)
    : BoundKeep(Node.Name, Site, Arguments, Node.Body)
{
    public override ImmutableArray<Read> Declared => Node.Reads;

    public override bool AcrossBatch => Node.AcrossBatch;

    /// <summary>The sites whose gradients it reads: its own first.</summary>
    public IEnumerable<BoundSite> Sites =>
        Reads.OfType<BoundRead.Gradient>().Select(gradient => gradient.Site).OfType<BoundSite>().Prepend(Site);
}

/// <summary>A number a prompt.</summary>
internal sealed record BoundMetric(MetricNode Node, ImmutableArray<BoundRead> Arguments)
{
    /// <summary>What is read for the arguments.</summary>
    public ImmutableArray<BoundRead> Reads { get; } = Arguments.Leaves();

    /// <summary>Whether the sweep's point decides what is kept, in unchanged runs too.</summary>
    public bool IsSwept => Reads.Any(read => read.IsSwept);
}

/// <summary>A trained value, and the metric whose gradient with respect to it is summed.</summary>
internal sealed record BoundParameter(ParameterNode Node, BoundMetric Metric);

/// <summary>A parameter of a method: a value that is read.</summary>
internal abstract record BoundRead
{
    private BoundRead()
    {
    }

    /// <summary>The site that is read, if it is not the method's own.</summary>
    public BoundSite? OtherSite => this switch
    {
        From from => from.Site,
        Of of => of.Site,
        Gradient gradient => gradient.Site,
        Mean mean => mean.Site,
        _ => null,
    };

    /// <summary>The site of the prompts themselves that the parameter names, if any: that of another value, or of logits.</summary>
    public BoundSite? NamedSite => this switch { Logits logits => logits.At, Mean => null, _ => OtherSite };

    /// <summary>Whether the sweep's point decides what is read, other than through the method's own site.</summary>
    public bool IsSwept => OtherSite is { IsSwept: true } || Sweep is not null;

    /// <summary>The placeholders that it brings: that of a run or a number, then those of the site that it reads.</summary>
    public IEnumerable<string> Placeholders => new[] { Sweep }.OfType<string>().Concat(OtherSite?.Placeholders ?? []);

    /// <summary>The placeholder of a run or a number that is swept.</summary>
    public string? Sweep => this switch
    {
        From from => from.Run.Sweep,
        Partner partner => partner.Run.Sweep,
        Mean mean => mean.Run.Sweep,
        Swept swept => swept.Name,
        _ => null,
    };

    /// <summary>The value of the method's own site.</summary>
    public sealed record Value : BoundRead;

    /// <summary>The gradient of the method's own site, or of another one.</summary>
    public sealed record Gradient(BoundSite? Site) : BoundRead;

    /// <summary>Another run's value; <paramref name="Site"/> is null for the method's own site.</summary>
    public sealed record From(DonorRun Run, BoundSite? Site) : BoundRead;

    /// <summary>The value of the method's own site in another prompt, drawn by the seed.</summary>
    public sealed record Partner(DonorRun Run, int Seed) : BoundRead;

    /// <summary>The mean of a site over a prompt set; <paramref name="Site"/> is null for the method's own site.</summary>
    public sealed record Mean(DonorRun Run, bool Pooled, bool AcrossTemplates, IPromptSet Over, BoundSite? Site) : BoundRead
    {
        /// <summary>Whether selected positions are numbers, which other prompts have too, see <see cref="Read.Mean"/>.</summary>
        public bool AtIndices { get; init; }

        /// <summary>Of fewer prompts than these, a mean is worth a warning.</summary>
        public int Fewest { get; init; }

        /// <summary>The site in the prompts over which the mean is taken: positions of other prompts have other names.</summary>
        public BoundSite In(BoundSite site) => (AtIndices ? site.AtAllPositions() : site) with { Vocabulary = Over.Vocabulary };

        /// <summary>The template of a prompt, as far as the mean looks at templates.</summary>
        public int TemplateOf(PromptTokens prompt) => Pooled || AcrossTemplates ? 0 : prompt.Template;
    }

    /// <summary>A tensor along axes of the method's own site, the layer first.</summary>
    public sealed record Along(Tensor Tensor, ImmutableArray<int> Axes) : BoundRead
    {
        /// <summary>The axis that counts the layers which the site's path names.</summary>
        public const int Layer = -1;
    }

    /// <summary>Another site's value in the same run.</summary>
    public sealed record Of(BoundSite Site) : BoundRead;

    /// <summary>
    /// Logits in a run of the prompt set, or, where <paramref name="Run"/> is null, in the run that is measured; one answer's, those of
    /// some words, or all.
    /// </summary>
    public sealed record Logits(BoundSite At, int? Run, int? Answer) : BoundRead
    {
        /// <summary>The token ids of the words; none where an answer's logits, or all, are read.</summary>
        public EquatableArray<long> Words { get; init; }

        /// <summary>The columns that are read; none where all are.</summary>
        public IEnumerable<LogitColumn> Columns =>
            Answer is int answer ? [new(answer, 0)] : Words.Select(word => new LogitColumn(null, word));
    }

    /// <summary>The token ids of an answer.</summary>
    public sealed record AnswerIds(int Answer) : BoundRead;

    /// <summary>A value that methods have in common, made of the values of other sites; see <see cref="BoundReads.Leaves"/>.</summary>
    public sealed record Shared(SharedNode Node, ImmutableArray<BoundRead> Arguments) : BoundRead;

    /// <summary>The number at which a sweep stands.</summary>
    public sealed record Swept(string Name) : BoundRead;
}

/// <summary>A column of the logits: that of an answer, which each prompt has its own token for, or that of a token.</summary>
internal readonly record struct LogitColumn(int? Answer, long Token)
{
    /// <summary>The token of a prompt of a batch.</summary>
    public long Of(PromptBatch batch, int prompt) => Answer is int answer ? batch.Answer(answer, prompt) : Token;
}

/// <summary>The sites of several parameters.</summary>
internal static class BoundReads
{
    /// <summary>The arguments, and in place of shared values what these read.</summary>
    public static ImmutableArray<BoundRead> Leaves(this ImmutableArray<BoundRead> arguments) =>
        arguments.Any(argument => argument is BoundRead.Shared)
            ? [.. arguments.SelectMany(argument => argument is BoundRead.Shared shared ? shared.Arguments.Leaves() : [argument])]
            : arguments;

    /// <summary>The sites that are read beside the method's own.</summary>
    public static IEnumerable<BoundSite> OtherSites(this IEnumerable<BoundRead> reads) =>
        reads.Select(read => read.OtherSite).OfType<BoundSite>();

    /// <summary>The sites that reads name, of other values and of logits.</summary>
    public static IEnumerable<BoundSite> NamedSites(this IEnumerable<BoundRead> reads) =>
        reads.Select(read => read.NamedSite).OfType<BoundSite>();
}

/// <summary>Something that a method reads of other prompts than its own: at a site, of one node, at one point of the sweep.</summary>
internal sealed record ReferenceRead<TRead>(TRead Read, BoundSite Site, string Node, SweepPoint Point)
    where TRead : BoundRead;

/// <summary>The run that is read: always the same one, or the one at which a sweep stands.</summary>
internal sealed record DonorRun
{
    private readonly int _run;

    public DonorRun(int run) => _run = run;

    public DonorRun(string sweep) => Sweep = sweep;

    /// <summary>The placeholder; null for a run that is not swept.</summary>
    public string? Sweep { get; }

    /// <summary>The run at a point.</summary>
    public int At(SweepPoint point) => Sweep is null ? _run : point[Sweep].Run;
}
