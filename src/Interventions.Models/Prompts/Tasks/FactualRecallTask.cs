using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;
using Microsoft.ML.Tokenizers;

namespace Interventions.Models;

/// <summary>
/// Factual recall: "The capital of France is" asks for " Paris". The corrupted run has another subject of the same relation, of equally
/// many tokens, with another object, which is the wrong answer. Positions are the <c>subject</c>'s last token and <c>end</c>; a template's
/// number is the relation's, in the order of the facts.
/// </summary>
[PromptSchema(Positions = ["subject", "end"], Answers = ["correct", "wrong"])]
public sealed partial class FactualRecallTask : PromptSet
{
    /// <summary>Draws prompts.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="facts">The facts; by default <see cref="Fact.Capitals"/>. A note says how many of them can be used.</param>
    /// <param name="answerTokens">Whether objects may be several tokens, of which the first counts; else such facts are left out.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">No fact has a partner, or there are not so many different prompts.</exception>
    public static FactualRecallTask Sample(
        Tokenizer tokenizer, int count, int seed, IReadOnlyList<Fact>? facts = null, AnswerTokens answerTokens = AnswerTokens.One,
        FactualRecallTask? except = null)
    {
        facts ??= Fact.Capitals;
        Known[] known = [.. Find(tokenizer, facts, answerTokens)];
        Known[] paired = [.. known.Where(fact => known.Any(fact.CanStandFor))];
        string single = answerTokens == AnswerTokens.One ? ", their object being one token" : "";
        string note = $"{paired.Length} of {facts.Count} facts can be used{single}, and another one having a subject of as many tokens.";
        if (paired.Length == 0)
            throw new ArgumentException($"{nameof(FactualRecallTask)}: {note}");
        return new FactualRecallTask(
            new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = paired.Length }.Draw(tokenizer, Draw, answerTokens))
        {
            MakingNotes = [note],
        };

        PromptRow Draw(Random random)
        {
            Known clean = random.Pick(paired), corrupted = random.Pick([.. paired.Where(clean.CanStandFor)]);
            return new PromptRow([clean.Text, corrupted.Text], [clean.Object.Answer, corrupted.Object.Answer])
            {
                Template = clean.Relation,
            };
        }
    }

    private static IEnumerable<Known> Find(Tokenizer tokenizer, IReadOnlyList<Fact> facts, AnswerTokens answerTokens)
    {
        string[] relations = [.. facts.Select(fact => fact.Relation).Distinct()];
        foreach (Fact fact in facts)
        {
            string text = fact.Template(DeclaredVocabulary).Fill(new Dictionary<string, string> { ["subject"] = fact.Subject });
            string plain = MarkedText.Read(DeclaredVocabulary, text, nameof(FactualRecallTask)).Text;
            if (TaskWord.Find(tokenizer, fact.Object) is { } word && (word.Length == 1 || answerTokens == AnswerTokens.First)
                && TaskWord.Ids(tokenizer, plain) is { } ids)
                yield return new Known(text, Array.IndexOf(relations, fact.Relation), ids.Count, word);
        }
    }

    /// <summary>A fact as the tokenizer has it.</summary>
    private sealed record Known(string Text, int Relation, int Length, TaskWord Object)
    {
        /// <summary>Whether the other one is a corrupted run for this.</summary>
        public bool CanStandFor(Known other) =>
            (Relation, Length) == (other.Relation, other.Length) && Object.Token != other.Object.Token;
    }
}
