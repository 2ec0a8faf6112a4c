using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Planning;

/// <summary>Random interventions on small random decoders: the plan gives what the naive run gives.</summary>
public sealed class DecoderPlanTests
{
    public static TheoryData<string, int?> Models => new() { { "gpt2", null }, { "llama", null }, { "llama", 3 } };

    [Theory]
    [MemberData(nameof(Models))]
    public void The_plan_is_the_naive_run(string family, int? window)
    {
        using DecoderModel model = Random(family, window, CPU), meta = Random(family, window, META);
        PlanOracle.Check(model, meta, cases: 250);
        PlanOracle.Check(
            model, meta, cases: 50, seed => new RunOptions { BatchSize = 1 + (seed % 3), MemoryBudget = 800_000 + (100_000 * (seed % 5)) });
    }

    /// <summary>Two selected positions are one token of some prompts: what the last one leaves there is the effect.</summary>
    [Theory]
    [InlineData("gpt2", null, 2190)]
    [InlineData("llama", 3, 2041)]
    public void The_plan_is_the_naive_run_where_positions_are_one_token(string family, int? window, int seed)
    {
        using DecoderModel model = Random(family, window, CPU), meta = Random(family, window, META);
        Assert.True(PlanOracle.CheckOne(model, meta, seed));
    }

    /// <summary>Every position sees every other, and the last one's token is in the first one's values.</summary>
    [Fact]
    public void The_plan_is_the_naive_run_of_a_decoder_that_looks_ahead()
    {
        DecoderConfig config = SmallDecoders.Config("toy-norm_free") with { LooksAhead = true };
        using DecoderModel model = DecoderModel.Random(config, seed: 3, dtype: ScalarType.Float64);
        using DecoderModel meta = DecoderModel.Random(config, seed: 3, dtype: ScalarType.Float64, device: META);
        PlanOracle.Check(model, meta, cases: 150);
        using DisposeScope scope = NewDisposeScope();
        Tensor one = model.Forward(tensor([5L, 7, 9]).unsqueeze(0)), other = model.Forward(tensor([5L, 7, 8]).unsqueeze(0));
        Assert.True(Distance.Largest(one[0, 0], other[0, 0]) > 1e-6);
        Assert.Throws<ArgumentException>(() => (config with { Window = 2 }).Checked());
        using TemporaryFolder folder = new();
        model.Save(folder.Path);
        using DecoderModel loaded = DecoderModel.Load(folder.Path, ScalarType.Float64);
        Assert.Equal(config, loaded.Config);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void The_plan_is_the_naive_run_of_every_family(string family)
    {
        using DecoderModel model = Random(family, null, CPU), meta = Random(family, null, META);
        PlanOracle.Check(model, meta, cases: 25);
        PlanOracle.Check(
            model, meta, cases: 6, seed => new RunOptions { BatchSize = 1 + (seed % 3), MemoryBudget = 800_000 + (100_000 * (seed % 5)) });
        // A decoder's products round otherwise for other numbers of rows, so equal values of two runs often differ by rounding.
        PlanOracle.CheckStrict(model, cases: 16, rounding: 6);
    }

    [Theory, Trait("Duration", "long")]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void The_plan_is_the_naive_run_of_many_more_of_every_family(string family)
    {
        using DecoderModel model = Random(family, null, CPU), meta = Random(family, null, META);
        PlanOracle.Check(model, meta, cases: 200);
    }

    [Theory, Trait("Duration", "long")]
    [MemberData(nameof(Models))]
    public void The_plan_is_the_naive_run_of_many_more(string family, int? window)
    {
        using DecoderModel model = Random(family, window, CPU), meta = Random(family, window, META);
        PlanOracle.Check(model, meta, cases: 4000);
    }

    /// <summary>
    /// A port's gradient has two ways to a metric that reads the port itself, or a write that does; pulled back from the projection it
    /// would have one.
    /// </summary>
    [Theory]
    [InlineData("metric")]
    [InlineData("write")]
    public void A_port_that_is_read_has_its_whole_gradient(string reader)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = Random("gpt2", null, CPU);
        Read value = new Read.Value(), port = new Read.Of("blocks.1.attn.v_input[pos=end]");
        InterventionGraph graph = new()
        {
            Name = "ReadPort",
            Writes = reader == "write" ? [new WriteNode("Write", "blocks.2.mlp_out[pos=end]", [value, port], x => x[0] + x[1].sum(2))] : [],
            Gradients = [new GradientNode("Slope", "blocks.*.attn.v_input", [new Read.Gradient(), value], x => x[0])],
            Metrics = [new MetricNode(
                "Metric", reader == "metric" ? [new Read.Logit("right", "end"), port] : [new Read.Logit("right", "end")],
                x => x.Length == 1 ? x[0] : x[0] * x[1].square().flatten(1).sum(-1))],
        };
        RandomPrompts prompts = RandomPrompts.Of(1, 61, 5, 6);
        using RunResult planned = InterventionRunner.Run(graph, model, prompts);
        using RunResult naive = InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = true });
        Tensor expected = naive.Changed("Slope").Values;
        Assert.InRange((planned.Changed("Slope").Values - expected).abs().max().item<double>(), 0, 1e-9);
        Assert.True(expected[1].abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void A_shared_row_is_no_copy_of_itself_where_the_runs_name_other_keys()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        RandomPrompts prompts = new(
            [new PromptTokens([new([1, 2, 3, 4, 5], [0, 4]), new([1, 2, 3, 4, 6], [1, 4]), new([1, 2, 3, 4, 7], [0, 4])], [8, 9])]);
        InterventionGraph graph = new()
        {
            Name = "Keys",
            Writes = [new WriteNode("Write", "blocks.1.attn.pattern[query=2; key=mid]", new WriteKind.Copy("corrupted"))],
            Captures = [new CaptureNode("Z", "blocks.1.attn.z[pos=2]", [new Read.Value()], x => x[0])],
        };
        using RunResult naive = InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = true });
        using RunResult planned = InterventionRunner.Run(graph, model, prompts);
        Assert.True(Distance.Largest(naive.Run("clean")["Z"], naive.Changed("Z").Values) > 1e-3);
        Assert.True(Distance.Largest(planned.Changed("Z").Values, naive.Changed("Z").Values) < 1e-9);
        Assert.Equal(naive.Effects[0].Changed, planned.Effects[0].Changed);
    }

    /// <summary>Of the logits only the answers' are computed, unless something needs the others.</summary>
    [Theory]
    [InlineData("written")]
    [InlineData("measured")]
    [InlineData("donated")]
    public void Whoever_looks_at_logits_sees_the_vocabulary(string how)
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        const string End = "logits[pos=end]";
        Read value = new Read.Value(), right = new Read.Logit("right", "end");
        InterventionGraph graph = how switch
        {
            "written" => new() { Name = "Write", Writes = [new("Norm", End, [value], x => x[0].log_softmax(-1))] },
            "measured" => new() { Name = "Measure", Writes = [BuiltInWrites.Zero("blocks.1.mlp_out")] },
            _ => new()
            {
                Name = "Donate",
                Writes = [new("Scale", "blocks.2.mlp_out[pos=end]", [value, new Read.From("corrupted", End)], x => x[0] * x[1].logsumexp(
                    -1, keepdim: true))],
            },
        };
        MetricNode metric = how == "measured"
            ? new("M", [right, new Read.Of(End)], x => x[0] - x[1].logsumexp(-1).squeeze(-1))
            : new("M", [right], x => x[0]);
        RandomPrompts prompts = RandomPrompts.Of(4, model.VocabularySize, 4, 6);
        using RunResult naive = InterventionRunner.Run(graph with { Metrics = [metric] }, model, prompts, new RunOptions { Naive = true });
        using RunResult planned = InterventionRunner.Run(graph with { Metrics = [metric] }, model, prompts);
        Assert.True(Distance.Largest(planned.Changed("M").Values, naive.Changed("M").Values) < 1e-9);
    }

    /// <summary>Families that differ from each other most: norms, blocks, positions, experts.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama", 3)]
    [InlineData("bloom")]
    [InlineData("gemma2")]
    [InlineData("gptj")]
    [InlineData("qwen3_moe")]
    public void Gradients_are_slopes_at_every_site_and_port(string family, int? window = null) => AreSlopes(family, window);

    [Theory, Trait("Duration", "long")]
    [MemberData(nameof(SmallDecoders.SmoothFamilies), MemberType = typeof(SmallDecoders))]
    public void Gradients_are_slopes_at_every_site_and_port_of_every_family(string family) => AreSlopes(family, null);

    private static void AreSlopes(string family, int? window)
    {
        using DecoderModel model = SmallDecoders.Model(family, window: window), meta = Random(family, window, META);
        GradientOracle.Check(model, meta);
    }

    private static DecoderModel Random(string family, int? window, Device device) =>
        DecoderModel.Random(
            window is null ? SmallDecoders.Config(family) : SmallDecoders.Config(family) with { Window = window }, seed: 3,
            dtype: ScalarType.Float64, device: device);
}
