using System.Globalization;
using Interventions.Sites;

namespace Interventions.Models.Tokenization;

/// <summary>
/// Unicode's normal forms (NFC, NFD, NFKC, NFKD). Places follow the reference implementation: each resulting character carries a count of
/// the characters that it adds (+1 for the later parts of a decomposition) or replaces (-1 for each that is composed into it), and a
/// composed character stands for the same part of the text as the first of its parts.
/// </summary>
internal sealed class UnicodeNormalizer(bool compatibility, bool compose)
{
    private const int HangulFirst = 0xAC00, LeadFirst = 0x1100, VowelFirst = 0x1161, TailBase = 0x11A7;
    private const int LeadCount = 19, VowelCount = 21, TailCount = 28, HangulCount = LeadCount * VowelCount * TailCount;

    public AlignedText Normalize(AlignedText text)
    {
        if (IsAscii(text))
            return text;
        List<Change> changes = new(text.Length);
        foreach (Glyph glyph in text.Glyphs)
        {
            int first = changes.Count;
            Decompose(glyph.CodePoint, changes);
            for (int i = first + 1; i < changes.Count; i++)
                changes[i] = changes[i] with { Added = 1 };
        }
        Reorder(changes);
        return text.Rewrite(compose ? Compose(changes) : changes);
    }

    private static bool IsAscii(AlignedText text)
    {
        foreach (Glyph glyph in text.Glyphs)
            if (glyph.CodePoint > 127)
                return false;
        return true;
    }

    private void Decompose(int codePoint, List<Change> into)
    {
        int hangul = codePoint - HangulFirst;
        if (hangul is >= 0 and < HangulCount)
        {
            into.Add(new(LeadFirst + hangul / (VowelCount * TailCount), 0));
            into.Add(new(VowelFirst + hangul / TailCount % VowelCount, 0));
            if (hangul % TailCount != 0)
                into.Add(new(TailBase + hangul % TailCount, 0));
        }
        else if (UnicodeData.Instance.Decomposition(codePoint, compatibility) is { } parts)
        {
            foreach (int part in parts)
                Decompose(part, into);
        }
        else
        {
            into.Add(new(codePoint, 0));
        }
    }

    /// <summary>Sorts the marks after each base by combining class; marks of one class keep their order.</summary>
    private static void Reorder(List<Change> changes)
    {
        UnicodeData data = UnicodeData.Instance;
        for (int i = 1; i < changes.Count; i++)
        {
            Change moving = changes[i];
            int order = data.CombiningClass(moving.CodePoint);
            if (order == 0)
                continue;
            int at = i;
            for (; at > 0 && data.CombiningClass(changes[at - 1].CodePoint) > order; at--)
                changes[at] = changes[at - 1];
            changes[at] = moving;
        }
    }

    private static List<Change> Compose(List<Change> changes)
    {
        List<Change> result = new(changes.Count);
        int starter = -1, lastClass = 0;    // lastClass: the combining class of the last character after the starter
        foreach (Change change in changes)
        {
            int order = UnicodeData.Instance.CombiningClass(change.CodePoint);
            bool blocked = starter < result.Count - 1 && (lastClass == 0 || lastClass >= order);
            if (starter >= 0 && !blocked && Pair(result[starter].CodePoint, change.CodePoint) is { } composed)
            {
                result[starter] = new(composed, result[starter].Added + change.Added - 1);
                continue;
            }
            if (order == 0)
                starter = result.Count;
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
}

/// <summary>
/// Combining classes, decompositions and compositions, from the embedded <c>normalization.txt</c>. <see cref="string.Normalize()"/> is no
/// substitute: under InvariantGlobalization it returns the text unchanged and reports nothing, so that the ids would differ.
/// </summary>
internal sealed class UnicodeData
{
    /// <summary>The first character that has a combining class, or that composes with one before it.</summary>
    private const int FirstMark = 0x300;

    private static readonly Lazy<UnicodeData> s_instance = new(() => new UnicodeData());

    private readonly Dictionary<int, int> _classes = [];
    private readonly Dictionary<int, (bool Compatibility, int[] CodePoints)> _decompositions = [];
    private readonly Dictionary<(int, int), int> _compositions = [];

    private UnicodeData()
    {
        using Stream stream = typeof(UnicodeData).Assembly.GetManifestResourceStream("Interventions.Models.normalization.txt")
            ?? throw new InvalidOperationException("normalization.txt is not embedded in this assembly");
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
            if (!line.StartsWith('#'))
                Add(line.Split(' '));
    }

    public static UnicodeData Instance => s_instance.Value;

    /// <summary>The canonical combining class; 0 for characters that keep their place.</summary>
    public int CombiningClass(int codePoint) => codePoint < FirstMark ? 0 : _classes.GetValueOrDefault(codePoint);

    /// <summary>One step of decomposition, or <see langword="null"/>.</summary>
    public int[]? Decomposition(int codePoint, bool compatibility) =>
        codePoint > 0x7F && _decompositions.TryGetValue(codePoint, out (bool Compatibility, int[] CodePoints) found)
        && (compatibility || !found.Compatibility)
            ? found.CodePoints
            : null;

    /// <summary>The one character that two compose to, or <see langword="null"/>.</summary>
    public int? Composition(int first, int second) =>
        second >= FirstMark && _compositions.TryGetValue((first, second), out int composed) ? composed : null;

    private void Add(string[] fields)
    {
        int codePoint = Hex(fields[0]);
        if (int.Parse(fields[1], CultureInfo.InvariantCulture) is > 0 and int combiningClass)
            _classes[codePoint] = combiningClass;
        if (fields.Length == 2)
            return;
        bool compatibility = fields[2].StartsWith('~');
        bool composes = !compatibility && fields[^1] != "!";
        int[] parts = [.. fields[2..].Where(field => field != "!").Select(field => Hex(field.TrimStart('~')))];
        _decompositions[codePoint] = (compatibility, parts);
        if (composes && parts.Length == 2)
            _compositions[(parts[0], parts[1])] = codePoint;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
