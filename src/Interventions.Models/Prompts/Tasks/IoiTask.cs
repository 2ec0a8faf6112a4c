using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Interventions.Sites;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Indirect object identification (Wang et al. 2022): "When Mary and Tom went to the store, Tom gave a drink to" asks for " Mary". The
/// positions are the indirect object (<c>IO</c>), the subject (<c>S1</c>), the subject again (<c>S2</c>) and <c>end</c>; the answers are
/// the two names. A template's number is its index in the list; where the subject comes first (BABA), that and the number of templates.
/// </summary>
[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IoiTask : PromptSet
{
    /// <summary>Draws prompts.</summary>
    /// <param name="tokenizer">The model's tokenizer. Words that are not one token of it are left out; notes say how many remained.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="options">Templates, words, and what the corrupted run is.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">Too few words are one token, or there are not so many different prompts.</exception>
    public static IoiTask Sample(Tokenizer tokenizer, int count, int seed, IoiOptions? options = null, IoiTask? except = null)
    {
        options ??= new IoiOptions();
        (int Number, PromptTemplate Template)[] templates = [.. Templates(options)];
        TaskWords names = TaskWords.Of(
            tokenizer, nameof(IoiTask), "names", options.Names, least: options.Corruption == IoiCorruption.OtherNames ? 5 : 2);
        Dictionary<string, TaskWords> words = templates.SelectMany(template => template.Template.Slots)
            .Where(slot => !DeclaredVocabulary.Positions.Contains(slot)).Distinct()
            .ToDictionary(slot => slot, slot => TaskWords.Of(tokenizer, nameof(IoiTask), $"words for {{{slot}}}", options.Words[slot], 1));
        double possible = templates.Sum(template => template.Template.Slots.Where(words.ContainsKey)
            .Aggregate(Drawing.Orders(names.Words.Count, 2), (product, slot) => product * words[slot].Words.Count));
        return new IoiTask(new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = possible }.Draw(tokenizer, Draw))
        {
            MakingNotes = [names.Note, .. words.Values.Select(list => list.Note)],
        };

        PromptRow Draw(Random random)
        {
            (int number, PromptTemplate template) = random.Pick(templates);
            TaskWord[] people = random.Pick(names.Words, options.Corruption == IoiCorruption.OtherNames ? 5 : 2);
            (TaskWord io, TaskWord s) = (people[0], people[1]);
            Dictionary<string, string> filling = template.Slots.Where(words.ContainsKey)
                .ToDictionary(slot => slot, slot => random.Pick(words[slot].Words).Text);
            (TaskWord, TaskWord, TaskWord) corrupted = options.Corruption switch
            {
                IoiCorruption.OtherNames => (people[2], people[3], people[4]),
                IoiCorruption.FlippedSubject => (io, s, io),
                _ => (s, io, io),
            };
            return new PromptRow([Fill((io, s, s)), Fill(corrupted)], [io.Answer, s.Answer]) { Template = number };

            string Fill((TaskWord IO, TaskWord S1, TaskWord S2) who)
            {
                (filling["IO"], filling["S1"], filling["S2"]) = (who.IO.Text, who.S1.Text, who.S2.Text);
                return template.Fill(filling);
            }
        }
    }

    private static IEnumerable<(int Number, PromptTemplate Template)> Templates(IoiOptions options)
    {
        for (int i = 0; i < options.Templates.Count; i++)
        {
            string text = options.Templates[i], swapped = text.Replace("{IO}", "{}").Replace("{S1}", "{IO}").Replace("{}", "{S1}");
            PromptTemplate template = new(text, DeclaredVocabulary);
            foreach (string name in new[] { "IO", "S1", "S2" })
                if (!template.Slots.Contains(name))
                    throw new ArgumentException($"Template {TextTable.Quote(text)} of {nameof(IoiTask)} has no slot {{{name}}}.");
            foreach (string slot in template.Slots.Except([.. DeclaredVocabulary.Positions, .. options.Words.Keys]))
                throw new ArgumentException(
                    $"Template {TextTable.Quote(text)} of {nameof(IoiTask)} has a slot {{{slot}}} without words; "
                    + $"there are words for {Spelling.List([.. options.Words.Keys])}.");
            if (options.Order != IoiOrder.Baba)
                yield return (i, template);
            if (options.Order != IoiOrder.Abba)
                yield return (i + options.Templates.Count, new PromptTemplate(swapped, DeclaredVocabulary));
        }
    }
}

/// <summary>What the corrupted run of <see cref="IoiTask"/> is.</summary>
public enum IoiCorruption
{
    /// <summary>Three other people in the same sentence, none of them twice (p_ABC).</summary>
    OtherNames,

    /// <summary>The indirect object acts: at <c>S2</c> stands its name, so that the other name is asked for.</summary>
    FlippedSubject,

    /// <summary>The two people change places everywhere: the other name is asked for, at the same positions.</summary>
    FlippedNames,
}

/// <summary>Which order the two people are mentioned in.</summary>
public enum IoiOrder
{
    /// <summary>Both orders.</summary>
    Mixed,

    /// <summary>The indirect object first.</summary>
    Abba,

    /// <summary>The subject first.</summary>
    Baba,
}

/// <summary>How <see cref="IoiTask"/> draws prompts.</summary>
public sealed record IoiOptions
{
    /// <summary>What the corrupted run is.</summary>
    public IoiCorruption Corruption { get; init; }

    /// <summary>Which order the two people are mentioned in.</summary>
    public IoiOrder Order { get; init; }

    /// <summary>Sentences with slots {IO}, {S1}, {S2}, with the indirect object first, and slots of <see cref="Words"/>.</summary>
    public IReadOnlyList<string> Templates { get; init; } = IoiWords.Templates;

    /// <summary>First names, without a space in front.</summary>
    public IReadOnlyList<string> Names { get; init; } = [.. FirstNames.Feminine, .. FirstNames.Masculine];

    /// <summary>Words for other slots: by default <c>place</c> and <c>object</c>.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Words { get; init; } =
        new Dictionary<string, IReadOnlyList<string>> { ["place"] = IoiWords.Places, ["object"] = IoiWords.Objects };
}
