using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// How local the residual stream is (Nanda et al. 2023, fact finding): the cosine between a token's stream in its whole context, and in a
/// context of the prompt's first token and the last n tokens alone, both less the layer's mean. Early layers, which put names and words
/// together, need few tokens.
/// </summary>
public sealed class TruncatedContext
{
    private const string Streams = "Streams", All = "all";

    private readonly Dictionary<(string Class, int Layer, int Length), (double Sum, int Count)> _cosines;

    private TruncatedContext(
        int layers, ImmutableArray<int> lengths, Dictionary<(string, int, int), (double, int)> cosines) =>
        (Layers, Lengths, _cosines) = (layers, lengths, cosines);

    /// <summary>The number of layers.</summary>
    public int Layers { get; }

    /// <summary>How many last tokens there are, in the order as they were asked for.</summary>
    public ImmutableArray<int> Lengths { get; }

    /// <summary>The classes of tokens.</summary>
    public IReadOnlyList<string> Classes => [.. _cosines.Keys.Select(key => key.Class).Where(name => name != All).Distinct().Order()];

    /// <summary>The mean cosine of a layer's <c>resid_post</c>, over all tokens.</summary>
    /// <exception cref="ArgumentException">There is no such layer or length, or no prompt is longer.</exception>
    public double this[int layer, int length] => this[All, layer, length];

    /// <summary>The mean cosine of a layer's <c>resid_post</c>, over the tokens of a class.</summary>
    /// <exception cref="ArgumentException">There is no such class, layer or length, or no prompt is longer.</exception>
    public double this[string name, int layer, int length] => _cosines.TryGetValue((name, layer, length), out (double Sum, int Count) found)
        ? found.Sum / found.Count
        : throw new ArgumentException(
            $"There is no token of class '{name}' with more than {length} tokens in front of it, or no layer {layer} of {Layers}.");

    /// <summary>How many tokens a mean is over: those whose context is longer.</summary>
    /// <param name="length">How many last tokens there are.</param>
    public int CountOf(int length) => _cosines.GetValueOrDefault((All, 0, length)).Count;

    /// <summary>Compares the streams of all tokens whose context is longer.</summary>
    /// <param name="model">The model, in which no token looks ahead.</param>
    /// <param name="prompts">The prompts, of which the first run counts; their first token, such as a beginning of sentence, stays.</param>
    /// <param name="lengths">How many last tokens stay; 1 to 10 unless they are given.</param>
    /// <param name="classOf">The class of a token, such as punctuation or a common word; none unless it is given.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="ArgumentException">A length is less than one.</exception>
    /// <exception cref="InterventionException">The model has no site <c>blocks.{layer}.resid_post</c>.</exception>
    public static TruncatedContext Of(
        HookedModel model, IPromptSet prompts, IReadOnlyList<int>? lengths = null, Func<long, string>? classOf = null,
        RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        lengths ??= [.. Enumerable.Range(1, 10)];
        if (lengths.Any(length => length < 1))
            throw new ArgumentException($"At least one token stays, not {lengths.Min()}.", nameof(lengths));
        options ??= new RunOptions();
        using DisposeScope scope = NewDisposeScope();
        // One prompt at a time: of it, every token and length is a prompt of its own.
        PromptPart[] parts = [.. PromptPart.Of(prompts, 1, options)];
        Tensor mean = MeanOf(model, parts, cancellationToken);
        Dictionary<(string, int, int), (double Sum, int Count)> cosines = [];
        foreach (PromptPart part in parts)
        {
            using DisposeScope inner = NewDisposeScope();
            long[] ids = [.. part.Prompts[0].Runs[0].Ids];
            (int Token, int Length)[] cuts =
            [
                .. lengths.SelectMany(length => Enumerable.Range(0, ids.Length).Where(token => token > length)
                    .Select(token => (token, length))),
            ];
            if (cuts.Length == 0)
                continue;
            Tensor whole = Whole(model, part, cancellationToken).index_select(
                1, tensor(cuts.Select(cut => (long)cut.Token).ToArray(), device: model.Device));
            Tensor cut = Ends(model, ids, cuts, part.Options, cancellationToken);
            double[] found = Cosines(whole.sub(mean.unsqueeze(1)), cut.sub(mean.unsqueeze(1))).Doubles();
            foreach ((int layer, double[] ofLayer) in found.Chunk(cuts.Length).Index())
                foreach (((int token, int length), double cosine) in cuts.Zip(ofLayer))
                {
                    Add((All, layer, length), cosine);
                    if (classOf is not null)
                        Add((classOf(ids[token]), layer, length), cosine);
                }
        }
        return new TruncatedContext((int)mean.shape[0], [.. lengths], cosines);

        void Add((string, int, int) key, double cosine)
        {
            (double sum, int count) = cosines.GetValueOrDefault(key);
            cosines[key] = (sum + cosine, count + 1);
        }
    }

    /// <summary>Writes a row a mean: <c>class, layer, length, tokens, cosine</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["class", "layer", "length", "tokens", "cosine"],
        _cosines.OrderBy(mean => mean.Key).Select(mean => (string[])
        [
            mean.Key.Class, Text(mean.Key.Layer), Text(mean.Key.Length), Text(mean.Value.Count),
            (mean.Value.Sum / mean.Value.Count).ToString("R", CultureInfo.InvariantCulture),
        ]));

    /// <summary>A row a layer, a column a length, over all tokens.</summary>
    public override string ToString()
    {
        int[] lengths = [.. Lengths.Where(length => CountOf(length) > 0)];
        TextTable table = new([new TextColumn("layer", true), .. lengths.Select(length => new TextColumn($"n={Text(length)}", true))]);
        for (int layer = 0; layer < Layers; layer++)
            table.Add([Text(layer), .. lengths.Select(length => this[layer, length].ToString("0.000", CultureInfo.InvariantCulture))]);
        return table.Print();
    }

    /// <summary>The mean of each layer's stream over all tokens of all prompts: <c>[layer, d_model]</c>.</summary>
    private static Tensor MeanOf(HookedModel model, PromptPart[] parts, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? sum = null;
        long count = 0;
        foreach (PromptPart part in parts)
        {
            Tensor whole = Whole(model, part, cancellationToken);
            sum = sum is null ? whole.sum([1L]) : sum.plus(whole.sum([1L]));
            count += whole.shape[1];
        }
        return sum!.over(count).MoveToOuterDisposeScope();
    }

    /// <summary>The streams of one prompt: <c>[layer, pos, d_model]</c>.</summary>
    private static Tensor Whole(HookedModel model, PromptPart part, CancellationToken cancellationToken)
    {
        using RunResult run = Capture("blocks.*.resid_post").Run(model, part, part.Options, cancellationToken);
        return run.Run(part.Vocabulary.Runs[0])[Streams].squeeze(1).to(ScalarType.Float64).clone();
    }

    /// <summary>The last token's streams in short contexts: <c>[layer, cut, d_model]</c>.</summary>
    private static Tensor Ends(
        HookedModel model, long[] ids, (int Token, int Length)[] cuts, RunOptions options, CancellationToken cancellationToken)
    {
        PromptVocabulary names = new(
            nameof(TruncatedContext), EquatableArray.Of("clean"), EquatableArray.Of("end"), EquatableArray.Of<string>());
        PromptPart prompts = new(names, 0, [.. cuts.Select(cut => new PromptTokens(
            [new RunTokens([ids[0], .. ids[(cut.Token - cut.Length + 1)..(cut.Token + 1)]], [cut.Length])], []))], options);
        using RunResult run = Capture("blocks.*.resid_post[pos=end]").Run(model, prompts, options, cancellationToken);
        return run.Run("clean")[Streams].squeeze(2).to(ScalarType.Float64).clone();
    }

    private static InterventionGraph Capture(string site) => new()
    {
        Name = nameof(TruncatedContext),
        Captures = [new CaptureNode(Streams, site, [new Read.Value()], x => x[0])],
        IsUnanalyzed = true,
    };

    /// <summary>Cosines along the last axis; 0 where one is 0.</summary>
    private static Tensor Cosines(Tensor a, Tensor b)
    {
        Tensor sizes = a.squared().sum([-1L]).mul(b.squared().sum([-1L])).sqrt();
        return a.mul(b).sum([-1L]).div(sizes.where(sizes.ne(zeros_like(sizes)), ones_like(sizes)));
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
