using Interventions.Runtime;

namespace Interventions;

/// <summary>What names a model has: its sites with their axes, and how long the countable axes are.</summary>
/// <param name="Model">The model type's name, for messages: <c>Gpt2Small</c>.</param>
/// <param name="Axes">Sizes of the named axes: <c>layer</c>, <c>head</c>, <c>kv_head</c>, <c>d_head</c>, <c>d_model</c>, <c>neuron</c>, <c>vocab</c>.</param>
/// <param name="Sites">The sites in the order of computation, with <c>{layer}</c> where one exists a layer; then the sites inside splices.</param>
public sealed partial record ModelSchema(string Model, EquatableArray<AxisSize> Axes, EquatableArray<SiteDefinition> Sites);

/// <summary>The length of a named axis.</summary>
public sealed record AxisSize(string Axis, int Size);

/// <summary>A site: a value of the forward pass that can be read and written.</summary>
/// <param name="Path">Dotted name, with <c>{layer}</c> for the layer: <c>blocks.{layer}.attn.z</c>.</param>
/// <param name="Axes">Its axes, outermost first: <c>batch</c>, <c>pos</c>, <c>head</c>, <c>d_head</c>.</param>
public sealed record SiteDefinition(string Path, EquatableArray<string> Axes)
{
    /// <summary>Whether it is computed in one step with the site before it: neither is computed from the other.</summary>
    public bool SameStep { get; init; }

    /// <summary>Whether the model computes its output without it, as long as no intervention writes it.</summary>
    public bool Beside { get; init; }

    /// <summary>The property of the declaration whose splice has the site; <see langword="null"/> for a site of the model itself.</summary>
    public string? Splice { get; init; }

    /// <summary>The layers that have it, ascending; none listed: every layer.</summary>
    public EquatableArray<int> Layers { get; init; }

    /// <summary>Lengths of axes that are its own, not the model's.</summary>
    public EquatableArray<AxisSize> Sizes { get; init; }
}
