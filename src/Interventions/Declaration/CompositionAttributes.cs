namespace Interventions;

/// <summary>Includes another intervention on the same model and prompts: its writes come first, in its own order. What it captures and measures is its own business.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class IncludeAttribute : Attribute
{
    /// <summary>When its writes happen: those of a lower order come first, those of equal order as the text has them, includes before all others. Default: 0.</summary>
    public int Order { get; init; }
}

/// <summary>
/// A trained value: a steering vector, a mask, a rotation. A run keeps the metric's gradient with respect to it, summed over the prompts, as <c>…Gradient</c>; the model
/// stays frozen.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class ParameterAttribute : Attribute
{
    /// <summary>The metric whose gradient is kept. Default: the only metric.</summary>
    public string? Of { get; init; }
}
