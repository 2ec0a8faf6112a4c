using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Derived interventions, and where the mistakes in them and in their bases are reported.</summary>
public sealed class InheritedTests
{
    private const string Base = """
        namespace Study;
        [Intervention<Toy, IoiPrompts>, Changes("corrupted"), Scale("embed", 2, Order = 1)]
        public abstract partial class Shared { [Metric] static Tensor M([Logit("S")] Tensor s) => s; }
        """;

    [Theory]
    [InlineData(
        "'Probe' derives from 'Alone', which is run itself",
        "[Intervention<Toy, IoiPrompts>] public partial class Alone; [Intervention<Toy, IoiPrompts>] public sealed partial class [|Probe|] : Alone;")]
    [InlineData(
        "'Shared' is about Toy and IoiPrompts, and so is 'Probe'",
        "[[|Intervention<Toy, PromptPairs>|]] public sealed partial class Probe : Shared;")]
    [InlineData(
        "'Shared' changes run 'corrupted', 'Probe' would change 'clean'",
        """[Changes("[|clean|]")] public sealed partial class Probe : Shared;""")]
    [InlineData(
        "'embed' has a lower Order here than in 'Shared'",
        """public sealed partial class Probe : Shared { [Patch("[|embed|]")] static Tensor P(Tensor x) => x + 1; }""")]
    public Task A_class_that_does_not_fit_its_base_is_refused(string message, string source) =>
        Analysis.Fires("INV214", message, Sources.Model, Sources.Prompts, Base, "namespace Study; " + source);

    [Theory]
    [InlineData("public sealed partial class Probe : Shared;")]
    [InlineData("""[Intervention<Toy, IoiPrompts>, Changes("corrupted")] public sealed partial class Probe : Shared;""")]
    [InlineData("""public sealed partial class Probe : Shared { [Patch("embed", Order = 1)] static Tensor P(Tensor x) => x + 1; }""")]
    [InlineData("""[Scale("embed", 3)] public sealed partial class Probe : Shared;""")]
    [InlineData("[Intervention<Toy, IoiPrompts>] public partial class Alone; public sealed class Plain : Alone;")]
    [InlineData("public class Plain { } public sealed class Other : Plain;")]
    public Task A_class_that_fits_its_base_is_silent(string source) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Base, "namespace Study; " + source);

    /// <summary>It is said once, in the base.</summary>
    [Fact]
    public Task A_mistake_of_the_base_is_reported_there() => Analysis.Fires(
        "INV001", "Toy has no site 'embd'", Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public abstract partial class Shared { [Capture("[|embd|]")] static Tensor C(Tensor x) => x; }
        """, "namespace Study; public sealed partial class A : Shared; public sealed partial class B : Shared;");

    /// <summary>What the base lacks, one class adds and another does not.</summary>
    [Theory]
    [InlineData("INV202", "No write sweeps '{layer}'", """[Capture("blocks.{layer}.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV223", "Nothing writes 'embed'", """[Capture("embed", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV207", "there is no [Metric]", """[Gradient("embed")] static Tensor C(Tensor gradient) => gradient;""")]
    public Task What_a_base_lacks_is_missed_in_the_class(string id, string message, string members) => Analysis.Fires(
        id, message, Sources.Model, Sources.Prompts,
        $"namespace Study; [Intervention<Toy, IoiPrompts>] public abstract partial class Shared {{ {members} }}", """
        namespace Study;
        public sealed partial class [|Lacks|] : Shared;
        [Scale("embed", 2), Zero("blocks.{layer}.mlp_out")]
        public sealed partial class Adds : Shared { [Metric] static Tensor M([Logit("S")] Tensor s) => s; }
        """);

    [Fact]
    public Task A_second_result_of_an_inherited_name_is_refused() => Analysis.Fires(
        "INV201", "The result already has a 'M'", Sources.Model, Sources.Prompts, Base,
        """namespace Study; public sealed partial class Probe : Shared { [Metric] static Tensor [|M|]([Logit("S")] Tensor s) => s; }""");

    [Fact]
    public Task A_derived_class_is_partial() => Analysis.Fires(
        "INV106", "'Probe' must be partial", Sources.Model, Sources.Prompts, Base,
        "namespace Study; public sealed class [|Probe|] : Shared;");

    [Fact]
    public Task An_inherited_metric_reads_what_the_class_writes() => Analysis.Fires(
        "INV221", "Nothing that is kept reads what is written to 'logits'", Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public abstract partial class Shared { [Capture("embed")] static Tensor C(Tensor x) => x; }
        """, """
        namespace Study;
        [Scale("[|logits|]", 2)] public sealed partial class Lacks : Shared;
        [Scale("logits", 2)] public sealed partial class Reads : Shared { [Metric] static Tensor M([Logit("S")] Tensor s) => s; }
        """);
}
