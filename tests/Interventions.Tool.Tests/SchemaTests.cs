extern alias Generators;

using System.Text.Json;
using Generators::Interventions.Generators;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Testing.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Tool.Tests;

public sealed class SchemaTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_class_of_a_checkpoint() =>
        Snapshot.Verify(ToolRun.Answer("schema", ToolRun.Model, "--name", "NamesModel", "--namespace", "My.Models"));

    /// <summary>For each family: the file compiles with the generator, and its names and sizes are the checkpoint's.</summary>
    [Fact]
    public void What_is_printed_compiles_to_the_schema_of_the_checkpoint()
    {
        List<SyntaxTree> trees = [];
        Dictionary<string, ModelSchema> expected = [];
        foreach (DecoderFamily family in DecoderFamily.All)
        {
            foreach ((string type, DecoderConfig usual) in family.Classes)
            {
                string folder = Directory.CreateDirectory(_folder[$"my-{type.Split('.')[^1]}-7b"]).FullName;
                Write(family, usual, Path.Combine(folder, "config.json"));
                JsonElement json = ToolRun.Json("schema", folder, "--namespace", "My.Models");
                Assert.Equal(type, json.GetProperty("base").GetString());
                string source = json.GetProperty("source").GetString()!;
                Assert.Equal(ToolRun.Of("schema", folder, "--namespace", "My.Models").Output, source);
                trees.Add(CSharpSyntaxTree.ParseText(source, path: folder));
                expected.Add($"My.Models.{json.GetProperty("name").GetString()}", DecoderSchema.Of(usual, type));
            }
        }
        CSharpCompilation compilation = CSharpCompilation.Create(
            "Printed", trees,
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
                .Where(path => !Path.GetFileName(path).StartsWith("Interventions.Generators", StringComparison.Ordinal))
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, nullableContextOptions: NullableContextOptions.Enable,
                specificDiagnosticOptions: [new("CS1701", ReportDiagnostic.Suppress)]));
        CSharpGeneratorDriver.Create(new ModelSchemaGenerator()).RunGeneratorsAndUpdateCompilation(
            compilation, out Compilation generated, out var problems);
        Assert.Empty(problems);
        Assert.Empty(generated.GetDiagnostics().Where(problem => problem.Severity >= DiagnosticSeverity.Warning));
        foreach ((string type, ModelSchema schema) in expected)
        {
            ISymbol fingerprint = Assert.Single(generated.GetTypeByMetadataName(type)!.GetMembers("SchemaFingerprint"));
            Assert.Equal(schema.Fingerprint, ((IFieldSymbol)fingerprint).ConstantValue);
        }
    }

    [Theory]
    [InlineData("SmolLM2-135M", "SmolLM2_135M")]
    [InlineData("gpt2", "Gpt2")]
    [InlineData("Llama-3.2-1B", "Llama_3_2_1B")]
    [InlineData("7b", "Model7b")]
    public void A_name_is_made_of_the_models(string folder, string name)
    {
        string path = Directory.CreateDirectory(_folder[folder]).FullName;
        File.Copy(Path.Combine(ToolRun.Model, "config.json"), Path.Combine(path, "config.json"));
        Assert.Equal(name, ToolRun.Json("schema", path).GetProperty("name").GetString());
    }

    [Fact]
    public void A_name_that_csharp_has_not_is_refused()
    {
        Assert.Equal(
            "'My Model' is no name of a class: give one with --name.", ToolRun.Refusal("schema", ToolRun.Model, "--name", "My Model"));
        Assert.Equal("'My.2' is no namespace.", ToolRun.Refusal("schema", ToolRun.Model, "--namespace", "My.2"));
    }

    private static void Write(DecoderFamily family, DecoderConfig decoder, string path)
    {
        using FileStream stream = File.Create(path);
        using Utf8JsonWriter json = new(stream);
        json.WriteStartObject();
        json.WriteString("model_type", family.ModelType);
        family.Write(decoder, json);
        json.WriteEndObject();
    }
}
