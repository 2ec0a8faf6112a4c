using System.Text.RegularExpressions;

namespace Interventions.PackageTests;

/// <summary>The code of a document as one program: its statements in the order of the text, its types at the end.</summary>
/// <param name="Usings">The using directives, each once.</param>
/// <param name="Statements">What runs.</param>
/// <param name="Types">The declared types.</param>
internal sealed partial record Document(IReadOnlyList<string> Usings, string Statements, string Types)
{
    /// <summary>The first block of code is a program by itself.</summary>
    public static string FirstBlock(string path) => Blocks(path)[0];

    /// <summary>All blocks of a document, perhaps after the program that it goes on with.</summary>
    /// <param name="path">The document, from the repository's root.</param>
    /// <param name="before">The program that stands before it.</param>
    public static Document Of(string path, params IEnumerable<string> before)
    {
        List<string> usings = [], statements = [], types = [];
        foreach (string block in before.Concat(Blocks(path)))
        {
            string[] lines = block.Split('\n');
            int directives = lines.TakeWhile(line => line.Length == 0 || IsDirective().IsMatch(line)).Count();
            int firstType = Array.FindIndex(lines, IsType().IsMatch);
            int end = firstType < 0 ? lines.Length : firstType;
            usings.AddRange(lines[..directives].Where(line => line.Length > 0));
            statements.AddRange(lines[directives..end]);
            types.AddRange(lines[end..]);
        }
        return new Document([.. usings.Distinct()], string.Join('\n', statements), string.Join('\n', types));
    }

    /// <summary>The lines of the first block of commands that has a text.</summary>
    public static string[] Commands(string path, string text) =>
        Shell().Matches(Text(path)).Select(block => block.Groups[1].Value)
            .First(block => block.Contains(text, StringComparison.Ordinal)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The lines that stand above a program of one file, as the text names them.</summary>
    public static string[] Directives(string path) => [.. Directive().Matches(Text(path)).Select(line => line.Groups[1].Value)];

    /// <inheritdoc/>
    public override string ToString() => $"{string.Join('\n', Usings)}\n\n{Statements}\n{Types}\n";

    private static string[] Blocks(string path) =>
        [.. Code().Matches(Text(path)).Select(block => block.Groups[1].Value)];

    private static string Text(string path) => File.ReadAllText(Path.Combine(Packages.Repository, path));

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shell();

    [GeneratedRegex(@"`(#:[^`]*)`")]
    private static partial Regex Directive();

    [GeneratedRegex(@"^using (static )?[\w.]+;$")]
    private static partial Regex IsDirective();

    /// <summary>A type begins at the left margin, with its attributes, modifiers, or XML comment.</summary>
    [GeneratedRegex(@"^(\[[A-Z]|sealed |public |internal |/// )")]
    private static partial Regex IsType();
}
