using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>SentencePiece's: writes spaces as ▁ (or another sign), puts one in front, and cuts before each.</summary>
internal sealed class MetaspacePreTokenizer(string sign, PrependScheme scheme, bool split) : IPreTokenizer
{
    private readonly TokenPattern _space = TokenPattern.OfLiteral(" "), _sign = TokenPattern.OfLiteral(sign);

    public static MetaspacePreTokenizer Read(JsonField field) =>
        new(PrependSchemes.Sign(field), PrependSchemes.Read(field), field.Optional("split")?.Bool() ?? true);

    public void Split(AlignedText text, bool cut, List<AlignedText> words)
    {
        text = text.Replace(_space.Matches(text), sign);
        bool wanted = scheme == PrependScheme.Always || (scheme == PrependScheme.First && text.AtStart);
        if (wanted && text.Length > 0 && !text.Text.StartsWith(sign, StringComparison.Ordinal)) text = text.Prepend(sign);
        if (split && cut) SplitBehaviors.Split(text, _sign.Matches(text), SplitBehavior.MergedWithNext, false, words);
        else words.Add(text);
    }
}
