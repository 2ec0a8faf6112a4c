using System.Text;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>GPT-2's: cuts into words, then writes every byte as a visible character (see <see cref="ByteAlphabet"/>).</summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool useRegex) : IPreTokenizer
{
    public static ByteLevelPreTokenizer Read(JsonField field)
    {
        field.Required("trim_offsets").Bool();    // means nothing here, but belongs to the format
        return new(field.Required("add_prefix_space").Bool(), field.Optional("use_regex")?.Bool() ?? true);
    }

    public void Split(AlignedText text, bool cut, List<AlignedText> words)
    {
        if (addPrefixSpace && text.Length > 0 && text[0] != ' ') text = text.Prepend(" ");
        int first = words.Count;
        if (useRegex && cut) SplitBehaviors.Split(text, TokenPattern.Gpt2.Matches(text), SplitBehavior.Isolated, false, words);
        else words.Add(text);
        for (int i = first; i < words.Count; i++) words[i] = ToBytes(words[i]);
    }

    private static AlignedText ToBytes(AlignedText word)
    {
        var result = new List<Glyph>(word.Length * 2);
        Span<byte> bytes = stackalloc byte[4];
        foreach (var glyph in word.Glyphs)
        {
            int count = new Rune(glyph.CodePoint).EncodeToUtf8(bytes);
            foreach (byte value in bytes[..count]) result.Add(glyph with { CodePoint = ByteAlphabet.ToCharacter(value) });
        }
        return word.With([.. result]);
    }
}
