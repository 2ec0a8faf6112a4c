using System.Globalization;
using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Microsoft.ML.Tokenizers;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models;

/// <summary>
/// Greater-than (Hanna et al. 2023): "The war lasted from the year 1732 to the year 17" is followed by years after 32. In the corrupted run
/// the first year ends with 01, which says nothing about the second. Positions are the <c>noun</c>, the first year's beginning (<c>XX</c>)
/// and ending (<c>YY</c>), and <c>end</c>. The answer <c>YY</c> is the first year's ending; those that follow are the later ones of
/// <see cref="Endings"/>.
/// </summary>
[PromptSchema(Positions = ["noun", "XX", "YY", "end"], Answers = ["YY"])]
public sealed partial class GreaterThanTask : PromptSet
{
    internal static readonly string[] Nouns =
    [
        "war", "siege", "voyage", "reign", "famine", "strike", "drought", "journey", "marriage", "career", "trial", "project", "campaign",
        "crisis", "conflict", "program", "study", "expedition", "partnership", "struggle", "treaty", "dispute", "rebellion", "occupation",
        "exile", "festival", "alliance", "construction", "investigation", "competition", "mission", "operation", "conference",
        "battle", "revolution", "peace", "recession", "debate", "search", "tour", "hunt", "quest", "raid", "rally", "ceremony", "course",
    ];

    /// <summary>Draws prompts.</summary>
    /// <param name="tokenizer">
    /// The model's tokenizer. Words that are not one token of it, and years whose ending is none, are left out; notes say how many are.
    /// </param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="digits">
    /// How many digits a year's ending has: 2, or 1 for tokenizers that cut numbers into digits ("… 1732 to the year 173").
    /// </param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">The endings of years are not one token, or there are not so many different prompts.</exception>
    public static GreaterThanTask Sample(Tokenizer tokenizer, int count, int seed, int digits = 2, GreaterThanTask? except = null)
    {
        TaskWords nouns = TaskWords.Of(tokenizer, nameof(GreaterThanTask), "nouns", Nouns, least: 1);
        IReadOnlyList<long> endings = Endings(tokenizer, digits);
        string[] beginnings = [.. Enumerable.Range(11, 7).SelectMany(century => digits == 2
            ? [Text(century, 2)]
            : Enumerable.Range(0, 10).Select(decade => Text((10 * century) + decade, 3)))];
        // 01 says nothing, since every later ending is greater; two endings on either side of each first year remain.
        (int lowest, int last) = digits == 2 ? (1, 98) : (0, 8);
        (string Beginning, int Ending)[] years =
        [
            .. beginnings.Where(beginning => IsCut(beginning, lowest))
                .SelectMany(beginning => Enumerable.Range(lowest + 1, last - lowest).Select(ending => (beginning, ending)))
                .Where(year => IsCut(year.beginning, year.ending)),
        ];
        int all = beginnings.Length * (last - lowest);
        if (years.Length == 0)
            throw new ArgumentException(
                $"{nameof(GreaterThanTask)}: the last {digits} digits of none of {all} years are a token of this tokenizer.");
        double possible = (double)nouns.Words.Count * years.Length;
        return new GreaterThanTask(new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = possible }.Draw(tokenizer, Draw))
        {
            MakingNotes = [nouns.Note, $"{years.Length} of {all} years end with a token of {digits} digits."],
        };

        PromptRow Draw(Random random)
        {
            string noun = random.Pick(nouns.Words).Text;
            (string beginning, int ending) = random.Pick(years);
            return new PromptRow([Fill(ending), Fill(lowest)], [Text(ending, digits)]);

            string Fill(int year) =>
                $"The [noun|{noun}] lasted from the year [XX|{beginning}][YY|{Text(year, digits)}] to the year {beginning}";
        }

        bool IsCut(string beginning, int ending) =>
            TaskWord.Ids(tokenizer, $" year {beginning}") is { } cut
            && TaskWord.Ids(tokenizer, $" year {beginning}{Text(ending, digits)}") is { } whole
            && whole.SequenceEqual([.. cut, endings[ending]]);
    }

    /// <summary>The tokens that may end a year, in the order of the years: 00 to 99, or 0 to 9.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="digits">How many digits the endings have: 2 or 1.</param>
    /// <exception cref="ArgumentException">An ending is not one token.</exception>
    public static IReadOnlyList<long> Endings(Tokenizer tokenizer, int digits = 2)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        if (digits is not (1 or 2))
            throw new ArgumentOutOfRangeException(nameof(digits), digits, "The ending of a year has 1 or 2 digits.");
        IReadOnlyList<long>?[] endings = [.. Of(digits)];
        if (endings.All(ids => ids is [_]))
            return [.. endings.Select(ids => ids![0])];
        int single = endings.Count(ids => ids is [_]);
        string advice = digits == 2 && Of(1).All(ids => ids is [_]) ? "; with digits: 1 they are" : "";
        throw new ArgumentException(
            $"{nameof(GreaterThanTask)}: {single} of {endings.Length} endings of {digits} digits are one token of this tokenizer, "
            + $"and all of them are needed{advice}.");

        IEnumerable<IReadOnlyList<long>?> Of(int digits) =>
            Enumerable.Range(0, digits == 2 ? 100 : 10).Select(ending => TaskWord.Ids(tokenizer, Text(ending, digits)));
    }

    /// <summary>
    /// The probability of later endings less that of the first year's own and of earlier ones, from -1 to 1: <c>[batch]</c>.
    /// </summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="yy">The answer <c>YY</c>, <c>[batch]</c>, int64.</param>
    /// <param name="endings">The tokens of <see cref="Endings"/>.</param>
    /// <exception cref="ArgumentException">The shapes are others.</exception>
    public static Tensor ProbabilityDifference(Tensor logits, Tensor yy, IReadOnlyList<long> endings)
    {
        ArgumentNullException.ThrowIfNull(logits);
        ArgumentNullException.ThrowIfNull(yy);
        ArgumentNullException.ThrowIfNull(endings);
        if (logits.dim() != 2 || yy.dim() != 1 || yy.shape[0] != logits.shape[0])
            throw new ArgumentException(
                $"Logits and yy are {Shapes.Describe(logits)} and {Shapes.Describe(yy)}; they must be [batch, vocab] and [batch].");
        using DisposeScope scope = NewDisposeScope();
        Tensor years = tensor(endings.ToArray(), device: logits.device);
        Tensor own = years.unsqueeze(0).eq(yy.unsqueeze(1)).to(logits.dtype); // [batch, ending]
        Tensor later = own.cumsum(1).sub(own).times(2).plus(-1L);              // 1 behind its own, -1 up to it
        return logits.softmax(-1).Pick(1, years).mul(later).sum([1L]).MoveToOuterDisposeScope();
    }

    private static string Text(int number, int digits) => number.ToString($"D{digits}", CultureInfo.InvariantCulture);
}
