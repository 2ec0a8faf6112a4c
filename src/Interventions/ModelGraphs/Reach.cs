namespace Interventions.ModelGraphs;

/// <summary>The positions of an input on which one position of a node's output depends.</summary>
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

/// <summary>The reach of an output position into an input.</summary>
/// <remarks>
/// A node may be computed for some positions alone. It then gets those positions of every input that it reads pointwise, and knows which
/// they are only from <see cref="ModelGraph.Positions"/>. Its other inputs have their positions on the axis behind the batch, earlier ones
/// first, and may hold more positions than are seen.
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
