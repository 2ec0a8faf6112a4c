using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>A further run of the tokens of a run of the prompt set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The run of the prompt set; <see langword="null"/> is the one that the declaration changes.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record DerivedRun(string Name, string? From = null);

/// <summary>A user's method, its arguments in the order of the node's reads. It is pure: it writes into no argument.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public delegate Tensor MethodBody(ReadOnlySpan<Tensor> arguments);

/// <summary>A method of a declaration.</summary>
/// <param name="Reads">Its parameters.</param>
/// <param name="Body">The method.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record GraphMethod(ImmutableArray<Read> Reads, MethodBody Body);

/// <summary>Keeps a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">The method's parameters.</param>
/// <param name="Body">The method.</param>
/// <param name="BeforeWrites">Whether the value is the one before the writes to the site.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record CaptureNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, bool BeforeWrites = false)
{
    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>Keeps a metric's gradient with respect to a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">The method's parameters; <see cref="Read.Gradient"/> is the gradient.</param>
/// <param name="Body">The method.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record GradientNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, string? Metric = null)
{
    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>One number a prompt.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Reads">The method's parameters.</param>
/// <param name="Body">The method; returns <c>[batch]</c>.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record MetricNode(string Name, ImmutableArray<Read> Reads, MethodBody Body)
{
    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>A trained value, whose gradient is kept.</summary>
/// <param name="Name">The property; the gradient is kept as <c>{Name}Gradient</c>.</param>
/// <param name="Value">The tensor, which the declaration borrows; it need not require gradients.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ParameterNode(string Name, Tensor Value, string? Metric = null);

/// <summary>A property's tensor with its declared axes, see <see cref="ShapeAttribute"/>; it is measured before the pass.</summary>
/// <param name="Name">The property.</param>
/// <param name="Value">The tensor, which the declaration borrows.</param>
/// <param name="Axes">The axes, outermost first.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ShapedTensor(string Name, Tensor Value, ImmutableArray<string> Axes);

/// <summary>An encoder–decoder in the model, see <see cref="SpliceAttribute"/>.</summary>
/// <param name="Name">The property.</param>
/// <param name="Site">The path of the replaced site.</param>
/// <param name="Splices">One for all layers, or one for each, in the order of the path.</param>
/// <param name="Reads">The path of the encoded site; <see langword="null"/> for the replaced one.</param>
/// <param name="DetachError">Whether gradients hold the error term constant.</param>
/// <param name="Features">The declared number of features; <see langword="null"/> where none is declared.</param>
/// <param name="WritesBefore">The number of the graph's writes that stand before it: they change the value that is encoded.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record SpliceNode(
    string Name,
    string Site,
    ImmutableArray<ISplice> Splices,
    string? Reads = null,
    bool DetachError = false,
    int? Features = null,
    int WritesBefore = 0)
{
    /// <summary>The splice's site names, with the encoder–decoders' own number of features where none is declared.</summary>
    internal SpliceNames Names => new(Name, Site, Reads, Features ?? CommonFeatures());

    /// <summary>The number of features that all encoder–decoders have.</summary>
    private int? CommonFeatures() => Splices.Select(splice => splice.Features).Distinct().ToArray() is [int same] ? same : null;
}
