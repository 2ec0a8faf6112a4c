using System.Text;
using Interventions.Tables;

namespace Interventions.Models.Prompts;

/// <summary>A text of one run, and the parts of it that are marked as positions.</summary>
/// <param name="Text">The text without the brackets.</param>
/// <param name="Marks">The marks, in the order of the text.</param>
/// <param name="Where">The prompt and the run, for messages.</param>
internal sealed record MarkedText(string Text, IReadOnlyList<Mark> Marks, string Where)
{
    /// <summary>Stands in front of a text that brings its special tokens.</summary>
    private const string Whole = "[|]";

    /// <summary>Whether the text brings its special tokens, as that of a chat does, so that the tokenizer adds none.</summary>
    public bool HasSpecialTokens { get; init; }

    /// <summary>The pieces of text before, between and behind the marks: one more than there are marks.</summary>
    private string[] Around =>
    [
        .. Marks.Select((mark, i) => Text[(i == 0 ? 0 : Marks[i - 1].End)..mark.Start]),
        Text[(Marks.Count == 0 ? 0 : Marks[^1].End)..],
    ];

    /// <summary>Takes the marks out of a text.</summary>
    /// <exception cref="ArgumentException">A mark is unknown or broken.</exception>
    public static MarkedText Read(PromptVocabulary? vocabulary, string? marked, string where)
    {
        if (marked is null)
            throw new ArgumentException($"{where} has no text: it is null.");
        StringBuilder text = new();
        List<Mark> marks = [];
        bool whole = marked.StartsWith(Whole, StringComparison.Ordinal);
        for (int i = whole ? Whole.Length : 0; i < marked.Length; i++)
        {
            if (marked[i] != '[')
            {
                text.Append(marked[i]);
                continue;
            }
            if (Bracket(marked, i) is char plain)
            {
                text.Append(plain);
                i++;
                continue;
            }
            (string name, string inside, int close) = ReadMark(vocabulary, marked, i, where);
            if (marks.Any(mark => mark.Name == name))
                throw new ArgumentException($"{where} marks position '{name}' twice.");
            marks.Add(new Mark(name, text.Length, text.Length + inside.Length));
            text.Append(inside);
            i = close;
        }
        return new MarkedText(text.ToString(), marks, where) { HasSpecialTokens = whole };
    }

    /// <summary>This text, marked where another one is: around the marks, both have the same text.</summary>
    /// <exception cref="ArgumentException">The text around the marks is another one, or fits at several places.</exception>
    public MarkedText Like(MarkedText other)
    {
        string[] around = other.Around;
        // By place in this text, in how many ways the first pieces and marks can end there: none, one, or several.
        int[] ways = new int[Text.Length + 1];
        ways[around[0].Length <= Text.Length ? around[0].Length : 0] = Text.StartsWith(around[0], StringComparison.Ordinal) ? 1 : 0;
        if (ways.Max() == 0)
            throw Unfit(other, 0, $"does not begin with {TextTable.Quote(around[0])}");
        List<int[]> steps = [ways];
        for (int i = 1; i < around.Length; i++)
        {
            steps.Add(ways = Behind(ways, around[i], isLast: i == around.Length - 1));
            if (ways.Max() == 0)
                throw Unfit(other, i - 1, around[i].Length == 0 ? "has no text there" : $"has no {TextTable.Quote(around[i])} behind it");
        }
        List<Mark> marks = [];
        for (int i = around.Length - 1, end = Text.Length; i > 0; i--)
        {
            int close = end - around[i].Length;
            int[] opens = [.. Enumerable.Range(0, close).Where(open => steps[i - 1][open] > 0)];
            if (opens.Length > 1 || steps[i - 1][opens[0]] > 1)
                throw Unfit(other, Math.Max(i - 2, 0), "fits at several places");
            marks.Insert(0, new Mark(other.Marks[i - 1].Name, opens[0], close));
            end = opens[0];
        }
        return this with { Marks = marks };
    }

    /// <summary>In how many ways a mark, of one character at least, and the text behind it can end at each place.</summary>
    private int[] Behind(int[] before, string text, bool isLast)
    {
        int[] ways = new int[Text.Length + 1];
        int opens = 0;
        for (int close = 1; close + text.Length <= Text.Length; close++)
        {
            opens = Math.Min(opens + before[close - 1], 2);
            if ((!isLast || close + text.Length == Text.Length) && string.CompareOrdinal(Text, close, text, 0, text.Length) == 0)
                ways[close + text.Length] = opens;
        }
        return ways;
    }

    private ArgumentException Unfit(MarkedText other, int mark, string problem)
    {
        string name = other.Marks[mark].Name, run = other.Where[(other.Where.LastIndexOf(", run ", StringComparison.Ordinal) + 2)..];
        return new ArgumentException(
            $"{Where} has no marks, and does not fit around those of {run}: at position '{name}' it {problem}. Mark it too: [{name}|…].");
    }

    /// <summary>The text with its marks, as <see cref="Read"/> takes it.</summary>
    public string Written()
    {
        StringBuilder marked = new(HasSpecialTokens ? Whole : "");
        int at = 0;
        foreach (Mark mark in Marks)
        {
            marked.Append(Plain(Text[at..mark.Start])).Append('[').Append(mark.Name).Append('|');
            marked.Append(Plain(Text[mark.Start..mark.End])).Append(']');
            at = mark.End;
        }
        return marked.Append(Plain(Text[at..])).ToString();
    }

    /// <summary>A text whose brackets are no marks: <c>[[</c> is an opening bracket, <c>[]</c> a closing one.</summary>
    public static string Plain(string text)
    {
        StringBuilder plain = new(text.Length);
        foreach (char letter in text)
            plain.Append(letter is '[' or ']' ? "[" : "").Append(letter);
        return plain.ToString();
    }

    /// <summary>The bracket that two signs stand for, or <see langword="null"/>.</summary>
    private static char? Bracket(string marked, int at) => marked.AsSpan(at) switch
    {
        ['[', '[', ..] => '[',
        ['[', ']', ..] => ']',
        _ => null,
    };

    private static (string Name, string Inside, int Close) ReadMark(PromptVocabulary? vocabulary, string marked, int open, string where)
    {
        int bar = marked.IndexOfAny(['|', ']'], open);
        if (bar < 0 || marked[bar] == ']')
            throw NoMark();
        StringBuilder text = new();
        int close = bar + 1;
        for (; close < marked.Length && marked[close] != ']'; close++)
        {
            char letter = marked[close];
            if (letter == '[')
                letter = Bracket(marked, close++) ?? throw NoMark();
            text.Append(letter);
        }
        if (close >= marked.Length)
            throw NoMark();
        (string name, string inside) = (marked[(open + 1)..bar], text.ToString());
        if (vocabulary is not null && !vocabulary.Positions.Contains(name))
        {
            throw new ArgumentException(
                $"{where} marks position '{name}', which {vocabulary.PromptSet} does not have; "
                + $"it has {string.Join(", ", vocabulary.Positions)}.");
        }
        return inside.Length > 0
            ? (name, inside, close)
            : throw new ArgumentException($"{where} marks no text as position '{name}': write [{name}|text].");

        ArgumentException NoMark() => new(
            $"{where} has a '[' at character {open} that is not a mark: write [name|text], or [[ for a bracket ([] closes one).");
    }
}

/// <summary>A marked part of a text.</summary>
/// <param name="Name">The position.</param>
/// <param name="Start">The index of its first character.</param>
/// <param name="End">The index behind its last one.</param>
internal sealed record Mark(string Name, int Start, int End);
