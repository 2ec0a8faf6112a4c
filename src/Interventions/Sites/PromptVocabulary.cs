using Interventions.Runtime;

namespace Interventions;

/// <summary>What names a prompt set has.</summary>
/// <param name="PromptSet">The prompt set's type name, for messages: <c>IoiPrompts</c>.</param>
/// <param name="Runs">The runs; the first one is the base run, which writes change.</param>
/// <param name="Positions">Named token positions, each resolved in every prompt of every run.</param>
/// <param name="Answers">Named answer tokens, one token a prompt.</param>
public sealed partial record PromptVocabulary(
    string PromptSet, EquatableArray<string> Runs, EquatableArray<string> Positions, EquatableArray<string> Answers);
