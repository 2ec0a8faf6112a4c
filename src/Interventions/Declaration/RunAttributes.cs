namespace Interventions;

/// <summary>Says which run of the prompt set the declaration changes. Default: the first. <c>[Changes("corrupted")]</c> with donors from clean is denoising.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ChangesAttribute(string run) : Attribute
{
    /// <summary>The run of the prompt set.</summary>
    public string Run { get; } = run;
}

/// <summary>
/// A further run, of the tokens of another, that the declaration's writes with <c>In = name</c> change and that other reads name as their donor. Path patching's
/// third pass is one.
/// </summary>
[AttributeUsage(AttributeTargets.Class, AllowMultiple = true, Inherited = false)]
public sealed class RunAttribute(string name) : Attribute
{
    /// <summary>Its name, which no run of the prompt set has.</summary>
    public string Name { get; } = name;

    /// <summary>The run of the prompt set whose tokens it reads. Default: the run that the declaration changes.</summary>
    public string? Of { get; init; }
}
