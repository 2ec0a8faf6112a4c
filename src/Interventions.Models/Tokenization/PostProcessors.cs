using System.Text.Json;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Finishes the tokens of a text: the format's <c>post_processor</c>.</summary>
internal interface IPostProcessor
{
    List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens);
}

/// <summary>Chooses a post-processor by its <c>type</c>.</summary>
internal static class PostProcessors
{
    /// <param name="field">The component.</param>
    /// <param name="ids">All ids of the tokenizer.</param>
    public static IPostProcessor Read(JsonField field, IReadOnlySet<int> ids) => field.Type() switch
    {
        "Sequence" => new PostProcessorSequence([.. field.Required("processors").Items().Select(item => Read(item, ids))]),
        "ByteLevel" => ByteLevelPostProcessor.Read(field),
        "TemplateProcessing" => TemplatePostProcessor.Read(field, ids),
        "BertProcessing" => TemplatePostProcessor.ReadAround(field, ids),
        "RobertaProcessing" => new PostProcessorSequence([
            new ByteLevelPostProcessor(
                field.Optional("add_prefix_space")?.Bool() ?? true, field.Optional("trim_offsets")?.Bool() ?? true),
            TemplatePostProcessor.ReadAround(field, ids)]),
        string type => throw field.Unsupported("post-processor", type),
    };
}

/// <summary>Post-processors one after the other.</summary>
internal sealed class PostProcessorSequence(IPostProcessor[] steps) : IPostProcessor
{
    public IReadOnlyList<IPostProcessor> Steps => steps;

    public List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens) =>
        steps.Aggregate(tokens, (current, step) => step.Process(current, addSpecialTokens));
}

/// <summary>Takes the spaces at a token's ends out of the range that it covers, if the file asks for it. The ids stay.</summary>
internal sealed class ByteLevelPostProcessor(bool addPrefixSpace, bool trimOffsets) : IPostProcessor
{
    public static ByteLevelPostProcessor Read(JsonField field) =>
        new(field.Required("add_prefix_space").Bool(), field.Required("trim_offsets").Bool());

    public List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens) =>
        trimOffsets ? [.. tokens.Select(Trim)] : tokens;

    private PipelineToken Trim(PipelineToken token, int index)
    {
        (int leading, int trailing) = (token.LeadingSpaces, token.TrailingSpaces);
        // The pre-tokenizer may have added the first space of the text, which covers nothing.
        if (addPrefixSpace && leading > 0 && (index == 0 || token.Start == 0))
            leading = 0;
        int start = Math.Min(token.Start + leading, token.End);
        int end = token.End >= trailing ? Math.Max(token.End - trailing, start) : token.End;
        return token with { Start = start, End = end };
    }
}

/// <summary>Puts special tokens around a text, such as a beginning of sentence. They cover nothing.</summary>
internal sealed class TemplatePostProcessor(PipelineToken[] before, PipelineToken[] after) : IPostProcessor
{
    public IReadOnlyList<PipelineToken> Before => before;

    public IReadOnlyList<PipelineToken> After => after;

    public static TemplatePostProcessor Read(JsonField field, IReadOnlySet<int> ids)
    {
        Dictionary<string, int[]> definitions = new(StringComparer.Ordinal);
        foreach ((string name, JsonField definition) in field.Required("special_tokens").Members())
            definitions[name] = ReadDefinition(definition, ids);
        List<PipelineToken> before = [], after = [];
        bool afterText = false;
        foreach (JsonField piece in field.Required("single").Items())
        {
            if (piece.Optional("Sequence") is { } sequence)
            {
                JsonField text = sequence.Required("id");
                if (text.String() != "A")
                    throw text.Invalid($"'{text.String()}' is not the one text of a single template, A");
                if (afterText)
                    throw text.Invalid("the text is there twice");
                afterText = true;
                continue;
            }
            if (piece.Optional("SpecialToken") is not { } special)
                throw piece.Invalid("neither a Sequence nor a SpecialToken");
            JsonField id = special.Required("id");
            if (!definitions.TryGetValue(id.String(), out int[]? tokens))
                throw id.Invalid($"'{id.String()}' is not among the special_tokens");
            (afterText ? after : before).AddRange(tokens.Select(PipelineToken.Added));
        }
        return afterText ? new([.. before], [.. after]) : throw field.Required("single").Invalid("the text itself (Sequence A) is missing");
    }

    /// <summary>BERT's form, and RoBERTa's: one token before the text, one behind it.</summary>
    public static TemplatePostProcessor ReadAround(JsonField field, IReadOnlySet<int> ids)
    {
        return new([Token("cls")], [Token("sep")]);

        PipelineToken Token(string name)
        {
            JsonField token = field.Required(name);
            if (token.Kind != JsonValueKind.Array || token.Items().ToArray() is not [JsonField text, JsonField id])
                throw token.Invalid("it is a token and its id");
            return ids.Contains(id.Id())
                ? PipelineToken.Added(id.Id())
                : throw id.Invalid($"no token has the id {id.Id()}, which '{text.String()}' should have");
        }
    }

    public List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens) =>
        addSpecialTokens ? [.. before, .. tokens, .. after] : tokens;

    private static int[] ReadDefinition(JsonField definition, IReadOnlySet<int> ids)
    {
        int[] defined = [.. definition.Required("ids").Items()
            .Select(id => ids.Contains(id.Id()) ? id.Id() : throw id.Invalid($"no token has the id {id.Id()}"))];
        int count = definition.Required("tokens").Items().Count();
        return count == defined.Length ? defined : throw definition.Invalid($"{defined.Length} ids for {count} tokens");
    }
}
