namespace Interventions.Circuits;

/// <summary>How <see cref="EdgePruning"/> and <see cref="SubnetworkProbing"/> train their gates.</summary>
public sealed record MaskOptions
{
    /// <summary>What closed gates let through instead, and how runs are carried out. Its progress counts steps.</summary>
    public CircuitOptions Circuit { get; init; } = new();

    /// <summary>How many steps are taken, each a forward and a backward pass over all prompts. Default: 300.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int Steps
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(Steps), value, "There is at least one step.");
    } = 300;

    /// <summary>The part of the gates that is to be closed in the end: the price of an open gate follows it. Default: 0.95.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not between 0 and 1.</exception>
    public double Sparsity
    {
        get;
        init => field = value is > 0 and < 1
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Sparsity), value, "The closed part is between 0 and 1.");
    } = 0.95;

    /// <summary>
    /// The price of an open gate in units of the metric, in place of <see cref="Sparsity"/>: a gate closes where it is worth less.
    /// Default: none.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public double? Price
    {
        get;
        init => field = value is null or >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Price), value, "A price is not negative.");
    }

    /// <summary>How far a step moves a gate (of its logarithm of odds, by Adam's rule). Default: 0.1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not above 0.</exception>
    public double LearningRate
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(LearningRate), value, "A step has a length above 0.");
    } = 0.1;

    /// <summary>Equal seeds draw equal gates. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>Whether the metric is better the larger it is, such as a logit difference. Default: false.</summary>
    public bool HigherIsBetter { get; init; }

    /// <summary>A file that the gates are written to as they are trained, and gone on with where it was stopped. Default: none.</summary>
    public string? Path { get; init; }

    /// <summary>After how many steps the file is written. Default: 50.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int SaveEvery
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(SaveEvery), value, "A file is written after at least one step.");
    } = 50;
}
