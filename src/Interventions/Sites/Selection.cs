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
}

/// <summary>One entry of a selection: an index, an inclusive range of indices, or a named position with an offset.</summary>
/// <param name="Name">A position's name; <see langword="null"/> for numbers.</param>
/// <param name="First">The first index (negative counts from the end), or the offset from the named position.</param>
/// <param name="Last">The last index, included; equal to <paramref name="First"/> for a single index and for a named position, except for <see cref="NewTokens.New"/>.</param>
internal sealed record SelectionItem(string? Name, int First, int Last);
