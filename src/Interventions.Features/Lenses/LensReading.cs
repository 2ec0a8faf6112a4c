using System.Collections.Immutable;
using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What a lens says behind one layer, at one position of one prompt.</summary>
/// <param name="Layer">The layer.</param>
/// <param name="Prompt">The number of the prompt.</param>
/// <param name="Position">The index of the token.</param>
/// <param name="Token">The token there.</param>
/// <param name="Divergence">KL(model ‖ lens) of the next token, in nats.</param>
/// <param name="Rank">How many tokens the lens finds likelier than the one that is asked about; 0 where it is the likeliest.</param>
/// <param name="Tokens">The likeliest tokens, the first one first.</param>
/// <param name="LogProbabilities">Their log-probabilities, in nats.</param>
public sealed record LensCell(
    int Layer, int Prompt, int Position, string Token, double Divergence, int Rank, ImmutableArray<string> Tokens,
    ImmutableArray<double> LogProbabilities);

/// <summary>Prompts seen through a lens, layer by layer and position by position.</summary>
public sealed class LensReading
{
    private LensReading(LensKind kind, string asked, ImmutableArray<LensCell> cells) => (Kind, Asked, Cells) = (kind, asked, cells);

    /// <summary>The lens.</summary>
    public LensKind Kind { get; }

    /// <summary>The token whose rank is kept.</summary>
    public string Asked { get; }

    /// <summary>All cells: prompt by prompt, position by position, layer by layer.</summary>
    public ImmutableArray<LensCell> Cells { get; }

    /// <summary>How many layers there are.</summary>
    public int Layers => Cells[^1].Layer + 1;

    /// <summary>The cells of a position, layer by layer.</summary>
    /// <param name="prompt">The number of the prompt.</param>
    /// <param name="position">The index of the token.</param>
    /// <exception cref="ArgumentException">The position was not asked for.</exception>
    public ImmutableArray<LensCell> this[int prompt, int position] =>
        Cells.Where(cell => cell.Prompt == prompt && cell.Position == position).ToImmutableArray() is { IsEmpty: false } found
            ? found
            : throw new ArgumentException($"Position {position} of prompt {prompt} was not looked at.");

    /// <summary>The mean of KL(model ‖ lens) behind each layer, in nats, over all positions of all prompts.</summary>
    public ImmutableArray<double> Divergences => ByLayer(cells => cells.Average(cell => cell.Divergence));

    /// <summary>The mean rank behind each layer.</summary>
    public ImmutableArray<double> Ranks => ByLayer(cells => cells.Average(cell => cell.Rank));

    /// <summary>How often the token that is asked about is the likeliest behind each layer, from 0 to 1.</summary>
    public ImmutableArray<double> Agreements => ByLayer(cells => cells.Average(cell => cell.Rank == 0 ? 1.0 : 0));

    /// <summary>
    /// Writes a row a cell: <c>prompt, position, token, layer, kl, rank</c>, and each likely token with its log-probability.
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path,
        [
            "prompt", "position", "token", "layer", "kl", "rank",
            .. Enumerable.Range(1, Cells[0].Tokens.Length).SelectMany(place => (string[])[$"top_{place}", $"log_probability_{place}"]),
        ],
        Cells.Select(cell => (string[])
        [
            Text(cell.Prompt), Text(cell.Position), cell.Token, Text(cell.Layer), Exact(cell.Divergence), Text(cell.Rank),
            .. cell.Tokens.Zip(cell.LogProbabilities).SelectMany(likely => (string[])[likely.First, Exact(likely.Second)]),
        ]));

    /// <summary>The likeliest token behind each layer at each position of a prompt: a line a position, a column a layer.</summary>
    /// <param name="prompt">The number of the prompt.</param>
    /// <exception cref="ArgumentException">There is no such prompt.</exception>
    public string Grid(int prompt = 0)
    {
        LensCell[][] positions =
            [.. Cells.Where(cell => cell.Prompt == prompt).GroupBy(cell => cell.Position).Select(one => one.ToArray())];
        if (positions.Length == 0)
            throw new ArgumentException($"There is no prompt {prompt}.", nameof(prompt));
        TextTable table = new(
            [new("pos", true), new("token"), .. Enumerable.Range(0, Layers).Select(layer => new TextColumn($"layer {Text(layer)}"))]);
        foreach (LensCell[] position in positions)
            table.Add(
            [
                Text(position[0].Position), TextTable.Quote(position[0].Token),
                .. position.Select(cell => TextTable.Quote(cell.Tokens[0])),
            ]);
        return table.Print();
    }

    /// <summary>
    /// A line a layer: the mean divergence from the model, how often the token is the likeliest, its mean rank, and what is likeliest at
    /// the last position of the first prompt.
    /// </summary>
    public override string ToString()
    {
        LensCell last = Cells.Last(cell => cell.Prompt == Cells[0].Prompt);
        ImmutableArray<LensCell> shown = this[last.Prompt, last.Position];
        string[] divergences = ShortNumbers.Format(Divergences), ranks = ShortNumbers.Format(Ranks);
        TextTable table = new(
            new("layer", true), new("KL", true), new("first", true), new("rank", true),
            new($"likeliest behind {TextTable.Quote(last.Token)}"));
        for (int layer = 0; layer < Layers; layer++)
            table.Add(
                Text(layer), divergences[layer], Agreements[layer].ToString("0.00", CultureInfo.InvariantCulture), ranks[layer],
                string.Join(' ', shown[layer].Tokens.Select(TextTable.Quote)));
        int positions = Cells.Length / Layers;
        string title = $"{Kind} lens at {TextTable.Count(positions, "position")}: how often {Asked} comes first, and its rank, from 0";
        return TextTable.Wrap(title, 2) + "\n" + table.Print();
    }

    internal static LensReading Of(
        Lens lens, DecoderModel model, IPromptSet prompts, LensQuestion question, RunOptions options, CancellationToken cancellationToken)
    {
        string logits = $"logits[pos={question.At}]";
        // The answer's token, or nothing: then it is the model's own.
        Read[] answer = question.Answer is { } name ? [new Read.AnswerIds(name)] : [];
        InterventionGraph graph = new()
        {
            Name = nameof(Lens),
            Captures =
            [
                .. Enumerable.Range(0, lens.Layers).Select(layer => new CaptureNode(
                    Name(layer), $"blocks.{layer}.resid_post[pos={question.At}]",
                    [new Read.Value(), new Read.Of(logits), .. answer],
                    x => OfPrompts(lens, model, layer, question.Top, x[0], x[1], x.Length > 2 ? x[2] : null))),
            ],
            IsUnanalyzed = true,
        };
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = graph.Run(model, prompts, options with { KeptRuns = [] }, cancellationToken);
        double[][] layers = [.. Enumerable.Range(0, lens.Layers).Select(layer => run.Changed(Name(layer)).Values.Doubles())];
        return new LensReading(
            lens.Kind, question.Answer ?? "the model's likeliest token", [.. Unpacked(layers, model, prompts, question)]);
    }

    private static string Name(int layer) => $"Layer{Text(layer)}";

    /// <summary>What is kept of each prompt, for some prompts at a time: all logits of a batch may be more than fits.</summary>
    private static Tensor OfPrompts(Lens lens, DecoderModel model, int layer, int top, Tensor streams, Tensor logits, Tensor? answer)
    {
        const long LogitsAtOnce = 1 << 24;
        using DisposeScope scope = NewDisposeScope();
        long batch = streams.shape[0], some = Math.Max(1, LogitsAtOnce / (streams.shape[1] * model.VocabularySize));
        List<Tensor> parts = [];
        for (long from = 0; from < batch; from += some)
        {
            long count = Math.Min(some, batch - from);
            using DisposeScope inner = NewDisposeScope();
            parts.Add(Packed(
                lens.Logits(model, layer, streams.narrow(0, from, count)), logits.narrow(0, from, count), answer?.narrow(0, from, count),
                top).MoveToOuterDisposeScope());
        }
        return cat(parts).MoveToOuterDisposeScope();
    }

    /// <summary>Divergence, rank, and the likeliest tokens with their log-probabilities: <c>[batch, pos, 2 + 2 top]</c>, float64.</summary>
    private static Tensor Packed(Tensor lens, Tensor model, Tensor? answer, int top)
    {
        Tensor log = LogProbabilities(lens), expected = LogProbabilities(model);
        Tensor p = expected.exp();
        Tensor divergence = p.mul(expected.sub(log).filled(p.equal_to(0.0), 0)).sum([-1L], keepdim: true);
        Tensor asked = answer is null
            ? expected.argmax(-1, keepdim: true)
            : answer.view(-1, 1, 1).expand(log.shape[0], log.shape[1], 1);
        Tensor rank = log.gt(log.gather(-1, asked)).sum([-1L], keepdim: true);
        (Tensor values, Tensor tokens) = log.topk(top, -1);
        return cat([Double(divergence), Double(rank), Double(values), Double(tokens)], -1);

        static Tensor Double(Tensor tensor) => tensor.to(ScalarType.Float64);

        static Tensor LogProbabilities(Tensor logits) => logits.dtype is ScalarType.Float16 or ScalarType.BFloat16
            ? logits.log_softmax(-1, ScalarType.Float32)
            : logits.log_softmax(-1);
    }

    private static IEnumerable<LensCell> Unpacked(double[][] layers, DecoderModel model, IPromptSet prompts, LensQuestion question)
    {
        int[][] positions = PositionsOf(model, prompts, question.At);
        int width = 2 + (2 * question.Top), longest = positions.Max(places => places.Length);
        foreach ((int prompt, int[] places) in positions.Index())
            foreach ((int place, int position) in places.Index())
                for (int layer = 0; layer < layers.Length; layer++)
                {
                    // Prompts that have fewer of the positions are padded to the longest.
                    ArraySegment<double> cell = new(layers[layer], ((prompt * longest) + place) * width, width);
                    yield return new LensCell(
                        layer, prompt, position, model.TextOf(prompts.Prompts[prompt].Runs[0].Ids[position]), cell[0], (int)cell[1],
                        [.. cell.Slice(2 + question.Top).Select(token => model.TextOf((long)token))], [.. cell.Slice(2, question.Top)]);
                }
    }

    /// <summary>The token indices of each prompt that a path selects, as a run selects them.</summary>
    private static int[][] PositionsOf(DecoderModel model, IPromptSet prompts, string at)
    {
        SiteResolution resolution = SiteResolver.Resolve($"logits[pos={at}]", model.Schema, prompts.Vocabulary).Resolution!;
        Selection selection = resolution.Axes[0].Selection.OfPrompt()!;
        List<string> names = [.. prompts.Vocabulary.Positions];
        return [.. prompts.Prompts.Select(prompt => SiteExpansion.Indices(
            selection, prompt.Runs[0].Ids.Count, name => prompt.Runs[0].Positions[names.IndexOf(name)]).ToArray())];
    }

    private ImmutableArray<double> ByLayer(Func<IEnumerable<LensCell>, double> of) =>
        [.. Cells.GroupBy(cell => cell.Layer).OrderBy(layer => layer.Key).Select(of)];

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Exact(double number) => number.ToString("R", CultureInfo.InvariantCulture);
}
