extern alias Runtime;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Tests.Generators;

/// <summary>Every attribute of the language is documented with an example that uses it, compiles, and causes no diagnostic.</summary>
public sealed class DocumentedExamplesTests
{
    private static readonly Dictionary<string, ClassDeclarationSyntax> s_attributes = Attributes().ToDictionary(
        attribute => attribute.Identifier.Text + attribute.TypeParameterList, attribute => attribute);

    public static TheoryData<string> Names => [.. s_attributes.Keys.Order(StringComparer.Ordinal)];

    [Fact]
    public void All_attributes_are_found()
    {
        IEnumerable<string> expected = typeof(Runtime::Interventions.PatchAttribute).Assembly.GetExportedTypes()
            .Where(type => type.IsSubclassOf(typeof(Attribute)) && !type.IsAbstract && type.Namespace == "Interventions")
            .Select(type => type.Name.Split('`')[0]);
        Assert.Equal(expected.Order(StringComparer.Ordinal), s_attributes.Values.Select(attribute => attribute.Identifier.Text).Order(
            StringComparer.Ordinal));
    }

    [Fact]
    public void The_languages_tables_have_every_attribute()
    {
        string[] rows =
        [
            .. File.ReadAllLines(Path.Combine(Root(), "src/Interventions/README.md"))
                .Where(line => line.StartsWith("| `[", StringComparison.Ordinal)).Select(line => line.Split(" | ")[0]),
        ];
        Assert.All(
            s_attributes.Values.Select(attribute => attribute.Identifier.Text.Replace("Attribute", "", StringComparison.Ordinal))
                .Distinct(),
            name => Assert.Contains(rows, row => System.Text.RegularExpressions.Regex.IsMatch(row, $@"`\[{name}[\](<]")));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task The_example_compiles(string attribute)
    {
        string code = Example(s_attributes[attribute]);
        string name = s_attributes[attribute].Identifier.Text.Replace("Attribute", "", StringComparison.Ordinal);
        Assert.Matches($@"[\[(, ]{name}[\](,<]", code);

        // A project's own lines are XML.
        string[] lines = code.Split('\n');
        (string, string)[] files = [.. lines.Where(line => line.StartsWith('<')).Select(_ => ("/models/gpt2/config.json", """
            { "model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": 8, "n_positions": 16, "vocab_size": 11 }
            """))];
        string source = string.Join('\n', lines.Where(line => !line.StartsWith('<')).Prepend("using Interventions.Models.Decoder;"));
        await Analysis.Check(files, source);
    }

    private static string Example(ClassDeclarationSyntax attribute)
    {
        DocumentationCommentTriviaSyntax comment = Assert.Single(
            attribute.GetLeadingTrivia().Select(trivia => trivia.GetStructure()).OfType<DocumentationCommentTriviaSyntax>());
        XElement? example = comment.Content.OfType<XmlElementSyntax>().Where(element => element.StartTag.Name.ToString() == "example")
            .Select(element => XElement.Parse(string.Join('\n', element.ToString().Split('\n').Select(Uncommented)))).SingleOrDefault();
        Assert.NotNull(example);
        return example.Element("code")!.Value.Trim();
    }

    private static string Uncommented(string line) =>
        line.TrimStart() is ['/', '/', '/', .. var text] ? text is [' ', .. var rest] ? rest : text : line;

    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../.."));

    private static IEnumerable<ClassDeclarationSyntax> Attributes() =>
        Directory.GetFiles(Path.Combine(Root(), "src/Interventions/Declarations"), "*.cs")
            .SelectMany(
                source => CSharpSyntaxTree.ParseText(
                    File.ReadAllText(source), new CSharpParseOptions(LanguageVersion.CSharp13, DocumentationMode.Parse)).GetRoot()
                .DescendantNodes().OfType<ClassDeclarationSyntax>())
            .Where(type => type.Identifier.Text.EndsWith("Attribute", StringComparison.Ordinal) && !type.Modifiers.Any(
                SyntaxKind.AbstractKeyword)
                && type.Identifier.Text is not ("DeclaredSiteAttribute" or "InheritedAttribute"));
}
