using System.Collections.Immutable;
using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Something whose value direct effects explain: a feature before its activation, or a logit.</summary>
/// <param name="Layer">The layer whose input is read; the number of layers for the last norm's output.</param>
/// <param name="Position">The position at which it is read.</param>
/// <param name="Active">The place among the layer's active features, or among the logits.</param>
internal readonly record struct ReplacementTarget(int Layer, int Position, int Active);

/// <summary>
/// The model on one prompt with patterns and the scales of norms frozen, and with feed-forward blocks replaced by transcoders and errors.
/// All that is left is linear: what a target reads is a sum over what tokens, features and errors write, and a constant (Ameisen et al.
/// 2025, "Circuit Tracing": the local replacement model).
/// </summary>
internal sealed class LocalReplacement : IDisposable
{
    private const string Embedding = "blocks.0.resid_pre", Metric = "Targets";

    private readonly DecoderModel _model;
    private readonly TranscoderSet _set;
    private readonly IReadOnlyList<long> _tokens;
    private readonly RunOptions _run;
    private readonly List<Tensor> _owned = [];
    private readonly List<(string Site, Tensor Value)> _frozen = [];
    private readonly Tensor[] _outputs;
    private readonly Tensor _embedding, _logitReaders;
    private readonly double[][] _constants;

    public LocalReplacement(
        DecoderModel model, TranscoderSet set, IReadOnlyList<long> tokens, AttributionGraphOptions options,
        CancellationToken cancellationToken)
    {
        (_model, _set, _tokens, _run) = (model, set, tokens, options.Run with { Progress = null, KeptRuns = [] });
        Check();
        using DisposeScope scope = NewDisposeScope();
        try
        {
            string[] frozen = [.. FrozenSites()], read = [.. Enumerable.Range(0, set.Count + 1).Select(ReadSite)];
            string[] written = [.. Enumerable.Range(0, set.Count).Select(layer => $"blocks.{layer}.mlp_out")];
            using RunResult run = Captured([.. frozen, .. read, .. written, Embedding, "logits"], [], cancellationToken);
            _frozen.AddRange(frozen.Select(site => (site, Owned(Kept(run, site)))));
            _embedding = Owned(Kept(run, Embedding));
            Layers = [.. set.Select((sae, layer) =>
                ActiveLayer.Of(sae, Kept(run, read[layer]), Kept(run, written[layer]), options.FirstPosition))];
            _outputs = [.. set.Select((sae, layer) => Owned(WithoutSkip(sae, Kept(run, read[layer]), Kept(run, written[layer]))))];
            Logits = LogitChoice.Of(model, Kept(run, "logits").select(1, -1).squeeze(0), options);
            _logitReaders = Owned(Logits.Readers(model));
            LogitValues = Numbers(Readout(Kept(run, read[^1])));
            _constants = Constants(read, cancellationToken);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the layers' blocks write.</summary>
    public ActiveLayer[] Layers { get; } = [];

    /// <summary>The logits that are explained.</summary>
    public LogitChoice Logits { get; }

    /// <summary>The values of the logits, before a soft cap.</summary>
    public double[] LogitValues { get; }

    /// <summary>How many tokens there are.</summary>
    public int Length => _tokens.Count;

    /// <summary>
    /// How many sources are below a layer: the tokens, then of each layer the errors and the features.
    /// </summary>
    public int SourcesBelow(int layer) => Length + Layers.Take(layer).Sum(one => one.Count);

    /// <summary>What is left of a target's value where tokens, features and errors write nothing.</summary>
    public double Constant(ReplacementTarget target) => _constants[target.Layer][target.Active];

    /// <summary>A target's value.</summary>
    public double Value(ReplacementTarget target) =>
        target.Layer == Layers.Length ? LogitValues[target.Active] : Layers[target.Layer].Values[target.Active];

    /// <summary>
    /// The direct effects of all sources below the highest target's layer on targets, by one backward pass for all of them.
    /// </summary>
    /// <param name="targets">At most as many as a batch has prompts.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns><c>[target, source]</c>, float64, on the CPU; the caller owns it.</returns>
    public Tensor Rows(IReadOnlyList<ReplacementTarget> targets, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        int highest = targets.Max(target => target.Layer);
        InterventionGraph graph = new()
        {
            Name = nameof(AttributionGraph),
            Metrics = [MetricOf(targets)],
            Gradients =
            [
                new GradientNode("tokens", Embedding, [new Read.Gradient()], x => x[0].mul(_embedding).sum([-1L])),
                .. Enumerable.Range(0, highest).Select(layer => new GradientNode(
                    $"layer{layer}", $"blocks.{layer}.mlp_out", [new Read.Gradient()], x => Layers[layer].Effects(x[0]))),
            ],
            Writes = Writes(layer => _outputs[layer], highest),
        };
        // A copy of the prompt a target: the gradients of their sum are those of each.
        using RunResult run = graph.Run(
            _model, new Copies(_tokens, targets.Count), _run with { BatchSize = targets.Count }, cancellationToken);
        Tensor[] parts = [.. graph.Gradients.Select(gradient => run.Changed(gradient.Name).Values)];
        return cat(parts, 1).to_type(ScalarType.Float64).cpu().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        foreach (ActiveLayer layer in Layers)
            layer.Dispose();
        _owned.ForEach(tensor => tensor.Dispose());
    }

    /// <summary>The sum of what each copy's target reads.</summary>
    private MetricNode MetricOf(IReadOnlyList<ReplacementTarget> targets)
    {
        int[] layers = [.. targets.Select(target => target.Layer).Distinct().Order()];
        Tensor[] readers = [.. layers.Select(layer => ReadersOf(targets, layer))];
        Tensor positions = tensor(targets.Select(target => (long)target.Position).ToArray(), device: _model.Device).view(-1, 1, 1);
        return new MetricNode(Metric, [.. layers.Select(layer => new Read.Of(ReadSite(layer)))], x =>
        {
            Tensor sum = zeros(targets.Count, dtype: x[0].dtype, device: x[0].device);
            for (int i = 0; i < readers.Length; i++)
            {
                Tensor at = x[i].gather(1, positions.expand(-1, 1, x[i].shape[2])).squeeze(1);
                sum = sum.plus(at.mul(readers[i]).sum([-1L]));
            }
            return sum;
        })
        {
            AcrossBatch = true,
        };
    }

    /// <summary>The vectors with which the targets of a layer read, 0 for those of other layers: <c>[target, d]</c>.</summary>
    private Tensor ReadersOf(IReadOnlyList<ReplacementTarget> targets, int layer)
    {
        int[] own = [.. Enumerable.Range(0, targets.Count).Where(i => targets[i].Layer == layer)];
        int[] active = [.. own.Select(i => targets[i].Active)];
        Tensor rows = layer == Layers.Length
            ? _logitReaders.Pick(0, Indices(active))
            : Layers[layer].Readers(active);
        return zeros(targets.Count, rows.shape[1], dtype: rows.dtype, device: rows.device).Put(0, Indices(own), rows);

        Tensor Indices(int[] numbers) => tensor(numbers.Select(number => (long)number).ToArray(), device: _model.Device);
    }

    /// <summary>What is read where nothing but biases is written, target by target of each layer.</summary>
    private double[][] Constants(string[] read, CancellationToken cancellationToken)
    {
        ImmutableArray<WriteNode> writes =
            [Constant(Embedding, zeros_like(_embedding)), .. Writes(layer => Layers[layer].Rest, Layers.Length)];
        using RunResult run = Captured(read, writes, cancellationToken);
        return [.. Layers.Select((layer, i) => layer.ValuesAt(Kept(run, read[i]))), Numbers(Readout(Kept(run, read[^1])))];
    }

    /// <summary>The logits that are explained, of what the unembedding reads.</summary>
    private Tensor Readout(Tensor read) => _logitReaders.matmul(read.squeeze(0).select(0, -1)).plus(Logits.Biases(_model));

    private RunResult Captured(string[] sites, ImmutableArray<WriteNode> writes, CancellationToken cancellationToken)
    {
        InterventionGraph graph = new()
        {
            Name = nameof(AttributionGraph),
            Captures = [.. sites.Select(site => new CaptureNode(site, site, [new Read.Value()], x => x[0]))],
            Writes = writes,
        };
        return graph.Run(_model, new Copies(_tokens, 1), _run, cancellationToken);
    }

    /// <summary>Everything frozen, and the blocks below a layer writing constants and what skips them.</summary>
    private ImmutableArray<WriteNode> Writes(Func<int, Tensor> outputs, int below)
    {
        IEnumerable<WriteNode> frozen = _frozen.Where(one => IsBelow(one.Site, below)).Select(one => Constant(one.Site, one.Value));
        return [.. frozen, .. Enumerable.Range(0, below).Select(layer => Output(layer, outputs(layer)))];

        // What the highest target reads is behind its own layer's attention and its norm.
        bool IsBelow(string site, int layers) =>
            layers == Layers.Length
            || (site.Split('.') is ["blocks", string layer, ..] && int.Parse(layer, CultureInfo.InvariantCulture) <= layers);
    }

    private WriteNode Output(int layer, Tensor constant) => _set[layer].Weights.Skip is not { } skip
        ? Constant($"blocks.{layer}.mlp_out", constant)
        : Named(new WriteNode(
            "Frozen", $"blocks.{layer}.mlp_out", [new Read.Of(ReadSite(layer))], x => x[0].matmul(skip.t()).plus(constant)));

    private static WriteNode Constant(string site, Tensor value) => Named(new WriteNode("Frozen", site, [], _ => value.alias()));

    private static WriteNode Named(WriteNode write) => write with { Uncompared = true };

    /// <summary>What a block writes less what skips it: what is constant.</summary>
    private static Tensor WithoutSkip(Sae sae, Tensor read, Tensor written) =>
        sae.Weights.Skip is { } skip ? written.sub(read.matmul(skip.t())) : written;

    private string ReadSite(int layer) =>
        layer < _set.Count ? $"blocks.{layer}.{_set.Reads}"
        : _model.Config.FinalNorm ? "ln_final.normalized" : $"blocks.{layer - 1}.resid_post";

    private IEnumerable<string> FrozenSites()
    {
        HashSet<string> sites = [.. _model.Schema.Sites.Select(site => site.Path)];
        string[] inBlocks = ["attn.pattern", "ln1.scale", "ln1_post.scale", "ln2.scale"];
        for (int layer = 0; layer < _set.Count; layer++)
            foreach (string site in inBlocks)
                if (sites.Contains("blocks.{layer}." + site))
                    yield return $"blocks.{layer}.{site}";
        if (sites.Contains("ln_final.scale"))
            yield return "ln_final.scale";
    }

    private void Check()
    {
        _set.Check(_model);
        if (_model.Config.QkvClip is not null)
            throw new InterventionException($"{_model.Schema.Model} limits values, so that it is not linear in what is written.");
        foreach ((int layer, Sae sae) in _set.Index())
            if (sae.Config.InputNorm != InputNorm.None || sae.Weights.Encoder is null)
                throw new InterventionException(
                    $"The transcoder of layer {layer} is not linear before its activation: it normalises its input, or has no encoder.");
    }

    private Tensor Owned(Tensor value)
    {
        Tensor own = value.alias().DetachFromDisposeScope();
        _owned.Add(own);
        return own;
    }

    private static Tensor Kept(RunResult run, string site) => run.Changed(site).Values;

    private static double[] Numbers(Tensor values) => values.to_type(ScalarType.Float64).cpu().data<double>().ToArray();

    /// <summary>A prompt several times.</summary>
    private sealed class Copies(IReadOnlyList<long> tokens, int count) : IPromptSet
    {
        public PromptVocabulary Vocabulary { get; } =
            new("the prompt", EquatableArray.Of("text"), EquatableArray.Of("end"), default);

        public IReadOnlyList<PromptTokens> Prompts { get; } =
            [.. Enumerable.Repeat(new PromptTokens([new RunTokens(tokens, [tokens.Count - 1])], []), count)];
    }
}
