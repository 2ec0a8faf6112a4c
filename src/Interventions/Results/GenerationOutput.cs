using System.Collections.Immutable;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>What was generated: at every point of the sweep, and in the unchanged run. Owns its tensors.</summary>
public sealed class GenerationOutput : IDisposable
{
    private readonly ImmutableArray<SweepAxis> _sweep;
    private readonly IReadOnlyList<GeneratedRun> _changed;
    private readonly GeneratedRun? _base;

    internal GenerationOutput(ImmutableArray<SweepAxis> sweep, IReadOnlyList<GeneratedRun> changed, GeneratedRun? unchanged, string? whyUncached)
    {
        _sweep = sweep;
        _changed = changed;
        _base = unchanged;
        WhyUncached = whyUncached;
    }

    /// <summary>Why every pass ran the whole sequence anew; <see langword="null"/> if new positions alone were computed.</summary>
    public string? WhyUncached { get; }

    /// <summary>What the changed run generated at a point of the sweep; one coordinate a placeholder, in order.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The sweep did not run through a coordinate.</exception>
    public GeneratedRun Changed(params ReadOnlySpan<SweepCoordinate> coordinates)
    {
        if (coordinates.Length != _sweep.Length)
            throw new ArgumentException($"The sweep has {_sweep.Length} placeholders; {coordinates.Length} coordinates were given.");
        int point = 0;
        for (int axis = 0; axis < _sweep.Length; axis++)
        {
            int at = _sweep[axis].Coordinates.IndexOf(coordinates[axis]);
            if (at < 0)
                throw new ArgumentOutOfRangeException(
                    nameof(coordinates), $"The sweep did not run through {_sweep[axis].Name} {coordinates[axis]}, only through {string.Join(", ", _sweep[axis].Coordinates)}.");
            point = (point * _sweep[axis].Coordinates.Length) + at;
        }
        return _changed[point];
    }

    /// <summary>What the unchanged run generated.</summary>
    /// <exception cref="InvalidOperationException">It was not asked for.</exception>
    public GeneratedRun Base => _base ?? throw new InvalidOperationException($"The unchanged run was not generated: set {nameof(GenerationOptions)}.{nameof(GenerationOptions.WithBase)}.");

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (GeneratedRun run in _changed)
            run.Dispose();
        _base?.Dispose();
    }
}
