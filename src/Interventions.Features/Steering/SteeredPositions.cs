using Interventions.Sites;

namespace Interventions.Features;

/// <summary>
/// The positions at which values are steered, as a selector says them: <c>end,new</c>, <c>0..4</c>, <c>!=0</c>; null is all.
/// </summary>
internal static class SteeredPositions
{
    /// <summary>A site's path at these positions.</summary>
    public static string Path(string site, string? at) => at switch
    {
        null => site,
        ['!', ..] => $"{site}[pos{at}]",
        _ => $"{site}[pos={at}]",
    };

    /// <summary>
    /// The first target of a text that is scored. Where positions behind the last steered one, p_max, are there, it is p_max + 2: target
    /// p_max + 1 is predicted at a steered position. Where the text is steered to its end, there is none such, and targets are scored from
    /// the first that a steered position predicts.
    /// </summary>
    /// <param name="at">The positions.</param>
    /// <param name="length">How many tokens the text has.</param>
    /// <exception cref="InterventionException">The positions are not those of a text.</exception>
    public static int FirstTarget(string? at, int length)
    {
        int[] steered = [.. Of(at, length).Where(position => position >= 0 && position < length).Distinct().Order()];
        if (steered.Length == 0)
            throw new InterventionException($"'{at}' is no position of a text of {length} tokens.");
        return steered[^1] < length - 1 ? steered[^1] + 2 : steered[0] + 1;
    }

    private static IEnumerable<int> Of(string? at, int length)
    {
        const string Site = "site";
        if (!SitePath.TryParse(Path(Site, at), out SitePath? path, out SiteProblem? problem))
            throw new InterventionException($"'{at}' is no selection of positions: {problem.Message}");
        if (at is null)
            return Enumerable.Range(0, length);
        Selection selection = path.Selectors[0].Indices.Selection;
        IEnumerable<int> listed = selection.Items.SelectMany(Positions);
        return selection.Except ? Enumerable.Range(0, length).Except(listed) : listed;

        IEnumerable<int> Positions(SelectionItem item)
        {
            if (item.Name == NewTokens.New)
                return [];
            if (item.Name == NewTokens.Prompt)
                return Enumerable.Range(0, length);
            if (item.Name == "end")
                return [length - 1 + item.First];
            if (item.Name is { } name)
                throw new InterventionException($"'{name}' is a position of prompts, and not of texts.");
            int first = item.First < 0 ? length + item.First : item.First, last = item.Last < 0 ? length + item.Last : item.Last;
            return last < first ? [] : Enumerable.Range(first, last - first + 1);
        }
    }
}
