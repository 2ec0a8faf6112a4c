namespace Interventions.Models.Tokenization;

/// <summary>Puts all pieces together, so that what follows sees one text.</summary>
internal sealed class FuseDecoder : IDecoder
{
    public IEnumerable<string> Decode(IEnumerable<string> tokens) => [string.Concat(tokens)];
}
