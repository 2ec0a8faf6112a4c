using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>The names that schemas declare.</summary>
public sealed class SchemasTests
{
    [Theory]
    [InlineData("""[[|Site("blocks.{l}.x", "batch")|]] abstract class A;""", "has other indices than '{layer}'")]
    [InlineData("""[[|Site("blocks.3.x", "batch")|]] abstract class A;""", "has other indices than '{layer}'")]
    [InlineData("""[[|Site("blocks.{layer}.x.{layer}", "batch")|]] abstract class A;""", "has two layers")]
    [InlineData("""[[|Site("x[pos=end]", "batch")|]] abstract class A;""", "has a selector")]
    [InlineData("""[[|Site("x y", "batch")|]] abstract class A;""", "is not a path")]
    [InlineData("""[Site("x", "batch"), [|Site("x", "pos")|]] abstract class A;""", "site 'x' is declared twice")]
    [InlineData("""[[|Axis("d model", 3)|]] abstract class A;""", "is not a name that a path can have")]
    [InlineData("""[[|Axis("head", 0)|]] abstract class A;""", "axis 'head' needs at least one index")]
    [InlineData("""[[|ModelSchema|]] abstract partial class A : Study.Decoder;""", "[Axis(\"layer\", …)] is missing")]
    [InlineData("""[[|PromptSchema(Runs = [])|]] partial class A : PromptSet;""", "needs at least one run")]
    [InlineData("""[[|PromptSchema(Runs = ["a", "a"])|]] partial class A : PromptSet;""", "run 'a' is declared twice")]
    [InlineData("""[[|PromptSchema(Positions = ["the end"])|]] partial class A : PromptSet;""", "position 'the end' is not a name")]
    [InlineData("""[[|PromptSchema(Answers = ["2nd"])|]] partial class A : PromptSet;""", "answer '2nd' is not a name")]
    public Task A_name_that_a_path_cannot_spell_is_refused(string source, string message) =>
        Analysis.Fires("INV013", message, Sources.Model, source);

    [Fact]
    public Task A_reserved_position_is_refused() => Analysis.Fires(
        "INV013", "'new' is a position of every prompt set",
        "namespace Study; [[|PromptSchema(Positions = [\"new\"])|]] public sealed partial class P : PromptSet;");

    [Fact]
    public Task A_schema_of_names_that_a_path_can_spell_is_silent() => Analysis.Check(Sources.Model, Sources.Prompts);
}
