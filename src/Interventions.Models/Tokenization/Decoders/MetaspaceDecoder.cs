using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Writes ▁ (or another sign) as a space again, and drops those of the first token, which the pre-tokenizer put there.</summary>
internal sealed class MetaspaceDecoder(string sign, PrependScheme scheme) : IDecoder
{
    public static MetaspaceDecoder Read(JsonField field) => new(PrependSchemes.Sign(field), PrependSchemes.Read(field));

    public IEnumerable<string> Decode(IEnumerable<string> tokens) => tokens.Select((token, index) =>
        token.Replace(sign, index == 0 && scheme != PrependScheme.Never ? "" : " ", StringComparison.Ordinal));
}
