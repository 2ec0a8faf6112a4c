using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>
/// SentencePiece's own normalizer: a table of what is replaced, as a double-array trie over UTF-8 and the replacements behind it. The
/// reference implementation looks up each short grapheme whole, then its characters, and takes the shortest entry that is a prefix; so
/// does this.
/// </summary>
internal sealed class PrecompiledNormalizer
{
    private const int LongestGrapheme = 5;    // bytes

    private readonly uint[] _trie;
    private readonly byte[] _replacements;    // each ends with a 0

    private PrecompiledNormalizer(uint[] trie, byte[] replacements) => (_trie, _replacements) = (trie, replacements);

    public static PrecompiledNormalizer Read(JsonField field)
    {
        JsonField table = field.Required("precompiled_charsmap");
        byte[] bytes;
        try
        {
            bytes = Convert.FromBase64String(table.String());
        }
        catch (FormatException e)
        {
            throw table.Invalid($"it is not base64: {e.Message}");
        }
        uint size = bytes.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (size % 4 != 0 || size == 0 || size > bytes.Length - 4)
            throw table.Invalid("its trie is cut off");
        uint[] trie = new uint[size / 4];
        for (int i = 0; i < trie.Length; i++)
            trie[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4 + 4 * i));
        byte[] replacements = bytes[(4 + (int)size)..];
        return replacements is [.., 0] ? new(trie, replacements) : throw table.Invalid("its last replacement has no end");
    }

    public AlignedText Normalize(AlignedText text)
    {
        List<Change> changes = new(text.Length);
        bool changed = false;
        string all = text.Text;
        Span<char> character = stackalloc char[2];
        for (int at = 0, length; at < all.Length; at += length)
        {
            length = StringInfo.GetNextTextElementLength(all, at);
            ReadOnlySpan<char> grapheme = all.AsSpan(at, length);
            if (Encoding.UTF8.GetByteCount(grapheme) <= LongestGrapheme && Replacement(grapheme) is { } whole)
            {
                Replace(grapheme, whole);
                continue;
            }
            foreach (Rune rune in grapheme.EnumerateRunes())
            {
                ReadOnlySpan<char> old = character[..rune.EncodeToUtf16(character)];
                if (Replacement(old) is { } part)
                    Replace(old, part);
                else
                    changes.Add(new(rune.Value, 0));
            }
        }
        return changed ? text.Rewrite(changes) : text;

        void Replace(ReadOnlySpan<char> old, string replacement)
        {
            changed = true;
            int added = -Count(old);
            foreach (Rune rune in replacement.EnumerateRunes())
                changes.Add(new(rune.Value, added++ >= 0 ? 1 : 0));
            if (added < 0 && changes.Count > 0)    // where nothing is left, the character before stands for it too
                changes[^1] = changes[^1] with { Added = changes[^1].Added + added };
        }
    }

    private static int Count(ReadOnlySpan<char> text)
    {
        int count = 0;
        foreach (Rune _ in text.EnumerateRunes())
            count++;
        return count;
    }

    /// <summary>The replacement of the shortest entry that the text begins with, or <see langword="null"/>.</summary>
    private string? Replacement(ReadOnlySpan<char> text)
    {
        Span<byte> key = stackalloc byte[4 * text.Length];
        key = key[..Encoding.UTF8.GetBytes(text, key)];
        uint node = Offset(_trie[0]);
        foreach (byte label in key)
        {
            node ^= label;
            if (node >= _trie.Length || (_trie[node] & 0x800000FF) != label)    // a leaf has the highest bit, and no label
                return null;
            uint unit = _trie[node];
            node ^= Offset(unit);
            if ((unit >> 8 & 1) != 0)
                return node < _trie.Length ? TextAt(_trie[node] & 0x7FFFFFFF) : null;
        }
        return null;
    }

    private static uint Offset(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);

    private string? TextAt(uint start)
    {
        if (start >= _replacements.Length)
            return null;
        ReadOnlySpan<byte> rest = _replacements.AsSpan((int)start);
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)0)]);
    }
}
