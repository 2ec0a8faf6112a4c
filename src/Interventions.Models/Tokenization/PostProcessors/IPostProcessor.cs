using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A token of a text, by the UTF-16 units it covers.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Matched">The text it was found as, which may be more than its text in the vocabulary.</param>
/// <param name="Start">Where it begins.</param>
/// <param name="End">Where it ends.</param>
internal readonly record struct PipelineToken(int Id, string Matched, int Start, int End);

/// <summary>Finishes the tokens of a text: the format's <c>post_processor</c>.</summary>
internal interface IPostProcessor
{
    List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens);
}

/// <summary>Chooses a post-processor by its <c>type</c>.</summary>
internal static class PostProcessors
{
    /// <param name="field">The component.</param>
    /// <param name="ids">The ids that there are.</param>
    public static IPostProcessor Read(JsonField field, IReadOnlySet<int> ids) => field.Type() switch
    {
        "Sequence" => new PostProcessorSequence([.. field.Required("processors").Items().Select(item => Read(item, ids))]),
        "ByteLevel" => ByteLevelPostProcessor.Read(field),
        "TemplateProcessing" => TemplatePostProcessor.Read(field, ids),
        var type => throw field.Unsupported("post-processor", type),
    };
}
