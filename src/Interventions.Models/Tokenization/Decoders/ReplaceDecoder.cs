namespace Interventions.Models.Tokenization;

/// <summary>Replaces every match of a pattern in each piece.</summary>
internal sealed class ReplaceDecoder(TokenPattern pattern, string content) : IDecoder
{
    public IEnumerable<string> Decode(IEnumerable<string> tokens) => tokens.Select(token => pattern.Replace(token, content));
}
