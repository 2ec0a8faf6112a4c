using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What the model would say if it stopped earlier (nostalgebraist 2020): the residual stream in front of each layer, and the last one,
/// through the last norm and the unembedding.
/// </summary>
public static class LogitLens
{
    private const string Streams = "Streams", Last = "Last", Measured = "Measured";

    /// <summary>
    /// The logits of each stream, normalised by its own statistics: those of <c>blocks.0.resid_pre</c>, …, and last of the stream that the
    /// model itself reads, whose logits are the model's.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns><c>[layer + 1, batch, vocab]</c>; the caller owns it.</returns>
    /// <exception cref="InterventionException">There is no such position.</exception>
    public static Tensor Logits(
        DecoderModel model, IPromptSet prompts, string at = "end", RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph graph = Depths(model, at, [], x => model.Unembed(model.FinalNorm(x[0].squeeze(1))), metric: null);
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        return cat([run.Changed(Streams).Values, run.Changed(Last).Values.unsqueeze(0)], 0).MoveToOuterDisposeScope();
    }

    /// <summary>What each stream says about an answer, normalised by its own statistics.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="direction">What is asked of the logits: <c>("IO", "S")</c> is a difference of two answers.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">A name is not in the prompt set.</exception>
    public static LogitTerms Of(
        DecoderModel model, IPromptSet prompts, LogitDirection direction, string at = "end", RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(direction);
        return Terms(
            model, prompts, direction, at, [.. direction.Tokens],
            x =>
            {
                Tensor logits = model.Unembed(model.FinalNorm(x[0].squeeze(1)));
                Tensor sum = Answer(x[1], 0);
                for (int i = 1; i < direction.Answers.Length; i++)
                    sum = sum.plus(Answer(x[i + 1], i));
                return sum;

                Tensor Answer(Tensor tokens, int i) =>
                    logits.gather(1, tokens.unsqueeze(1)).squeeze(1).times(direction.Answers[i].Weight);
            },
            options, cancellationToken);
    }

    /// <summary>
    /// What has been written so far, attributed: each stream by the scale of the last one, without biases of the last norm and the
    /// unembedding. Differences between depths are the terms of <see cref="DirectAttribution"/> that lie between; the lens has its own
    /// scale at each depth, and is another quantity.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="direction">What is asked of the logits: <c>("IO", "S")</c> is a difference of two answers.</param>
    /// <param name="at">The position: a name, or an index.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">A name is not in the prompt set, or the model's logits have a soft cap.</exception>
    public static LogitTerms Cumulative(
        DecoderModel model, IPromptSet prompts, LogitDirection direction, string at = "end", RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(direction);
        FinalReading reading = FinalReading.Linear(model, direction, at);
        return Terms(
            model, prompts, direction, at, [.. reading.Reads], x => reading.Of(x[0], x[1..]).squeeze(1), options, cancellationToken);
    }

    private static LogitTerms Terms(
        DecoderModel model, IPromptSet prompts, LogitDirection direction, string at, Read[] reads, MethodBody body, RunOptions? options,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph graph = Depths(model, at, reads, body, direction.Metric(Measured, at));
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        Tensor streams = run.Changed(Streams).Values;
        int layers = model.Config.Layers;
        return new LogitTerms(
            direction,
            [.. Enumerable.Range(0, layers).Select(layer => $"blocks.{layer}.resid_pre"), $"blocks.{layers - 1}.resid_post"],
            [
                .. Enumerable.Range(0, layers).Select(layer => streams.select(0, layer).Doubles()),
                run.Changed(Last).Values.Doubles(),
            ],
            run.Changed(Measured).Values.Doubles(), areParts: false);
    }

    /// <summary>Captures of all streams at a position.</summary>
    private static InterventionGraph Depths(DecoderModel model, string at, Read[] reads, MethodBody body, MetricNode? metric)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new InterventionGraph
        {
            Name = nameof(LogitLens),
            Captures =
            [
                new CaptureNode(Streams, $"blocks.*.resid_pre[pos={at}]", [new Read.Value(), .. reads], body),
                new CaptureNode(Last, $"blocks.{model.Config.Layers - 1}.resid_post[pos={at}]", [new Read.Value(), .. reads], body),
            ],
            Metrics = metric is null ? [] : [metric],
            IsUnanalyzed = true,
        };
    }
}
