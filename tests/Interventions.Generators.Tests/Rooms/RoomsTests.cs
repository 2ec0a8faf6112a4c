using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Tests.Rooms;

/// <summary>The rooms of the generator: their arrows, their namespaces, and the size of their files.</summary>
public sealed class RoomsTests
{
    private const string Project = "Interventions.Generators";

    /// <summary>The rooms that a room uses. The files at the project's root use every room.</summary>
    private static readonly Dictionary<string, string[]> s_uses = new()
    {
        ["Infrastructure"] = [],
        ["Specs"] = ["Infrastructure"],
        ["Configs"] = ["Infrastructure", "Specs"],
        ["Declarations"] = ["Infrastructure", "Specs", "Configs"],
        ["Rules"] = ["Infrastructure", "Specs", "Configs", "Declarations"],
        ["Emission"] = ["Infrastructure", "Specs"],
    };

    private static readonly (string Path, CompilationUnitSyntax Root)[] s_files =
    [
        .. Directory.GetFiles(Folder(), "*.cs", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder(), path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "obj" or "bin"))
            .Order(StringComparer.Ordinal)
            .Select(path => (path, CSharpSyntaxTree.ParseText(File.ReadAllText(Path.Combine(Folder(), path))).GetCompilationUnitRoot())),
    ];

    [Fact]
    public void The_rooms_are_the_folders_of_the_project()
    {
        Assert.InRange(s_files.Length, 60, 90);
        Assert.Equal(
            s_uses.Keys.Order(),
            s_files.Where(file => file.Path.StartsWith(Project + "/", StringComparison.Ordinal) && file.Path.Count(c => c == '/') == 2)
                .Select(file => Room(file.Path)).Distinct().Order());
        Assert.All(s_files, file => Assert.True(file.Path.Count(c => c == '/') <= 2, file.Path));
    }

    [Fact]
    public void A_room_uses_only_the_rooms_below_it() => Assert.All(s_files.Where(file => Room(file.Path).Length > 0), file =>
        Assert.All(Used(file.Root), room => Assert.True(
            room == Room(file.Path) || s_uses[Room(file.Path)].Contains(room), $"{file.Path} uses {room}.")));

    [Theory]
    [InlineData("Specs")]
    [InlineData("Emission")]
    public void A_room_behind_the_compiler_sees_none_of_its_types(string room) => Assert.All(
        s_files.Where(file => Room(file.Path) == room),
        file => Assert.DoesNotContain("Microsoft.CodeAnalysis", file.Root.ToString(), StringComparison.Ordinal));

    [Fact]
    public void A_path_is_parsed_in_declarations_only()
    {
        IEnumerable<string> parsing = s_files
            .Where(file => file.Root.ToString().Contains("SitePath.TryParse(", StringComparison.Ordinal))
            .Select(file => Path.GetFileName(file.Path));
        // A schema's own sites are names to be checked, not paths of a declaration.
        Assert.Equal(["DeclaredPath.cs", "Schemas.cs"], parsing);
    }

    [Fact]
    public void A_namespace_is_a_folder() => Assert.All(s_files.Where(file => Path.GetFileName(file.Path) != "Polyfills.cs"), file =>
    {
        BaseNamespaceDeclarationSyntax space = Assert.Single(file.Root.Members.OfType<BaseNamespaceDeclarationSyntax>());
        Assert.Equal(Path.GetDirectoryName(file.Path)!.Replace('/', '.'), space.Name.ToString());
    });

    [Fact]
    public void A_line_ends_at_140_columns() => Assert.All(s_files, file =>
        Assert.All(File.ReadAllLines(Path.Combine(Folder(), file.Path)), line => Assert.True(line.Length <= 140, $"{file.Path}: {line}")));

    [Fact]
    public void A_file_has_at_most_400_lines_and_a_member_60() => Assert.All(s_files, file =>
    {
        Assert.True(Lines(file.Root) <= 400, file.Path);
        Assert.All(
            file.Root.DescendantNodes().OfType<MemberDeclarationSyntax>()
                .Where(member => member is not (BaseTypeDeclarationSyntax or BaseNamespaceDeclarationSyntax)),
            member => Assert.True(Lines(member) <= 60, $"{file.Path}: {member.GetFirstToken()}"));
    });

    [Fact]
    public void The_page_of_the_grammar_is_the_grammar()
    {
        string[] grammar =
        [
            .. File.ReadAllLines(Path.Combine(Folder(), "../src/Interventions/Sites/SitePathParser.cs"))
                .SkipWhile(line => line != "/// <code>").Skip(1).TakeWhile(line => line != "/// </code>").Select(line => line[4..]),
        ];
        Assert.InRange(grammar.Length, 6, 20);
        Assert.Contains(string.Join('\n', grammar), File.ReadAllText(Path.Combine(Folder(), "rules/INV007.md")), StringComparison.Ordinal);
    }

    /// <summary>The rooms that a file names: in its usings, and in qualified names.</summary>
    private static IEnumerable<string> Used(CompilationUnitSyntax root) =>
        root.DescendantNodes().OfType<QualifiedNameSyntax>().Where(name => name.Parent is not BaseNamespaceDeclarationSyntax)
            .Where(name => name.Left.ToString() == Project).Select(name => name.Right.ToString());

    /// <summary>The folder of a file of the generator; empty at the root, and in other projects.</summary>
    private static string Room(string path) => path.Split('/') is [Project, var room, _] ? room : "";

    private static int Lines(SyntaxNode node)
    {
        FileLinePositionSpan span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }

    private static string Folder([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../generators"));
}
