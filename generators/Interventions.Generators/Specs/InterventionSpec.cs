using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>
/// An <c>[Intervention]</c> class as the emitters need it. It holds no schema: an edit of a model must not write the interventions on it
/// again.
/// </summary>
/// <param name="Type">The class.</param>
/// <param name="Subject">The model and the prompts.</param>
/// <param name="IsWellFormed">Whether its members can be called. Otherwise the generated members throw, and an analyzer says why.</param>
/// <param name="Writes">The values that it writes.</param>
/// <param name="Keeps">The values that it keeps.</param>
/// <param name="Sweep">The axes of the result.</param>
/// <param name="DeclaredSites">Every path of a generic intervention, for the checks of its uses in other assemblies.</param>
internal sealed record InterventionSpec(
    TypeSpec Type, SubjectSpec Subject, bool IsWellFormed, WritesSpec Writes, KeepsSpec Keeps, SweepSpec Sweep,
    EquatableArray<DeclaredSiteSpec> DeclaredSites);

/// <summary>The model and the prompts of an intervention.</summary>
/// <param name="Model">The model type, fully qualified; or the type parameter that stands for it.</param>
/// <param name="IsGeneric">Whether a type parameter stands for the model.</param>
/// <param name="Prompts">The prompt set's type, fully qualified.</param>
/// <param name="PromptsHaveSchema">Whether the prompt set has the generated base of results.</param>
/// <param name="Access">The accessibility of members that name model or prompts: no wider than theirs.</param>
internal sealed record SubjectSpec(string Model, bool IsGeneric, string Prompts, bool PromptsHaveSchema, string Access);

/// <summary>The writes of an intervention, and the runs that they write.</summary>
/// <param name="Changes">The run that is changed; <see langword="null"/> is the first.</param>
/// <param name="Runs">The derived runs.</param>
/// <param name="Includes">The properties of the included interventions whose writes come before all own writes.</param>
/// <param name="Steps">The own writes and the later includes, in the graph's order.</param>
internal sealed record WritesSpec(
    string? Changes, EquatableArray<RunSpec> Runs, EquatableArray<string> Includes, EquatableArray<StepSpec> Steps);

/// <summary>A derived run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The run whose tokens it reads; <see langword="null"/> is the changed one.</param>
internal sealed record RunSpec(string Name, string? From);

/// <summary>The values that an intervention keeps, trains and measures.</summary>
/// <param name="Methods">The captures, gradients and metrics, in textual order.</param>
/// <param name="Parameters">The trained values.</param>
/// <param name="IncludedParameters">The trained values of included interventions: <c>Inner.Direction</c>.</param>
/// <param name="Shapes">The tensors of properties whose shape is declared.</param>
internal sealed record KeepsSpec(
    EquatableArray<MethodSpec> Methods, EquatableArray<ParameterSpec> Parameters, EquatableArray<string> IncludedParameters,
    EquatableArray<ShapeSpec> Shapes);

/// <summary>A trained value.</summary>
/// <param name="Name">The property.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
internal sealed record ParameterSpec(string Name, string? Metric);

/// <summary>A property's tensor with its declared shape.</summary>
/// <param name="Name">The property.</param>
/// <param name="Axes">The axes, outermost first.</param>
internal sealed record ShapeSpec(string Name, EquatableArray<string> Axes);

/// <summary>The placeholders of an intervention.</summary>
/// <param name="Lists">The lists of strengths and runs, in textual order.</param>
/// <param name="Placeholders">All placeholders of the writes, in order of first appearance: the axes of the result.</param>
internal sealed record SweepSpec(EquatableArray<SweepListSpec> Lists, EquatableArray<PlaceholderSpec> Placeholders);

/// <summary>The values of a placeholder that stands for strengths or runs; one of the two lists is empty.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="Numbers">The strengths.</param>
/// <param name="Runs">The runs.</param>
internal sealed record SweepListSpec(string Name, EquatableArray<double> Numbers, EquatableArray<string> Runs);

/// <summary>An axis of the result.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="Kind">The type of its coordinates.</param>
internal sealed record PlaceholderSpec(string Name, PlaceholderKind Kind);

/// <summary>The type of the coordinates of an axis.</summary>
internal enum PlaceholderKind
{
    /// <summary>An index: <c>int</c>.</summary>
    Index,

    /// <summary>A name, of a position or a run: <c>string</c>.</summary>
    Name,

    /// <summary>A strength: <c>double</c>.</summary>
    Number,
}

/// <summary>A path of a generic intervention, with the member that contains it.</summary>
/// <param name="Member">The member, or the attribute of the class in brackets.</param>
/// <param name="Path">The path.</param>
internal sealed record DeclaredSiteSpec(string Member, string Path);
