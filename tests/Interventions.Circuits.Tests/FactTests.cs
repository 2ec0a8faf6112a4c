using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Methods that find where facts are looked up.</summary>
public sealed class FactTests : IDisposable
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6, 5);

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>A sum has none, an AND has 1, the larger of two -1.</summary>
    [Fact]
    public void Excess_of_sums_and_gates_is_known()
    {
        Tensor a = tensor(new double[] { 0, 1 }).unsqueeze(1), b = tensor(new double[] { 0, 1 }).unsqueeze(0);
        Assert.Equal(0, NonlinearExcess.Of((3 * a) - (2 * b) + 5).abs().max().item<double>(), Tolerance);
        Assert.Equal(1, NonlinearExcess.Of((a + b - 1).relu())[1, 1].item<double>(), Tolerance);
        Assert.Equal(-1, NonlinearExcess.Of(maximum(a.expand(2, 2), b.expand(2, 2)))[1, 1].item<double>(), Tolerance);
        Assert.Throws<ArgumentException>(() => NonlinearExcess.Of(a));
    }

    /// <summary>The four means, counted one by one, of several values at once.</summary>
    [Fact]
    public void Excess_is_that_of_four_means()
    {
        Tensor values = randn([4, 3, 2], ScalarType.Float64), excess = NonlinearExcess.Of(values);
        for (int first = 0; first < 4; first++)
            for (int last = 0; last < 3; last++)
                for (int i = 0; i < 2; i++)
                {
                    double own = 0, sameLast = 0, sameFirst = 0, neither = 0;
                    for (int f = 0; f < 4; f++)
                        for (int l = 0; l < 3; l++)
                        {
                            double value = values[f, l, i].item<double>();
                            (own, sameLast, sameFirst, neither) = (f == first, l == last) switch
                            {
                                (true, true) => (value, sameLast, sameFirst, neither),
                                (false, true) => (own, sameLast + (value / 3), sameFirst, neither),
                                (true, false) => (own, sameLast, sameFirst + (value / 2), neither),
                                _ => (own, sameLast, sameFirst, neither + (value / 6)),
                            };
                        }
                    Assert.Equal(own - sameLast - sameFirst + neither, excess[first, last, i].item<double>(), Tolerance);
                }
    }

    /// <summary>
    /// At the last position, the embedding has nothing of the token before, so that there is no excess; behind attention there is. Prompts
    /// may come in any order.
    /// </summary>
    [Fact]
    public void Excess_of_a_site_is_that_of_its_values()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        (int First, int Last)[] pairs = [.. Enumerable.Range(0, 6).Select(i => (i / 2, i % 2)).Reverse()];
        ToyPrompts prompts = new([.. pairs.Select(pair => Prompt(10 + pair.First, 20 + pair.Last))]);
        using Tensor ofEmbedding = NonlinearExcess.Of(model, prompts, "embed[pos=end]", pairs);
        Assert.Equal([3, 2, 32], ofEmbedding.shape);
        Assert.InRange(ofEmbedding.abs().max().item<double>(), 0, Tolerance);
        using Tensor behind = NonlinearExcess.Of(model, prompts, "blocks.1.mlp.post[pos=end]", pairs);
        using RunResult run = Intervention.On(model).Capture("Post", "blocks.1.mlp.post[pos=end]")
            .Run(new ToyPrompts([.. prompts.Prompts.Reverse()]));
        using Tensor expected = NonlinearExcess.Of(run["Post"].Values.view(3, 2, -1));
        Assert.InRange(Distance.Largest(behind, expected), 0, Tolerance);
        Assert.True(behind.abs().max().item<double>() > 1e-3);
        Assert.Contains("of the combination (0, 1)", Assert.Throws<ArgumentException>(() =>
            NonlinearExcess.Of(model, prompts, "embed[pos=end]", [.. pairs.Select(pair => pair == (0, 1) ? (0, 0) : pair)])).Message);
        Assert.Contains("one position", Assert.Throws<InterventionException>(() =>
            NonlinearExcess.Of(model, prompts, "embed", pairs)).Message);
    }

    /// <summary>Three neurons by hand: one whose excess is its input's, one that makes an AND, one that loses.</summary>
    [Fact]
    public void The_share_of_ands_is_counted_by_hand()
    {
        Tensor pre = Row(2, -1, 3), post = Row(2, 4, 1), effect = Row(1, 0.5, 2);
        Assert.Equal(2.0 / 6, NonlinearExcess.ShareOfAnds(pre, post, effect).item<double>(), Tolerance);
        Assert.Throws<ArgumentException>(() => NonlinearExcess.ShareOfAnds(pre, post, effect.narrow(0, 0, 2)));
    }

    /// <summary>0 of a sum; by hand of a lookup; of a model's embedding 0, behind its blocks not.</summary>
    [Fact]
    public void Linearity_is_broken_where_a_value_is_no_sum()
    {
        (Tensor a, Tensor b, Tensor first, Tensor second) = (Row(1, -2, 5), Row(0, 3, 1), Row(4, 4, -1), Row(2, -7, 0));
        Tensor other = Row(9, 8, 7), none = zeros(2, dtype: ScalarType.Float64);
        Assert.Equal(
            0, LinearityBreaking.Of(a + first, b + second, a + second, b + first, other, other).item<double>(), Tolerance);
        // Midpoints (2, 0), (0, 0) and (1, 2): distances 2 and √(1 + 4).
        Assert.Equal(
            2 / Math.Sqrt(5), LinearityBreaking.Of(Row(4, 0), none, none, none, Row(2, 4), none).item<double>(), Tolerance);

        using DecoderModel model = SmallDecoders.Model("gpt2");
        ToyPrompts prompts = new(Prompt(1, 2), Prompt(3, 4), Prompt(1, 4), Prompt(3, 2), Prompt(7, 8), Prompt(9, 10));
        SwappedNames[] names = [new(0, 1, 2, 3, 4, 5), new(1, 0, 3, 2, 5, 4)];
        Assert.All(LinearityBreaking.Of(model, prompts, "embed[pos=end]", names), ratio => Assert.Equal(0, ratio, Tolerance));
        var behind = LinearityBreaking.Of(model, prompts, "blocks.2.mlp_out[pos=end]", names);
        Assert.True(behind[0] > 0.01);
        Assert.Equal(behind[0], behind[1], Tolerance);
        Assert.Throws<ArgumentException>(() => LinearityBreaking.Of(model, prompts, "embed[pos=end]", [new(0, 1, 2, 3, 4, 6)]));
    }

    /// <summary>Every path against a naive run in which one block's input is written by hand.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("gpt_neox")]
    public void Paths_between_blocks_are_those_of_single_runs(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").KullbackLeibler("clean").Graph;
        AblationEffects effects = MlpPaths.Of(model, s_prompts, metric, at: "mid");
        Assert.Equal(["m0->m1", "m0->m2", "m1->m2"], effects.Names);
        using RunResult values = Intervention.On(model).Capture("Out", "blocks.*.mlp_out[pos=mid]").Run(s_prompts);
        Tensor means = values["Out"].Values.mean([1L, 2L]);
        foreach ((int source, int target) in ((int, int)[])[(0, 1), (0, 2), (1, 2)])
        {
            using RunResult run = Intervention.On(model)
                .Patch(
                    $"blocks.{target}.mlp_in[pos=mid]", (x, written) => x + (means[source] - written),
                    from: Reads.From("clean", $"blocks.{source}.mlp_out[pos=mid]"))
                .LogitDifference("correct", "wrong").KullbackLeibler("clean").Run(s_prompts, new() { Naive = true });
            foreach (string name in effects.Metrics)
                Assert.All(effects.OfPrompts(name, $"m{source}->m{target}").Zip(run[name].Change.data<double>()), pair =>
                    Assert.Equal(pair.Second, pair.First, Tolerance));
        }
        // Over one prompt, the mean is its own value.
        ToyPrompts one = s_prompts.Only(2);
        AblationEffects none = MlpPaths.Of(model, one, metric, layers: [0, 2], at: "mid");
        Assert.Equal(["m0->m2"], none.Names);
        Assert.Equal(0, none["LogitDifference", "m0->m2"], Tolerance);
        AblationEffects others = MlpPaths.Of(model, one, metric, layers: [0, 2], at: "mid", over: s_prompts);
        Assert.Equal(effects.OfPrompts("LogitDifference", "m0->m2")[2], others["LogitDifference", "m0->m2"], Tolerance);
        Assert.Contains("of 0 to 2", Assert.Throws<InterventionException>(() => MlpPaths.Of(model, one, metric, layers: [1, 3])).Message);
    }

    /// <summary>Neurons by a built-in mean, one at a time.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    public void Mean_ablation_of_a_neuron_is_that_of_a_built_in_mean(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Graph;
        AblationEffects effects = NeuronAblation.Mean(model, s_prompts, metric, layer: 1, neurons: [3, 0, 17], at: "mid");
        Assert.Equal(["1.3", "1.0", "1.17"], effects.Names);
        foreach (int neuron in (int[])[3, 0, 17])
        {
            using RunResult run = Intervention.On(model).Mean($"blocks.1.mlp.post[neuron={neuron}; pos=mid]")
                .LogitDifference("correct", "wrong").Run(s_prompts);
            Assert.All(effects.OfPrompts("LogitDifference", $"1.{neuron}").Zip(run["LogitDifference"].Change.data<double>()), pair =>
                Assert.Equal(pair.Second, pair.First, Tolerance));
        }
        int all = NeuronAblation.Mean(model, s_prompts.Only(0, 1), metric, layer: 0).Names.Count;
        Assert.Equal(family == "gpt2" ? 128 : 40, all);
    }

    /// <summary>With as many draws as there are other prompts, each is drawn once: the mean of runs with their values, by hand.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(32)]
    public void Resampling_all_other_prompts_is_the_mean_over_them(int batchSize)
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        // Two prompts share their first answer, so that neither is another one for the other.
        PromptTokens[] given = [.. s_prompts.Prompts];
        ToyPrompts prompts = new([given[0], given[1] with { Answers = [given[0].Answers[0], given[1].Answers[1]] }, given[2], given[3]]);
        Assert.Equal(3, prompts.Prompts.Select(prompt => prompt.Answers[0]).Distinct().Count());
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Graph;
        AblationEffects effects = NeuronAblation.Resample(
            model, prompts, metric, layer: 1, neurons: [5, 2], draws: 6, options: new() { BatchSize = batchSize });
        using RunResult values = Intervention.On(model).Capture("Post", "blocks.1.mlp.post[pos=end]").Run(prompts);
        double[] activations = [.. values["Post"].Values.select(-1, 5).flatten().data<double>()];
        for (int prompt = 0; prompt < 4; prompt++)
        {
            long own = prompts.Prompts[prompt].Answers[0];
            int[] others = [.. Enumerable.Range(0, 4).Where(other => prompts.Prompts[other].Answers[0] != own)];
            double expected = others.Average(other =>
            {
                using RunResult run = Intervention.On(model)
                    .Patch("blocks.1.mlp.post[neuron=5; pos=end]", x => full_like(x, activations[other]))
                    .LogitDifference("correct", "wrong").Run(prompts.Only(prompt));
                return run["LogitDifference"].Change.item<double>();
            });
            // Two others are drawn three times each, three others twice each.
            Assert.Equal(expected, effects.OfPrompts("LogitDifference", "1.5")[prompt], Tolerance);
        }
        Assert.Contains("has no other prompt with another first answer", Assert.Throws<InterventionException>(() =>
            NeuronAblation.Resample(model, prompts.Only(0, 1), metric, layer: 1, neurons: [5])).Message);
    }

    [Fact]
    public void Correlations_of_effects_are_pearsons()
    {
        AblationEffects effects = new(
            "neuron", ["0.0", "0.1", "0.2"],
            new Dictionary<string, double[][]> { ["M"] = [[1, 2, -1, 4], [2, 4, -2, 4], [4, 8, -4, 4]] },
            new Dictionary<string, double[]> { ["M"] = [0, 0, 0, 0] });
        Assert.Equal(1, effects.Correlation("M", 0, 1), Tolerance);
        Assert.Equal(-1, effects.Correlation("M", 0, 2), Tolerance);
        Assert.Equal(0, effects.Correlation("M", 0, 3), Tolerance);
        Assert.Equal("0.2", effects.Ranked("M")[0]);
        Assert.Contains("did you mean '0.2'", Assert.Throws<ArgumentException>(() => effects["M", "0.22"]).Message);
        Assert.StartsWith("neuron", $"{effects}");
    }

    /// <summary>
    /// A stream that attention does not reach is that of any context with the same position; here positions count for nothing. Otherwise
    /// cosines are those of runs of single short prompts.
    /// </summary>
    [Fact]
    public void Truncated_contexts_are_runs_of_short_prompts()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        ToyPrompts prompts = ToyPrompts.Random(3, 9, 6);
        TruncatedContext similar = TruncatedContext.Of(model, prompts, [1, 3], token => token % 2 == 0 ? "even" : "odd");
        Tensor[] whole = [.. prompts.Prompts.Select(prompt => Streams([.. prompt.Runs[0].Ids]))]; // [layer, pos, d_model]
        Tensor mean = cat(whole, 1).mean([1L]);
        foreach (int length in (int[])[1, 3])
            for (int layer = 0; layer < 3; layer++)
            {
                List<(double Cosine, bool IsEven)> found = [];
                foreach ((int prompt, PromptTokens tokens) in prompts.Prompts.Index())
                {
                    long[] ids = [.. tokens.Runs[0].Ids];
                    for (int token = length + 1; token < ids.Length; token++)
                    {
                        Tensor cut = Streams([ids[0], .. ids[(token + 1 - length)..(token + 1)]])[layer, -1] - mean[layer];
                        Tensor own = whole[prompt][layer, token] - mean[layer];
                        found.Add((((own * cut).sum() / (own.norm() * cut.norm())).item<double>(), ids[token] % 2 == 0));
                    }
                }
                Assert.Equal(found.Count, similar.CountOf(length));
                Assert.Equal(found.Average(one => one.Cosine), similar[layer, length], Tolerance);
                Assert.Equal(
                    found.Where(one => one.IsEven).Average(one => one.Cosine), similar["even", layer, length], Tolerance);
            }
        Assert.Equal(["even", "odd"], similar.Classes);
        Assert.Throws<ArgumentException>(() => similar[0, 2]);
        Assert.StartsWith("layer", $"{similar}");

        // Without attention nothing of the context is there.
        using IDisposable mode = no_grad();
        for (int layer = 0; layer < 3; layer++)
            model.Weights[$"blocks.{layer}.attn.out.weight"].zero_();
        Assert.Equal(1, TruncatedContext.Of(model, prompts, [2])[2, 2], Tolerance);

        Tensor Streams(long[] ids)
        {
            PromptTokens prompt = new([new(ids, [0, ids.Length - 1]), new(ids, [0, ids.Length - 1])], [0, 0]);
            using RunResult run = Intervention.On(model).Capture("Resid", "blocks.*.resid_post").Run(new ToyPrompts([prompt]));
            return run["Resid"].Values.squeeze(1).clone();
        }
    }

    /// <summary>
    /// Directions against the model: what the head brings a token's logit where its pattern is put on one position, in two prompts, differs
    /// by their streams' products with the direction.
    /// </summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gemma")]
    [InlineData("toy")]
    [InlineData("gpt_neox")]
    public void Directions_are_what_the_head_writes_of_where_it_looks(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        bool hasNorms = family != "toy";
        using Tensor directions = EffectiveProbe.Directions(model, 1, 3, 7, 11);
        Intervention looking = Intervention.On(model)
            .Patch("blocks.1.attn.pattern[head=3; query=end]", x => zeros_like(x).index_fill(-1, tensor(0L), 1))
            .Capture("Written", "blocks.1.attn.result[head=3; pos=end]").Capture("Read", "blocks.1.resid_pre[pos=0]");
        if (hasNorms)
            looking = looking.Capture("Scale", "blocks.1.ln1.scale[pos=0]").Capture("Last", "ln_final.scale[pos=end]");
        using RunResult run = looking.Run(s_prompts);
        Tensor one = ones(4, 1, dtype: ScalarType.Float64);
        Tensor scale = hasNorms ? run["Scale"].Values.squeeze(1) : one, last = hasNorms ? run["Last"].Values.squeeze(1) : one;
        Tensor brought = model.FinalNorm(run["Written"].Values.squeeze(1).squeeze(1), hasNorms ? last : null, bias: false)
            .matmul(model.Weights["W_U"].index_select(1, tensor([7L, 11L])));                    // [batch, token]
        Tensor read = run["Read"].Values.squeeze(1).matmul(directions.t()) / scale / last;
        Tensor constant = (brought - read) * last;                                                // of biases alone
        Assert.InRange(Distance.Largest(constant, constant[0].expand(4, 2)), 0, Tolerance);
        Assert.True((brought[0] - brought[1]).abs().max().item<double>() > 1e-4);
        Assert.Throws<ArgumentException>(() => EffectiveProbe.Directions(model, 1, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => EffectiveProbe.Directions(model, 1, 4, 7));
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        InterventionGraph metric = Intervention.On(model).LogitDifference("correct", "wrong").Graph;
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            _ = $"{MlpPaths.Of(model, s_prompts, metric)}{NeuronAblation.Mean(model, s_prompts, metric, 0, [1, 2])}";
            _ = $"{NeuronAblation.Resample(model, s_prompts, metric, 0, [1], draws: 2)}{TruncatedContext.Of(model, s_prompts, [2])}";
            LinearityBreaking.Of(model, s_prompts, "embed[pos=end]", [new(0, 1, 2, 3, 0, 2)]);
            EffectiveProbe.Directions(model, 0, 0, 1).Dispose();
            NonlinearExcess.Of(model, s_prompts, "embed[pos=end]", [(0, 0), (0, 1), (1, 0), (1, 1)]).Dispose();
        }
    }

    private static PromptTokens Prompt(long first, long last)
    {
        RunTokens run = new([5, first, last], [1, 2]);
        return new PromptTokens([run, run], [0, 1]);
    }

    private static Tensor Row(params double[] numbers) => tensor(numbers);
}
