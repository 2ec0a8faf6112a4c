using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>What an <c>[Intervention]</c> class declares, without anything that only a schema could tell.</summary>
/// <param name="Type">The class.</param>
/// <param name="ModelType">The model type, fully qualified; or the type parameter that stands for it.</param>
/// <param name="IsGeneric">Whether a type parameter stands for the model.</param>
/// <param name="PromptType">The prompt set's type, fully qualified.</param>
/// <param name="PromptsHaveSchema">Whether the prompt set has the generated base of results.</param>
/// <param name="Access">The accessibility of what names model or prompts: no wider than theirs.</param>
/// <param name="IsValid">Whether no analyzer finds fault with the signatures.</param>
/// <param name="Changes">The run that is changed; <see langword="null"/> is the first.</param>
/// <param name="Runs">The derived runs.</param>
/// <param name="Includes">The properties that hold included interventions, as far as they come before every write.</param>
/// <param name="Writes">What is written, in the graph's order.</param>
/// <param name="Methods">The declared methods, in textual order.</param>
/// <param name="Parameters">The trained values.</param>
/// <param name="Shapes">Tensors of properties whose shape is declared.</param>
/// <param name="Sweeps">What placeholders of strengths and runs go through.</param>
/// <param name="IncludedParameters">The trained values of included interventions: <c>Inner.Direction</c>.</param>
/// <param name="Placeholders">The placeholders of the writes, in order of first appearance.</param>
/// <param name="TakenNames">Names that begin as those of generated methods do, and that the class has already.</param>
internal sealed record InterventionModel(
    TypeModel Type, string ModelType, bool IsGeneric, string PromptType, bool PromptsHaveSchema, string Access, bool IsValid,
    string? Changes, EquatableArray<RunModel> Runs, EquatableArray<string> Includes, EquatableArray<WriteModel> Writes,
    EquatableArray<MethodModel> Methods, EquatableArray<ParameterModel> Parameters, EquatableArray<ShapeModel> Shapes, EquatableArray<SweepModel> Sweeps,
    EquatableArray<string> IncludedParameters, EquatableArray<PlaceholderModel> Placeholders, EquatableArray<string> TakenNames);

/// <summary>A derived run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Of">The run whose tokens it reads; <see langword="null"/> is the changed one.</param>
internal sealed record RunModel(string Name, string? Of);

/// <summary>A property's tensor with its declared shape.</summary>
/// <param name="Name">The property.</param>
/// <param name="Axes">The axes, outermost first.</param>
internal sealed record ShapeModel(string Name, EquatableArray<string> Axes);

/// <summary>A trained value.</summary>
/// <param name="Name">The property.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
internal sealed record ParameterModel(string Name, string? Metric);
