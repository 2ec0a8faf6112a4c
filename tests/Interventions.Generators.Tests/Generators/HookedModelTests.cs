using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Tests.Testing;
using Interventions.Testing;
using Interventions.Testing.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Generators.Tests.Generators;

/// <summary>Models whose sizes a configuration says.</summary>
public sealed class HookedModelTests
{
    private const string Declarations = """
        [HookedModel("gpt2/config.json")] public sealed partial class Gpt;
        [HookedModel("llama/config.json")] public sealed partial class Llama : LlamaModel;
        """;

    private const string Llama = """
        {
          "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 5, "intermediate_size": 172, "vocab_size": 512
        }
        """;

    private static readonly AdditionalText Gpt2File = new InMemoryFile("/p/gpt2/config.json", """{ "model_type": "gpt2", "n_layer": 2 }""");
    private static readonly AdditionalText LlamaFile = new InMemoryFile("/p/llama/config.json", Llama);

    private static readonly CSharpCompilation Compilation = Compilations.Of(Declarations, "class Unrelated;");

    [Fact]
    public void A_configuration_becomes_a_schema()
    {
        CSharpCompilation compilation = Compilations.Of("""
            namespace Study;
            [HookedModel("config.json"), Site("own", "batch")]
            public sealed partial class Mine : Interventions.Models.Decoder.DecoderModel;
            """);
        Snapshot.Verify(
            Compilations.Driver(compilation, Gpt2File).RunGenerators(compilation).GetRunResult().GeneratedTrees.Single().ToString());
    }

    [Fact]
    public void A_published_configuration_says_where_and_its_family_has_the_constants()
    {
        CSharpCompilation compilation = Compilations.Of("""[HookedModel("config.json"), HubId("some-one/tiny")] public sealed partial class Mine;""");
        SyntaxTree generated = Compilations.Driver(compilation, Gpt2File).RunGenerators(compilation).GetRunResult().GeneratedTrees.Single();
        string text = generated.ToString();
        Assert.Contains("string path = HubId, ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("class Sites", text, StringComparison.Ordinal);
        Assert.Empty(
            Compilations.Generate(compilation, Gpt2File).GetDiagnostics().Where(problem => problem.Severity != DiagnosticSeverity.Hidden));
    }

    [Theory]
    [InlineData("""{ "model_type": "gpt2" }""", 12, 12, 12, 64, 768, 3072, 50257)]
    [InlineData(
        """{ "model_type": "gpt2", "n_embd": 96, "n_head": 4, "n_layer": 4, "vocab_size": 347, "n_inner": null }""", 4, 4, 4, 24, 96, 384,
        347)]
    [InlineData("""{ "n_inner": 10, "model_type": "\u0067pt2", "n_inner": 100 }""", 12, 12, 12, 64, 768, 100, 50257)]
    [InlineData(Llama, 5, 4, 4, 16, 64, 172, 512)]
    [InlineData(
        """{ "model_type": "gpt_neo", "num_layers": 2, "num_heads": 4, "hidden_size": 32, "vocab_size": 71, """
            + """ "attention_layers": ["global", "local"] }""", 2, 4, 4, 8, 32, 128, 71)]
    [InlineData(
        """{ "model_type": "mixtral", "hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, """
            + """ "intermediate_size": 20, "vocab_size": 67, "num_local_experts": 4, "num_experts_per_tok": 2 }""",
        2, 4, 2, 6, 24, 20, 4, 2, 67)]
    [InlineData("""{ "model_type": "llama", "hidden_size": 65, "head_dim": 8, "num_attention_heads": 4, "num_key_value_heads": """
        + """2, "num_hidden_layers": 5, "intermediate_size": 172, "vocab_size": 512 }""", 5, 4, 2, 8, 65, 172, 512)]
    public void The_sizes_are_those_of_the_run_time(string json, params int[] sizes)
    {
        CSharpCompilation generated = Compilations.Generate(
            Compilations.Of("""[HookedModel("config.json")] public sealed partial class Mine;"""), new InMemoryFile("/config.json", json));

        Assert.Empty(generated.GetDiagnostics().Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden));
        INamedTypeSymbol model = generated.GetTypeByMetadataName("Mine")!;
        Assert.Equal(sizes, SchemaReader.Read(model).Axes.Select(axis => axis.Size));
    }

    [Theory]
    [InlineData("""[HookedModel("config.json")] public sealed partial class Mine;""")]
    [InlineData("""[HookedModel("config.json")] public sealed partial class Mine : Gpt2Model;""")]
    [InlineData(
        """[Axis("vocab", 64), Axis("expert", 3), Site("own", "expert"), HookedModel("config.json")] public sealed partial class Mine;""")]
    public void Analyzers_read_the_schema_that_was_emitted(string source)
    {
        CSharpCompilation generated = Compilations.Generate(Compilations.Of(source), Gpt2File);

        INamedTypeSymbol model = generated.GetTypeByMetadataName("Mine")!;
        Assert.Equal(
            SchemaReader.TryRead(model)!.Fingerprint, ((IFieldSymbol)model.GetMembers("SchemaFingerprint").Single()).ConstantValue);
        Assert.Equal(source.Contains("64", StringComparison.Ordinal) ? 64 : 50257, SchemaReader.Read(model).SizeOf("vocab"));
    }

    [Fact]
    public void An_edit_elsewhere_writes_nothing_again()
    {
        GeneratorRunResult after = Rerun(
            driver => driver,
            Compilation.ReplaceSyntaxTree(Compilation.SyntaxTrees[^1], CSharpSyntaxTree.ParseText(
                "class Unrelated { int added; }", (CSharpParseOptions)Compilation.SyntaxTrees[0].Options)));

        Assert.All(
            Reasons(after, TrackingNames.HookedModelDeclarations), reason => Assert.Equal(IncrementalStepRunReason.Unchanged, reason));
        Assert.All(Reasons(after, TrackingNames.Configs), reason => Assert.Equal(IncrementalStepRunReason.Cached, reason));
        Assert.Equal([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Cached], Outputs(after));
    }

    [Fact]
    public void An_edit_of_a_configuration_writes_that_model_again()
    {
        GeneratorRunResult after = Rerun(driver => driver.ReplaceAdditionalText(
            LlamaFile, new InMemoryFile("/p/llama/config.json", Llama.Replace("512", "513", StringComparison.Ordinal))));

        Assert.Equal([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Modified], Reasons(after, TrackingNames.Configs));
        Assert.Equal([IncrementalStepRunReason.Unchanged, IncrementalStepRunReason.Modified], Reasons(after, TrackingNames.HookedModels));
        Assert.Equal([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Modified], Outputs(after));
    }

    [Fact]
    public void A_configurations_other_values_write_nothing_again()
    {
        GeneratorRunResult after = Rerun(driver => driver.ReplaceAdditionalText(
            LlamaFile, new InMemoryFile("/p/llama/config.json", Llama.Replace("{", "{ \"rope_theta\": 1, ", StringComparison.Ordinal))));

        Assert.Equal([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Unchanged], Reasons(after, TrackingNames.Configs));
        Assert.Equal([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Cached], Outputs(after));
    }

    [Fact]
    public void Another_json_file_writes_nothing_again()
    {
        GeneratorRunResult after = Rerun(driver => driver.AddAdditionalTexts([new InMemoryFile("/p/appsettings.json", "{}")]));

        Assert.Equal([IncrementalStepRunReason.Unchanged, IncrementalStepRunReason.Unchanged], Reasons(after, TrackingNames.HookedModels));
        Assert.Equal([IncrementalStepRunReason.Cached, IncrementalStepRunReason.Cached], Outputs(after));
    }

    [Fact]
    public void An_edit_of_the_class_is_written()
    {
        SyntaxTree tree = Compilation.SyntaxTrees[1];
        GeneratorRunResult after = Rerun(
            driver => driver,
            Compilation.ReplaceSyntaxTree(tree, CSharpSyntaxTree.ParseText(
                tree.ToString().Replace("[HookedModel(\"gpt2", "[Site(\"own\"), HookedModel(\"gpt2", StringComparison.Ordinal),
                (CSharpParseOptions)tree.Options)));

        Assert.Equal([IncrementalStepRunReason.Modified, IncrementalStepRunReason.Cached], Outputs(after));
    }

    [Fact]
    public void Models_hold_nothing_of_the_compiler()
    {
        GeneratorRunResult result = Hooked(Compilations.Driver(Compilation, Gpt2File, LlamaFile).RunGenerators(Compilation));
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);

        foreach (string step in (string[])[TrackingNames.Configs, TrackingNames.HookedModelDeclarations, TrackingNames.HookedModels])
            foreach ((object value, _) in result.TrackedSteps[step].SelectMany(run => run.Outputs))
                CachingTests.Walk(value, seen);

        Assert.True(seen.Count > 20, "The walk should see more than a few objects.");
    }

    private static GeneratorRunResult Rerun(Func<GeneratorDriver, GeneratorDriver> edit, CSharpCompilation? after = null) =>
        Hooked(edit(Compilations.Driver(Compilation, Gpt2File, LlamaFile).RunGenerators(Compilation)).RunGenerators(after ?? Compilation));

    private static GeneratorRunResult Hooked(GeneratorDriver driver) =>
        driver.GetRunResult().Results.Single(result => result.TrackedSteps.ContainsKey(TrackingNames.HookedModels));

    private static IncrementalStepRunReason[] Reasons(GeneratorRunResult result, string step) =>
        [.. result.TrackedSteps[step].SelectMany(run => run.Outputs).Select(output => output.Reason)];

    private static IncrementalStepRunReason[] Outputs(GeneratorRunResult result) =>
        [.. result.TrackedOutputSteps.SelectMany(step => step.Value).SelectMany(run => run.Outputs).Select(output => output.Reason)];
}
