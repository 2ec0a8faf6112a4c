using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>
/// Generic interventions: checked against the constraint where they are declared, against the model where they are closed.
/// </summary>
public sealed class GenericsTests
{
    private const string Silence = """
        namespace Study;
        [ModelSchema, Axis("layer", 4), Axis("head", 3)] public sealed partial class Deep : Decoder;
        [Intervention(Prompts = typeof(IoiPrompts))]
        public partial class Silence<TModel> where TModel : Decoder
        {
            [Patch("blocks.3.mlp_out[pos=S1]")] static Tensor Mlp(Tensor x) => zeros_like(x);
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        """;

    private const string Misfit =
        "'Silence<Toy>' does not fit: at 'Mlp', layer 3 of 'blocks.3.mlp_out' is out of range: Toy has 2 layers (0 to 1)";

    [Theory]
    [InlineData("object F() => new [|Silence<Toy>|]();")]
    [InlineData("Study.[|Silence<Toy>|]? _silence = null; object? F() => _silence;")]
    [InlineData("sealed class Mine : [|Silence<Toy>|];")]
    [InlineData("static T New<T>() where T : new() => new(); object F() => New<[|Silence<Toy>|]>();")]
    [InlineData("static Silence<T> New<T>() where T : Decoder => new(); object F() => [|New<Toy>|]();")]
    [InlineData("static Silence<T> New<T>(T model) where T : Decoder => new(); object F(Toy toy) => [|New(toy)|];")]
    [InlineData("sealed class Holder<T> where T : Decoder { public Silence<T>? Inner { get; init; } } object? F(Holder<Toy> holder) => "
        + "[|holder.Inner|];")]
    [InlineData(
        "sealed class Holder<T> where T : Decoder { public Silence<T>? Inner = null; } object? F(Holder<Toy> holder) => [|holder.Inner|];")]
    public Task A_use_that_does_not_fit_is_refused(string members) => Analysis.Fires(
        "INV019", Misfit, Sources.Model, Sources.Prompts, Silence, "namespace Study; public partial class Use { " + members + " }");

    [Fact]
    public Task An_included_use_that_does_not_fit_is_refused() =>
        Analysis.Fires("INV019", Misfit, Sources.Model, Sources.Prompts, Silence, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class Outer { [Include] public required [|Silence<Toy>|] Inner { get; init; } }
        """);

    [Fact]
    public Task The_includes_of_a_generic_intervention_are_checked_at_its_use() =>
        Analysis.Fires("INV019", "'Outer<Toy>' does not fit: at 'Mlp', layer 3", Sources.Model, Sources.Prompts, Silence, """
        namespace Study;
        [Intervention(Prompts = typeof(IoiPrompts))]
        public sealed partial class Outer<T> where T : Decoder { [Include] public required Silence<T> Inner { get; init; } }
        public static class Use { public static object F([|Outer<Toy>|] outer) => outer; }
        """);

    [Theory]
    [InlineData("head 7 of 'blocks.0.attn.z[head=7]' is out of range", """[Zero("blocks.0.attn.z[head=7]")]""", "")]
    [InlineData(
        "at 'Tied', '{l}' ranges over nothing", """[Zero("blocks.{l=0,-2}.mlp_out")]""",
        """[Capture("blocks.{l=1}.mlp_out")] static Tensor Tied(Tensor x) => x;""")]
    [InlineData("'blocks.0.mlp_in' is not downstream of 'blocks.-1.attn.z'", """[PathPatch("blocks.-1.attn.z", "blocks.0.mlp_in")]""", "")]
    public Task The_sizes_of_the_model_are_checked_at_the_use(string message, string attributes, string members) =>
        Analysis.Fires("INV019", message, Sources.Model, Sources.Prompts, $$"""
        namespace Study;
        [Intervention(Prompts = typeof(IoiPrompts))] {{attributes}}
        public sealed partial class Probe<TModel> where TModel : Decoder { {{members}} [Metric] static Tensor M([Logit("S")] Tensor s) => s; }
        public static class Use { public static object F() => new [|Probe<Toy>|](); }
        """);

    [Fact]
    public Task A_use_on_a_model_without_schema_is_refused() =>
        Analysis.Fires("INV019", "Decoder has no [ModelSchema]", Sources.Model, Sources.Prompts, Silence, """
        namespace Study; public static class Use { public static object F() => new [|Silence<Decoder>|](); }
        """);

    [Theory]
    [InlineData("INV001", "Decoder has no site 'blocks.99.mlp_outt'; did you mean 'blocks.99.mlp_out'?", "[|mlp_outt|]", "pos=end")]
    [InlineData("INV005", "has no axis 'head'", "mlp_out", "[|head|]=1")]
    [InlineData("INV008", "IoiPrompts has no position 'S2'", "mlp_out", "pos=[|S2|]")]
    public Task The_constraint_is_checked_at_the_declaration(string id, string message, string site, string selector) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, $$"""
            namespace Study;
            [Intervention(Prompts = typeof(IoiPrompts))]
            public sealed partial class Probe<TModel> where TModel : Decoder
            {
                [Patch("blocks.99.{{site}}[{{selector}}]")] static Tensor P(Tensor x) => x;
                [Metric] static Tensor M([Logit("S")] Tensor s) => s;
            }
            public static class Use { public static object F() => typeof(Probe<>); }
            """);

    [Theory]
    [InlineData("[Intervention] public sealed partial class [|Probe|];")]
    [InlineData("[Intervention] public sealed partial class [|Probe|]<T> where T : class;")]
    [InlineData("[Intervention] public sealed partial class [|Probe|]<T, U> where T : Decoder where U : Decoder;")]
    public Task One_parameter_must_be_the_model(string source) => Analysis.Fires(
        "INV112", "'Probe' needs one type parameter that is a model", Sources.Model, Sources.Prompts, "namespace Study; " + source);

    [Fact]
    public Task A_use_that_fits_is_silent() => Analysis.Check(Sources.Model, Sources.Prompts, Silence, """
        namespace Study;
        [Intervention]
        public sealed partial class Any<T, TModel> where TModel : Interventions.Models.Decoder.DecoderModel
        {
            [Patch("blocks.{layer}.mlp_out")] static Tensor P([From("corrupted")] Tensor x) => x;
            [Metric] static Tensor M([Logit("correct")] Tensor s) => s;
        }
        [Intervention<Deep, IoiPrompts>] public sealed partial class Outer { [Include] public required Silence<Deep> Inner { get; init; } }
        public static class Use
        {
            public static Tensor F(Deep deep, Gpt2Small small, IoiPrompts prompts, PromptPairs pairs)
            {
                using Silence<Deep>.Result run = new Silence<Deep>().Run(deep, prompts);
                using Any<string, Gpt2Small>.Result swept = new Any<string, Gpt2Small>().Run(small, pairs);
                return run.M + swept.M[layer: 3];
            }
        }
        """);

    [Fact]
    public Task A_use_of_another_assemblys_intervention_is_checked() => new Analysis(
        "namespace Study; public static class Use { public static object F() => (new {|#0:Silence<Toy>|}(), new Silence<Deep>()); }")
    {
        TestState = { AdditionalReferences = { Compilations.Library(Sources.Model, Sources.Prompts, Silence) } },
        ExpectedDiagnostics = { new DiagnosticResult("INV019", DiagnosticSeverity.Error).WithLocation(0).WithMessage(Misfit) },
    }.RunAsync();
}
