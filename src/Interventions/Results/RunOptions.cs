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

    /// <summary>
    /// How many bytes of tensors a run may have alive beside the weights. Variants that do not fit together run one after the other, and then fewer prompts; how is decided when the run
    /// starts. Default: 2 GiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public long MemoryBudget
    {
        get;
        init => field = value > 0 ? value : throw new ArgumentOutOfRangeException(nameof(MemoryBudget), value, "A budget is a number of bytes, at least one.");
    } = 2L << 30;

    /// <summary>
    /// One full forward pass for every variant, nothing shared and nothing left out: slow, obvious, and what everything faster is measured against. Default: false.
    /// </summary>
    public bool Naive { get; init; }

    /// <summary>
    /// Whether promises are checked: that every write changes something, that methods leave their arguments alone and make no infinite values
    /// from finite ones, that they treat each prompt alone unless they are <see cref="AcrossBatchAttribute"/>, and each position alone if they
    /// are <see cref="PointwiseAttribute"/>. A broken promise is an exception. Methods are called more than once then, so that one that draws
    /// from a generator draws more often. Default: false, which costs nothing.
    /// </summary>
    public bool Strict { get; init; }

    /// <summary>Told after every step.</summary>
    public IProgress<RunProgress>? Progress { get; init; }
}

/// <summary>How far a run has come.</summary>
/// <param name="Done">Steps done: nodes of the planned graph, of each batch of prompts; forward passes in a naive run.</param>
/// <param name="Total">Steps in all, known from the start.</param>
public readonly record struct RunProgress(int Done, int Total);
