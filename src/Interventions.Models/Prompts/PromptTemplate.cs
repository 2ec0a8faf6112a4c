using System.Text;
using Interventions.Models.Prompts;
using Interventions.Sites;
using Interventions.Tables;

namespace Interventions.Models;

/// <summary>
/// A text with slots, <c>"When {IO} and {S1} went to the {place}, {S2} gave a drink to"</c>, into which words are filled. A slot that has a
/// position's name marks it. <c>{{</c> and <c>}}</c> are plain braces; marks may stand beside slots, <c>"to[end| the]"</c>.
/// </summary>
public sealed class PromptTemplate
{
    private readonly List<(string Text, bool IsSlot)> _parts;
    private readonly HashSet<string> _positions;

    /// <summary>Reads a text with slots.</summary>
    /// <param name="text">The text.</param>
    /// <param name="vocabulary">Its positions are marked: <c>IoiPrompts.DeclaredVocabulary</c>. Without it no slot is a position.</param>
    /// <exception cref="ArgumentException">A brace has no partner, a slot no name, or one that is a position occurs twice.</exception>
    public PromptTemplate(string text, PromptVocabulary? vocabulary = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        Text = text;
        _positions = vocabulary is null ? [] : [.. vocabulary.Positions];
        _parts = Read(text);
        string[] slots = [.. _parts.Where(part => part.IsSlot).Select(part => part.Text)];
        if (slots.GroupBy(slot => slot).FirstOrDefault(same => same.Count() > 1 && _positions.Contains(same.Key)) is { } twice)
            throw new ArgumentException(
                $"Slot {{{twice.Key}}} occurs twice in {TextTable.Quote(text)}, and is a position, which is one place: "
                + "name one of them otherwise.");
        Slots = [.. slots.Distinct()];
    }

    /// <summary>The text with its slots.</summary>
    public string Text { get; }

    /// <summary>The names of the slots, in the order of the text, each once.</summary>
    public IReadOnlyList<string> Slots { get; }

    /// <summary>Fills the slots: a text in which positions are marked, as prompts take it.</summary>
    /// <param name="words">A word for each slot, as the text is to have it; brackets in it are text.</param>
    /// <exception cref="ArgumentException">A slot has no word, or there is a word for a slot that the template lacks.</exception>
    public string Fill(IReadOnlyDictionary<string, string> words)
    {
        ArgumentNullException.ThrowIfNull(words);
        CheckSlots(words.Keys);
        StringBuilder filled = new();
        foreach ((string text, bool isSlot) in _parts)
        {
            if (!isSlot)
                filled.Append(text);
            else if (words.GetValueOrDefault(text) is not string word)
                throw new ArgumentException($"Slot {{{text}}} of {TextTable.Quote(Text)} has no word: [\"{text}\"] = ….");
            else if (_positions.Contains(text))
                filled.Append('[').Append(text).Append('|').Append(MarkedText.Plain(word)).Append(']');
            else
                filled.Append(MarkedText.Plain(word));
        }
        return filled.ToString();
    }

    /// <summary>Draws words for slots: different fillings, in each of which no word stands twice.</summary>
    /// <param name="words">A list for each slot that is to be filled. Slots may share a list; others are left to the caller.</param>
    /// <param name="count">How many fillings.</param>
    /// <param name="seed">The same seed draws the same words.</param>
    /// <exception cref="ArgumentException">
    /// There is a list for a slot that the template lacks, or the lists do not have words for so many different fillings.
    /// </exception>
    public IReadOnlyList<Dictionary<string, string>> Sample(
        IReadOnlyDictionary<string, IReadOnlyList<string>> words, int count, int seed)
    {
        ArgumentNullException.ThrowIfNull(words);
        CheckSlots(words.Keys);
        string[] slots = [.. Slots.Where(words.ContainsKey)];
        double possible = slots.Aggregate(1.0, (product, slot) => product * words[slot].Distinct().Count());
        return Drawing.Distinct(
            new DrawingSource<Dictionary<string, string>>(
                TextTable.Quote(Text), possible, Draw, filling => string.Join('\n', slots.Select(slot => filling[slot])),
                Bytes: _ => 64L * slots.Length),
            count, seed, taken: []);

        Dictionary<string, string> Draw(Random random)
        {
            Dictionary<string, string> filling = [];
            foreach (string slot in slots)
            {
                string[] left = [.. words[slot].Except(filling.Values)];
                filling[slot] = left.Length > 0 ? random.Pick(left) : throw new ArgumentException(
                    $"The list for slot {{{slot}}} of {TextTable.Quote(Text)} has no word left that no other slot has: "
                    + "give it more words.");
            }
            return filling;
        }
    }

    /// <summary>The text with its slots.</summary>
    public override string ToString() => Text;

    private void CheckSlots(IEnumerable<string> names)
    {
        foreach (string name in names.Where(name => !Slots.Contains(name)))
        {
            string? near = Spelling.Nearest(name, Slots);
            string hint = near is null ? $"its slots are {Spelling.List(Slots)}" : $"did you mean {{{near}}}?";
            throw new ArgumentException($"{TextTable.Quote(Text)} has no slot {{{name}}}; {hint}");
        }
    }

    private static List<(string Text, bool IsSlot)> Read(string text)
    {
        List<(string Text, bool IsSlot)> parts = [];
        StringBuilder plain = new();
        for (int i = 0; i < text.Length; i++)
        {
            char letter = text[i];
            if (letter is '{' or '}' && i + 1 < text.Length && text[i + 1] == letter)
                i++;
            else if (letter == '}')
                throw Broken(text, i, "closes nothing: write }} for a plain brace");
            else if (letter == '{')
            {
                int close = text.IndexOfAny(['{', '}'], i + 1);
                if (close <= i + 1 || text[close] == '{')
                    throw Broken(text, i, "is not a slot: write {name}, or {{ for a plain brace");
                parts.Add((plain.ToString(), false));
                parts.Add((text[(i + 1)..close], true));
                plain.Clear();
                i = close;
                continue;
            }
            plain.Append(letter);
        }
        parts.Add((plain.ToString(), false));
        return parts;
    }

    private static ArgumentException Broken(string text, int at, string problem) =>
        new($"The '{text[at]}' at character {at} of {TextTable.Quote(text)} {problem}.");
}
