using System.Collections.Generic;
using System.Linq;
using Interventions.Runtime;

namespace Interventions.Sites;

/// <summary>Which indices of an axis a path names: all of them, some at once (brackets), or one at a time (braces).</summary>
/// <param name="Placeholder">The name inside braces, when the indices are swept one at a time; otherwise <see langword="null"/>.</param>
/// <param name="Items">What is listed, in order; empty means every index of the axis.</param>
internal sealed record Selection(string? Placeholder, EquatableArray<SelectionItem> Items)
{
    /// <summary>Every index, at once: <c>*</c>.</summary>
    public static Selection All { get; } = new(null, default);

    /// <summary>Whether the indices are swept one at a time.</summary>
    public bool IsSweep => Placeholder is not null;

    /// <summary>Whether it selects one index at a time: a single one, or a placeholder's.</summary>
    public bool IsOne => IsSweep || (Items.Count == 1 && Items[0].First == Items[0].Last);
}

/// <summary>One entry of a selection: an index, an inclusive range of indices, or a named position with an offset.</summary>
/// <param name="Name">A position's name; <see langword="null"/> for numbers.</param>
/// <param name="First">The first index (negative counts from the end), or the offset from the named position.</param>
/// <param name="Last">
/// The last index, included; equal to <paramref name="First"/> for a single index and for a named position, except for
/// <see cref="NewTokens.New"/>.
/// </param>
internal sealed record SelectionItem(string? Name, int First, int Last);

/// <summary>
/// The two names of positions that every prompt set has beside its own: <c>prompt</c>, all tokens of the prompt, and <c>new</c>, the tokens
/// that are generated after it. New token k, counted from 0, stands at position prompt length + k.
/// </summary>
internal static class NewTokens
{
    /// <summary>All tokens of the prompt.</summary>
    public const string Prompt = "prompt";

    /// <summary>The tokens that are generated.</summary>
    public const string New = "new";

    /// <summary>Each new token: <c>new</c>.</summary>
    public static SelectionItem Every { get; } = new(New, 0, int.MaxValue);

    /// <summary>Whether a prompt set may not give a position this name.</summary>
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
        SelectionItem[] items = selection.Items.Where(item => !item.IsNew())
            .Select(item => item.Name == Prompt ? new SelectionItem(null, 0, -1) : item).ToArray();
        return items.Length == 0 ? null : selection with { Items = items.ToEquatableArray() };
    }
}
