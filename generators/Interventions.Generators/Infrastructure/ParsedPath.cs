using System.Runtime.CompilerServices;
using Interventions.Sites;

namespace Interventions.Generators.Infrastructure;

/// <summary>
/// A text parsed as a site path, once: a dozen checks ask the same attribute for its path. The key is the very string that the compiler keeps for the
/// attribute, and what was parsed lives as long.
/// </summary>
/// <param name="Path">The path; null when it breaks the grammar.</param>
/// <param name="Problem">How it breaks the grammar; null when it does not.</param>
internal sealed record ParsedPath(SitePath? Path, SiteProblem? Problem)
{
    private static readonly ConditionalWeakTable<string, ParsedPath> s_parsed = new();

    /// <summary>Parses a text.</summary>
    public static ParsedPath Of(string text) => s_parsed.GetValue(text, static text =>
        SitePath.TryParse(text, out SitePath? path, out SiteProblem? problem) ? new ParsedPath(path, null) : new ParsedPath(null, problem));
}
