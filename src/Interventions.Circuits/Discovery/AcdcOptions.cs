namespace Interventions.Circuits;

/// <summary>In which order <see cref="Acdc"/> visits the ports of a layer's heads; the circuit depends on it.</summary>
public enum AcdcOrder
{
    /// <summary>The values' ports of all heads, then those of their keys, then those of their queries: as the published program.</summary>
    LettersFirst,

    /// <summary>Values, keys and queries of one head before the next head.</summary>
    HeadsFirst,
}

/// <summary>How <see cref="Acdc"/> searches.</summary>
public sealed record AcdcOptions
{
    /// <summary>What removed edges carry, and how runs are carried out. Its progress counts edges.</summary>
    public CircuitOptions Circuit { get; init; } = new();

    /// <summary>The order of ports. Default: <see cref="AcdcOrder.LettersFirst"/>.</summary>
    public AcdcOrder Order { get; init; } = AcdcOrder.LettersFirst;

    /// <summary>
    /// Whether an edge stays when its removal changes the metric in either direction; otherwise an edge whose removal lowers it is always
    /// removed. Default: false.
    /// </summary>
    public bool Absolute { get; init; }

    /// <summary>
    /// Whether the metric is better the larger it is, such as a logit difference: then its negative is what the search keeps small, and
    /// what the trace shows. Default: false, as for a divergence or a loss.
    /// </summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>
    /// A file that the search is written to as it goes on, and gone on with where one was stopped. Default: none.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>After how many edges the file is written. Default: 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int SaveEvery
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(SaveEvery), value, "A file is written after at least one edge.");
    } = 100;
}
