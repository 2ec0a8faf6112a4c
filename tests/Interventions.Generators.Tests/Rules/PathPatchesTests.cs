using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Senders and receivers at every point of a sweep.</summary>
public sealed class PathPatchesTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    [Theory]
    [InlineData(
        "'{l}' goes through 0 to 3, and at 2 and 3 no receiver is downstream of a sender, so nothing changes there: write '{l=0,1}'",
        """[PathPatch("blocks.[|{l}|].attn.z[head={h}]", "blocks.2.attn.q_input[head=1]")]""")]
    [InlineData(
        "'{b}' goes through 1 to 3, and at 1 no receiver is downstream of a sender, so nothing changes there: write '{b=2,3}'",
        """[PathPatch("blocks.1.mlp_out", "blocks.[|{b=1..3}|].attn.q_input")]""")]
    // Sender and receiver are swept by two placeholders: the last layer sends to none, the first one receives from none.
    [InlineData("'{a}' goes through 0 to 3, and at 3", """[PathPatch("blocks.[|{a}|].mlp_out", "blocks.[|{b}|].mlp_in")]""")]
    public Task Points_that_reach_no_receiver_are_reported(string message, string attributes) =>
        Analysis.Fires("INV218", message, Model(), Sources.Prompts, Sources.Intervention(M, attributes));

    [Fact]
    public Task A_sweep_that_reaches_nothing_is_refused() => Analysis.Fires(
        "INV212", "'blocks.0.mlp_in' is not downstream of 'blocks.{l=1..3}.attn.z'", Model(), Sources.Prompts,
        Sources.Intervention(M, """[PathPatch("blocks.{l=1..3}.attn.z", "[|blocks.0.mlp_in|]")]"""));

    [Theory]
    [InlineData("""[PathPatch("blocks.{l=0..2}.attn.z[head={h}]", "blocks.3.attn.q_input[head=1]")]""")]
    [InlineData("""[PathPatch("blocks.{l}.attn.z", "blocks.{l}.mlp_in")]""")]
    [InlineData("""[PathPatch("blocks.{l}.attn.z", "blocks.1.mlp_in", "logits")]""")]
    // What another path leaves of the range counts.
    [InlineData("""[PathPatch("blocks.{l}.attn.z", "blocks.1.mlp_in"), Scale("blocks.{l=0..1}.mlp_out", 2)]""")]
    public Task Points_that_reach_a_receiver_are_silent(string attributes) =>
        Analysis.Check(Model(), Sources.Prompts, Sources.Intervention(M, attributes));

    /// <summary>The model of four layers.</summary>
    private static string Model() => Sources.Model.Replace("""Axis("layer", 2)""", """Axis("layer", 4)""", StringComparison.Ordinal);
}
