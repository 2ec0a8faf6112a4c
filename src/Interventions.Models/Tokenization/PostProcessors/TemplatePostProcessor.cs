using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Puts special tokens around a text, such as a beginning of sentence. They cover nothing.</summary>
internal sealed class TemplatePostProcessor(PipelineToken[] before, PipelineToken[] after) : IPostProcessor
{
    public IReadOnlyList<PipelineToken> Before => before;

    public IReadOnlyList<PipelineToken> After => after;

    public static TemplatePostProcessor Read(JsonField field, IReadOnlySet<int> ids)
    {
        var definitions = new Dictionary<string, int[]>(StringComparer.Ordinal);
        foreach (var (name, definition) in field.Required("special_tokens").Members())
        {
            int[] defined = [.. definition.Required("ids").Items().Select(id => ids.Contains(id.Id())
                ? id.Id()
                : throw id.Invalid($"no token has the id {id.Id()}"))];
            int count = definition.Required("tokens").Items().Count();
            if (count != defined.Length) throw definition.Invalid($"{defined.Length} ids for {count} tokens");
            definitions[name] = defined;
        }

        var before = new List<PipelineToken>();
        var after = new List<PipelineToken>();
        bool afterText = false;
        foreach (var piece in field.Required("single").Items())
        {
            if (piece.Optional("Sequence") is { } sequence)
            {
                var name = sequence.Required("id");
                if (name.String() != "A") throw name.Invalid($"'{name.String()}' is not the one text of a single template, A");
                if (afterText) throw name.Invalid("the text is there twice");
                afterText = true;
                continue;
            }
            if (piece.Optional("SpecialToken") is not { } special) throw piece.Invalid("neither a Sequence nor a SpecialToken");
            var id = special.Required("id");
            if (!definitions.TryGetValue(id.String(), out int[]? tokens)) throw id.Invalid($"'{id.String()}' is not among the special_tokens");
            (afterText ? after : before).AddRange(tokens.Select(token => new PipelineToken(token, "", 0, 0)));
        }
        return afterText ? new([.. before], [.. after]) : throw field.Required("single").Invalid("the text itself (Sequence A) is missing");
    }

    public List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens) =>
        addSpecialTokens ? [.. before, .. tokens, .. after] : tokens;
}
