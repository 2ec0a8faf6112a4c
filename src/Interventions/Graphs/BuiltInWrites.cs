using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.Graphs;

/// <summary>Writes without a method, as graph nodes. Called by generated code.</summary>
public static class BuiltInWrites
{
    private static readonly ImmutableArray<Read> s_value = [new Read.Value()];

    /// <summary>0.</summary>
    public static WriteNode Zero(string site, string? run = null) => new("Zero", site, s_value, x => zeros_like(x[0]), run);

    /// <summary>The value times a factor.</summary>
    public static WriteNode Scale(string site, double factor, string? run = null) => new("Scale", site, s_value, x => x[0] * factor, run);

    /// <summary>The value in the run <paramref name="to"/>, or without a name in the changed run's own original.</summary>
    public static WriteNode Freeze(string site, string? to, string? run = null) => new("Freeze", site, [new Read.From(to)], x => x[0], run);

    /// <summary>The value that another prompt has; see <see cref="ResampleAttribute"/>.</summary>
    public static WriteNode Resample(string site, string? from, int seed, string? run = null) => new("Resample", site, [new Read.Partner(from, seed)], x => x[0], run);

    /// <summary>The mean over a run's prompts; see <see cref="MeanAttribute"/>.</summary>
    public static WriteNode Mean(string site, string? from, bool pooled, string? run = null) => new("Mean", site, [new Read.Mean(from, pooled)], x => x[0], run);

    /// <summary>The value plus a tensor times a strength.</summary>
    public static WriteNode Add(string name, string site, Tensor vector, double strength, string? run = null) =>
        new(name, site, s_value, x => x[0] + (vector.to(x[0].dtype) * strength), run);

    /// <summary>The value without its component along a direction.</summary>
    public static WriteNode ProjectOut(string name, string site, Tensor direction, string? run = null) =>
        new(name, site, s_value, x => x[0] - Along(x[0], direction), run);

    /// <summary>The value's component along a direction.</summary>
    public static WriteNode ProjectOnto(string name, string site, Tensor direction, string? run = null) =>
        new(name, site, s_value, x => Along(x[0], direction), run);

    /// <summary>(x·d / d·d) d along the last axis.</summary>
    private static Tensor Along(Tensor x, Tensor direction)
    {
        Tensor d = direction.to(x.dtype);
        return (x * d).sum([-1], keepdim: true) / (d * d).sum() * d;
    }
}
