using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Writes that put in what is there already.</summary>
public sealed class DonorsTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    private const string FromClean = """[Patch("embed")] static Tensor P([From("clean")] Tensor clean) => clean;""";

    [Theory]
    [InlineData(
        "'P' reads run 'clean', which is the run that is written, so it finds the value that is there: read [From(\"corrupted\")], or "
            + "[Changes(\"corrupted\")] to write the other run",
        """[Patch("blocks.{l}.attn.z[head=1; pos=end]")] static Tensor P(Tensor z, [From("[|clean|]")] Tensor clean) => clean;""", "")]
    [InlineData(
        "[Changes(\"clean\")] to write the other run",
        """[Patch("embed")] static Tensor P([From("[|corrupted|]")] Tensor corrupted) => corrupted;""", """[Changes("corrupted")]""")]
    [InlineData(
        "[PathPatch] reads run 'clean', which is the run that is written, so it finds the value that is there: say From = \"corrupted\"", "",
        """[PathPatch("blocks.0.attn.z", "logits", From = "[|clean|]")]""")]
    [InlineData(
        "[PathPatch] reads run 'corrupted'", "", """[Changes("corrupted"), PathPatch("[|blocks.0.attn.z|]", "logits"), Zero("embed")]""")]
    [InlineData(
        "[Mix] reads run 'clean'",
        """[Mix("blocks.*.attn.z", "layer", "head", From = "[|clean|]")] public required Tensor Mask { get; init; }""", "")]
    [InlineData(
        "'P' reads run 'clean'",
        """[Patch("embed", In = "a")] static Tensor P([From("[|clean|]")] Tensor clean) => clean;"""
            + """[Patch("blocks.1.mlp_out")] static Tensor Q([From("a")] Tensor a) => a;""",
        """[Run("a")]""")]
    public Task A_write_that_reads_its_own_run_is_refused(string message, string members, string attributes) =>
        Analysis.Fires("INV217", message, Sources.Model, Sources.Prompts, Sources.Intervention(M + members, attributes));

    [Theory]
    // Of another run, another site or other prompts.
    [InlineData(M + FromClean, """[Changes("corrupted")]""")]
    [InlineData(M + """[Patch("embed")] static Tensor P([From("clean", "blocks.1.mlp_out")] Tensor clean) => clean;""", "")]
    [InlineData(M, """[Freeze("embed", From = "clean"), Mean("blocks.0.mlp_out", From = "clean"), Resample("blocks.1.mlp_out", From = "clean")]""")]
    [InlineData(
        M + """[Mix("embed", Ablation = Ablation.Mean, From = "clean")] public required Tensor Mask { get; init; }"""
            + """[Mix("logits", Ablation = Ablation.Resample, From = "clean")] public required Tensor Last { get; init; }""", "")]
    [InlineData(M + """[Patch("embed")] static Tensor P([From("{donor}")] Tensor x) => x;""", """[Sweep("donor", "clean", "corrupted")]""")]
    // A difference of two runs is read from both.
    [InlineData(
        M + """[Patch("embed")] static Tensor P(Tensor x, [From("clean")] Tensor a, [From("corrupted")] Tensor b) => x + b - a;""", "")]
    // Something before it changed the value: another write, or the write itself in an earlier layer.
    [InlineData(M + """[Patch("blocks.1.mlp_out")] static Tensor P([From("clean")] Tensor clean) => clean;""", """[Scale("embed", 2)]""")]
    [InlineData(M + """[Patch("blocks.*.mlp_out")] static Tensor P(Tensor x, [From("clean")] Tensor clean) => (x + clean) * 2;""", "")]
    // Made to be included, behind other writes.
    [InlineData(FromClean, "")]
    public Task A_write_that_reads_something_else_is_silent(string members, string attributes) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));
}
