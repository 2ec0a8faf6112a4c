using System.Text.RegularExpressions;

namespace Interventions.Models.Hub;

/// <summary>
/// A model on the hub, as users write it: <c>openai-community/gpt2</c>, <c>openai-community/gpt2@main</c>, or one file of it,
/// <c>owner/name@revision/model-q8_0.gguf</c>.
/// </summary>
/// <param name="Repository">Its name: <c>openai-community/gpt2</c>.</param>
/// <param name="Revision">A branch, a tag or a commit.</param>
/// <param name="File">The file of weights that is meant; <see langword="null"/> for the usual ones.</param>
internal sealed partial record HubId(string Repository, string Revision, string? File)
{
    /// <summary>The branch that is meant where none is named.</summary>
    public const string Main = "main";

    /// <summary>The id that a text is; <see langword="null"/> if it can be none.</summary>
    public static HubId? TryParse(string text)
    {
        Match match = Pattern().Match(text);
        if (!match.Success || text.Contains("..", StringComparison.Ordinal))
            return null;
        string repository = match.Groups["repository"].Value;
        Group revision = match.Groups["revision"], file = match.Groups["file"];
        // 'models/tiny.gguf' is a file that is missing, and no repository of that name.
        bool isPath = !revision.Success && !file.Success && WeightFile().IsMatch(repository);
        return isPath || repository.Contains("--", StringComparison.Ordinal) ? null
            : new HubId(repository, revision.Success ? revision.Value : Main, file.Success ? file.Value : null);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Repository}{(Revision == Main ? "" : $"@{Revision}")}{(File is null ? "" : $"/{File}")}";

    private const string Name = @"[A-Za-z0-9_][A-Za-z0-9_.-]*", Weights = @"\.(gguf|safetensors|bin|pt|pth)";

    // Not $, which would let a line end follow.
    [GeneratedRegex(
        $@"^(?<repository>({Name}/)?{Name})(@(?<revision>refs/(pr|convert)/{Name}|{Name}))?(/(?<file>({Name}/)*{Name}{Weights}))?\z",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();

    [GeneratedRegex(Weights + @"\z", RegexOptions.ExplicitCapture)]
    private static partial Regex WeightFile();
}
