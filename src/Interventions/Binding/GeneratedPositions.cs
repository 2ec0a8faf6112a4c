using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Which positions a site selects at the passes of a generation: at the prompt's pass, and at each step, that of a new token.
/// </summary>
/// <remarks>
/// Along <c>pos</c> and <c>query</c> a method sees at a step the new token alone. Along <c>key</c> it sees the selected ones of all tokens
/// so far. A parameter's site may name earlier tokens on every axis; without a selector it too is the new token. A selector that leaves
/// positions of the prompt out selects every new token.
/// </remarks>
internal static class GeneratedPositions
{
    /// <summary>Whether the site selects anything at a pass: the prompt's (null), or a step's.</summary>
    public static bool AppliesAt(this BoundSite site, int? step, SweepPoint point)
    {
        for (int axis = 0; axis < site.Axes.Length; axis++)
        {
            Selection selection = site.SelectionAt(axis, point);
            if (site.IsPositional(axis) && selection.Items.Count > 0 && !selection.Except
                && !selection.Items.Any(item => Applies(item, site.IsKey(axis))))
                return false;
        }
        return true;

        bool Applies(SelectionItem item, bool isKey) =>
            step is not int now ? !item.IsNew()
            : isKey ? !item.IsNew() || item.First <= now
            : item.IsNewAt(now);
    }

    /// <summary>Whether the site selects anything at some step.</summary>
    public static bool AppliesAtSteps(this BoundSite site, SweepPoint point) => site.PositionalAxes.All(axis =>
        site.SelectionAt(axis, point) is var selection
        && (selection.Items.Count == 0 || selection.Except || selection.Items.Any(item => item.IsNew() || site.IsKey(axis))));

    /// <summary>The selected token indices of one prompt at a step, counted from its first token.</summary>
    public static IReadOnlyList<int> PositionIndices(
        this BoundSite site, int axis, SweepPoint point, RunTokens tokens, string promptForMessages, int step)
    {
        Selection selection = site.SelectionAt(axis, point);
        int length = tokens.Ids.Count;
        bool isKey = site.IsKey(axis);
        if (selection.Items.Count == 0)
            return isKey ? [.. Enumerable.Range(0, length + step + 1)] : [length + step];
        if (selection.Except)
            return
            [
                .. isKey ? site.PositionIndices(axis, point, tokens, promptForMessages) : [],
                .. Enumerable.Range(isKey ? length : length + step, isKey ? step + 1 : 1),
            ];
        List<int> positions = [];
        if ((isKey || site.IsRead) && selection.OfPrompt() is not null)
            positions.AddRange(site.PositionIndices(axis, point, tokens, promptForMessages));
        foreach (SelectionItem item in selection.Items.Where(item => item.IsNew()))
        {
            if (isKey || (site.IsRead && item != NewTokens.Every))
                positions.AddRange(
                    Enumerable.Range(item.First, Math.Max(0, Math.Min(item.Last, step) - item.First + 1)).Select(at => length + at));
            else if (item.IsNewAt(step) && !positions.Contains(length + step))
                positions.Add(length + step);
        }
        return positions;
    }

    /// <summary>Whether the site names positions other than the one that a pass computes, so that their values must be kept.</summary>
    public static bool ReadsBack(this BoundSite site) => site.IsRead && site.PositionalAxes.Any(axis =>
        !site.IsKey(axis) && !site.Axes[axis].Except
        && (site.Axes[axis].IsSweep || site.Axes[axis].Items.Any(item => item != NewTokens.Every)));

    /// <summary>Whether the site names new tokens.</summary>
    public static bool NamesNewTokens(this BoundSite site, SweepPoint point) => site.NewItems(point).Any();

    /// <summary>The new tokens that the site names.</summary>
    public static IEnumerable<SelectionItem> NewItems(this BoundSite site, SweepPoint point) =>
        site.PositionalAxes.SelectMany(axis => site.SelectionAt(axis, point).Items).Where(item => item.IsNew());

    /// <summary>The part of the site over which means are taken: the prompt's part of the selection, or the whole prompt.</summary>
    public static BoundSite OfPrompt(this BoundSite site, SweepPoint point) => site with
    {
        Axes = [.. site.Axes.Select((selection, axis) =>
            site.IsPositional(axis) ? site.SelectionAt(axis, point).OfPrompt() ?? Selection.All : selection)],
    };

    /// <summary>Whether an axis counts the tokens that a query looks at.</summary>
    public static bool IsKey(this BoundSite site, int axis) => site.Definition.Axes[axis] == "key";
}
