using Interventions.Runtime;

namespace Interventions.Binding;

/// <summary>Prompts of which there are tokens alone: one run, no answers, and the position <c>end</c>.</summary>
internal sealed class TokenPrompts(IReadOnlyList<IReadOnlyList<long>> prompts) : IPromptSet
{
    public PromptVocabulary Vocabulary { get; } = new("the prompts", EquatableArray.Of("text"), EquatableArray.Of("end"), default);

    public IReadOnlyList<PromptTokens> Prompts { get; } =
        [.. prompts.Select(ids => new PromptTokens([new RunTokens(ids, [ids.Count - 1])], []))];
}
