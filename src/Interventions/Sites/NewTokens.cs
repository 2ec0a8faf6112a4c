using System.Collections.Generic;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>
/// The two names that every prompt set's positions have beside its own: <c>prompt</c>, all tokens of the prompt, and <c>new</c>, the tokens that are generated after it.
/// New token k, counted from 0, is the one at position prompt length + k.
/// </summary>
internal static class NewTokens
{
    /// <summary>All tokens of the prompt.</summary>
    public const string Prompt = "prompt";

    /// <summary>The tokens that are generated.</summary>
    public const string New = "new";

    /// <summary>Each new token: <c>new</c>.</summary>
    public static SelectionItem Every { get; } = new(New, 0, int.MaxValue);

    /// <summary>Whether a prompt set cannot call a position so.</summary>
    public static bool IsReserved(string name) => name is Prompt or New;

    /// <summary>Whether an item selects new tokens.</summary>
    public static bool IsNew(this SelectionItem item) => item.Name == New;

    /// <summary>Whether new token <paramref name="step"/> is among an item's.</summary>
    public static bool IsNewAt(this SelectionItem item, int step) => item.IsNew() && item.First <= step && step <= item.Last;

    /// <summary>The same selection of the prompt alone; <see langword="null"/> when it selects nothing of it.</summary>
    public static Selection? OfPrompt(this Selection selection)
    {
        if (selection.Items.Count == 0)
            return selection;
        SelectionItem[] items = selection.Items.Where(item => !item.IsNew()).Select(item => item.Name == Prompt ? new SelectionItem(null, 0, -1) : item).ToArray();
        return items.Length == 0 ? null : selection with { Items = items.ToEquatableArray() };
    }
}
