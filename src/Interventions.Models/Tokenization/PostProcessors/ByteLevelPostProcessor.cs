using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Where the file asks for it, takes the spaces at a token's ends out of what it covers. The ids stay.</summary>
internal sealed class ByteLevelPostProcessor(bool addPrefixSpace, bool trimOffsets) : IPostProcessor
{
    public static ByteLevelPostProcessor Read(JsonField field) =>
        new(field.Required("add_prefix_space").Bool(), field.Required("trim_offsets").Bool());

    public List<PipelineToken> Process(List<PipelineToken> tokens, bool addSpecialTokens) =>
        trimOffsets ? [.. tokens.Select(Trim)] : tokens;

    private PipelineToken Trim(PipelineToken token, int index)
    {
        int leading = token.Matched.TakeWhile(IsSpace).Count(), trailing = token.Matched.Reverse().TakeWhile(IsSpace).Count();
        // One space in front of everything may be the pre-tokenizer's, which covers nothing.
        if (addPrefixSpace && leading > 0 && (index == 0 || token.Start == 0)) leading = 0;
        int start = Math.Min(token.Start + leading, token.End);
        int end = token.End >= trailing ? Math.Max(token.End - trailing, start) : token.End;
        return token with { Start = start, End = end };
    }

    private static bool IsSpace(char character) => character == ByteAlphabet.Space || char.IsWhiteSpace(character);
}
