using System.Globalization;
using System.Text;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Turns tokens back into pieces of text, which the pipeline joins: the format's <c>decoder</c>.</summary>
internal delegate IEnumerable<string> TokenDecoder(IEnumerable<string> tokens);

/// <summary>The decoders that a file can name.</summary>
internal static class Decoders
{
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);

    public static TokenDecoder Read(JsonField field) => field.Type() switch
    {
        "Sequence" => InTurn([.. field.Required("decoders").Items().Select(Read)]),
        "ByteLevel" => ByteLevel,
        "ByteFallback" => ByteFallback,
        "Fuse" => Fuse,
        "Replace" => Replace(TokenPattern.Read(field.Required("pattern")), field.Required("content").String()),
        "Strip" => Strip(ReadCharacter(field.Required("content")), field.Required("start").Id(), field.Required("stop").Id()),
        "Metaspace" => Metaspace.Read(field).Decode,
        string type => throw field.Unsupported("decoder", type),
    };

    /// <summary>Reads all tokens as bytes in GPT-2's alphabet. A token with any other character stands for its own UTF-8.</summary>
    public static IEnumerable<string> ByteLevel(IEnumerable<string> tokens)
    {
        List<byte> bytes = [];
        foreach (string token in tokens)
        {
            int first = bytes.Count;
            foreach (char character in token)
            {
                if (ByteAlphabet.TryToByte(character, out byte value))
                {
                    bytes.Add(value);
                    continue;
                }
                bytes.RemoveRange(first, bytes.Count - first);
                bytes.AddRange(Encoding.UTF8.GetBytes(token));
                break;
            }
        }
        return [Encoding.UTF8.GetString([.. bytes])];    // invalid UTF-8 becomes U+FFFD
    }

    private static TokenDecoder InTurn(TokenDecoder[] steps) => tokens => steps.Aggregate(tokens, (current, step) => step(current));

    /// <summary>Joins all pieces, so that the next decoder sees one text.</summary>
    private static IEnumerable<string> Fuse(IEnumerable<string> tokens) => [string.Concat(tokens)];

    /// <summary>Replaces every match of a pattern in each piece.</summary>
    private static TokenDecoder Replace(TokenPattern pattern, string content) =>
        tokens => tokens.Select(token => pattern.Replace(token, content));

    /// <summary>Drops a character from the ends of each piece, up to a number of times.</summary>
    private static TokenDecoder Strip(char character, int fromStart, int fromEnd) => tokens => tokens.Select(token =>
    {
        (int start, int end) = (0, token.Length);
        while (start < fromStart && start < end && token[start] == character)
            start++;
        while (token.Length - end < fromEnd && end > start && token[end - 1] == character)
            end--;
        return token[start..end];
    });

    private static char ReadCharacter(JsonField field) =>
        field.String() is [char character] ? character : throw field.Invalid($"'{field.String()}' is not one character");

    /// <summary>
    /// Reads neighbouring tokens such as <c>&lt;0xE2&gt;</c> as bytes. If together they are not UTF-8, each gives one U+FFFD, the valid
    /// ones included.
    /// </summary>
    private static IEnumerable<string> ByteFallback(IEnumerable<string> tokens)
    {
        List<byte> bytes = [];
        foreach (string token in tokens)
        {
            if (TryReadByte(token, out byte value))
            {
                bytes.Add(value);
                continue;
            }
            if (bytes.Count > 0)
                yield return Text(bytes);
            bytes.Clear();
            yield return token;
        }
        if (bytes.Count > 0)
            yield return Text(bytes);
    }

    private static bool TryReadByte(string token, out byte value)
    {
        value = 0;
        return token is ['<', '0', 'x', _, _, '>']
            && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    private static string Text(List<byte> bytes)
    {
        try
        {
            return s_strict.GetString([.. bytes]);
        }
        catch (DecoderFallbackException)
        {
            return new string('\uFFFD', bytes.Count);
        }
    }
}
