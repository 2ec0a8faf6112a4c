using Interventions.Runtime;

namespace Interventions.Generators.Specs;

/// <summary>A <c>[ModelSchema]</c> class.</summary>
/// <param name="Type">The class.</param>
/// <param name="Schema">Its names, base types' included.</param>
/// <param name="IsDecoder">Whether it is a concrete decoder, which gets a constructor and <c>Load</c>.</param>
/// <param name="HasSites">Whether the constants of <c>Sites</c> are there already: a member of that name, or those of its family.</param>
/// <param name="HubId">Where its checkpoint is published; <see langword="null"/> when that is not said.</param>
internal sealed record ModelSchemaSpec(TypeSpec Type, ModelSchema Schema, bool IsDecoder, bool HasSites, string? HubId);

/// <summary>A <c>[HookedModel]</c> class before its configuration is looked at: the file changes without the class.</summary>
/// <param name="Type">The class.</param>
/// <param name="Config">The file that the attribute names.</param>
/// <param name="OwnAxes">The axes that the class declares itself; they win over the configuration's.</param>
/// <param name="Bases">The bases that it can get; a class with a written base has that one alone.</param>
/// <param name="HubId">Where its checkpoint is published; <see langword="null"/> when that is not said.</param>
internal sealed record HookedModelDeclaration(
    TypeSpec Type, string Config, EquatableArray<string> OwnAxes, EquatableArray<HookedModelBase> Bases, string? HubId);

/// <summary>A base that a <c>[HookedModel]</c> class has, or can get.</summary>
/// <param name="ModelClass">The full name of the family's class that it is; empty for any other base.</param>
/// <param name="Written">The base as the generator writes it; <see langword="null"/> when the user wrote it.</param>
/// <param name="Schema">The names, without the configuration's sizes.</param>
/// <param name="IsDecoder">Whether the class is then a concrete decoder.</param>
/// <param name="HasSites">Whether the constants of <c>Sites</c> are there already.</param>
internal sealed record HookedModelBase(string ModelClass, string? Written, ModelSchema Schema, bool IsDecoder, bool HasSites);

/// <summary>A <c>[HookedModel]</c> class with its configuration.</summary>
/// <param name="Model">The class as if it had <c>[ModelSchema]</c>.</param>
/// <param name="Base">The base that the generator writes; <see langword="null"/> when the user wrote it.</param>
/// <param name="Axes">The axes that the generator declares.</param>
/// <param name="IsValid">Whether class and configuration fit. Otherwise the generated members throw, and an analyzer says why.</param>
internal sealed record HookedModelSpec(ModelSchemaSpec Model, string? Base, EquatableArray<AxisSize> Axes, bool IsValid);

/// <summary>A <c>[FamilySites]</c> class.</summary>
/// <param name="Type">The class.</param>
/// <param name="Schema">The sites of its family, in the order of computation, and those that it has not.</param>
internal sealed record FamilySitesSpec(TypeSpec Type, ModelSchema Schema);

/// <summary>A <c>[PromptSchema]</c> class.</summary>
/// <param name="Type">The class.</param>
/// <param name="Vocabulary">Its names.</param>
/// <param name="RunProperties">A property's name for each run.</param>
/// <param name="AnswerProperties">A property's name for each answer.</param>
/// <param name="IsPromptSet">Whether it is a concrete <c>PromptSet</c>, which gets a constructor and <c>Create</c>.</param>
internal sealed record PromptSchemaSpec(
    TypeSpec Type, PromptVocabulary Vocabulary, EquatableArray<string> RunProperties, EquatableArray<string> AnswerProperties,
    bool IsPromptSet);
