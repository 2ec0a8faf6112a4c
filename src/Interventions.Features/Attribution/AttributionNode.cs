using System.Globalization;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>What a node of an attribution graph is.</summary>
public enum AttributionNodeKind
{
    /// <summary>A feature of a transcoder that is active at a position.</summary>
    Feature,

    /// <summary>What a feed-forward block writes at a position beyond its transcoder's reconstruction.</summary>
    Error,

    /// <summary>A token's embedding, as the first block reads it: with its position's, where there are learned positions.</summary>
    Token,

    /// <summary>A logit at the last position, less the mean over the vocabulary, or less another logit.</summary>
    Logit,
}

/// <summary>A node of an attribution graph.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">The layer; of tokens −1, of logits the number of layers.</param>
/// <param name="Position">The token's index.</param>
/// <param name="Index">A feature's number, a token's id; of errors −1.</param>
public sealed record AttributionNode(AttributionNodeKind Kind, int Layer, int Position, int Index)
{
    /// <summary>A feature's activation; 0 for others.</summary>
    public double Activation { get; init; }

    /// <summary>A logit's probability; 0 for others.</summary>
    public double Probability { get; init; }

    /// <summary>The text of a token, or of a logit's tokens; of a feature and an error the text of its token.</summary>
    public string Text { get; init; } = "";

    /// <summary>Of a logit, the token whose logit is subtracted; null for the mean of all.</summary>
    public int? Against { get; init; }

    /// <summary>A short name: <c>m3.f17@5</c>, <c>m3.error@5</c>, <c>token@5</c>, <c>logit 42</c>.</summary>
    public string Name => Kind switch
    {
        AttributionNodeKind.Feature => $"m{Layer}.f{Index}@{Position}",
        AttributionNodeKind.Error => $"m{Layer}.error@{Position}",
        AttributionNodeKind.Token => $"token@{Position}",
        _ => Against is { } other ? $"logit {Index}-{other}" : $"logit {Index}",
    };

    /// <summary>The short name; of a logit also its token.</summary>
    public override string ToString() =>
        Kind == AttributionNodeKind.Logit && Text.Length > 0 ? $"{Name} {TextTable.Quote(Text)}" : Name;
}

/// <summary>A direct effect.</summary>
/// <param name="Source">The node that writes.</param>
/// <param name="Target">The node that reads it.</param>
/// <param name="Weight">How much of the target's value is due to it, with everything between frozen.</param>
public sealed record AttributionEdge(AttributionNode Source, AttributionNode Target, double Weight)
{
    /// <inheritdoc/>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Source} -> {Target}: {(Weight > 0 ? "+" : "")}{Weight:G4}");
}

/// <summary>A logit, or a difference of two, that a graph explains.</summary>
/// <param name="Token">The token.</param>
/// <param name="Against">The token whose logit is subtracted; null for the mean over the vocabulary.</param>
public readonly record struct LogitTarget(long Token, long? Against = null);

/// <summary>What goes into a graph, and how it is computed.</summary>
public sealed record AttributionGraphOptions
{
    /// <summary>
    /// The logits to explain. Default: the likeliest tokens, until together they have <see cref="LogitProbability"/>, at most
    /// <see cref="MostLogits"/>.
    /// </summary>
    public IReadOnlyList<LogitTarget>? Targets { get; init; }

    /// <summary>How many logits are chosen at most. Default: 10.</summary>
    public int MostLogits { get; init; } = 10;

    /// <summary>The probability that the chosen logits are to have together. Default: 0.95.</summary>
    public double LogitProbability { get; init; } = 0.95;

    /// <summary>
    /// How many features become nodes at most: those with the most influence on the logits, of the active ones. Default: 1,000.
    /// </summary>
    public int MostFeatures { get; init; } = 1000;

    /// <summary>
    /// The first position whose features are nodes; before it, what a feed-forward block writes is all error. 1 leaves out those of a
    /// beginning of sentence, at which dictionaries that never saw it have many active features. Default: 0, all positions.
    /// </summary>
    public int FirstPosition { get; init; }

    /// <summary>
    /// The batch size is how many targets one backward pass has; memory budget, progress and the naive executor as in any run.
    /// </summary>
    public RunOptions Run { get; init; } = new();

    /// <summary>Refuses numbers that mean nothing.</summary>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MostLogits, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MostFeatures);
        ArgumentOutOfRangeException.ThrowIfNegative(FirstPosition);
        if (!(LogitProbability is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(
                nameof(LogitProbability), LogitProbability, "A probability is greater than 0 and at most 1.");
        if (Targets is { Count: 0 })
            throw new InterventionException("A graph explains a logit at least: leave Targets out for the likeliest ones.");
    }
}
