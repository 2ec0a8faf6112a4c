using System.ComponentModel;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>The value of one parameter of a method.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract record Read
{
    private Read()
    {
    }

    /// <summary>The selected value of the method's own site, in the method's own run.</summary>
    public sealed record Value : Read;

    /// <summary>The gradient of the metric with respect to the selected value of the method's own site.</summary>
    public sealed record Gradient : Read;

    /// <summary>
    /// The value in another run, of the prompt set (unchanged) or derived: of the method's own site, or of another. Without a name: in the
    /// run that the declaration changes, as it is without any write. A name in braces is swept.
    /// </summary>
    public sealed record From(string? Run, string? Site = null) : Read;

    /// <summary>
    /// The value of the method's own site that another prompt has in a run. The seed and the prompt's place in the set decide which other
    /// prompt.
    /// </summary>
    public sealed record Partner(string? Run, int Seed) : Read;

    /// <summary>The mean of the method's own site over prompts of a run, see <see cref="MeanAttribute"/>.</summary>
    /// <param name="Run">The run; without a name the one that the declaration changes, or the first run of <paramref name="Over"/>.</param>
    /// <param name="Pooled">Whether one mean is taken over all selected positions of all prompts.</param>
    /// <param name="Over">The prompts; <see langword="null"/> for those of the run itself.</param>
    /// <param name="AcrossTemplates">Whether prompts of all templates count, not only those of the same template.</param>
    public sealed record Mean(string? Run, bool Pooled, IPromptSet? Over = null, bool AcrossTemplates = false) : Read;

    /// <summary>
    /// A tensor of the declaration, laid along axes of the method's own site, so that it broadcasts to the selected value.
    /// </summary>
    /// <param name="Tensor">The tensor: one axis for each of <paramref name="Axes"/>.</param>
    /// <param name="Axes">
    /// Axes of the site, in its order, with <c>layer</c> first where the path names several layers; none for a tensor that broadcasts as it
    /// is.
    /// </param>
    public sealed record Along(Tensor Tensor, EquatableArray<string> Axes) : Read;

    /// <summary>The selected value of another site in the method's own run.</summary>
    public sealed record Of(string Site) : Read;

    /// <summary>The logit of an answer at a position: <c>[batch]</c>; in the run that is measured, or in another.</summary>
    public sealed record Logit(string Answer, string At, string? In = null) : Read;

    /// <summary>All logits at a position: <c>[batch, vocab]</c>; in the run that is measured, or in another.</summary>
    public sealed record Logits(string At, string? In = null) : Read;

    /// <summary>The number at which a sweep stands: a scalar, float64, on the CPU.</summary>
    public sealed record Swept(string Name) : Read;

    /// <summary>The token ids of an answer: <c>[batch]</c>, int64.</summary>
    public sealed record AnswerIds(string Answer) : Read;
}
