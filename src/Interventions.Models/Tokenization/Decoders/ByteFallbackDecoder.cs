using System.Globalization;
using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>
/// Reads each run of tokens such as <c>&lt;0xE2&gt;</c> as bytes. A run that is not UTF-8 gives one U+FFFD for each of its tokens, the
/// good ones included.
/// </summary>
internal sealed class ByteFallbackDecoder : IDecoder
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    public IEnumerable<string> Decode(IEnumerable<string> tokens)
    {
        var run = new List<byte>();
        foreach (string token in tokens)
        {
            if (TryReadByte(token, out byte value))
            {
                run.Add(value);
                continue;
            }
            if (run.Count > 0) yield return Text(run);
            run.Clear();
            yield return token;
        }
        if (run.Count > 0) yield return Text(run);
    }

    private static bool TryReadByte(string token, out byte value)
    {
        value = 0;
        return token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static string Text(List<byte> run)
    {
        try
        {
            return s_strict.GetString([.. run]);
        }
        catch (DecoderFallbackException)
        {
            return new string('\uFFFD', run.Count);
        }
    }
}
