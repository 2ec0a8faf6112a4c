namespace Interventions;

/// <summary>
/// A generic intervention, on whatever model its type parameter stands for: <c>class Silence&lt;TModel&gt; where TModel : Gpt2Model</c>. Names are
/// compared with the constraint's sites, and with everything that a model says wherever the class is closed: <c>new Silence&lt;Gpt2Small&gt;()</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InterventionAttribute : Attribute
{
    /// <summary>The prompt set, a <c>[PromptSchema]</c> type. Default: <c>PromptPairs</c> (runs clean and corrupted, position end, answers correct and wrong).</summary>
    public Type? Prompts { get; init; }
}

/// <summary>An intervention on <typeparamref name="TModel"/>, with the default vocabulary (runs clean and corrupted, position end, answers correct and wrong).</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InterventionAttribute<TModel> : Attribute
    where TModel : Graphs.HookedModel;

/// <summary>An intervention on <typeparamref name="TModel"/> over prompts of <typeparamref name="TPrompts"/>. The class is <see langword="partial"/>; the generator adds <c>Graph</c>, <c>Run</c> and the result type.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class InterventionAttribute<TModel, TPrompts> : Attribute
    where TModel : Graphs.HookedModel
    where TPrompts : Graphs.IPromptSet;

/// <summary>Overwrites the selected values of a site with what the method returns. Parameters say what it reads: a bare <c>Tensor</c> is the selected value itself.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PatchAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>The derived run that is written, see <see cref="RunAttribute"/>. Default: the changed run.</summary>
    public string? In { get; init; }

    /// <summary>When it happens: writes of a lower order come first, those of equal order as the text has them. Default: 0.</summary>
    public int Order { get; init; }
}

/// <summary>Keeps what the method returns on the result, under the method's name; a wildcard stacks the sites along a new first axis.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CaptureAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>Whether to keep the value as it was before this declaration's writes to the site. Default: after them.</summary>
    public bool BeforeWrites { get; init; }
}

/// <summary>
/// Keeps the gradient of the metric, summed over the batch, with respect to the site's selected values in the same run; other runs are constants. The method's
/// first bare <c>Tensor</c> is the gradient, a second one the value itself, both <c>[batch, …]</c> with every axis kept.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class GradientAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included.</summary>
    public string Site { get; } = site;

    /// <summary>The metric's name. Default: the only metric.</summary>
    public string? Of { get; init; }
}

/// <summary>A number a prompt, kept on the result under the method's name: returns <c>[batch]</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MetricAttribute : Attribute;

/// <summary>Reads the value in another run: of the method's own site and selection, or of <see cref="Site"/>.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromAttribute(string run) : Attribute
{
    /// <summary>Reads another site of that run.</summary>
    public FromAttribute(string run, string site)
        : this(run) => Site = site;

    /// <summary>The run's name.</summary>
    public string Run { get; } = run;

    /// <summary>The site path; <see langword="null"/> means the method's own site.</summary>
    public string? Site { get; }
}

/// <summary>Reads the logit of an answer token: <c>[batch]</c>.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogitAttribute(string answer) : Attribute
{
    /// <summary>The answer's name.</summary>
    public string Answer { get; } = answer;

    /// <summary>The position's name, optionally with an offset (<c>S1+1</c>). Default: <c>end</c>.</summary>
    public string At { get; init; } = "end";

    /// <summary>The run whose logit is read. Default: the run that is measured.</summary>
    public string? Run { get; init; }
}

/// <summary>Reads all logits at a position: <c>[batch, vocab]</c>.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class LogitsAttribute : Attribute
{
    /// <summary>The position's name, optionally with an offset (<c>S1+1</c>). Default: <c>end</c>.</summary>
    public string At { get; init; } = "end";

    /// <summary>The run whose logits are read. Default: the run that is measured.</summary>
    public string? Run { get; init; }
}

/// <summary>Reads the token ids of an answer: <c>[batch]</c>, int64.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class AnswerAttribute(string answer) : Attribute
{
    /// <summary>The answer's name.</summary>
    public string Answer { get; } = answer;
}

/// <summary>Reads the selected values of a site in the run that is measured; in metrics.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class ValueOfAttribute(string site) : Attribute
{
    /// <summary>The site path, selectors included; one site.</summary>
    public string Site { get; } = site;
}
