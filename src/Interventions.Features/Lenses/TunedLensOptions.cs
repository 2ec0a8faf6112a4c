namespace Interventions.Features;

/// <summary>How a tuned lens is trained.</summary>
public sealed record TunedLensOptions
{
    /// <summary>How many steps of Adam. Default: 250.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int Steps
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(Steps), value, "Training takes at least one step.");
    } = 250;

    /// <summary>How many contexts a step sees; the text begins anew where it ends. Default: 16.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int ContextsPerStep
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(ContextsPerStep), value, "A step sees at least one context.");
    } = 16;

    /// <summary>The learning rate at first; it falls to 0 in a straight line. Default: 1e-3.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public double LearningRate
    {
        get;
        init => field = value > 0 && double.IsFinite(value)
            ? value
            : throw new ArgumentOutOfRangeException(nameof(LearningRate), value, "A learning rate is positive.");
    } = 1e-3;

    /// <summary>
    /// How many tokens in front of each context do not count: streams at a beginning of sentence are of another size. Default: 1.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int SkippedTokens
    {
        get;
        init => field = value >= 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(SkippedTokens), value, "A number of tokens is not negative.");
    } = 1;

    /// <summary>
    /// The file to go on with and to save to. The same call with the same path goes on where it stopped, and returns the same lens, byte by
    /// byte. Default: none.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>How often it is saved, in steps. Default: 25.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int SaveEvery
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(SaveEvery), value, "It is saved after steps.");
    } = 25;

    /// <summary>Batch size and memory budget of the runs that capture. Its progress is that of the training, in steps.</summary>
    public RunOptions Run { get; init; } = new();
}
