using Interventions.Results;

namespace Interventions;

/// <summary>How a run is carried out. No option changes a value.</summary>
public sealed record RunOptions
{
    /// <summary>The number of prompts that are run together, at least one. Default: 32.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public int BatchSize
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(BatchSize), value, "A batch has at least one prompt.");
    } = 32;

    /// <summary>
    /// The bytes of tensors that a run may have alive beside the weights. Variants that do not fit together run one after the other; if one
    /// does not fit alone, the batches become smaller. The run decides this before it starts. Default: 2 GiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is less than one.</exception>
    public long MemoryBudget
    {
        get;
        init => field = value > 0
            ? value
            : throw new ArgumentOutOfRangeException(nameof(MemoryBudget), value, "A budget is a number of bytes, at least one.");
    } = 2L << 30;

    /// <summary>
    /// Whether every variant is one full forward pass, with nothing shared and nothing left out: slow and obvious, the measure of the fast
    /// way. Default: false.
    /// </summary>
    public bool Naive { get; init; }

    /// <summary>
    /// Whether promises are checked: that every write changes something, that methods leave their arguments alone and make no infinite
    /// values from finite ones, that they treat each prompt alone unless they are <see cref="AcrossBatchAttribute"/>, and each position
    /// alone if they are <see cref="PointwiseAttribute"/>. A broken promise is an exception. Methods are then called more than once, so
    /// that a method that draws from a generator draws more often. Default: false, which costs nothing.
    /// </summary>
    public bool Strict { get; init; }

    /// <summary>Means that earlier runs took of the same model, and where this run leaves its own; null if it shares none.</summary>
    internal MeanCache? Means { get; init; }

    /// <summary>
    /// The runs of the prompt set whose captures, gradients and metrics are kept, beside those of the changed run. Of the others only what
    /// writes and kept values read is computed, and no backward pass goes through them. Default (<see langword="null"/>): all.
    /// </summary>
    public IReadOnlyList<string>? KeptRuns { get; init; }

    /// <summary>Receives the progress after every step.</summary>
    public IProgress<RunProgress>? Progress { get; init; }
}

/// <summary>The progress of a run.</summary>
/// <param name="Done">Steps done: nodes of the planned graph, of each batch of prompts; forward passes in a naive run.</param>
/// <param name="Total">Steps in all, known from the start.</param>
public readonly record struct RunProgress(int Done, int Total);
