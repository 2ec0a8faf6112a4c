using System.Collections.Immutable;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Direct logit attribution: what each component writes to the residual stream, read as logits. The last norm's scale is that of the whole
/// stream, so everything is linear, and the terms add up to what the model says.
/// </summary>
public static class DirectAttribution
{
    private const string Embed = "Embed", Heads = "Heads", Mlps = "Mlps", Positions = "Positions", Constants = "Constants",
        Measured = "Measured";

    /// <summary>
    /// The terms: the embedding, each head and each feed-forward block by the names of <see cref="Component"/>; <c>pos_embed</c>, each
    /// layer's <c>blocks.0.attn.b_O</c>, <c>ln_final.bias</c> and <c>unembed.bias</c> where the model has them.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="direction">What is asked of the logits: <c>("IO", "S")</c> is a difference of two answers.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="under">An intervention whose changed run is attributed; the prompts' first run unless it is given.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// A name is not in the prompt set, what the model's heads write is not simply added to the stream, its logits are no linear function
    /// of the normalised stream, or the intervention is swept.
    /// </exception>
    public static LogitTerms Of(
        DecoderModel model, IPromptSet prompts, LogitDirection direction, string at = "end", InterventionGraph? under = null,
        RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(direction);
        CircuitSites sites = CircuitSites.Of(model);
        FinalReading reading = FinalReading.Linear(model, direction, at);
        InterventionGraph graph = (under ?? new InterventionGraph { Name = nameof(DirectAttribution) }) with
        {
            Captures =
            [
                reading.Capture(Embed, sites.Embed), reading.Capture(Heads, "blocks.*.attn.result"),
                .. sites.Graph.HasMlps ? [reading.Capture(Mlps, "blocks.*.mlp_out")] : Array.Empty<CaptureNode>(),
                .. model.Config.LearnedPositions ? [reading.Capture(Positions, "pos_embed")] : Array.Empty<CaptureNode>(),
                reading.Constants(Constants),
            ],
            Metrics = [direction.Metric(Measured, at)],
            Gradients = [],
            Parameters = [],
            IsUnanalyzed = true,
        };
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        if (run.Changed(Measured).Axes.Count > 1)
            throw new InterventionException($"{graph.Name} is swept; one run can be attributed at a time.");
        Tensor heads = run.Changed(Heads).Values;  // [layer, batch, pos, head]
        Tensor? mlps = sites.Graph.HasMlps ? run.Changed(Mlps).Values : null; // [layer, batch, pos]
        List<(string Name, Tensor Values)> terms =
        [
            .. sites.Graph.Sources.Select(source => ($"{source}", source.Kind switch
            {
                ComponentKind.Embed => run.Changed(Embed).Values,
                ComponentKind.Head => heads.select(0, source.Layer).select(-1, source.Head),
                _ => mlps!.select(0, source.Layer),
            })),
            .. model.Config.LearnedPositions ? [("pos_embed", run.Changed(Positions).Values)] : Array.Empty<(string, Tensor)>(),
            .. reading.ConstantNames.Select((name, i) => (name, run.Changed(Constants).Values.select(-1, i))),
        ];
        return new LogitTerms(
            direction, [.. terms.Select(term => term.Name)], [.. terms.Select(term => term.Values.Doubles())],
            run.Changed(Measured).Values.Doubles(), areParts: true);
    }
}

/// <summary>How parts of the stream at a position are read as logits, by the last norm's scale of the whole stream.</summary>
/// <param name="Model">The model.</param>
/// <param name="Direction">What is asked of the logits.</param>
/// <param name="At">The position.</param>
internal sealed record FinalReading(DecoderModel Model, LogitDirection Direction, string At)
{
    private const string FinalBias = "ln_final.bias", UnembeddingBias = "unembed.bias";

    /// <summary>A reading by which parts add up.</summary>
    /// <exception cref="InterventionException">The model's logits have a soft cap.</exception>
    public static FinalReading Linear(DecoderModel model, LogitDirection direction, string at) => model.Config.LogitCap is null
        ? new FinalReading(model, direction, at)
        : throw new InterventionException(
            $"{model.Schema.Model} has a soft cap of its logits, so that logits of parts of the stream do not add up.");

    /// <summary>The names of what <see cref="Constants"/> keeps.</summary>
    public ImmutableArray<string> ConstantNames { get; } =
    [
        .. OutputBiases(Model), .. ((string[])[FinalBias, UnembeddingBias]).Where(Model.Weights.ContainsKey),
    ];

    /// <summary>Reads of the last norm's scale, where there is one, and of the answers' tokens.</summary>
    public ImmutableArray<Read> Reads =>
    [
        .. Model.Config.FinalNorm ? [new Read.Of($"ln_final.scale[pos={At}]")] : Array.Empty<Read>(), .. Direction.Tokens,
    ];

    /// <summary>A capture of what a site's values say: <c>[batch, pos, …]</c> without the width.</summary>
    public CaptureNode Capture(string name, string site) => new(
        name, $"{site}[pos={At}]", [new Read.Value(), .. Reads], x => Of(x[0], x[1..]));

    /// <summary>A capture of what biases say, <c>[batch, bias]</c>.</summary>
    public CaptureNode Constants(string name) => new(
        name, $"blocks.{Model.Config.Layers - 1}.resid_post[pos={At}]", [new Read.Value(), .. Reads], x =>
        {
            List<Tensor> terms = [];
            foreach (string bias in OutputBiases(Model))
                terms.Add(Of(Model.Weights[bias].expand_as(x[0]), x[1..]));
            Tensor direction = Direction.Of(Model, Tokens(x[1..]));
            if (ConstantNames.Contains(FinalBias))
                terms.Add(direction.mul(Model.Weights[FinalBias]).sum([-1L]).unsqueeze(-1));
            if (Direction.Bias(Model, Tokens(x[1..])) is { } ofUnembedding)
                terms.Add(ofUnembedding.unsqueeze(-1));
            // Without any bias there is still an axis of them, of length 0.
            return terms.Count > 0 ? cat(terms, -1) : x[0].narrow(-1, 0, 0).squeeze(1);
        });

    /// <summary>What parts of the stream say.</summary>
    /// <param name="values"><c>[batch, pos, …, d_model]</c>, of one position.</param>
    /// <param name="read">The values of <see cref="Reads"/>.</param>
    /// <returns><c>[batch, pos, …]</c>.</returns>
    public Tensor Of(Tensor values, ReadOnlySpan<Tensor> read)
    {
        long[] between = [.. Enumerable.Repeat(1L, (int)values.dim() - 2)];
        Tensor? scale = Model.Config.FinalNorm ? read[0].reshape([values.shape[0], .. between, 1]) : null;
        Tensor direction = Direction.Of(Model, Tokens(read)).reshape([values.shape[0], .. between, values.shape[^1]]);
        return Model.FinalNorm(values, scale, bias: false).mul(direction).sum([-1L]);
    }

    /// <summary>What whole streams say, by the last norm with its own scale, and with all biases.</summary>
    /// <inheritdoc cref="Of"/>
    public Tensor OfWhole(Tensor values, ReadOnlySpan<Tensor> read)
    {
        long[] between = [.. Enumerable.Repeat(1L, (int)values.dim() - 2)];
        Tensor direction = Direction.Of(Model, Tokens(read)).reshape([values.shape[0], .. between, values.shape[^1]]);
        Tensor logits = Model.FinalNorm(values).mul(direction).sum([-1L]);
        return Direction.Bias(Model, Tokens(read)) is { } bias ? logits.plus(bias.reshape([values.shape[0], .. between])) : logits;
    }

    private ReadOnlySpan<Tensor> Tokens(ReadOnlySpan<Tensor> read) => Model.Config.FinalNorm ? read[1..] : read;

    private static IEnumerable<string> OutputBiases(DecoderModel model) =>
        Enumerable.Range(0, model.Config.Layers).Select(layer => $"blocks.{layer}.attn.b_O").Where(model.Weights.ContainsKey);
}
