extern alias Explore;
extern alias UserModel;

using Explore::Interventions.Examples.Explore;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using UserModel::Interventions.Examples.UserModel;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.UserExamples;

/// <summary>The examples run, and find what is there.</summary>
public sealed class ExampleTests
{
    private static readonly long[] s_fives = [5, 5, 5, GapFiller.Gap, 5, 5, 5], s_sixes = [6, 6, 6, GapFiller.Gap, 6, 6, 6];

    [Fact]
    public void Exploring_finds_the_head_that_brings_the_name()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Findings found = Exploration.Of(model);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.Equal("Mary", found.Answer.Trim());
        Assert.Equal("Mary", found.Lens[^1].Trim());
        Assert.Equal((0, 3), found.Patched.MinBy(pair => pair.Value).Key);
        Assert.True(found.Difference > 5 && found.Patched[(0, 3)] < found.Difference - 5);
        Assert.True(found.Estimated[(0, 3)] < 0);
    }

    [Fact]
    public void The_arithmetic_model_adds_everything()
    {
        using DisposeScope scope = NewDisposeScope();
        using ModularAddition model = new();
        Tensor numbers = arange(ModularAddition.Modulus), ids = stack([
            numbers.repeat_interleave(ModularAddition.Modulus), numbers.repeat(ModularAddition.Modulus),
            full([169], ModularAddition.Modulus, dtype: int64)], 1);
        Tensor logits = GraphEvaluator.Evaluate(model.Graph, ids, ["logits"])["logits"].select(1, 2);
        Assert.True(logits.argmax(-1).eq((ids.select(1, 0) + ids.select(1, 1)).remainder(ModularAddition.Modulus)).all().item<bool>());
    }

    [Fact]
    public void The_examples_models_declare_their_sites_in_the_order_of_computation()
    {
        using ModularAddition addition = new();
        using GapFiller encoder = new();
        DeclaredOrder.Check(addition);
        DeclaredOrder.Check(encoder);
    }

    [Fact]
    public void Its_first_head_fetches_a()
    {
        using ModularAddition model = new();
        Sums prompts = Sums.FromTokens([Sum(3, 7, 8), Sum(0, 5, 10), Sum(12, 11, 2)]);
        using var run = new HeadSweep().Run(model, prompts);
        Assert.True(run.Clean.LogitDifference.gt(3).all().item<bool>());
        Assert.True((run.LogitDifference[head: 0] - run.Corrupted.LogitDifference).abs().max().item<double>() < 1e-9);
        Assert.True((run.LogitDifference[head: 1] - run.Clean.LogitDifference).abs().max().item<double>() < 1e-9);

        static PromptTokens Sum(long a, long b, long other) =>
            new(
                [new([a, b, ModularAddition.Modulus], [0, 1, 2]), new([other, b, ModularAddition.Modulus], [0, 1, 2])],
                [(a + b) % 13, (other + b) % 13]);
    }

    [Fact]
    public void The_encoder_sees_both_sides_as_far_as_its_layers_reach()
    {
        using GapFiller model = new();
        using var run = new WordSweep().Run(model, Gaps.FromTokens([Sentence(s_fives, s_sixes)]));
        double[] changes = [.. run.LogitDifference.Points().Select(point => point.Change)];
        Assert.Equal(7, changes.Length);
        Assert.All((int[])[1, 2, 4, 5], position => Assert.True(changes[position] < -0.1));
        Assert.All((int[])[0, 3, 6], position => Assert.True(Math.Abs(changes[position]) < 1e-3));
        for (int position = 0; position < 7; position++)
            Assert.Equal(changes[position], changes[6 - position], 1e-9);
    }

    [Fact]
    public void Prompts_of_different_length_are_as_alone_and_the_plan_is_the_naive_run()
    {
        using GapFiller model = new();
        PromptTokens[] prompts = [Sentence(s_fives, s_sixes), Sentence([1, 2, 4, 0, 3], [2, 3, 1, 0, 7]), Sentence(
            [8, 2, 1, 0, 8, 1, 4], [5, 2, 1, 0, 1, 1, 2])];
        foreach (bool isNaive in (bool[])[true, false])
        {
            using var all = new HeadKnockout().Run(model, Gaps.FromTokens(prompts), new RunOptions { Naive = isNaive });
            for (int i = 0; i < prompts.Length; i++)
            {
                using var alone = new HeadKnockout().Run(model, Gaps.FromTokens([prompts[i]]), new RunOptions { Naive = true });
                Assert.True(
                    (all.LogitDifference.Values.select(-1, i) - alone.LogitDifference.Values.select(-1, 0))
                        .abs().max().item<double>() < 1e-9);
            }
        }
        Assert.Contains(
            "differ in length", Assert.Throws<InterventionException>(() => model.Trace(Gaps.FromTokens(prompts))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Random_interventions_on_them_run_by_a_plan_as_they_run_naively()
    {
        using ModularAddition addition = new(), additionOnMeta = new(META);
        PlanOracle.Check(addition, additionOnMeta, cases: 300);
        using GapFiller encoder = new(), encoderOnMeta = new(META);
        PlanOracle.Check(encoder, encoderOnMeta, cases: 300);
    }

    private static PromptTokens Sentence(long[] clean, long[] corrupted) =>
        new([new(clean, [3, clean.Length - 1]), new(corrupted, [3, clean.Length - 1])], [clean[0], corrupted[0]]);
}
