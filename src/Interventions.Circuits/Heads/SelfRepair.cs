using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// How far later components make up for a head that is knocked out (McGrath et al. 2023, Rushing and Nanda 2024): the change that its own
/// output's logits would bring, against the change that it brings.
/// </summary>
public static class SelfRepair
{
    /// <summary>The names of the scores.</summary>
    public const string Direct = "direct", DirectRescaled = "rescaled", Total = "total", Repair = "repair";

    private const string Measured = "Measured";

    /// <summary>
    /// Knocks out one head at a time at one position. Each score is a change of the metric, so that a head that carries it has negative
    /// ones: <c>direct</c> is that of the head's own direct attribution, with the last norm's scale held; <c>rescaled</c> the same with
    /// that scale computed anew; <c>total</c> the measured one, where everything behind the head is computed anew; <c>repair</c> is total
    /// less direct: what the others add. Where repair has the other sign than direct, later components make up for the head.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="direction">The metric: <c>("IO", "S")</c> is a difference of two answers.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="options">What stands for the head's output, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// A name is not in the prompt set, or what the model's heads write is not simply added to the stream.
    /// </exception>
    public static HeadScores Of(
        DecoderModel model, IPromptSet prompts, LogitDirection direction, string at = "end", CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(direction);
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph metric = Metric(direction, at);
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        FinalReading reading = FinalReading.Linear(model, direction, at);
        int layers = measurement.Sites.Graph.Layers;
        using DisposeScope scope = NewDisposeScope();
        using RunResult direct = measurement.Run(
            metric with { Captures = [.. Enumerable.Range(0, layers).Select(layer => DirectChanges(measurement, reading, layer))] },
            cancellationToken);
        WriteNode knockout = Knockouts.Write("KnockedOut", $"blocks.{{layer}}.attn.z[head={{head}}; pos={at}]", measurement.Options);
        using RunResult total = measurement.Run(metric with { Writes = [knockout] }, cancellationToken);
        IReadOnlyDictionary<string, Tensor> clean = direct.Run(measurement.Clean);
        Tensor changes = stack(Enumerable.Range(0, layers).Select(layer => clean[NameOf(layer)]), 0)
            .permute(3, 0, 2, 1); // [kind, layer, head, batch]
        Tensor measured = total.Changed(Measured).Values.sub(total.Run(measurement.Clean)[Measured]).unsqueeze(0);
        return new HeadScores(
            [Direct, DirectRescaled, Total, Repair], cat([changes, measured, measured.sub(changes.narrow(0, 0, 1))], 0), Ranking.Absolute);
    }

    /// <summary>
    /// Who reacts to a head that is knocked out: the direct attribution of every component without the head, less that with it. The head's
    /// own term is its direct effect with the new scale; the terms of components in front of it change by the scale alone.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; the first run is the clean one.</param>
    /// <param name="direction">The metric: <c>("IO", "S")</c> is a difference of two answers.</param>
    /// <param name="head">The head.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="options">What stands for the head's output, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">The component is no head.</exception>
    /// <exception cref="InterventionException">See <see cref="Of"/>.</exception>
    public static LogitTerms Responses(
        DecoderModel model, IPromptSet prompts, LogitDirection direction, Component head, string at = "end", CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        if (head.Kind != ComponentKind.Head)
            throw new ArgumentException($"'{head}' is no head: a3.h1 is one.", nameof(head));
        ArgumentNullException.ThrowIfNull(direction);
        Measurement measurement = Measurement.Of(model, prompts, Metric(direction, at), options);
        RunOptions run = measurement.Options.Run;
        InterventionGraph knockout = new()
        {
            Name = nameof(SelfRepair),
            Writes = [Knockouts.Write("KnockedOut", $"blocks.{head.Layer}.attn.z[head={head.Head}; pos={at}]", measurement.Options)],
        };
        return DirectAttribution.Of(model, prompts, direction, at, knockout, run, cancellationToken)
            .Minus(DirectAttribution.Of(model, prompts, direction, at, options: run, cancellationToken: cancellationToken));
    }

    private static InterventionGraph Metric(LogitDirection direction, string at) =>
        new() { Name = nameof(SelfRepair), Metrics = [direction.Metric(Measured, at)] };

    /// <summary>What each head's own output would change, by the held scale and by a new one: <c>[batch, head, kind]</c>.</summary>
    private static CaptureNode DirectChanges(Measurement measurement, FinalReading reading, int layer)
    {
        string site = $"blocks.{layer}.attn.result[pos={reading.At}]", last = measurement.Sites.Readers.Last().Site;
        Read[] others = [.. measurement.Options.Replacement()];
        return new CaptureNode(
            NameOf(layer), site, [new Read.Value(), new Read.Of($"{last}[pos={reading.At}]"), .. others, .. reading.Reads], x =>
            {
                ReadOnlySpan<Tensor> read = x[(2 + others.Length)..];
                // [batch, pos, head, d_model]
                Tensor change = others.Length == 0 ? x[0].neg() : x[2].sub(x[0]), stream = x[1].unsqueeze(2);
                Tensor rescaled = reading.OfWhole(stream.plus(change), read).sub(reading.OfWhole(stream, read));
                return stack([reading.Of(change, read), rescaled], -1).squeeze(1);
            });
    }

    private static string NameOf(int layer) => FormattableString.Invariant($"Layer{layer}");
}
