using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>Writes without a method, as graph nodes. Called by generated code.</summary>
public static class BuiltInWrites
{
    /// <summary>0.</summary>
    public static WriteNode Zero(string site, string? run = null) => new("Zero", site, new WriteKind.Zero(), run);

    /// <summary>The value times a factor.</summary>
    public static WriteNode Scale(string site, double factor, string? run = null) => new("Scale", site, new WriteKind.Scale(factor), run);

    /// <summary>The value times each factor of a sweep, whose placeholder stands in braces.</summary>
    public static WriteNode Scale(string site, string factor, string? run = null) => new("Scale", site, new WriteKind.ScaleSwept(factor), run);

    /// <summary>The value in the run <paramref name="to"/>, or without a name in the changed run's own original.</summary>
    public static WriteNode Freeze(string site, string? to, string? run = null) => new("Freeze", site, new WriteKind.Freeze(to), run);

    /// <summary>The value that another prompt has; see <see cref="ResampleAttribute"/>.</summary>
    public static WriteNode Resample(string site, string? from, int seed, string? run = null) => new("Resample", site, new WriteKind.Resample(from, seed), run);

    /// <summary>The mean over a run's prompts; see <see cref="MeanAttribute"/>.</summary>
    public static WriteNode Mean(string site, string? from, bool pooled, string? run = null, IPromptSet? over = null, bool acrossTemplates = false) =>
        new("Mean", site, new WriteKind.Mean(from, pooled, over, acrossTemplates), run);

    /// <summary>A mask's mixture of the value and that of the run <paramref name="from"/>; see <see cref="MixAttribute"/>.</summary>
    public static WriteNode Mix(string name, string site, Tensor mask, string? from, string[] axes, string? run = null) =>
        new(name, site, new WriteKind.Mix(mask, from, new EquatableArray<string>(axes)), run);

    /// <summary>The value plus a tensor times a strength.</summary>
    public static WriteNode Add(string name, string site, Tensor vector, double strength, string? run = null) =>
        new(name, site, new WriteKind.Add(vector, strength), run);

    /// <summary>The value plus a tensor times each strength of a sweep, whose placeholder stands in braces.</summary>
    public static WriteNode Add(string name, string site, Tensor vector, string strength, string? run = null) =>
        new(name, site, new WriteKind.AddSwept(vector, strength), run);

    /// <summary>The value without its component along a direction.</summary>
    public static WriteNode ProjectOut(string name, string site, Tensor direction, string? run = null) =>
        new(name, site, new WriteKind.ProjectOut(direction), run);

    /// <summary>The value's component along a direction.</summary>
    public static WriteNode ProjectOnto(string name, string site, Tensor direction, string? run = null) =>
        new(name, site, new WriteKind.ProjectOnto(direction), run);
}
