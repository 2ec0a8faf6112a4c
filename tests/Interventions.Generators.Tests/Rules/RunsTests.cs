using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Derived runs.</summary>
public sealed class RunsTests
{
    [Theory]
    [InlineData(
        "INV209", "Run 'b' reads 'a', which waits for 'b'",
        """[Run("a"), Run("b"), Freeze("embed", From = "b", In = "a"), Freeze("embed", From = "[|a|]", In = "b")]""", "")]
    [InlineData(
        "INV209", "Run 'c' reads 'a'",
        """[Run("a"), Run("b"), Run("c"), Freeze("embed", From = "b", In = "a"), Freeze("embed", From = "c", In = "b")]""",
        """[Patch("embed", In = "c")] static Tensor P([From("[|a|]")] Tensor x) => x;""")]
    [InlineData("INV210", "IoiPrompts has a run 'clean' already", """[Run("[|clean|]")]""", "")]
    [InlineData(
        "INV210", "Run 'a' is derived twice", """[Run("a"), Run("[|a|]"), Zero("embed", In = "a"), Freeze("embed", From = "a")]""", "")]
    [InlineData("INV210", "Nothing writes run 'a': no write says In = \"a\"", """[Run("[|a|]"), Freeze("embed", From = "a")]""", "")]
    [InlineData("INV210", "Nothing reads run 'a'", """[Run("[|a|]"), Zero("embed", In = "a")]""", "")]
    public Task A_derived_run_that_does_not_fit_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[Run("a"), Run("b"), Freeze("embed", From = "b", In = "a"), Zero("embed", In = "b"), Freeze("embed", From = "a"), """
        + """Freeze("blocks.0.mlp_out", From = "b")]""", "")]
    [InlineData("""[Run("a", From = "corrupted"), PathPatch("blocks.0.attn.z", "blocks.1.mlp_in", In = "a"), """
        + """Freeze("blocks.1.mlp_out", From = "a")]""", "")]
    public Task Derived_runs_that_are_written_and_read_are_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));
}
