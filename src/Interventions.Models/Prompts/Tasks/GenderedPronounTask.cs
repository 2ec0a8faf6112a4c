using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Gendered pronouns (Mathwin et al. 2023): "So Emma is a really good neighbour, isn't" asks for " she". The corrupted run has a name that
/// asks for the other pronoun. Positions are the <c>name</c> and <c>end</c>.
/// </summary>
[PromptSchema(Positions = ["name", "end"], Answers = ["correct", "wrong"])]
public sealed partial class GenderedPronounTask : PromptSet
{
    internal static readonly string[] DefaultTemplates =
    [
        "So {name} is a really good neighbour, isn't",
        "Well, {name} was the first to arrive, wasn't",
        "I suppose {name} has read the letter, hasn't",
        "Surely {name} can swim across the lake, can't",
        "Everybody likes {name}, because",
        "I saw {name} in the street yesterday, but",
        "They asked {name} to stay, and",
        "Nobody believed {name} until",
        "We waited for {name} at the station, but",
        "The teacher thanked {name}, since",
    ];

    /// <summary>Draws prompts.</summary>
    /// <param name="tokenizer">The model's tokenizer. Names that are not one token of it are left out; notes say how many remained.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="options">Templates and names.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">Too few names are one token, or there are not so many different prompts.</exception>
    public static GenderedPronounTask Sample(
        Tokenizer tokenizer, int count, int seed, GenderedPronounOptions? options = null, GenderedPronounTask? except = null)
    {
        options ??= new GenderedPronounOptions();
        PromptTemplate[] templates = [.. options.Templates.Select(text => new PromptTemplate(text, DeclaredVocabulary))];
        TaskWord[] pronouns = [.. TaskWords.Of(tokenizer, nameof(GenderedPronounTask), "pronouns", ["she", "he"], least: 2).Words];
        TaskWords[] names =
        [
            TaskWords.Of(tokenizer, nameof(GenderedPronounTask), "feminine names", options.Feminine, least: 1),
            TaskWords.Of(tokenizer, nameof(GenderedPronounTask), "masculine names", options.Masculine, least: 1),
        ];
        double possible = (double)templates.Length * names.Sum(list => list.Words.Count);
        return new GenderedPronounTask(
            new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = possible }.Draw(tokenizer, Draw))
        {
            MakingNotes = [.. names.Select(list => list.Note)],
        };

        PromptRow Draw(Random random)
        {
            int template = random.Next(templates.Length), gender = random.Next(2);
            return new PromptRow([Fill(gender), Fill(1 - gender)], [pronouns[gender].Answer, pronouns[1 - gender].Answer])
            {
                Template = template,
            };

            string Fill(int of) =>
                templates[template].Fill(new Dictionary<string, string> { ["name"] = random.Pick(names[of].Words).Text });
        }
    }
}

/// <summary>How <see cref="GenderedPronounTask"/> draws prompts.</summary>
public sealed record GenderedPronounOptions
{
    /// <summary>Texts with a slot {name}, behind which a pronoun may follow.</summary>
    public IReadOnlyList<string> Templates { get; init; } = GenderedPronounTask.DefaultTemplates;

    /// <summary>Names that ask for " she", without a space in front.</summary>
    public IReadOnlyList<string> Feminine { get; init; } = FirstNames.Feminine;

    /// <summary>Names that ask for " he", without a space in front.</summary>
    public IReadOnlyList<string> Masculine { get; init; } = FirstNames.Masculine;
}
