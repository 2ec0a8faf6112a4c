using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Scores of heads by closed forms: patterns and weights that were set by hand.</summary>
public sealed class HeadTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>
    /// Of the four heads, each of the first three does one thing alone. The last one looks everywhere alike, so that query i gives each of
    /// its i + 1 keys 1/(i + 1).
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Hand_set_patterns_have_scores_of_one_and_zero(bool hasFront)
    {
        using HandSetModel model = new();
        RepeatedTokens prompts = RepeatedTokens.Sample(model, count: 3, seed: 4, half: 7, first: hasFront ? 0 : null);
        int front = hasFront ? 1 : 0;
        double uniform = Enumerable.Range(front + 7, 7).Average(query => 1.0 / (query + 1));
        HeadScores scores = AttentionScores.OnRepeatedTokens(model, prompts);
        string[] kinds = [AttentionScores.Previous, AttentionScores.Duplicate, AttentionScores.Induction];
        for (int kind = 0; kind < kinds.Length; kind++)
            for (int head = 0; head < 4; head++)
                Assert.All(scores.OfPrompts(kinds[kind], 0, head), score =>
                    Assert.Equal(head == 3 ? uniform : head == kind ? 1 : 0, score, Tolerance));
        Assert.Equal(Component.OfHead(0, 2), scores.Ranked(AttentionScores.Induction)[0]);
        Assert.Equal((1, 2), (scores.RankOf(AttentionScores.Duplicate, 0, 1), scores.RankOf(AttentionScores.Duplicate, 0, 3)));
    }

    /// <summary>Texts of different length: the parts by counting, with the first key and the diagonal left out or not.</summary>
    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Parts_of_attention_on_texts_are_counted(bool excludeFirst, bool excludeDiagonal)
    {
        using HandSetModel model = new();
        long[][] texts = [[3, 5, 3, 3, 9, 5], [1, 2], [4], [7, 7, 7, 2, 7, 2, 1, 7]];
        ToyPrompts prompts = new([.. texts.Select(text => new PromptTokens([Run(text), Run(text)], [0, 0]))]);
        HeadScores scores = AttentionScores.OnText(model, prompts, excludeFirst, excludeDiagonal, new() { BatchSize = 3 });
        foreach ((int prompt, long[] text) in texts.Index())
        {
            foreach (string kind in scores.Kinds)
                Assert.Equal(Part(text, kind), scores.OfPrompts(kind, 0, 3)[prompt], Tolerance);
            // The heads that do one thing have the whole, as far as their own keys count.
            double ofPrevious = scores.OfPrompts(AttentionScores.Previous, 0, 0)[prompt];
            Assert.InRange(ofPrevious, excludeDiagonal && text.Length > 2 ? 1 - Tolerance : 0, 1 + Tolerance);
        }
        Assert.Throws<ArgumentException>(() => scores["induction head", 0, 0]);

        double Part(long[] text, string kind)
        {
            double fits = 0, all = 0;
            for (int query = 0; query < text.Length; query++)
                for (int key = excludeFirst ? 1 : 0; key <= (excludeDiagonal ? query - 1 : query); key++)
                {
                    double attention = 1.0 / (query + 1);
                    all += attention;
                    bool isTarget = kind switch
                    {
                        AttentionScores.Previous => key == query - 1,
                        AttentionScores.Duplicate => key < query && text[key] == text[query],
                        _ => key > 0 && text[key - 1] == text[query],
                    };
                    fits += isTarget ? attention : 0;
                }
            return all == 0 ? 0 : fits / all;
        }

        static RunTokens Run(long[] ids) => new(ids, [0, ids.Length - 1]);
    }

    [Fact]
    public void Repeated_tokens_fit_the_model_or_are_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2"); // 16 positions, 61 tokens
        RepeatedTokens drawn = RepeatedTokens.Sample(model, count: 4, seed: 2, first: 5);
        Assert.Equal((7, 1, 4), (drawn.Half, drawn.Front, drawn.Prompts.Count));
        Assert.All(drawn.Prompts, prompt =>
        {
            long[] ids = [.. prompt.Runs[0].Ids];
            Assert.Equal(5, ids[0]);
            Assert.Equal(ids[1..8], ids[8..]);
            Assert.Equal(8, ids.Distinct().Count());
        });
        Assert.Equal(
            drawn.Prompts[3].Runs[0].Ids, RepeatedTokens.Sample(model, count: 4, seed: 2, first: 5).Prompts[3].Runs[0].Ids);
        Assert.Contains("8 fit twice", Assert.Throws<ArgumentException>(() => RepeatedTokens.Sample(model, half: 9)).Message);
        Assert.Contains("these repeat 2, 3", Assert.Throws<ArgumentException>(() => RepeatedTokens.Of([[1, 2], [1, 2, 3]])).Message);
    }

    /// <summary>W_OV = I copies, −I writes the opposite, a quarter turn does neither.</summary>
    [Fact]
    public void Copying_is_one_of_identity_minus_one_of_its_opposite_and_zero_of_a_turn()
    {
        Tensor one = eye(4, dtype: ScalarType.Float64);
        Tensor turn = tensor(new double[,] { { 0, -1, 0, 0 }, { 1, 0, 0, 0 }, { 0, 0, 0, -1 }, { 0, 0, 1, 0 } });
        foreach ((Tensor output, double expected) in ((Tensor, double)[])[(one, 1), (-one, -1), (turn, 0), (zeros_like(one), 0)])
        {
            using DecoderModel model = OneHead(value: one, output);
            HeadScores scores = HeadWeights.CopyingScores(model);
            Assert.Equal(expected, scores[HeadWeights.Copying, 0, 0], Tolerance);
            Assert.Equal(expected, scores[HeadWeights.VocabularyCopying, 0, 0], Tolerance);
            using Tensor circuit = HeadWeights.OutputValue(model, 0, 0);
            Assert.Equal(0, Distance.Largest(circuit, output));
        }
    }

    /// <summary>
    /// With identity weights the token's own logit of the head's output is the largest, and of the negated output the smallest.
    /// </summary>
    [Fact]
    public void Copy_ranks_are_first_of_identity_and_last_of_its_opposite()
    {
        Tensor one = eye(4, dtype: ScalarType.Float64);
        ToyPrompts prompts = new([new PromptTokens([new([1, 3, 2], [1, 2]), new([1, 3, 2], [1, 2])], [0, 0])]);
        foreach ((Tensor output, int copying, int negative) in ((Tensor, int, int)[])[(one, 0, 3), (-one, 3, 0)])
        {
            using DecoderModel model = OneHead(value: one, output, layers: 2, isSilentBefore: true);
            CopyRanks ranks = CopyingScores.Ranks(model, prompts, ["end", "mid"]);
            Assert.Equal([2, 1], ranks.Places(0));
            Assert.Equal([copying, copying], ranks.Positive(1, 0, 0));
            Assert.Equal([negative, negative], ranks.Negative(1, 0, 0));
            Assert.Equal(copying == 0 ? 1 : 0, ranks.Among(1)[CopyingScores.Copying, 1, 0]);
        }
        using DecoderModel single = OneHead(one, one);
        Assert.Contains("has one layer", Assert.Throws<InterventionException>(() => CopyingScores.Of(single, prompts)).Message);
        using DecoderModel two = OneHead(one, one, layers: 2);
        Assert.Contains(
            "did you mean 'end'", Assert.Throws<InterventionException>(() => CopyingScores.Of(two, prompts, ["ent"])).Message);
    }

    /// <summary>Heads of rank 1: one that writes what the other reads composes with it wholly, another way not at all.</summary>
    [Fact]
    public void Composition_is_one_along_a_direction_and_zero_across()
    {
        using DecoderModel model = OneHead(zeros(4, 4, dtype: ScalarType.Float64), zeros(4, 4, dtype: ScalarType.Float64), layers: 2);
        using IDisposable mode = no_grad();
        // The earlier head writes e0; the later one asks by e0, is asked by e1, and moves e0 to e2.
        Set(model, 0, "V", 3, 0);
        Output(model, 0, 0, 0);
        Set(model, 1, "Q", 0, 0);
        Set(model, 1, "K", 1, 0);
        Set(model, 1, "V", 0, 0);
        Output(model, 1, 0, 2);
        CompositionScores scores = HeadWeights.Composition(model);
        (Component earlier, Component later) = (Component.OfHead(0, 0), Component.OfHead(1, 0));
        Assert.Equal(1, scores[PortInput.Query, earlier, later], Tolerance);
        Assert.Equal(0, scores[PortInput.Key, earlier, later], Tolerance);
        Assert.Equal(1, scores[PortInput.Value, earlier, later], Tolerance);
        Assert.Equal(0, scores[PortInput.Value, later, earlier], Tolerance);
        using Tensor product = HeadWeights.QueryKey(model, 1, 0);
        Assert.Equal(0.5, product[0, 1].item<double>(), Tolerance); // 1/√4
        Assert.Equal(0.5, product.abs().sum().item<double>(), Tolerance);
        Assert.Throws<ArgumentException>(() => scores[PortInput.All, earlier, later]);
        Assert.Throws<ArgumentException>(() => scores[PortInput.Key, earlier, Component.OfMlp(0)]);
    }

    /// <summary>Composition of random heads, by the products themselves.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Composition_is_the_norm_of_the_product(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        CompositionScores scores = HeadWeights.Composition(model);
        Component earlier = Component.OfHead(0, 3), later = Component.OfHead(2, 1);
        Tensor written = HeadWeights.OutputValue(model, 0, 3), asked = HeadWeights.QueryKey(model, 2, 1);
        Tensor moved = HeadWeights.OutputValue(model, 2, 1);
        Assert.Equal(Ratio(written, asked), scores[PortInput.Query, earlier, later], Tolerance);
        Assert.Equal(Ratio(written, asked.t()), scores[PortInput.Key, earlier, later], Tolerance);
        Assert.Equal(Ratio(written, moved), scores[PortInput.Value, earlier, later], Tolerance);

        static double Ratio(Tensor a, Tensor b) => (a.matmul(b).norm() / (a.norm() * b.norm())).item<double>();
    }

    [Fact]
    public void Scores_print_within_80_columns_and_save_every_number()
    {
        using HandSetModel model = new();
        HeadScores scores = AttentionScores.OnRepeatedTokens(model, RepeatedTokens.Sample(model, half: 5));
        string text = scores.ToString();
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.StartsWith("head  previous  rank  duplicate  rank  induction  rank\n", text);
        Assert.Contains("\n0.2 ", text);
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "scores.csv");
        scores.SaveCsv(path);
        string[] rows = File.ReadAllLines(path);
        Assert.Equal("kind,layer,head,prompt,value", rows[0]);
        Assert.Equal(1 + (3 * 4 * 5), rows.Length);
        Assert.Equal("induction,0,2,4,1", rows[1 + (2 * 4 * 5) + (2 * 5) + 4]);
    }

    [Fact]
    public void Scores_that_do_not_fit_are_refused()
    {
        Assert.Contains("needed is [kind=1", Assert.Throws<ArgumentException>(() => new HeadScores(["a"], zeros(2, 1, 1, 1))).Message);
        Tensor wrong = zeros(1, 2, 2, 1);
        wrong[0, 1, 0, 0] = double.NaN;
        Assert.Contains("The a score of head 1.0 is NaN", Assert.Throws<ArgumentException>(() => new HeadScores(["a"], wrong)).Message);
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using HandSetModel model = new();
        using DecoderModel decoder = SmallDecoders.Model("llama");
        ToyPrompts prompts = ToyPrompts.Random(2, 5, 4);
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            RepeatedTokens repeated = RepeatedTokens.Sample(model, half: 5);
            $"{AttentionScores.OnRepeatedTokens(model, repeated)}{AttentionScores.OnText(model, repeated)}".ToString();
            $"{CopyingScores.Ranks(decoder, prompts)}{HeadWeights.CopyingScores(decoder)}{HeadWeights.Composition(decoder)}".ToString();
        }
    }

    /// <summary>One head a layer, without norms and biases, as wide as the stream, with an embedding and unembedding of identity.</summary>
    private static DecoderModel OneHead(Tensor value, Tensor output, int layers = 1, bool isSilentBefore = false)
    {
        DecoderModel model = DecoderModel.Random(
            AttentionOnlyModel.Configure(layers, heads: 1, d_model: 4, vocabularySize: 4, contextLength: 8), dtype: ScalarType.Float64);
        using IDisposable mode = no_grad();
        foreach (Tensor weight in model.Weights.Values)
            weight.zero_();
        model.Weights["embed.weight"].copy_(eye(4, dtype: ScalarType.Float64));
        model.Weights["unembed.weight"].copy_(eye(4, dtype: ScalarType.Float64));
        for (int layer = isSilentBefore ? layers - 1 : 0; layer < layers; layer++)
        {
            model.Weights[$"blocks.{layer}.attn.W_V"][0] = value;
            model.Weights[$"blocks.{layer}.attn.W_O"][0] = output;
        }
        return model;
    }

    private static void Set(DecoderModel model, int layer, string part, int from, int to) =>
        model.Weights[$"blocks.{layer}.attn.W_{part}"][0, from, to] = 1;

    private static void Output(DecoderModel model, int layer, int from, int to) =>
        model.Weights[$"blocks.{layer}.attn.W_O"][0, from, to] = 1;
}
