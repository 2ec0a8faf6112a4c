extern alias InductionExample;
extern alias SelfRepairExample;

using InductionExample::Interventions.Examples.InductionHeads;
using Interventions.Models.Decoder;
using SelfRepairExample::Interventions.Examples.SelfRepair;

namespace Interventions.Circuits.Tests;

/// <summary>The examples on heads run on the repository's model, and find what is there.</summary>
public sealed class HeadExampleTests
{
    [Fact]
    public void The_terms_of_self_repair_are_the_models_logit_difference()
    {
        using DecoderModel model = Model();
        RepairStudy study = RepairStudy.Of(model, count: 8);
        Assert.InRange(study.Terms.Names.Sum(name => study.Terms[name]) - study.Terms.Measured.Average(), -1e-3, 1e-3);
        Assert.True(study.Terms.Measured.Average() > 5);
        (int layer, int head) = (study.Head.Layer, study.Head.Head);
        double total = study.Scores[SelfRepair.Total, layer, head];
        Assert.InRange(study.Responses.Names.Sum(name => study.Responses[name]) - total, -1e-3, 1e-3);
        // Head 0.3 brings the name, and writes it hardly itself.
        Assert.Equal(Component.OfHead(0, 3), study.Scores.Ranked(SelfRepair.Total)[0]);
        Check($"{study}");
    }

    [Fact]
    public void Scores_and_losses_of_induction_are_printed()
    {
        using DecoderModel model = Model();
        InductionStudy study = InductionStudy.Of(model, count: 4);
        Assert.Equal((24, 0), (study.Repeated.Half, study.Repeated.Front));
        Assert.Equal(5, study.Losses.Count);
        Assert.All(study.Losses, loss => Assert.True(double.IsFinite(loss) && loss > 0));
        Assert.NotEqual(study.Losses[0], study.Losses[4]);
        Assert.True(
            study.Attention[AttentionScores.Induction, study.Best[0].Layer, study.Best[0].Head]
            >= study.Attention[AttentionScores.Induction, study.Best[1].Layer, study.Best[1].Head]);
        Check($"{study}");
    }

    private static void Check(string text)
    {
        Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
        Assert.DoesNotContain("NaN", text);
    }

    private static DecoderModel Model() => DecoderModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
}
