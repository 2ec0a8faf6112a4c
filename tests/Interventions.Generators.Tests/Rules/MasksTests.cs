using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>The rules of what a mask mixes in.</summary>
public sealed class MasksTests
{
    [Theory]
    [InlineData("'Mask' says 'From', and Ablation.Zero does not read it", "Ablation = Ablation.Zero, From = [|\"corrupted\"|]")]
    [InlineData("'Mask' says 'Pooled', and another run's value does not read it", "Pooled = [|true|]")]
    [InlineData("'Seed', and Ablation.Mean does not read it", "Ablation = Ablation.Mean, Seed = [|3|]")]
    [InlineData("'Over', and Ablation.Resample does not read it", "Ablation = Ablation.Resample, Over = [|nameof(Others)|]")]
    [InlineData("'AcrossTemplates', and Ablation.Zero does not read it", "Ablation = Ablation.Zero, AcrossTemplates = [|true|]")]
    public Task What_an_ablation_does_not_read_is_refused(string message, string options) =>
        Analysis.Fires("INV239", message, Sources.Model, Sources.Prompts, Declaration(options));

    [Theory]
    [InlineData("From = \"corrupted\"")]
    [InlineData("Ablation = Ablation.OtherRun, From = \"{run}\"")]
    [InlineData("Ablation = Ablation.Zero")]
    [InlineData("Ablation = Ablation.Mean, From = \"corrupted\", Pooled = true, AcrossTemplates = false")]
    [InlineData("Ablation = Ablation.Mean, Over = nameof(Others)")]
    [InlineData("Ablation = Ablation.Resample, From = \"corrupted\", Seed = 3")]
    public Task What_an_ablation_reads_is_silent(string options) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Declaration(options));

    [Theory]
    [InlineData("INV009", "derived", "Ablation = Ablation.Mean, From = \"[|direct|]\"")]
    [InlineData("INV234", "", "Ablation = Ablation.Mean, Over = \"[|Nothing|]\"")]
    public Task The_runs_and_prompts_of_an_ablation_are_those_of_the_write_that_it_is(string id, string message, string options) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Declaration(options));

    private static string Declaration(string options) => Sources.Intervention(
        $$"""
        [Mix("blocks.*.attn.z", "layer", "head", {{options}})] public required Tensor Mask { get; init; }
        public required IoiPrompts Others { get; init; }
        [Patch("blocks.1.mlp_out")] static Tensor P([From("direct")] Tensor direct) => direct;
        [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        """,
        """[Run("direct"), Zero("embed", In = "direct")]""");
}
