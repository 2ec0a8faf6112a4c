using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>A placeholder that stands alone, where a strength or a run may stand: <c>{alpha}</c>.</summary>
internal static class BracedName
{
    /// <summary>The name inside the braces; null when the text is none.</summary>
    public static string? Read(string? text) =>
        text is { Length: > 2 } && text[0] == '{' && text[text.Length - 1] == '}' && IsName(text.Substring(1, text.Length - 2))
            ? text.Substring(1, text.Length - 2)
            : null;

    /// <summary>Whether a placeholder can be called so, which is what a path can spell.</summary>
    public static bool IsName(string text)
    {
        for (int i = 0; i < text.Length; i++)
            if (text[i] is not ((>= 'a' and <= 'z') or (>= 'A' and <= 'Z') or '_') && (i == 0 || text[i] is not (>= '0' and <= '9')))
                return false;
        return text.Length > 0;
    }
}
