using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>A property's tensor with its declared axes, see <see cref="ShapeAttribute"/>: measured before the pass.</summary>
/// <param name="Name">The property.</param>
/// <param name="Value">The tensor, which the declaration borrows.</param>
/// <param name="Axes">The axes, outermost first.</param>
public sealed record ShapedTensor(string Name, Tensor Value, ImmutableArray<string> Axes);
