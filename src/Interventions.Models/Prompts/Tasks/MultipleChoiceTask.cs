using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Interventions.Tables;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Multiple choice (Lieberum et al. 2023): a question, four choices labelled A to D, a line a choice, and "Answer:". The corrupted run has
/// other labels for the same choices. Positions are the labels of the right choice (<c>correct</c>) and of the others in their order
/// (<c>other1</c> to <c>other3</c>), and <c>end</c>. Answers are the clean run's labels of these choices, and the label that the right
/// choice has in the corrupted run (<c>mutated</c>).
/// </summary>
[PromptSchema(
    Positions = ["correct", "other1", "other2", "other3", "end"], Answers = ["correct", "other1", "other2", "other3", "mutated"])]
public sealed partial class MultipleChoiceTask : PromptSet
{
    private const int Choices = 4;

    private static readonly string[] s_letters = [.. Enumerable.Range('A', 26).Select(letter => $"{(char)letter}")];

    /// <summary>Draws prompts.</summary>
    /// <param name="tokenizer">The model's tokenizer. Labels are one token of it; a note says how many are.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="mutation">What the labels of the corrupted run are.</param>
    /// <param name="questions">The questions; by default <see cref="Question.Capitals"/>.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">Labels are not one token, or there are not so many different prompts.</exception>
    public static MultipleChoiceTask Sample(
        Tokenizer tokenizer, int count, int seed, LabelMutation mutation = LabelMutation.RandomLetters,
        IReadOnlyList<Question>? questions = null, MultipleChoiceTask? except = null)
    {
        questions ??= Question.Capitals;
        foreach (Question question in questions)
            if (question.Wrong.Except([question.Answer]).Distinct().Count() < Choices - 1)
                throw new ArgumentException(
                    $"{nameof(MultipleChoiceTask)}: {TextTable.Quote(question.Text)} has fewer than {Choices - 1} different wrong "
                    + "answers.");
        TaskWords letters = TaskWords.Of(tokenizer, nameof(MultipleChoiceTask), "letters", s_letters, least: 12);
        TaskWord[] labels = [.. TaskWords.Of(tokenizer, nameof(MultipleChoiceTask), "labels", s_letters[..Choices], least: Choices).Words];
        TaskWord[] others = [.. letters.Words.Except(labels)];
        TaskWord[] numbers = mutation != LabelMutation.Numbers ? []
            : [.. TaskWords.Of(tokenizer, nameof(MultipleChoiceTask), "numbers", ["1", "2", "3", "4"], least: Choices).Words];
        // Three wrong answers of each question, and the right one at any of four places among them.
        double possible = questions.Sum(question =>
            Choices * Drawing.Orders(question.Wrong.Except([question.Answer]).Distinct().Count(), Choices - 1));
        return new MultipleChoiceTask(
            new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = possible }.Draw(tokenizer, Draw))
        {
            MakingNotes = [letters.Note],
        };

        PromptRow Draw(Random random)
        {
            Question question = random.Pick(questions);
            string[] wrong = random.Pick(question.Wrong.Except([question.Answer]), Choices - 1);
            string[] choices = random.Pick([.. wrong, question.Answer], Choices);
            int right = Array.IndexOf(choices, question.Answer);
            TaskWord[] mutated = mutation switch
            {
                LabelMutation.Numbers => numbers,
                LabelMutation.RandomLetters => random.Pick(others, Choices),
                LabelMutation.OrderedLetters => InOrder(others, random.Next(others.Length - Choices + 1)),
                _ => Shuffled(random, right),
            };
            int[] order = [right, .. Enumerable.Range(0, Choices).Where(i => i != right)];
            return new PromptRow(
                [Text(labels), Text(mutated)], [.. order.Select(i => labels[i].Answer), mutated[right].Answer]);

            string Text(TaskWord[] labels)
            {
                IEnumerable<string> lines = choices.Select((choice, i) =>
                    $"[{DeclaredVocabulary.Positions[Array.IndexOf(order, i)]}|{labels[i].Text}]. {PromptMarks.None(choice)}\n");
                return $"{PromptMarks.None(question.Text)}\n{string.Concat(lines)}Answer:";
            }
        }

        TaskWord[] Shuffled(Random random, int right)
        {
            while (true)
                if (random.Pick(labels, Choices) is var shuffled && shuffled[right] != labels[right])
                    return shuffled;
        }

        static TaskWord[] InOrder(TaskWord[] letters, int first) => letters[first..(first + Choices)];
    }
}

/// <summary>What the labels of the corrupted run of <see cref="MultipleChoiceTask"/> are.</summary>
public enum LabelMutation
{
    /// <summary>Four other letters, in any order.</summary>
    RandomLetters,

    /// <summary>Four other letters, following each other.</summary>
    OrderedLetters,

    /// <summary>1 to 4.</summary>
    Numbers,

    /// <summary>The same labels in another order, in which the right choice has another one.</summary>
    ShuffledLabels,
}

/// <summary>A question.</summary>
/// <param name="Text">The question, of one line.</param>
/// <param name="Answer">The right answer.</param>
/// <param name="Wrong">Wrong answers, three at least, of which three are drawn.</param>
public sealed record Question(string Text, string Answer, IReadOnlyList<string> Wrong)
{
    /// <summary>Questions for the capitals of <see cref="Fact.Capitals"/>.</summary>
    public static IReadOnlyList<Question> Capitals { get; } = Of(Fact.Capitals, "What is the capital of {subject}?");

    /// <summary>A question for each fact; wrong answers are the other facts' objects.</summary>
    /// <param name="facts">Facts of one relation.</param>
    /// <param name="question">The question, with a slot {subject}.</param>
    public static IReadOnlyList<Question> Of(IReadOnlyList<Fact> facts, string question)
    {
        ArgumentNullException.ThrowIfNull(facts);
        PromptTemplate template = new(question);
        string[] objects = [.. facts.Select(fact => fact.Object).Distinct()];
        return [.. facts.Select(fact => new Question(Text(fact.Subject), fact.Object, [.. objects.Except([fact.Object])]))];

        string Text(string subject) =>
            MarkedText.Read(null, template.Fill(new Dictionary<string, string> { ["subject"] = subject }), "the question").Text;
    }
}
