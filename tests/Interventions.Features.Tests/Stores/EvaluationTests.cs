using System.Globalization;
using System.Text.Json;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Stores;

/// <summary>A dictionary in a model, measured on contexts.</summary>
public sealed class EvaluationTests : IDisposable
{
    private const string Folder = "reference/features/splicing", Site = "blocks.1.resid_pre";

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [SharedFact(Folder)]
    public void Losses_divergence_and_statistics_are_the_references()
    {
        using Golden golden = new();
        DictionaryEvaluation all = golden.Evaluate(new() { LeftOut = LeftOut.Nothing });
        Dictionary<string, double> ours = new()
        {
            ["loss_clean"] = all.CleanLoss,
            ["loss_spliced"] = all.SplicedLoss,
            ["loss_zero_ablation"] = all.ZeroLoss,
            ["loss_mean_ablation"] = all.MeanLoss,
            ["loss_recovered_zero"] = all.LossRecovered,
            ["loss_recovered_mean"] = all.LossRecoveredFromMean,
            ["loss_increase"] = all.LossIncrease,
            ["kl_clean_to_spliced"] = all.KullbackLeibler,
            ["l0"] = all.Metrics.L0,
            ["explained_variance"] = all.Metrics.ExplainedVariance,
        };
        DictionaryEvaluation later = golden.Evaluate(new() { LeftOut = LeftOut.Nothing with { First = 1 } });
        ours["l0_without_position_0"] = later.Metrics.L0;
        ours["explained_variance_without_position_0"] = later.Metrics.ExplainedVariance;
        ours["loss_clean"] = later.CleanLoss;
        DictionaryEvaluation from2 = golden.Evaluate(new() { LeftOut = LeftOut.Nothing, FirstTarget = 2 });
        ours["loss_recovered_zero_targets_from_2"] = from2.LossRecovered;
        Assert.Equal(golden.Values["loss_per_target.spliced"][.., 1..].mean().item<double>(), from2.SplicedLoss, 1e-9);
        Assert.All(ours, pair => Assert.Equal(golden.Json.GetProperty(pair.Key).GetDouble(), pair.Value, 1e-9));
    }

    /// <summary>What is left out keeps the model's value: against the stored logits.</summary>
    [SharedFact(Folder)]
    public void A_position_that_is_left_out_keeps_its_value()
    {
        using Golden golden = new();
        DictionaryEvaluation evaluation = golden.Evaluate(new() { LeftOut = LeftOut.Nothing with { First = 1 } });
        Tensor logits = golden.Values["logits.spliced_skipping_position_0"], clean = golden.Values["logits.clean"];
        Assert.Equal(Loss(logits, golden.Tokens), evaluation.SplicedLoss, 1e-9);
        Tensor divergence = (clean.log_softmax(-1).exp() * (clean.log_softmax(-1) - logits.log_softmax(-1))).sum(-1).mean();
        Assert.Equal(divergence.item<double>(), evaluation.KullbackLeibler, 1e-9);
        // By its token, the same position is left out.
        Assert.Equal(
            evaluation with { LeftOut = "" }, golden.Evaluate(new() { LeftOut = LeftOut.Nothing with { Tokens = [52] } }) with
            {
                LeftOut = "",
                Metrics = evaluation.Metrics,
            });
    }

    /// <summary>Against plain code: a model of heads, contexts of several lengths, and a site whose value has two axes.</summary>
    [Theory]
    [InlineData("gpt2", "blocks.1.attn.z", null)]
    [InlineData("llama", "blocks.2.mlp_out", null)]
    [InlineData("gpt2", "blocks.1.ln2.normalized", "blocks.1.mlp_out")]
    public void Losses_are_those_of_plain_code(string family, string site, string? target)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        string replaced = target ?? site;
        using Sae sae = Dictionary(site.EndsWith("attn.z", StringComparison.Ordinal), target is not null);
        Corpus corpus = TinyCorpora.Random(11, seed: 4);
        LeftOut leftOut = new() { First = 1, Tokens = [3, 30] };
        DictionaryEvaluation evaluation = DictionaryEvaluation.Of(
            model, corpus, sae, site, new() { LeftOut = leftOut, Target = target });

        Tensor values = StoreTests.Naive(model, corpus, replaced, leftOut), mean = values.mean([0L]);
        double[] losses = new double[4];
        int targets = 0;
        foreach (IReadOnlyList<long> context in corpus.Contexts.Where(context => context.Count > 1))
        {
            Tensor ids = tensor(context.ToArray()).unsqueeze(0);
            Tensor kept = tensor(context.Select((token, i) => i > 0 && token is not (3 or 30)).ToArray());
            Tensor encoded = SmallDecoders.Read(model, ids, site);
            Func<Tensor, Tensor>[] writes =
            [
                x => x, x => sae.Reconstruct(encoded), x => zeros_like(x), x => mean.view(x.shape[2..]).expand_as(x),
            ];
            for (int i = 0; i < writes.Length; i++)
            {
                Func<Tensor, Tensor> write = writes[i];
                Tensor logits = SmallDecoders.Read(model, ids, "logits", (replaced, x => where(
                    kept.view([1, -1, .. x.shape[2..].Select(_ => 1L)]), write(x), x)));
                losses[i] += Loss(logits, ids) * (context.Count - 1);
            }
            targets += context.Count - 1;
        }
        double[] ours = [evaluation.CleanLoss, evaluation.SplicedLoss, evaluation.ZeroLoss, evaluation.MeanLoss];
        Assert.All(losses.Zip(ours), pair => Assert.Equal(pair.First / targets, pair.Second, 1e-9));
        Assert.Equal(values.shape[0], evaluation.Positions);
        Tensor x = StoreTests.Naive(model, corpus, site, leftOut);
        Tensor shaped = sae.Config.FlattensHeads ? x.view(-1, 4, 8) : x, features = sae.Encode(shaped);
        SaeMetrics metrics = SaeMetrics.Of(values, features, sae.Decode(features, shaped).reshape(values.shape));
        Assert.Equal(metrics.ExplainedVariance, evaluation.Metrics.ExplainedVariance, 1e-9);
        Assert.Equal(metrics.RelativeBias, evaluation.Metrics.RelativeBias, 1e-9);
        Assert.Equal(metrics.MeanOfExplainedVariances, evaluation.Metrics.MeanOfExplainedVariances, 1e-9);
        Assert.Equal(metrics.ExplainedVarianceOfResidual, evaluation.Metrics.ExplainedVarianceOfResidual, 1e-9);
        Assert.Equal(metrics.Frequencies, evaluation.Metrics.Frequencies);
    }

    [Fact]
    public void Batches_change_nothing_and_some_contexts_are_the_first_ones()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = Dictionary();
        long[][] tokens = TinyCorpora.Tokens(9);
        List<RunProgress> progress = [];
        DictionaryEvaluation one = Evaluate(Corpus.OfTokens(tokens), 1), many = Evaluate(Corpus.OfTokens(tokens), 7);
        Assert.Equal(one.SplicedLoss, many.SplicedLoss, 1e-12);
        Assert.Equal(one.Metrics.ExplainedVariance, many.Metrics.ExplainedVariance, 1e-12);
        int long_enough = tokens.Count(context => context.Length > 1);
        Assert.Equal(long_enough, many.Contexts);
        Assert.Equal(new RunProgress(2 * long_enough, 2 * long_enough), progress[^1]);
        DictionaryEvaluation few = Evaluate(Corpus.OfTokens(tokens.Where(context => context.Length > 1).Take(3)), 2);
        DictionaryEvaluation first = DictionaryEvaluation.Of(
            model, Corpus.OfTokens(tokens), sae, "blocks.1.resid_post", new() { Contexts = 3, BatchSize = 2 });
        Assert.Equal((few.Contexts, few.CleanLoss, few.ZeroLoss), (first.Contexts, first.CleanLoss, first.ZeroLoss));

        long before = LiveTensors.Count();
        Evaluate(Corpus.OfTokens(tokens), 2);
        Assert.Equal(before, LiveTensors.Count());

        DictionaryEvaluation Evaluate(Corpus corpus, int batch) => DictionaryEvaluation.Of(
            model, corpus, sae, "blocks.1.resid_post", new() { BatchSize = batch, Progress = new Told(progress.Add) });
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = Dictionary(), transcoder = Dictionary(isTranscoder: true);
        Corpus corpus = TinyCorpora.Random(3);
        Assert.Contains("does not say its site: give it", Refused(sae, null, new()));
        Assert.Contains("reconstructs another site: name it, EvaluationOptions.Target", Refused(transcoder, Site, new()));
        Assert.Contains("is no transcoder, and EvaluationOptions.Target", Refused(sae, Site, new() { Target = "blocks.2.mlp_out" }));
        Assert.Contains("did you mean", Refused(sae, "blocks.1.resid_pst", new()));
        Assert.Contains("no positions but those that are left out", Refused(sae, Site, new() { LeftOut = new() { First = 99 } }));

        string Refused(Sae of, string? site, EvaluationOptions options) =>
            Assert.Throws<InterventionException>(() => DictionaryEvaluation.Of(model, corpus, of, site, options)).Message;
    }

    [Fact]
    public void Features_are_counted_by_how_often_they_are_active()
    {
        double[] frequencies = [0, 0, 0.00001, 0.0002, 0.002, 0.02, 0.025, 0.1, 0.5, 1];
        DictionaryEvaluation evaluation = Made(frequencies);
        Assert.Equal([0, 1], evaluation.DeadFeatures);
        Assert.Equal([2], evaluation.RareFeatures);
        Assert.Equal([7, 8, 9], evaluation.DenseFeatures);
        Assert.Equal(
            [(-5, 1), (-4.5, 0), (-4, 1), (-3.5, 0), (-3, 1), (-2.5, 0), (-2, 2), (-1.5, 0), (-1, 1), (-0.5, 2)],
            evaluation.Histogram.Select(bin => (bin.From, bin.Features)));
        Assert.Empty(Made([0, 0]).Histogram);
        Assert.Equal([(-0.5, 1)], Made([1]).Histogram.Select(bin => (bin.From, bin.Features)));
        Snapshot.Verify(evaluation.ToString());

        using TemporaryFolder folder = new();
        evaluation.SaveCsv(folder["evaluation.csv"]);
        string[] lines = File.ReadAllLines(folder["evaluation.csv"]);
        Assert.Equal("metric,feature,value", lines[0]);
        Assert.Contains($"loss recovered,,{evaluation.LossRecovered.ToString("R", CultureInfo.InvariantCulture)}", lines);
        Assert.Equal("frequency,9,1", lines[^1]);
    }

    private static DictionaryEvaluation Made(double[] frequencies) => new()
    {
        Dictionary = "TopK dictionary of 10 features, 4 wide",
        Site = "blocks.6.resid_post",
        LeftOut = "the first position and tokens 0, 2",
        Contexts = 64,
        Positions = 8128,
        CleanLoss = 3.25,
        SplicedLoss = 3.5,
        ZeroLoss = 9.75,
        MeanLoss = 7.125,
        KullbackLeibler = 0.2625,
        Metrics = new SaeMetrics
        {
            L0 = 32,
            L1 = 60,
            SquaredError = 12.5,
            RelativeError = 0.2,
            ExplainedVariance = 0.8125,
            MeanOfExplainedVariances = 0.8,
            ExplainedVarianceOfResidual = 0.82,
            CosineSimilarity = 0.9,
            NormRatio = 0.95,
            RelativeBias = 0.975,
            Frequencies = frequencies,
        },
    };

    /// <summary>A dictionary of random directions for values 32 wide.</summary>
    private static Sae Dictionary(bool flattensHeads = false, bool isTranscoder = false)
    {
        using Generator generator = new(5, CPU);
        Tensor rows = nn.functional.normalize(randn([48, 32], ScalarType.Float64, generator: generator));
        return new Sae(
            new SaeConfig { FlattensHeads = flattensHeads, IsTranscoder = isTranscoder, SubtractsDecoderBias = !isTranscoder },
            new SaeWeights
            {
                Encoder = rows.t().contiguous(),
                EncoderBias = full([48], -0.1, ScalarType.Float64),
                Decoder = rows * 0.4,
                DecoderBias = randn([32], ScalarType.Float64, generator: generator) * 0.1,
            });
    }

    private static double Loss(Tensor logits, Tensor ids) => nn.functional.cross_entropy(
        logits.narrow(1, 0, ids.shape[1] - 1).flatten(0, 1), ids.narrow(1, 1, ids.shape[1] - 1).flatten()).item<double>();

    private sealed class Told(Action<RunProgress> tell) : IProgress<RunProgress>
    {
        public void Report(RunProgress value) => tell(value);
    }

    /// <summary>The reference's model, dictionary, tokens and values.</summary>
    private sealed class Golden : IDisposable
    {
        private readonly DecoderModel _model = DecoderModel.Load(SharedData.Path("reference/features/model"), ScalarType.Float64);
        private readonly Sae _sae = Sae.Load(SharedData.Path($"{Folder}/sae"), ScalarType.Float64);

        public Dictionary<string, Tensor> Values { get; } = SafeTensors.Load(SharedData.Path($"{Folder}/splicing.safetensors"));

        public JsonElement Json { get; } = JsonDocument.Parse(File.ReadAllText(SharedData.Path($"{Folder}/splicing.json"))).RootElement;

        public Tensor Tokens => Values["tokens"];

        public DictionaryEvaluation Evaluate(EvaluationOptions options) => DictionaryEvaluation.Of(
            _model, Corpus.OfTokens(Tokens.data<long>().ToArray().Chunk((int)Tokens.shape[1])), _sae, Site, options);

        public void Dispose()
        {
            _model.Dispose();
            _sae.Dispose();
        }
    }
}
