namespace Interventions.Models.Tokenization;

/// <summary>Post-processors one after the other.</summary>
internal sealed class PostProcessorSequence(IPostProcessor[] steps) : IPostProcessor
{
    public IReadOnlyList<IPostProcessor> Steps => steps;

    public List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens) =>
        steps.Aggregate(tokens, (current, step) => step.Process(current, addSpecialTokens));
}
