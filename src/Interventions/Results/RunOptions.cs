namespace Interventions;

/// <summary>How a run is carried out; nothing here changes its values.</summary>
public sealed record RunOptions
{
    /// <summary>How many prompts are run together, at least one. Default: 32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int BatchSize
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(BatchSize), value, "A batch has at least one prompt.");
    } = 32;

    /// <summary>Told after every forward pass.</summary>
    public IProgress<RunProgress>? Progress { get; init; }
}

/// <summary>How far a run has come.</summary>
/// <param name="Done">Forward passes done.</param>
/// <param name="Total">Forward passes in all.</param>
public readonly record struct RunProgress(int Done, int Total);
