using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>A further run of the tokens of a run of the prompt set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Of">The run of the prompt set; <see langword="null"/> is the one that the declaration changes.</param>
public sealed record DerivedRun(string Name, string? Of = null);

/// <summary>A user's method, its arguments in the order of the node's reads. Pure: it writes into none of them.</summary>
public delegate Tensor MethodBody(ReadOnlySpan<Tensor> arguments);

/// <summary>Keeps a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">What the method reads.</param>
/// <param name="Body">The method.</param>
/// <param name="BeforeWrites">Whether the value is the one before the writes to the site.</param>
public sealed record CaptureNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, bool BeforeWrites = false)
{
    /// <summary>Whether what the method returns of a prompt depends on the other prompts too, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>Keeps a metric's gradient with respect to a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">What the method reads; <see cref="Read.Gradient"/> is the gradient.</param>
/// <param name="Body">The method.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
public sealed record GradientNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, string? Metric = null)
{
    /// <summary>Whether what the method returns of a prompt depends on the other prompts too, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>A trained value, whose gradient is kept.</summary>
/// <param name="Name">The property; the gradient is kept as <c>{Name}Gradient</c>.</param>
/// <param name="Value">The tensor, which the declaration borrows; it need not require gradients.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
public sealed record ParameterNode(string Name, Tensor Value, string? Metric = null);

/// <summary>A number a prompt.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Reads">What the method reads.</param>
/// <param name="Body">The method; returns <c>[batch]</c>.</param>
public sealed record MetricNode(string Name, ImmutableArray<Read> Reads, MethodBody Body)
{
    /// <summary>Whether what the method returns of a prompt depends on the other prompts too, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>What one parameter of a method reads.</summary>
public abstract record Read
{
    private Read()
    {
    }

    /// <summary>The selected value of the method's own site, as the run has it.</summary>
    public sealed record Value : Read;

    /// <summary>The gradient of the metric with respect to the selected value of the method's own site.</summary>
    public sealed record Gradient : Read;

    /// <summary>
    /// The value in another run, of the prompt set (unchanged) or derived: of the method's own site, or of another. Without a name, in the run that the declaration changes, as it is
    /// without any write. A name in braces is swept.
    /// </summary>
    public sealed record From(string? Run, string? Site = null) : Read;

    /// <summary>The value of the method's own site that another prompt has in a run; partners depend on the seed and the prompt's place in the set.</summary>
    public sealed record Partner(string? Run, int Seed) : Read;

    /// <summary>The mean of the method's own site over prompts of a run, see <see cref="MeanAttribute"/>.</summary>
    /// <param name="Run">The run; without a name the one that the declaration changes, or the first of <paramref name="Over"/>.</param>
    /// <param name="Pooled">Whether one mean is taken over all selected positions of all prompts.</param>
    /// <param name="Over">The prompts; <see langword="null"/> for those of the run itself.</param>
    /// <param name="AcrossTemplates">Whether prompts of all templates count, not only those of the prompt's own.</param>
    public sealed record Mean(string? Run, bool Pooled, IPromptSet? Over = null, bool AcrossTemplates = false) : Read;

    /// <summary>A tensor of the declaration, laid along axes of the method's own site, so that it broadcasts to the selected value.</summary>
    /// <param name="Tensor">The tensor: one axis for each of <paramref name="Axes"/>.</param>
    /// <param name="Axes">Axes of the site, in its order, <c>layer</c> first where the path names several layers; none for a tensor that broadcasts as it is.</param>
    public sealed record Along(Tensor Tensor, EquatableArray<string> Axes) : Read;

    /// <summary>The selected value of some site in the run that is measured.</summary>
    public sealed record Of(string Site) : Read;

    /// <summary>The logit of an answer at a position: <c>[batch]</c>; in the run that is measured, or in another.</summary>
    public sealed record Logit(string Answer, string At, string? Run = null) : Read;

    /// <summary>All logits at a position: <c>[batch, vocab]</c>; in the run that is measured, or in another.</summary>
    public sealed record Logits(string At, string? Run = null) : Read;

    /// <summary>The number that a sweep stands at: a scalar, float64, on the CPU.</summary>
    public sealed record Swept(string Name) : Read;

    /// <summary>The token ids of an answer: <c>[batch]</c>, int64.</summary>
    public sealed record AnswerIds(string Answer) : Read;
}
