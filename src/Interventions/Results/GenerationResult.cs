namespace Interventions;

/// <summary>The base of generated results of a generation. Owns its tensors until it is disposed, whatever dispose scopes come and go.</summary>
/// <typeparam name="TRun">The generated type of one run's values.</typeparam>
public abstract class GenerationResult<TRun> : IDisposable
    where TRun : GeneratedValues, new()
{
    private readonly GenerationOutput _output;

    /// <summary>Takes the output over.</summary>
    protected GenerationResult(GenerationOutput output) => _output = output;

    /// <summary>What the unchanged run generated, where <see cref="GenerationOptions.WithBase"/> asked for it.</summary>
    /// <exception cref="InvalidOperationException">It was not asked for.</exception>
    public TRun Base => new() { Run = _output.Base };

    /// <summary>Why every pass ran the whole sequence anew; <see langword="null"/> if new positions alone were computed.</summary>
    public string? WhyUncached => _output.WhyUncached;

    /// <summary>What the changed run generated at a point of the sweep.</summary>
    protected TRun At(params ReadOnlySpan<SweepCoordinate> coordinates) => new() { Run = _output.Changed(coordinates) };

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        _output.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The base of generated types of what one run generated and kept; owned by the whole result.</summary>
public abstract class GeneratedValues
{
    internal GeneratedRun Run { get; init; } = null!;

    /// <inheritdoc cref="GeneratedRun.Tokens"/>
    public IReadOnlyList<IReadOnlyList<long>> Tokens => Run.Tokens;

    /// <inheritdoc cref="GeneratedRun.LogProbabilities"/>
    public IReadOnlyList<IReadOnlyList<double>> LogProbabilities => Run.LogProbabilities;

    /// <inheritdoc cref="GeneratedRun.Texts"/>
    public IReadOnlyList<string> Texts => Run.Texts;

    /// <summary>What a capture or metric kept.</summary>
    protected GeneratedValue Get(string name) => Run.Kept(name);
}
