using System.Buffers.Binary;
using System.Text;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>
/// Writes the table of a Precompiled normalizer: a double-array trie over the UTF-8 of what is replaced, then the replacements.
/// </summary>
internal static class Charsmap
{
    public static string Write(IReadOnlyDictionary<string, string> replacements)
    {
        List<byte> texts = [];
        Dictionary<string, uint> starts = [];    // by key, as Latin-1 of its bytes
        foreach ((string key, string text) in replacements)
        {
            starts[Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(key))] = (uint)texts.Count;
            texts.AddRange([.. Encoding.UTF8.GetBytes(text), 0]);
        }
        uint[] units = new uint[1 << 12];
        bool[] taken = new bool[units.Length];
        taken[0] = true;
        Place("", 0);

        byte[] bytes = new byte[4 + 4 * units.Length];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, 4 * units.Length);
        for (int i = 0; i < units.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 + 4 * i), units[i]);
        return Convert.ToBase64String([.. bytes, .. texts]);

        // The children of a node lie at one place, each moved by its label; the value of a key that ends here has the label 0.
        void Place(string prefix, uint node)
        {
            byte[] labels = [.. starts.Keys.Where(key => key.Length > prefix.Length && key.StartsWith(prefix, StringComparison.Ordinal))
                .Select(key => (byte)key[prefix.Length]).Distinct()];
            bool ends = starts.TryGetValue(prefix, out uint start);
            uint place = 1;
            while (labels.Any(label => taken[place ^ label]) || (ends && taken[place]))
                place++;
            units[node] |= ((node ^ place) << 10) | (ends ? 1u << 8 : 0);
            if (ends)
                (units[place], taken[place]) = (start | 0x80000000, true);
            foreach (byte label in labels)
                (units[place ^ label], taken[place ^ label]) = (label, true);
            foreach (byte label in labels)
                Place(prefix + (char)label, place ^ label);
        }
    }
}
