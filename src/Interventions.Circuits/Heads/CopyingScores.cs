using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Whether a head writes the token that it looks at (<c>copying</c>), or against it (<c>negative</c>): Wang et al. 2022, section 3.1. The
/// stream at a token behind the first block goes through the norm in front of layer 1, the head's values and output, the last norm and
/// the unembedding, as if the head attended to nothing but that token; where is the token itself among all logits?
/// </summary>
public static class CopyingScores
{
    /// <summary>The names of the scores.</summary>
    public const string Copying = "copying", Negative = "negative";

    /// <summary>
    /// The part of positions at which the token itself is among the largest logits: of the head's output, and of the negated output. From
    /// 0 to 1.
    /// </summary>
    /// <param name="model">The model, of two layers at least.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="positions">The named positions of the tokens, such as those of names; all tokens unless they are given.</param>
    /// <param name="top">How many largest logits count.</param>
    /// <param name="options">How to run; the progress is that of the layers, once the streams are there.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass, and between heads.</param>
    /// <exception cref="InterventionException">
    /// There is no such position, the model has one layer, or what its heads write is not simply added to the stream.
    /// </exception>
    public static HeadScores Of(
        DecoderModel model, IPromptSet prompts, IReadOnlyList<string>? positions = null, int top = 5, RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        return Ranks(model, prompts, positions, options, cancellationToken).Among(top);
    }

    /// <summary>Where the token itself is among all logits, at each position: 0 where its logit is the largest.</summary>
    /// <inheritdoc cref="Of"/>
    public static CopyRanks Ranks(
        DecoderModel model, IPromptSet prompts, IReadOnlyList<string>? positions = null, RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        CircuitGraph graph = CircuitGraph.Of(model);
        ArgumentNullException.ThrowIfNull(prompts);
        if (graph.Layers < 2)
            throw new InterventionException(
                $"{model.Schema.Model} has one layer; copying is scored by the stream in front of layer 1.");
        options ??= new RunOptions();
        int[][] places = [.. prompts.Prompts.Select(prompt => Places(prompts.Vocabulary, prompt, positions))];
        using DisposeScope scope = NewDisposeScope();
        (Tensor streams, Tensor tokens) = Streams(model, prompts, places, options, cancellationToken);
        // What the logits have beside the head's output: the bias of the norm through the unembedding, and the unembedding's own.
        Tensor unembedding = model.Weights["W_U"];
        Tensor constant = model.FinalNorm(zeros(1, model.Config.DModel, dtype: streams.dtype, device: streams.device)).matmul(unembedding);
        if (model.Weights.TryGetValue("b_U", out Tensor? bias))
            constant = constant.plus(bias);
        List<int[]> positive = [], negative = [];
        for (int layer = 0; layer < graph.Layers; layer++)
        {
            for (int head = 0; head < graph.Heads; head++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using DisposeScope inner = NewDisposeScope();
                Tensor logits = model.FinalNorm(HeadWeights.Written(model, layer, head, streams), bias: false).matmul(unembedding);
                positive.Add(RanksOf(logits.plus(constant), tokens));
                negative.Add(RanksOf(constant.sub(logits), tokens));
            }
            options.Progress?.Report(new RunProgress(layer + 1, graph.Layers));
        }
        return new CopyRanks(graph.Layers, graph.Heads, places, [.. positive.SelectMany(x => x)], [.. negative.SelectMany(x => x)]);
    }

    /// <summary>
    /// The streams in front of layer 1, behind its norm, at all places of all prompts one after the other, and the tokens there.
    /// </summary>
    private static (Tensor Streams, Tensor Tokens) Streams(
        DecoderModel model, IPromptSet prompts, int[][] places, RunOptions options, CancellationToken cancellationToken)
    {
        string site = model.Config.NormsBefore ? "blocks.1.ln1.normalized" : "blocks.1.resid_pre";
        InterventionGraph graph = new()
        {
            Name = nameof(CopyingScores),
            Captures = [new CaptureNode(nameof(Streams), site, [new Read.Value()], x => x[0])],
            IsUnanalyzed = true,
        };
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        Tensor streams = run.Run(prompts.Vocabulary.Runs[0])[nameof(Streams)];
        long[] ids = [.. prompts.Prompts.SelectMany((prompt, i) => places[i].Select(place => prompt.Runs[0].Ids[place]))];
        return (
            cat([.. places.Select((at, i) => streams.select(0, i).index_select(
                0, tensor(at.Select(place => (long)place).ToArray(), device: streams.device)))], 0),
            tensor(ids, device: streams.device));
    }

    /// <summary>How many logits are larger than each row's own token's.</summary>
    private static int[] RanksOf(Tensor logits, Tensor tokens) =>
        [.. logits.gt(logits.gather(1, tokens.unsqueeze(1))).sum([1L]).to(ScalarType.Int32).cpu().data<int>()];

    /// <summary>The places of named positions in a prompt; all places where none are named.</summary>
    private static int[] Places(PromptVocabulary names, PromptTokens prompt, IReadOnlyList<string>? positions)
    {
        if (positions is null)
            return [.. Enumerable.Range(0, prompt.Runs[0].Ids.Count)];
        string[] known = [.. names.Positions];
        return [.. positions.Select(position => VocabularyResolver.UnknownPosition(position, names) is { } problem
            ? throw new InterventionException($"{nameof(CopyingScores)}: {problem.Message}")
            : prompt.Runs[0].Positions[Array.IndexOf(known, position)])];
    }
}

/// <summary>
/// Where tokens are among the logits of a head's output, see <see cref="CopyingScores.Ranks"/>: 0 is the largest logit.
/// </summary>
public sealed class CopyRanks
{
    private readonly int[][] _places;
    private readonly int[] _firsts, _positive, _negative;

    internal CopyRanks(int layers, int heads, int[][] places, int[] positive, int[] negative)
    {
        (Layers, Heads, _places, _positive, _negative) = (layers, heads, places, positive, negative);
        _firsts = new int[places.Length + 1];
        for (int prompt = 0; prompt < places.Length; prompt++)
            _firsts[prompt + 1] = _firsts[prompt] + places[prompt].Length;
    }

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>The number of query heads of a layer.</summary>
    public int Heads { get; }

    /// <summary>The number of prompts.</summary>
    public int PromptCount => _places.Length;

    /// <summary>The places in a prompt whose tokens are looked at.</summary>
    public IReadOnlyList<int> Places(int prompt) => _places[prompt];

    /// <summary>The ranks by the head's output, one for each of <see cref="Places"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head or prompt.</exception>
    public IReadOnlyList<int> Positive(int layer, int head, int prompt) => Of(_positive, layer, head, prompt).ToArray();

    /// <summary>The ranks by the head's negated output, one for each of <see cref="Places"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head or prompt.</exception>
    public IReadOnlyList<int> Negative(int layer, int head, int prompt) => Of(_negative, layer, head, prompt).ToArray();

    /// <summary>The part of positions of each prompt at which the rank is below a number.</summary>
    /// <param name="top">The number; 5 in the paper.</param>
    public HeadScores Among(int top)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(top, 1);
        double[] hits = [.. ((int[][])[_positive, _negative]).SelectMany(ranks =>
            from layer in Enumerable.Range(0, Layers)
            from head in Enumerable.Range(0, Heads)
            from prompt in Enumerable.Range(0, PromptCount)
            select Part(Of(ranks, layer, head, prompt)))];
        using Tensor values = tensor(hits, [2, Layers, Heads, PromptCount]);
        return new HeadScores([CopyingScores.Copying, CopyingScores.Negative], values);

        double Part(ReadOnlySpan<int> ranks)
        {
            int found = 0;
            foreach (int rank in ranks)
                found += rank < top ? 1 : 0;
            return (double)found / ranks.Length;
        }
    }

    /// <summary>The scores of the five largest ranks, see <see cref="Among"/>, as a table.</summary>
    public override string ToString() => Among(5).ToString();

    private ReadOnlySpan<int> Of(int[] ranks, int layer, int head, int prompt)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
        ArgumentOutOfRangeException.ThrowIfNegative(head);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(head, Heads);
        ArgumentOutOfRangeException.ThrowIfNegative(prompt);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(prompt, PromptCount);
        return ranks.AsSpan((((layer * Heads) + head) * _firsts[^1]) + _firsts[prompt], _places[prompt].Length);
    }
}
