using System.Text;

namespace Interventions.Models.Tokenization;

/// <summary>The tokens <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>, which spell characters that are not in the vocabulary.</summary>
internal sealed class ByteTokens(IReadOnlyDictionary<string, int> vocabulary)
{
    private readonly int?[] _ids =
        [.. Enumerable.Range(0, 256).Select(value => vocabulary.TryGetValue($"<0x{value:X2}>", out int id) ? id : (int?)null)];

    /// <summary>The ids of a character's bytes, or <see langword="null"/> if one of them has no token.</summary>
    public int[]? Spell(int codePoint)
    {
        Span<byte> bytes = stackalloc byte[4];
        int[] ids = new int[new Rune(codePoint).EncodeToUtf8(bytes)];
        for (int i = 0; i < ids.Length; i++)
        {
            if (_ids[bytes[i]] is not { } id) return null;
            ids[i] = id;
        }
        return ids;
    }
}
