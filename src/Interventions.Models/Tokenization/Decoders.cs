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

    private static readonly (string Spaced, string Joined)[] s_cleanUps =
    [
        (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"), (" 'm", "'m"), (" do not", " don't"),
        (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ];

    public static TokenDecoder Read(JsonField field) => field.Type() switch
    {
        "Sequence" => InTurn([.. field.Required("decoders").Items().Select(Read)]),
        "ByteLevel" => ByteLevel,
        "ByteFallback" => ByteFallback,
        "Fuse" => Fuse,
        "Replace" => Replace(TokenPattern.Read(field.Required("pattern")), field.Required("content").String()),
        "Strip" => Strip(field.Required("content").Character(), field.Required("start").Id(), field.Required("stop").Id()),
        "Metaspace" => Metaspace.Read(field).Decode,
        "WordPiece" => WordPiece(field.Optional("prefix")?.String() ?? "##", field.Optional("cleanup")?.Bool() ?? true),
        "BPEDecoder" => Suffix(field.Optional("suffix")?.String() ?? "</w>"),
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
    private static TokenDecoder Strip(string character, int fromStart, int fromEnd) => tokens => tokens.Select(token =>
    {
        for (int i = 0; i < fromStart && token.StartsWith(character, StringComparison.Ordinal); i++)
            token = token[character.Length..];
        for (int i = 0; i < fromEnd && token.EndsWith(character, StringComparison.Ordinal); i++)
            token = token[..^character.Length];
        return token;
    });

    /// <summary>Puts a space before each token but the first, or takes the prefix of a token within a word away.</summary>
    private static TokenDecoder WordPiece(string prefix, bool cleanup) => tokens => tokens.Select((token, index) =>
    {
        string text = index == 0 ? token : token.StartsWith(prefix, StringComparison.Ordinal) ? token[prefix.Length..] : " " + token;
        return cleanup ? CleanUp(text) : text;
    });

    /// <summary>Takes spaces before English punctuation and contractions away, in the reference implementation's order.</summary>
    private static string CleanUp(string text)
    {
        foreach ((string spaced, string joined) in s_cleanUps)
            text = text.Replace(spaced, joined, StringComparison.Ordinal);
        return text;
    }

    /// <summary>Makes the suffix of a word's last token a space; behind the last word there is none.</summary>
    private static TokenDecoder Suffix(string suffix) => tokens =>
    {
        string[] all = [.. tokens];
        return all.Select((token, index) => token.Replace(suffix, index == all.Length - 1 ? "" : " ", StringComparison.Ordinal));
    };

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
