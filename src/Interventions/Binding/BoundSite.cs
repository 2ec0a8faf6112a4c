using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Binding;

/// <summary>A site path compared with a model and its prompts: which values of which nodes it selects.</summary>
/// <param name="Where">The declaration and its method, for messages.</param>
/// <param name="Resolution">The path, the site and its layers.</param>
/// <param name="Axes">One selection for every axis of the site.</param>
/// <param name="Sizes">The axes' lengths; null where only the prompt knows.</param>
/// <param name="LayerCount">How many layers the model has.</param>
/// <param name="Vocabulary">The names of positions.</param>
internal sealed record BoundSite(
    string Where,
    SiteResolution Resolution,
    ImmutableArray<Selection> Axes,
    ImmutableArray<int?> Sizes,
    int LayerCount,
    PromptVocabulary Vocabulary)
{
    /// <summary>A resolved path.</summary>
    /// <param name="where">The declaration and its method, for messages.</param>
    /// <param name="resolution">The path and its site.</param>
    /// <param name="schema">The model's names.</param>
    /// <param name="vocabulary">The names of positions.</param>
    public static BoundSite Of(string where, SiteResolution resolution, ModelSchema schema, PromptVocabulary vocabulary)
    {
        SiteDefinition site = resolution.Site!;
        return new BoundSite(
            where,
            resolution,
            [.. site.Axes.Select(axis => resolution.Axes.LastOrDefault(selection => selection.Axis == axis)?.Selection ?? Selection.All)],
            [.. site.Axes.Select(axis => SiteResolver.IsPositionAxis(axis) ? null : schema.SizeOf(site, axis))],
            schema.SizeOf("layer") ?? 0,
            vocabulary);
    }

    /// <summary>The path as declared, for messages.</summary>
    public string Text => Resolution.Path.Text;

    /// <summary>The site.</summary>
    public SiteDefinition Definition => Resolution.Site!;

    /// <summary>Which layers; null for a site that exists once.</summary>
    public Selection? Layers => Resolution.Layer;

    /// <summary>The placeholders, in the order of the path's text: generated indexers have their axes in that order.</summary>
    public ImmutableArray<string> Placeholders { get; } = [.. Resolution.Path.Placeholders.Select(use => use.Name)];

    /// <summary>Whether the sweep's point decides what is selected.</summary>
    public bool IsSwept => !Placeholders.IsEmpty;

    /// <summary>Whether several nodes are selected at once, so that captures get a layer axis: decided by the path alone.</summary>
    public bool IsStacked => Layers is { IsOne: false };

    /// <summary>
    /// Of a write or capture that finds a splice's input: the node that holds the original value, by the node that the splice replaces.
    /// </summary>
    public IReadOnlyDictionary<string, string> Originals { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Whether this is a parameter's site, not the method's own: at a new token it may name earlier positions too.</summary>
    public bool IsRead { get; init; }

    /// <summary>Whether an axis of tokens of which nothing is selected has its padding too, as a trace's values have it.</summary>
    public bool IsPadded { get; init; }

    /// <summary>
    /// Where only some of the selected positions are meant: by how many a prompt selects, which of them, counted along the selection. Null:
    /// all.
    /// </summary>
    public IReadOnlyDictionary<int, int[]>? Narrowing { get; init; }

    /// <summary>Whether a prompt's length decides how many values are selected.</summary>
    public bool IsRagged => PositionalAxes.Any(axis => IsAll(axis) || Axes[axis].Except
        || Axes[axis].Items.Any(item => item.Name == NewTokens.Prompt || SiteExpansion.SpansTheLength(item)));

    /// <summary>
    /// Whether a prompt's length decides how many values are selected at a step of a generation: along the tokens so far, or of earlier
    /// positions that a parameter reads.
    /// </summary>
    public bool IsRaggedAtSteps => IsRagged && PositionalAxes.Any(axis => this.IsKey(axis) || (IsRead && !IsAll(axis)));

    /// <summary>The axis of own positions: that of tokens, or of queries.</summary>
    public int PositionAxis => PositionalAxes.First();

    /// <summary>Whether at a selected position everything is selected.</summary>
    public bool IsWholeAtAPosition => Enumerable.Range(0, Axes.Length).All(axis => axis == PositionAxis || IsAll(axis));

    /// <summary>Whether everything is selected.</summary>
    public bool IsWhole => Narrowing is null && Enumerable.Range(0, Axes.Length).All(IsAll);

    /// <summary>The site, with all tokens in place of those that are selected.</summary>
    public BoundSite AtAllPositions() => this with
    {
        Axes = [.. Axes.Select((selection, axis) => IsPositional(axis) ? Selection.All : selection)],
        Narrowing = null,
    };

    /// <summary>The axes that count tokens.</summary>
    public IEnumerable<int> PositionalAxes => Enumerable.Range(0, Axes.Length).Where(IsPositional);

    /// <summary>The selected layers at a point of the sweep; none of a site that exists once.</summary>
    public IReadOnlyList<int> LayersAt(SweepPoint point) =>
        Layers is null ? [] : SiteExpansion.Layers(Definition, At(Layers, point), LayerCount);

    /// <summary>The names of the selected nodes at a point of the sweep.</summary>
    public IEnumerable<string> Names(SweepPoint point) =>
        (Layers is null ? [Definition.Path] : LayersAt(point).Select(layer => SiteExpansion.Concrete(Definition, layer)))
        .Select(name => Originals.GetValueOrDefault(name, name));

    /// <summary>The selected indices of an axis that has the same length in every prompt.</summary>
    public IReadOnlyList<int> FixedIndices(int axis, SweepPoint point, int size) => SiteExpansion.Indices(At(Axes[axis], point), size);

    /// <summary>The selected token indices of one prompt.</summary>
    /// <exception cref="InterventionException">A position lies outside the prompt.</exception>
    public IReadOnlyList<int> PositionIndices(int axis, SweepPoint point, RunTokens tokens, string promptForMessages)
    {
        int length = tokens.Ids.Count;
        Selection selection = At(Axes[axis], point).OfPrompt() ?? throw Wrong(
            $"selects new tokens, and nothing of {promptForMessages}: only Generate makes new tokens");
        string selects = selection.Except ? "leaves out" : "selects";
        foreach (SelectionItem item in selection.Items)
        {
            int start = item.Name is null ? 0 : Named(item.Name);
            if (Checked(item, start, item.First) > Checked(item, start, item.Last))
                throw Wrong(
                    $"{selects} nothing of {promptForMessages}: {item.First}..{item.Last} is empty among its "
                    + TextTable.Count(length, "token"));
        }
        IReadOnlyList<int> indices = SiteExpansion.Indices(selection, length, Named);
        if (selection.Except)
            CheckLeftOut(SiteExpansion.Indices(selection with { Except = false }, length, Named), length, promptForMessages);
        return Narrowing is not null && axis == PositionAxis ? [.. Narrowing[indices.Count].Select(i => indices[i])] : indices;

        int Named(string name) => tokens.Positions[Vocabulary.Positions.ToList().IndexOf(name)];

        int Checked(SelectionItem item, int from, int index)
        {
            int at = item.Name is null ? SiteResolver.Wrap(index, length) : from + index;
            return at >= 0 && at < length
                ? at
                : throw Wrong(
                    $"{selects} position {(item.Name is null ? index : at)} of {promptForMessages}, " +
                    $"which has {TextTable.Count(length, "token")} (0 to {length - 1})");
        }
    }

    /// <summary>
    /// Prompts of one length are read together, so as many positions are left in each. Where two names are one token, one more would be.
    /// </summary>
    private void CheckLeftOut(IReadOnlyList<int> leftOut, int length, string promptForMessages)
    {
        if (leftOut.Distinct().Count() is var count && count == length)
            throw Wrong($"leaves out all of {promptForMessages}, which has {TextTable.Count(length, "token")}");
        if (count < leftOut.Count)
            throw Wrong($"leaves out one token of {promptForMessages} twice: leave out another position, or list those that are meant");
    }

    /// <summary>
    /// How many values are selected at each selected position of a prompt. An axis without a length in the schema (a norm's scale) counts
    /// as one.
    /// </summary>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="positions">How many positions are selected along an axis of them.</param>
    public long ValuesAtAPosition(SweepPoint point, Func<int, int> positions)
    {
        long count = 1;
        for (int axis = 1; axis < Axes.Length; axis++)
            if (axis != PositionAxis)
                count *= IsPositional(axis)
                    ? positions(axis)
                    : FixedIndices(axis, point, Sizes[axis] ?? 1).Count;
        return count;
    }

    /// <summary>Whether two selected positions of a prompt are one token.</summary>
    public bool Repeats(SweepPoint point, RunTokens tokens, string promptForMessages) => PositionalAxes
        .Select(axis => PositionIndices(axis, point, tokens, promptForMessages))
        .Any(positions => positions.Distinct().Count() < positions.Count);

    /// <summary>
    /// Indices count along the schema's axes. A value may have others in a written run: where a port is patched, every query head gets a
    /// key of its own, and index 1 of the shared keys would silently name another head.
    /// </summary>
    /// <exception cref="InterventionException">The value's axes are not the site's.</exception>
    public void CheckAxes(long[] shape) => CheckAxes(Where, Text, Definition, Sizes, shape);

    /// <inheritdoc cref="CheckAxes(long[])"/>
    public static void CheckAxes(string where, string text, SiteDefinition definition, IReadOnlyList<int?> sizes, long[] shape)
    {
        for (int axis = 0; axis < definition.Axes.Count; axis++)
            if (sizes[axis] is int size && shape[axis] != size)
                throw new InterventionException(
                    $"{where}: '{text}' has {shape[axis]} {definition.Axes[axis]}s in this run, and {size} by the model's schema. " +
                    "Where a port before it is patched, every head has a value of its own: patch or capture the port instead.");
    }

    /// <summary>Whether the axis counts tokens.</summary>
    public bool IsPositional(int axis) => SiteResolver.IsPositionAxis(Definition.Axes[axis]);

    private bool IsAll(int axis) => Axes[axis] is { IsSweep: false, Items.Count: 0 };

    /// <summary>The selection of an axis at a point of the sweep.</summary>
    public Selection SelectionAt(int axis, SweepPoint point) => At(Axes[axis], point);

    private static Selection At(Selection selection, SweepPoint point) =>
        selection.IsSweep ? new Selection(null, EquatableArray.Of(point[selection.Placeholder!].Place)) : selection;

    private InterventionException Wrong(string problem) => new($"{Where}: '{Text}' {problem}.");
}
