using System.Globalization;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Models.Prompts.Tasks;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Prompts.Tasks;

/// <summary>What each task says, read from its texts alone: the right answer, and where the runs differ.</summary>
public sealed partial class OtherTasksTests
{
    private const int Count = 6;

    private static HuggingFaceTokenizer Words => TaskTokenizers.All;

    private static void ForAllSeeds(Action<int> check) =>
        Prop.ForAll(Gen.Choose(0, 1_000_000).ToArbitrary(), check).Check(Config.QuickThrowOnFailure.WithMaxTest(25));

    private static void ForAll<T>(Action<int, T> check)
        where T : struct, Enum => Prop.ForAll(
            (from seed in Gen.Choose(0, 1_000_000) from value in Gen.Elements(Enum.GetValues<T>()) select (seed, value)).ToArbitrary(),
            draw => check(draw.seed, draw.value)).Check(Config.QuickThrowOnFailure.WithMaxTest(30));

    [Theory]
    [InlineData(2)]
    [InlineData(1)]
    public void Years_differ_in_their_ending_and_later_ones_exist(int digits) => ForAllSeeds(seed =>
    {
        HuggingFaceTokenizer tokenizer = digits == 2 ? TaskTokenizers.All : TaskTokenizers.Digits;
        GreaterThanTask set = GreaterThanTask.Sample(tokenizer, Count, seed, digits);
        for (int i = 0; i < Count; i++)
        {
            Match clean = Years().Match(tokenizer.Text(set.Prompts[i].Runs[0]));
            Match corrupted = Years().Match(tokenizer.Text(set.Prompts[i].Runs[1]));
            Assert.True(clean.Success && corrupted.Success);
            string first = clean.Groups["first"].Value, second = clean.Groups["second"].Value;
            Assert.Equal(first[..^digits], second);
            string ending = first[^digits..];
            Assert.InRange(int.Parse(ending, CultureInfo.InvariantCulture), digits, digits == 2 ? 98 : 8);
            Assert.Equal(ending, tokenizer.Answer(set, i, "YY"));
            Assert.Equal(digits == 2 ? "01" : "0", corrupted.Groups["first"].Value[^digits..]);
            Assert.Equal(clean.Groups["noun"].Value, tokenizer.At(set, i, 0, "noun").TrimStart());
            Assert.Equal(ending, tokenizer.At(set, i, 0, "YY"));
            Assert.EndsWith(tokenizer.At(set, i, 0, "XX").TrimStart(), second);
            Assert.Equal(set.Indices(i, "YY"), set.Prompts[i].Differences());
        }
    });

    [GeneratedRegex(@"^The (?<noun>\w+) lasted from the year (?<first>\d{4}) to the year (?<second>\d+)$")]
    private static partial Regex Years();

    [Fact]
    public void Later_years_count_for_and_others_against()
    {
        IReadOnlyList<long> endings = GreaterThanTask.Endings(Words);
        Assert.Equal(Enumerable.Range(0, 100).Select(year => $"{year:D2}"), endings.Select(id => Words.Text(id)));
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = randn(3, Words.VocabularySize, dtype: float64, generator: new Generator(5));
        int[] years = [2, 57, 98];
        Tensor difference = GreaterThanTask.ProbabilityDifference(logits, tensor(years.Select(year => endings[year]).ToArray()), endings);
        for (int prompt = 0; prompt < 3; prompt++)
        {
            double[] weights = [.. logits[prompt].data<double>().ToArray().Select(Math.Exp)];
            double sum = Enumerable.Range(0, 100).Sum(year => weights[endings[year]] * (year > years[prompt] ? 1 : -1));
            Assert.Equal(sum / weights.Sum(), difference[prompt].item<double>(), 1e-12);
        }
        Assert.Throws<ArgumentException>(() => GreaterThanTask.ProbabilityDifference(logits, tensor(endings[0]), endings));
    }

    [Fact]
    public void Years_that_are_cut_otherwise_are_refused()
    {
        string message = Assert.Throws<ArgumentException>(() => GreaterThanTask.Sample(TaskTokenizers.Digits, 3, seed: 1)).Message;
        Assert.Equal(
            "GreaterThanTask: 0 of 100 endings of 2 digits are one token of this tokenizer, and all of them are needed; with digits: 1 they are.",
            message);
        Assert.Contains(
            "the last 1 digits of none of 560 years are a token",
            Assert.Throws<ArgumentException>(() => GreaterThanTask.Sample(Words, 3, seed: 1, digits: 1)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => GreaterThanTask.Sample(Words, 3, seed: 1, digits: 3));
    }

    [Fact]
    public void Names_ask_for_a_pronoun_and_the_corrupted_one_for_the_other() => ForAllSeeds(seed =>
    {
        GenderedPronounTask set = GenderedPronounTask.Sample(Words, Count, seed);
        for (int i = 0; i < Count; i++)
        {
            string clean = Words.At(set, i, 0, "name").TrimStart(), corrupted = Words.At(set, i, 1, "name").TrimStart();
            bool isFeminine = FirstNames.Feminine.Contains(clean);
            Assert.Contains(clean, isFeminine ? FirstNames.Feminine : FirstNames.Masculine);
            Assert.Contains(corrupted, isFeminine ? FirstNames.Masculine : FirstNames.Feminine);
            Assert.Equal(isFeminine ? " she" : " he", Words.Answer(set, i, "correct"));
            Assert.Equal(isFeminine ? " he" : " she", Words.Answer(set, i, "wrong"));
            Assert.Equal(set.Indices(i, "name"), set.Prompts[i].Differences());
            Assert.Equal(
                GenderedPronounTask.DefaultTemplates[set.Prompts[i].Template].Replace("{name}", clean), Words.Text(set.Prompts[i].Runs[0]));
        }
    });

    [Fact]
    public void A_docstring_asks_for_the_third_argument() => ForAll<DocstringCorruption>((seed, corruption) =>
    {
        DocstringTask set = DocstringTask.Sample(Words, Count, seed, corruption);
        string[] definition = ["A_def", "B_def", "C_def", "D_def"], docstring = ["A_doc", "B_doc"];
        for (int i = 0; i < Count; i++)
        {
            (string[] arguments, string[] described) = Read(Words.Text(set.Prompts[i].Runs[0]));
            (string[] others, string[] othersDescribed) = Read(Words.Text(set.Prompts[i].Runs[1]));
            Assert.Equal(arguments[..2], described);
            Assert.Equal(4, arguments.Distinct().Count());
            Assert.Equal(arguments, new[] { "A", "B", "C", "D" }.Select(answer => Words.Answer(set, i, answer).TrimStart()));
            Assert.Equal(arguments, definition.Select(position => Words.At(set, i, 0, position).TrimStart()));
            Assert.Equal(described, docstring.Select(position => Words.At(set, i, 0, position).TrimStart()));
            bool isOtherDefinition = corruption != DocstringCorruption.RandomDocstring;
            bool isOtherDocstring = corruption != DocstringCorruption.RandomDefinition;
            Assert.Equal(isOtherDefinition ? 8 : 4, arguments.Concat(others).Distinct().Count());
            Assert.Equal(isOtherDocstring ? 4 : 2, described.Concat(othersDescribed).Distinct().Count());
            string[] other = [.. isOtherDefinition ? definition : [], .. isOtherDocstring ? docstring : []];
            Assert.Equal(set.Indices(i, other), set.Prompts[i].Differences());
        }

        static (string[] Arguments, string[] Described) Read(string text)
        {
            Match function = Regex.Match(text, @"^def \w+\(self(, (\w+)){4}\):\n    """"""[\w ]+\n(\n    :param (\w+): [\w ]+)(\n    :param (\w+): [\w ]+)\n    :param$");
            Assert.True(function.Success, text);
            return ([.. function.Groups[2].Captures.Select(name => name.Value)], [function.Groups[4].Value, function.Groups[6].Value]);
        }
    });

    [Theory]
    [InlineData(null)]
    [InlineData(7L)]
    public void Random_tokens_repeat_in_the_clean_run_alone(long? first) => ForAllSeeds(seed =>
    {
        const int Length = 9;
        InductionTask set = InductionTask.Sample(40, Count, seed, new InductionOptions { Length = Length, First = first });
        foreach (PromptTokens prompt in set.Prompts)
        {
            long[] clean = [.. prompt.Runs[0].Ids], corrupted = [.. prompt.Runs[1].Ids];
            Assert.Equal((2 * Length) - (first is null ? 1 : 0), clean.Length);
            if (first is not null)
            {
                Assert.Equal((first, first), (clean[0], corrupted[0]));
                (clean, corrupted) = (clean[1..], corrupted[1..]);
            }
            Assert.Equal(clean[..(Length - 1)], clean[Length..]);
            Assert.Equal(Length, clean.Distinct().Count());
            Assert.Equal(corrupted.Length, corrupted.Distinct().Count());
            Assert.Equal(clean[Length..], corrupted[Length..]);
            Assert.DoesNotContain(clean.Concat(corrupted), id => id == first || id is < 0 or >= 40);
            // What followed the last token where it was before is the answer, which the second half does not have.
            long[] all = [.. prompt.Runs[0].Ids];
            int before = Array.IndexOf(all, all[^1]);
            Assert.Equal([before, before + 1, all.Length - 1], prompt.Runs[0].Positions);
            Assert.Equal(all[before + 1], prompt.Answers[0]);
            Assert.DoesNotContain(prompt.Answers[0], clean[Length..]);
            Assert.Contains(prompt.Answers[1], clean[..Length]);
            Assert.NotEqual(all[^1], prompt.Answers[1]);
        }
    });

    [Fact]
    public void Too_few_tokens_for_induction_are_refused()
    {
        Assert.Equal(
            "InductionTask draws 100 different tokens, and there are 99: ask for a smaller Length.",
            Assert.Throws<ArgumentException>(() => InductionTask.Sample(99, 3, seed: 1)).Message);
        Assert.Throws<ArgumentException>(() => InductionTask.Sample(99, 3, seed: 1, new InductionOptions { Length = 2 }));
        HuggingFaceTokenizer tokenizer = TaskTokenizers.All;
        InductionTask set = InductionTask.Sample(tokenizer, 5, seed: 1);
        Assert.DoesNotContain(set.Prompts.SelectMany(prompt => prompt.Runs).SelectMany(run => run.Ids), id => id == tokenizer.UnknownId);
    }

    [Fact]
    public void Facts_are_recalled_and_the_corrupted_subject_has_another_object() => ForAllSeeds(seed =>
    {
        FactualRecallTask set = FactualRecallTask.Sample(Words, Count, seed);
        Dictionary<string, string> capitals = KnownCapitals.All.ToDictionary(known => known.Country, known => known.Capital);
        for (int i = 0; i < Count; i++)
        {
            string[] countries = [.. new[] { 0, 1 }.Select(run => Words.At(set, i, run, "subject").TrimStart())];
            Assert.Equal($"The capital of {countries[0]} is", Words.Text(set.Prompts[i].Runs[0]));
            Assert.Equal($"The capital of {countries[1]} is", Words.Text(set.Prompts[i].Runs[1]));
            Assert.Equal(" " + capitals[countries[0]], Words.Answer(set, i, "correct"));
            Assert.Equal(" " + capitals[countries[1]], Words.Answer(set, i, "wrong"));
            Assert.Equal(set.Indices(i, "subject"), set.Prompts[i].Differences());
        }
    });

    [Fact]
    public void Facts_of_a_table_are_paired_by_relation_length_and_object()
    {
        Fact[] facts =
        [
            new("Mary Anna", "went to the", "park"), new("Tom", "went to the", "store"), new("John Paul", "went to the", "bar"),
            new("John Tom", "went to the", "bar"), new("Laura", "{subject} gave a", "drink"), new("Emma", "{subject} gave a", "book"),
            new("Peter", "{subject} gave a", "Zorro"),
        ];
        FactualRecallTask set = FactualRecallTask.Sample(Words, 5, seed: 1, facts);
        Assert.Equal(
            "5 of 7 facts can be used, their object being one token, and another one having a subject of as many tokens.", set.Notes[0]);
        // Both people at the bar are corrupted by the one in the park, and Tom has nobody.
        Assert.Equal(
            ["Emma gave a", "John Paul went to the", "John Tom went to the", "Laura gave a", "Mary Anna went to the"],
            set.Prompts.Select(prompt => Words.Text(prompt.Runs[0])).Order(StringComparer.Ordinal));
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal(Words.Text(set.Prompts[i].Runs[0]).EndsWith("gave a", StringComparison.Ordinal) ? 1 : 0, set.Prompts[i].Template);
            Assert.NotEqual(Words.Answer(set, i, "correct"), Words.Answer(set, i, "wrong"));
            Assert.Equal(set.Prompts[i].Template == 0 ? 1 : 0, set.Index(i, 0, "subject")); // the last token of a name
        }
        Assert.Contains(
            "FactualRecallTask: 0 of 1 facts can be used",
            Assert.Throws<ArgumentException>(() => FactualRecallTask.Sample(Words, 1, 1, facts[..1])).Message);
    }

    [Fact]
    public void Choices_keep_their_places_and_change_their_labels() => ForAll<LabelMutation>((seed, mutation) =>
    {
        MultipleChoiceTask set = MultipleChoiceTask.Sample(Words, Count, seed, mutation);
        Dictionary<string, string> capitals = KnownCapitals.All.ToDictionary(known => known.Country, known => known.Capital);
        string[] positions = ["correct", "other1", "other2", "other3"];
        for (int i = 0; i < Count; i++)
        {
            (string country, (string Label, string Choice)[] clean) = Read(Words.Text(set.Prompts[i].Runs[0]));
            (string same, (string Label, string Choice)[] corrupted) = Read(Words.Text(set.Prompts[i].Runs[1]));
            Assert.Equal(country, same);
            Assert.Equal(clean.Select(line => line.Choice), corrupted.Select(line => line.Choice));
            Assert.Equal(["A", "B", "C", "D"], clean.Select(line => line.Label));
            Assert.Equal(4, clean.Select(line => line.Choice).Distinct().Count());
            int right = Array.FindIndex(clean, line => line.Choice == capitals[country]);
            int[] order = [right, .. Enumerable.Range(0, 4).Where(line => line != right)];
            Assert.Equal(order.Select(line => " " + clean[line].Label), positions.Select(name => Words.Answer(set, i, name)));
            Assert.Equal(order.Select(line => clean[line].Label), positions.Select(name => Words.At(set, i, 0, name)));
            Assert.Equal(order.Select(line => corrupted[line].Label), positions.Select(name => Words.At(set, i, 1, name)));
            Assert.Equal(" " + corrupted[right].Label, Words.Answer(set, i, "mutated"));
            Assert.NotEqual(clean[right].Label, corrupted[right].Label);
            Assert.Subset(set.Indices(i, positions).ToHashSet(), set.Prompts[i].Differences().ToHashSet());
            Assert.True(Fits(mutation, string.Concat(corrupted.Select(line => line.Label))), string.Join(' ', corrupted));
        }

        static bool Fits(LabelMutation mutation, string labels) => mutation switch
        {
            LabelMutation.Numbers => labels == "1234",
            LabelMutation.RandomLetters => labels.All(letter => letter is > 'D' and <= 'Z') && labels.Distinct().Count() == 4,
            LabelMutation.OrderedLetters => labels[0] > 'D' && Enumerable.Range(1, 3).All(i => labels[i] == labels[0] + i),
            _ => labels != "ABCD" && string.Concat(labels.Order()) == "ABCD",
        };

        static (string Country, (string Label, string Choice)[] Lines) Read(string text)
        {
            Match question = Regex.Match(text, @"^What is the capital of (\w+)\?\n((\w)\. (\w+)\n){4}Answer:$");
            Assert.True(question.Success, text);
            var lines = question.Groups[3].Captures.Zip(question.Groups[4].Captures, (label, choice) => (label.Value, choice.Value));
            return (question.Groups[1].Value, [.. lines]);
        }
    });

    [Fact]
    public void Questions_with_too_few_choices_are_refused() => Assert.Contains(
        "\"Who?\" has fewer than 3 different wrong answers",
        Assert.Throws<ArgumentException>(() => MultipleChoiceTask.Sample(
            Words, 1, 1, questions: [new Question("Who?", "Mary", ["Tom", "John", "Mary", "Tom"])])).Message);
}
