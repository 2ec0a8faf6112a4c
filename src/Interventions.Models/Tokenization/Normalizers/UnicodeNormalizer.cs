using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>
/// Unicode's normal forms (NFC, NFD, NFKC, NFKD). The alignment is the reference implementation's: every result knows how many characters
/// of the text it adds (+1, the later parts of a decomposition) or swallows (-1 for each that is composed into it), and a composed
/// character stands for the first that went into it.
/// </summary>
internal sealed class UnicodeNormalizer(bool compatibility, bool compose) : INormalizer
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, HangulCount = LeadCount * VowelCount * TailCount;

    private readonly record struct Change(int CodePoint, int Added);

    public AlignedText Normalize(AlignedText text)
    {
        if (IsAscii(text)) return text;
        var changes = new List<Change>(text.Length);
        foreach (var glyph in text.Glyphs)
        {
            int first = changes.Count;
            Decompose(glyph.CodePoint, changes);
            for (int i = first; i < changes.Count; i++) changes[i] = changes[i] with { Added = i == first ? 0 : 1 };
        }
        Reorder(changes);
        return Align(text, compose ? Compose(changes) : changes);
    }

    private static bool IsAscii(AlignedText text)
    {
        foreach (var glyph in text.Glyphs)
            if (glyph.CodePoint > 127) return false;
        return true;
    }

    private void Decompose(int codePoint, List<Change> into)
    {
        int hangul = codePoint - HangulFirst;
        if (hangul is >= 0 and < HangulCount)
        {
            into.Add(new(LeadFirst + hangul / (VowelCount * TailCount), 0));
            into.Add(new(VowelFirst + hangul / TailCount % VowelCount, 0));
            if (hangul % TailCount != 0) into.Add(new(TailBase + hangul % TailCount, 0));
        }
        else if (UnicodeData.Instance.Decomposition(codePoint, compatibility) is { } parts)
        {
            foreach (int part in parts) Decompose(part, into);
        }
        else
        {
            into.Add(new(codePoint, 0));
        }
    }

    /// <summary>Marks after a base go by combining class; equals keep their order.</summary>
    private static void Reorder(List<Change> changes)
    {
        var data = UnicodeData.Instance;
        for (int i = 1; i < changes.Count; i++)
        {
            var moving = changes[i];
            int order = data.CombiningClass(moving.CodePoint);
            if (order == 0) continue;
            int at = i;
            for (; at > 0 && data.CombiningClass(changes[at - 1].CodePoint) > order; at--) changes[at] = changes[at - 1];
            changes[at] = moving;
        }
    }

    private static List<Change> Compose(List<Change> changes)
    {
        var data = UnicodeData.Instance;
        var result = new List<Change>(changes.Count);
        int starter = -1, lastClass = 0;    // lastClass: of what stands between the starter and here
        foreach (var change in changes)
        {
            int order = data.CombiningClass(change.CodePoint);
            bool blocked = starter < result.Count - 1 && (lastClass == 0 || lastClass >= order);
            if (starter >= 0 && !blocked && Pair(result[starter].CodePoint, change.CodePoint) is { } composed)
            {
                result[starter] = new(composed, result[starter].Added + change.Added - 1);
                continue;
            }
            if (order == 0) starter = result.Count;
            lastClass = order;
            result.Add(change);
        }
        return result;
    }

    private static int? Pair(int first, int second)
    {
        int lead = first - LeadFirst, vowel = second - VowelFirst, tail = second - TailBase, hangul = first - HangulFirst;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
            return HangulFirst + (lead * VowelCount + vowel) * TailCount;
        if (hangul is >= 0 and < HangulCount && hangul % TailCount == 0 && tail is > 0 and < TailCount)
            return first + tail;
        return UnicodeData.Instance.Composition(first, second);
    }

    private static AlignedText Align(AlignedText text, List<Change> changes)
    {
        var glyphs = text.Glyphs;
        var result = new Glyph[changes.Count];
        int at = 0;
        for (int i = 0; i < result.Length; i++)
        {
            var (codePoint, added) = changes[i];
            result[i] = (added <= 0 ? glyphs[at] : at > 0 ? glyphs[at - 1] : default) with { CodePoint = codePoint };
            if (added <= 0) at += 1 - added;
        }
        return text.With(result);
    }
}
