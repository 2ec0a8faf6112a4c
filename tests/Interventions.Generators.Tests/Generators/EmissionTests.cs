using Interventions.Generators.Tests.Testing;
using Interventions.Testing;
using Interventions.Testing.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Generators.Tests.Generators;

public sealed class EmissionTests
{
    [Fact]
    public void A_declaration_becomes_a_graph_and_results() =>
        Snapshot.Verify(Compilations.GeneratedText(Sources.HeadSweep, Sources.Model, Sources.Prompts));

    [Fact]
    public void Every_attribute_is_in_the_graph() => Snapshot.Verify(
        Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.HeadSweep, Sources.Everything).Split("// =====")[^1]);

    [Fact]
    public void A_splice_stands_where_the_text_has_it() => Snapshot.Verify(
        Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Spliced).Split("// =====")[^1]);

    [Fact]
    public void Splices_and_shapes_compile_without_warnings() =>
        CompilesCleanly(Sources.Model, Sources.Prompts, Sources.Spliced, Sources.Shaped);

    [Fact]
    public void Shapes_are_measured() => Snapshot.Verify(
        Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Shaped).Split("// =====")[^1]);

    [Fact]
    public void Every_attribute_compiles_without_warnings() =>
        CompilesCleanly(Sources.Model, Sources.Prompts, Sources.HeadSweep, Sources.Everything);

    [Fact]
    public void Several_writes_to_a_site_are_one_method() => Snapshot.Verify(Compilations.GeneratedText(
        Sources.Model, Sources.Prompts, Sources.SeveralWrites).Split("// =====")[^1]);

    [Fact]
    public void Several_writes_to_a_site_compile_without_warnings() =>
        CompilesCleanly(Sources.Model, Sources.Prompts, Sources.SeveralWrites);

    [Fact]
    public void The_declared_schema_says_which_sites_are_of_one_step_and_beside()
    {
        string text = Compilations.GeneratedText("""
            [ModelSchema, Site("a", "batch"), Site("b", "batch", SameStep = true), Site("c", SameStep = true, Beside = true)]
            public abstract partial class Mine : Interventions.ModelGraphs.HookedModel;
            """);

        Assert.Contains(
            "SiteDefinition(\"a\", global::Interventions.Runtime.EquatableArray.Of(\"batch\")),", text, StringComparison.Ordinal);
        Assert.Contains(
            "SiteDefinition(\"b\", global::Interventions.Runtime.EquatableArray.Of(\"batch\")) { SameStep = true },", text,
            StringComparison.Ordinal);
        Assert.Contains("SiteDefinition(\"c\", default) { SameStep = true, Beside = true },", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_familys_sites_are_attributes_of_its_model_class()
    {
        CSharpCompilation compilation = Compilations.Of("""
            namespace Interventions.Models.Families { internal sealed class FamilySitesAttribute : Attribute; }
            namespace Interventions.Models { [Families.FamilySites] public abstract partial class Gpt2Model; [Families.FamilySites] public partial class Other; }
            """).WithOptions(Compilations.Options.WithGeneralDiagnosticOption(ReportDiagnostic.Default));
        GeneratorDriver driver = CSharpGeneratorDriver.Create(new FamilySitesGenerator().AsSourceGenerator()).WithUpdatedParseOptions(
            Compilations.Parse);

        Snapshot.Verify(Assert.Single(driver.RunGenerators(compilation).GetRunResult().GeneratedTrees).ToString());
    }

    [Fact]
    public void A_decoder_can_be_loaded() => Snapshot.Verify(Compilations.GeneratedText("""
        [ModelSchema, Axis("layer", 2), Axis("head", 3)]
        [Site("own", "batch")]
        public sealed partial class Tiny : Interventions.Models.Decoder.DecoderModel;
        """));

    [Theory]
    [InlineData("", false)]
    [InlineData(", Site(\"own\", \"batch\")", true)]
    public void A_published_decoder_says_where_and_its_family_has_the_constants(string own, bool hasSites)
    {
        string text = Compilations.GeneratedText(
            $"""[ModelSchema, HubId("some-one/tiny"), Axis("layer", 2){own}] public sealed partial class Tiny : Gpt2Model;""");
        Assert.Contains("public const string HubId = \"some-one/tiny\";", text, StringComparison.Ordinal);
        Assert.Contains("string path = HubId, ", text, StringComparison.Ordinal);
        Assert.Equal(hasSites, text.Contains("class Sites", StringComparison.Ordinal));
        CompilesCleanly($$"""
            [ModelSchema, HubId("some-one/tiny"), Axis("layer", 2){{own}}] public sealed partial class Tiny : Gpt2Model;
            [Intervention<Tiny>] public sealed partial class A
            {
                [Capture(Tiny.Sites.Blocks.All.Attn.Z)] static Tensor C(Tensor x) => x;
                public static Tiny Published() => Tiny.Load();
            }
            """);
    }

    [Fact]
    public void An_invalid_declaration_becomes_a_refusal() => Snapshot.Verify(Compilations.GeneratedText(Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>]
        partial class Broken { [Patch("embed")] static int P(Tensor x) => 1; [Metric] static Tensor M([Logit("S")] Tensor s) => s; }
        """).Split("// =====")[^1]);

    [Fact]
    public void A_generic_declaration_says_its_sites() => Snapshot.Verify(Compilations.GeneratedText(Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention(Prompts = typeof(IoiPrompts)), Zero("embed"), PathPatch("blocks.0.attn.z", "logits")]
        public sealed partial class Any<TModel> where TModel : Decoder
        {
            [Add("embed[pos=end]")] public required Tensor Direction { get; init; }
            [Patch("blocks.0.mlp_out")] static Tensor P([From("clean", "embed")] Tensor x, [ValueOf("blocks.0.mlp_in")] Tensor y) => x + y;
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        """).Split("// =====")[^1]);

    [Fact]
    public void Steps_stand_in_their_order() => Snapshot.Verify(Compilations.GeneratedText(Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class Inner { [Add("embed"), Parameter] public required Tensor D { get; init; } [Metric] static Tensor M([Logit("S")] Tensor s) => s; }
        """, Sources.Intervention("""
            [Include(Order = 2)] public required Inner Last { get; init; }
            [Include] public required Inner First { get; init; }
            [Patch("embed", Order = 3)] static Tensor Very(Tensor x) => x;
            [Patch("embed", Order = -1)] static Tensor Before(Tensor x) => x;
            [Patch("embed")] static Tensor Between(Tensor x) => x;
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
            """, """[Scale("embed", 2, Order = 1)]""")).Split("// =====")[^1]);

    [Fact]
    public void A_splice_and_a_path_patch_stand_in_their_order()
    {
        string text = Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Intervention("""
            [Splice("embed", Order = -1)] public required ISplice Sae { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
            """, """
            [Run("direct"), PathPatch(["blocks.0.attn.z", "embed"], "blocks.1.mlp_in", In = "direct", Order = 1), Scale("embed", 2)]
            [Freeze("blocks.1.mlp_out", From = "direct")]
            """));
        string[] steps =
        [
            ".Splice(\"Sae\"", "BuiltInWrites.Scale(\"embed\"", ".PathPatch(new string[] { \"blocks.0.attn.z\", \"embed\" }",
        ];
        Assert.All(steps, step => Assert.Contains(step, text, StringComparison.Ordinal));
        Assert.Equal(steps, steps.OrderBy(step => text.IndexOf(step, StringComparison.Ordinal)));
        Assert.Contains("freezeMlps: false, run: \"direct\")", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_that_differ_by_case_are_files_of_their_own() => CompilesCleanly(Sources.Model, Sources.Prompts, """
        namespace Study
        {
            [Intervention<Toy, IoiPrompts>] public sealed partial class Sweep;
            [Intervention<Toy, IoiPrompts>] public sealed partial class sweep;
            [ModelSchema, Axis("layer", 2)] public sealed partial class TOY : Decoder;
            [PromptSchema] public sealed partial class ioiPrompts : PromptSet;
        }
        namespace study { [Intervention<Study.Toy, Study.IoiPrompts>] public sealed partial class Sweep; }
        """);

    [Fact]
    public void Generated_code_compiles_without_warnings() => CompilesCleanly(Sources.Model, Sources.Prompts, Sources.HeadSweep);

    [Fact]
    public void Generated_code_needs_no_new_language() => Clean(Compilations.Of(
        LanguageVersion.CSharp12, Sources.Model, Sources.Prompts, Sources.HeadSweep, Sources.Everything));

    [Theory]
    [InlineData("an empty one", "")]
    [InlineData("no sweep", """[Patch("embed")] static Tensor Kill() => zeros(1); [Metric] static Tensor M([Logit("S")] Tensor s) => s;""")]
    [InlineData(
        "instance members",
        """required public Tensor Direction { get; init; } [Patch("embed[pos=end]")] Tensor Steer(Tensor x) => x + Direction;""")]
    [InlineData(
        "another site as donor", """[Patch("blocks.{layer}.mlp_out")] static Tensor P([From("corrupted", "embed")] Tensor x) => x;""")]
    [InlineData(
        "keywords",
        """[Patch("blocks.{in}.mlp_out[pos=end]")] static Tensor @static(Tensor @class) => @class; [Metric] static Tensor """
            + """@event([Logit("S")] Tensor @return) => @return;""")]
    [InlineData("a method called x", """[Patch("embed")] static Tensor x(Tensor x) => x;""")]
    [InlineData("a property called x", """static Tensor x => zeros(1); [Patch("embed")] static Tensor P(Tensor y) => y + x;""")]
    [InlineData("escapes", """[Capture("embed[pos=\u0065nd]")] static Tensor C(Tensor y) => y;""")]
    public void A_declaration_compiles_with_these_members(string what, string members)
    {
        Assert.NotEmpty(what);
        CompilesCleanly(Sources.Model, Sources.Prompts, Sources.Intervention(members));
    }

    [Theory]
    [InlineData(
        "the default prompts",
        "namespace Study; [Intervention<Toy>] public sealed partial class A { [Metric] static Tensor M([Logit(\"correct\")] Tensor x) "
            + "=> x; }")]
    [InlineData("the global namespace", "[Intervention<Study.Toy, Study.IoiPrompts>] partial class A;")]
    [InlineData(
        "nested",
        "namespace Study; partial class Outer { internal partial struct Middle { [Intervention<Toy, IoiPrompts>] private sealed "
            + "partial class A; } }")]
    [InlineData(
        "inside generic types",
        "namespace Study; public partial class Outer<T> { public partial interface IMiddle<@in> { [Intervention<Toy, IoiPrompts>] "
            + "public partial class A { [Patch(\"embed\")] static Tensor P(Tensor x) => x; } } }")]
    [InlineData(
        "generic",
        "namespace Study; [Intervention<Toy, IoiPrompts>] public partial class A<T> where T : class { [Patch(\"embed\")] static Tensor "
            + "P(Tensor x) => x; }")]
    [InlineData(
        "keyword names",
        "namespace @namespace.@class; [Intervention<Study.Toy, Study.IoiPrompts>] public partial class @record { [Patch(\"embed\")] "
            + "static Tensor P(Tensor x) => x; }")]
    [InlineData(
        "several parts",
        "namespace Study; [Intervention<Toy, IoiPrompts>] partial class A { [Patch(\"embed\")] static Tensor P(Tensor x) => x; } "
            + "partial class A { [Metric] static Tensor M([Logit(\"S\")] Tensor s) => s; }")]
    [InlineData(
        "a public one on internal prompts",
        "namespace Study; [PromptSchema] internal sealed partial class Mine : PromptSet; [Intervention<Toy, Mine>] public partial "
            + "class A { [Metric] static Tensor M([Logit(\"wrong\")] Tensor s) => s; }")]
    [InlineData(
        "private ones",
        "namespace Study; public partial class Outer { [PromptSchema] private sealed partial class Mine : PromptSet; "
            + "[Intervention<Toy, Mine>] private partial class A { } void Use() => new A().Run(null!, null!).Dispose(); }")]
    [InlineData("a record", "namespace Study; [Intervention<Toy, IoiPrompts>] public sealed partial record A;")]
    public void A_declaration_compiles_as_this_type(string what, string source)
    {
        Assert.NotEmpty(what);
        CompilesCleanly(Sources.Model, Sources.Prompts, source);
    }

    [Theory]
    [InlineData("""Runs = ["clean"], Answers = []""")]
    [InlineData("""Runs = ["io", "prompt"], Answers = ["io", "prompt"], Positions = []""")]
    [InlineData("""Runs = ["class", "noise_1", "2nd"]""")]
    public void A_declaration_compiles_with_these_prompts(string names) => CompilesCleanly($$"""
        [PromptSchema({{names}})]
        public sealed partial class Mine : PromptSet;
        [Intervention<Study.Toy, Mine>]
        public sealed partial class A;
        """, Sources.Model);

    [Fact]
    public void The_results_are_typed() => CompilesCleanly(Sources.Model, Sources.Prompts, Sources.HeadSweep, """
        namespace Study;

        internal static class Use
        {
            public static Tensor Effect(Toy model, IoiPrompts prompts)
            {
                using HeadSweep.Result run = new HeadSweep().Run(model, prompts, new RunOptions { BatchSize = 4 });
                Tensor baseline = run.Clean.LogitDifference;
                Tensor pattern = run.Corrupted.Attention;
                foreach (SweptPoint point in run.LogitDifference.Top(3))
                    Console.WriteLine(point);
                return run.LogitDifference[layer: 1, head: 2] - baseline + run.Attention.Values + pattern;
            }

            public static IoiPrompts Prompts(Microsoft.ML.Tokenizers.Tokenizer tokenizer) => IoiPrompts.Create(tokenizer,
            [
                new() { Clean = "a", Corrupted = "b", IO = "c", S = "d" },
            ]);
        }
        """);

    [Theory]
    [InlineData("Gpt2Small")]
    [InlineData("Gpt2Xl")]
    public void Declared_sizes_are_models_to_intervene_on(string model) => CompilesCleanly($$"""
        [Intervention<{{model}}>]
        public sealed partial class A
        {
            [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")] static Tensor P([From("corrupted")] Tensor z) => z;
            [Metric] static Tensor M([Logit("correct")] Tensor x) => x;
            public static Tensor Use(string path, PromptPairs prompts)
            {
                using var model = {{model}}.Load(path, device: CPU);
                return new A().Run(model, prompts).M[layer: 1, head: 2];
            }
        }
        """);

    [Fact]
    public void Decoders_can_be_nested_and_abstract() => CompilesCleanly("""
        [ModelSchema, Axis("layer", 2)]
        public sealed partial class Tiny : Gpt2Model;
        public partial class Outer
        {
            [ModelSchema] private protected partial class Inner : Gpt2Model;
            [ModelSchema] internal abstract partial class Family : Gpt2Model { protected Family(Interventions.Models.Decoder.DecoderCheckpoint c, Interventions.ModelSchema s) : base(c, s) { } }
        }
        """);

    [Fact]
    public void A_models_names_can_come_from_another_assembly()
    {
        CSharpCompilation library = Compilations.Generate(Compilations.Of(Sources.Model, Sources.Prompts).WithAssemblyName("Library"));
        Assert.Empty(library.GetDiagnostics());

        Clean(Compilations.Of(Sources.HeadSweep).AddReferences(library.ToMetadataReference()));
    }

    private static void CompilesCleanly(params string[] sources) => Clean(Compilations.Of(sources));

    private static void Clean(CSharpCompilation compilation) =>
        Assert.Empty(
            Compilations.Generate(compilation).GetDiagnostics().Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden));
}
