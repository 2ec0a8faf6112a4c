using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Tests.House;

/// <summary>The library's folders are rooms: a room uses only rooms to its left, and namespaces are folders.</summary>
public sealed class RoomTests
{
    private const string Library = "src/Interventions";

    /// <summary>Folders whose lines end at 140 columns; those of the generators have a test of their own.</summary>
    private static readonly string[] s_narrow = ["src", "tests", "examples"];

    /// <summary>Folders whose files have at most 400 lines, and their members 60.</summary>
    private static readonly string[] s_short = ["src"];

    /// <summary>From left to right; files at the library's root are to the left of all rooms. Links in comments do not count.</summary>
    private static readonly string[] s_rooms =
    [
        "", "Tables", "Files", "Torch", "Sites", "ModelGraphs", "Declarations", "Results", "Binding", "Planning", "Execution", "Generation",
        "Tracing",
    ];

    /// <summary>Namespaces of public types: for users, for authors of models, for generated code.</summary>
    private static readonly string[] s_public = ["Interventions", "Interventions.ModelGraphs", "Interventions.Runtime"];

    /// <summary>What the SDK and the build files use everywhere.</summary>
    private const string GlobalUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        global using Interventions.Torch;
        global using static Interventions.Torch.GuardedTensors;
        """;

    [Fact]
    public void A_room_uses_only_rooms_to_its_left()
    {
        CSharpCompilation compilation = Compiled();
        Assert.Empty(compilation.GetDiagnostics().Where(IsError));
        SortedSet<string> wrong = new(StringComparer.Ordinal);
        HashSet<(string From, string To)> arrows = [];
        foreach (SyntaxTree tree in compilation.SyntaxTrees.Where(tree => tree.FilePath.Length > 0))
        {
            SemanticModel model = compilation.GetSemanticModel(tree);
            foreach (SyntaxNode use in tree.GetRoot().DescendantNodes().Where(IsUse))
            {
                foreach (string room in Declared(model.GetSymbolInfo(use)).Select(Room))
                {
                    arrows.Add((Room(tree.FilePath), room));
                    if (Place(room) > Place(Room(tree.FilePath)))
                        wrong.Add($"{Path.GetRelativePath(Folder(Library), tree.FilePath)} uses {use} of {room}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // The walk does find what files use.
        Assert.Contains(("Execution", "Planning"), arrows);
        Assert.Contains(("Tracing", "ModelGraphs"), arrows);

        // The generator of regular expressions does not run here.
        static bool IsError(Diagnostic diagnostic) =>
            diagnostic.Severity == DiagnosticSeverity.Error && diagnostic.Id is not ("CS8795" or "CS9248");

        static bool IsUse(SyntaxNode node) => node is SimpleNameSyntax or ImplicitObjectCreationExpressionSyntax;
    }

    [Fact]
    public void Namespaces_are_folders()
    {
        List<string> wrong = [];
        foreach (SyntaxTree tree in Trees(Library))
        {
            string room = Room(tree.FilePath), folder = room.Length == 0 ? "Interventions" : $"Interventions.{room}";
            foreach (BaseNamespaceDeclarationSyntax space in tree.GetRoot().DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>())
            {
                bool isPublic = space.Members.Any(type => type.Modifiers.Any(SyntaxKind.PublicKeyword));
                if (isPublic ? !s_public.Contains($"{space.Name}") : $"{space.Name}" != folder)
                    wrong.Add($"{Path.GetRelativePath(Folder(Library), tree.FilePath)} is in {space.Name}");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Lines_end_at_140_columns()
    {
        List<string> wrong = [];
        foreach (SyntaxTree tree in s_narrow.SelectMany(Trees))
            foreach (TextLine line in tree.GetText().Lines.Where(line => line.Span.Length > 140 && !IsText(tree, line)))
                wrong.Add($"{Path.GetRelativePath(Folder("."), tree.FilePath)}:{line.LineNumber + 1}");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));

        // A source, a file or a table that a test or an example holds as a text has lines of its own.
        static bool IsText(SyntaxTree tree, TextLine line) => !tree.FilePath.Contains("/src/", StringComparison.Ordinal)
            && tree.GetRoot().DescendantNodes(line.Span).Any(node =>
                node is InterpolatedStringExpressionSyntax or LiteralExpressionSyntax
                && node.Span.Intersection(line.Span) is { Length: > 60 });
    }

    [Fact]
    public void A_file_has_400_lines_and_a_member_60_at_most()
    {
        List<string> wrong = [];
        foreach (SyntaxTree tree in s_short.SelectMany(Trees))
        {
            string file = Path.GetRelativePath(Folder("."), tree.FilePath);
            if (tree.GetText().Lines.Count > 401)
                wrong.Add($"{file}: {tree.GetText().Lines.Count} lines");
            foreach (MemberDeclarationSyntax member in tree.GetRoot().DescendantNodes().OfType<MemberDeclarationSyntax>())
            {
                FileLinePositionSpan span = member.GetLocation().GetLineSpan();
                int lines = span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
                if (member is not (BaseTypeDeclarationSyntax or BaseNamespaceDeclarationSyntax) && lines > 60)
                    wrong.Add($"{file}:{span.StartLinePosition.Line + 1}: {lines} lines");
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    /// <summary>The library's source files, with the references of this very process.</summary>
    private static CSharpCompilation Compiled()
    {
        string[] references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        return CSharpCompilation.Create(
            "Interventions",
            [.. Trees(Library), CSharpSyntaxTree.ParseText(GlobalUsings, Options())],
            references.Where(path => !Path.GetFileName(path).StartsWith("Interventions", StringComparison.Ordinal))
                .Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
    }

    private static IEnumerable<SyntaxTree> Trees(string folder) => Files(folder).Select(file =>
        CSharpSyntaxTree.ParseText(File.ReadAllText(file), Options(), file));

    private static CSharpParseOptions Options() => new(LanguageVersion.Preview, DocumentationMode.Diagnose);

    /// <summary>The files of the library that declare what a name means.</summary>
    private static IEnumerable<string> Declared(SymbolInfo info)
    {
        ISymbol[] symbols = info.Symbol is { } found ? [found] : [.. info.CandidateSymbols];
        return symbols.Where(symbol => symbol is not INamespaceSymbol).SelectMany(symbol => symbol.DeclaringSyntaxReferences)
            .Select(reference => reference.SyntaxTree.FilePath).Where(file => file.Length > 0);
    }

    private static int Place(string room) =>
        Array.IndexOf(s_rooms, room) is >= 0 and int place ? place : throw new InvalidOperationException($"'{room}' is no room.");

    private static string Room(string file) =>
        Path.GetRelativePath(Folder(Library), file).Split(Path.DirectorySeparatorChar) is [var room, _, ..] ? room : "";

    private static IEnumerable<string> Files(string folder) => Directory
        .EnumerateFiles(Folder(folder), "*.cs", SearchOption.AllDirectories)
        .Where(file => !Path.GetRelativePath(Folder("."), file).Split(Path.DirectorySeparatorChar).Any(part => part is "obj" or "bin"));

    private static string Folder(string relative, [CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../..", relative));
}
