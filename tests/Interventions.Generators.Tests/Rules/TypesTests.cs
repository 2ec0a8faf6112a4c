using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>The types that the generator adds to, and declarations outside of them.</summary>
public sealed class TypesTests
{
    [Theory]
    [InlineData("INV205", "'Result' is a name that the generator adds to 'Probe'", """static int [|Result|] => 1;""")]
    public Task A_member_with_a_generated_name_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("Swept")]
    [InlineData("Graph")]
    public Task A_class_with_a_generated_name_is_refused(string name) => Analysis.Fires(
        "INV205", $"'{name}' is a name that the generator adds to '{name}'", Sources.Model, Sources.Prompts,
        $"namespace Study; [Intervention<Toy, IoiPrompts>] public sealed partial class [|{name}|];");

    [Theory]
    [InlineData("namespace Study; [Intervention<Toy, IoiPrompts>] public class [|A|];")]
    [InlineData("namespace Study; static class [|Outer|] { [Intervention<Toy, IoiPrompts>] public partial class A; }")]
    [InlineData("namespace Study; [ModelSchema, Axis(\"layer\", 2)] class [|A|] : Decoder;")]
    [InlineData("namespace Study; [PromptSchema] class [|A|]() : PromptSet(new(\"A\", default, default, default), []);")]
    public Task A_type_that_is_not_partial_is_refused(string source) =>
        Analysis.Fires("INV106", "must be partial", Sources.Model, Sources.Prompts, source);

    [Theory]
    [InlineData("static")]
    [InlineData("file")]
    public Task A_static_or_file_local_intervention_is_refused(string modifier) => Analysis.Fires(
        "INV110", "an intervention is an object", Sources.Model, Sources.Prompts,
        $"[Intervention<Study.Toy, Study.IoiPrompts>] {modifier} partial class [|A|];");

    [Fact]
    public Task A_method_outside_an_intervention_is_refused() => Analysis.Fires(
        "INV109", "'P' is never run: 'Forgotten' has no [Intervention]", """
        class Forgotten { [Patch("embed")] static Tensor [|P|](Tensor x) => x; }
        """);

    [Theory]
    [InlineData("[Zero]", """[[|Zero("embed")|]] class Forgotten;""")]
    [InlineData("[PathPatch]", """[[|PathPatch("embed", "logits")|]] class Forgotten;""")]
    [InlineData("[Add]", """class Forgotten { [[|Add("embed")|]] Tensor D => zeros(1); }""")]
    [InlineData("[Include]", """class Forgotten { [[|Include|]] object D => 1; }""")]
    public Task An_attribute_outside_an_intervention_is_refused(string attribute, string source) =>
        Analysis.Fires("INV109", $"'{attribute}' is never run: 'Forgotten' has no [Intervention]", source);

    [Fact]
    public Task A_promise_outside_an_intervention_is_refused() => Analysis.Fires(
        "INV109", "'[Pointwise]' is never run", "public static class Plain { [[|Pointwise|]] static Tensor P(Tensor x) => x; }");

    [Fact]
    public Task A_splice_outside_an_intervention_is_refused() => Analysis.Fires(
        "INV109", "'[Splice]' is never run",
        "public sealed class Plain { [[|Splice(\"embed\")|]] public required ISplice Sae { get; init; } }");

    [Theory]
    [InlineData("namespace Study; public partial class Outer { [Intervention<Toy, IoiPrompts>] public sealed partial class A; }")]
    [InlineData("namespace Study; public class Plain { public static int Graph => 1; static Tensor Help(Tensor x) => x; }")]
    public Task A_type_that_fits_is_silent(string source) => Analysis.Check(Sources.Model, Sources.Prompts, source);
}
