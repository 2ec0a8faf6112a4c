using Interventions.Runtime;

namespace Interventions.Generators.Model;

/// <summary>What a <c>[PromptSchema]</c> class declares.</summary>
/// <param name="Type">The class.</param>
/// <param name="Vocabulary">Its names.</param>
/// <param name="RunProperties">A property's name for each run.</param>
/// <param name="AnswerProperties">A property's name for each answer.</param>
/// <param name="IsPromptSet">Whether it is a concrete <c>PromptSet</c>, which gets a constructor and <c>Create</c>.</param>
internal sealed record PromptSchemaModel(
    TypeModel Type, PromptVocabulary Vocabulary, EquatableArray<string> RunProperties, EquatableArray<string> AnswerProperties, bool IsPromptSet);
