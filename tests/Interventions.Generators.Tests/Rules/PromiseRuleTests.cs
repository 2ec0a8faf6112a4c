using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class PromiseRuleTests
{
    [Theory]
    [InlineData("'C' is a [Capture], which always gets all that it selects", """[Capture("embed"), [|Pointwise|]] static Tensor C(Tensor x) => x;""")]
    [InlineData("'M' is a [Metric]", """[Metric] [[|Pointwise|]] static Tensor M([Logit("S")] Tensor s) => s;""")]
    [InlineData("'Help' is no declared method, so nobody runs it for positions", """[[|Pointwise|]] static Tensor Help(Tensor x) => x;""")]
    [InlineData("'Help' is no declared method, so nobody runs it for prompts", """[[|AcrossBatch|]] static Tensor Help(Tensor x) => x;""")]
    [InlineData("'P' reads 'y' of another site", """[Patch("blocks.0.mlp_out"), [|Pointwise|]] static Tensor P(Tensor x, [From("clean", "embed")] Tensor y) => x + y;""")]
    [InlineData("'P' reads 'y' of another site", """[Patch("blocks.0.mlp_out"), [|Pointwise|]] static Tensor P(Tensor x, [ValueOf("embed")] Tensor y) => x + y;""")]
    public Task APromiseThatMeansNothingFires(string message, string members) =>
        Analysis.Fires("INV116", message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public Task OutsideAnInterventionItIsNeverRun() => Analysis.Fires(
        "INV109", "'[Pointwise]' is never run", "public static class Plain { [[|Pointwise|]] static Tensor P(Tensor x) => x; }");

    [Fact]
    public Task WhatWritesDidIsNotHidden() => Analysis.Fires(
        "INV224", "'Effects' would hide", Sources.Model, Sources.Prompts, Sources.Intervention("""[Capture("embed")] static Tensor [|Effects|](Tensor x) => x;"""));

    [Theory]
    [InlineData("""[Patch("embed"), Pointwise] static Tensor P(Tensor x, [From("corrupted")] Tensor y) => x + y;""")]
    [InlineData("""[Patch("embed[pos=end]"), AcrossBatch] static Tensor P(Tensor x) => x - x.mean([0L], keepdim: true);""")]
    [InlineData("""[Patch("embed"), Pointwise, AcrossBatch] static Tensor P(Tensor x, [From("corrupted")] Tensor y) => x + y.mean([0L], keepdim: true);""")]
    [InlineData("""[Capture("embed"), AcrossBatch] static Tensor C(Tensor x) => x - x.mean([0L], keepdim: true);""")]
    [InlineData("""[Metric, AcrossBatch] static Tensor M([Logit("S")] Tensor s) => s - s.mean();""")]
    public Task APromiseThatMeansSomethingIsSilent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public void PromisesReachTheGraph()
    {
        string text = Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Intervention("""
            [Patch("embed"), Pointwise] [return: Shape("d_model")] static Tensor P(Tensor x) => x[0, 0];
            [Patch("blocks.0.mlp_out"), AcrossBatch] static Tensor Q(Tensor x) => x;
            [Capture("embed"), AcrossBatch] static Tensor C(Tensor x) => x;
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
            """));
        Assert.Contains("static x => P(x[0])) { Shape = [\"d_model\"], Pointwise = true }", text, StringComparison.Ordinal);
        Assert.Contains("static x => Q(x[0])) { AcrossBatch = true }", text, StringComparison.Ordinal);
        Assert.Contains("static x => C(x[0])) { AcrossBatch = true }", text, StringComparison.Ordinal);
        Assert.DoesNotContain("static x => M(x[0])) {", text, StringComparison.Ordinal);
    }
}
