namespace Interventions.ModelGraphs;

/// <summary>Which positions of an input one position of a node's output depends on.</summary>
public enum ReachKind
{
    /// <summary>Its own position only.</summary>
    Pointwise,

    /// <summary>Its own and all earlier positions.</summary>
    Causal,

    /// <summary>The last <see cref="Reach.Width"/> positions, its own included.</summary>
    Windowed,

    /// <summary>All positions.</summary>
    Full,
}

/// <summary>How far an output position looks into an input.</summary>
/// <remarks>
/// So that some positions can be computed alone, a node that reads an input pointwise computes that input's positions, and knows which they are by
/// <see cref="ModelGraph.Positions"/> alone. Inputs that are read otherwise have their positions on the axis behind the batch, earlier ones first, and may hold more than is seen.
/// </remarks>
/// <param name="Kind">The kind of dependence.</param>
/// <param name="Width">Positions seen, the own one included, when <see cref="ReachKind.Windowed"/>; otherwise 0.</param>
public readonly record struct Reach(ReachKind Kind, int Width = 0)
{
    /// <summary>Its own position only.</summary>
    public static Reach Pointwise => new(ReachKind.Pointwise);

    /// <summary>Its own and all earlier positions.</summary>
    public static Reach Causal => new(ReachKind.Causal);

    /// <summary>All positions.</summary>
    public static Reach Full => new(ReachKind.Full);

    /// <summary>The last <paramref name="width"/> positions, its own included.</summary>
    public static Reach Windowed(int width) => new(ReachKind.Windowed, width);
}
