using Interventions.Models.Prompts;
using Interventions.Models.Prompts.Tasks;

namespace Interventions.Models;

/// <summary>
/// Induction (Elhage et al. 2021, Olsson et al. 2022): random tokens twice, without the very last one, which is the answer. In the
/// corrupted run the first half is other tokens, so that nothing repeats. Positions are the earlier occurrence of the last token
/// (<c>first</c>), the token behind it (<c>next</c>), which is the answer, and <c>end</c>. The wrong answer is another token of the half.
/// </summary>
[PromptSchema(Positions = ["first", "next", "end"], Answers = ["correct", "wrong"])]
public sealed partial class InductionTask : PromptSet
{
    /// <summary>Draws prompts of all tokens of a tokenizer that are not special.</summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="options">How long the prompts are, and what stands in front.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">There are too few tokens.</exception>
    public static InductionTask Sample(
        HuggingFaceTokenizer tokenizer, int count, int seed, InductionOptions? options = null, InductionTask? except = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        long[] tokens = [.. tokenizer.Vocabulary.Values.Except(tokenizer.SpecialTokens.Values).Order().Select(id => (long)id)];
        return Sample(tokens, count, seed, options, except);
    }

    /// <summary>Draws prompts of the tokens 0 to the vocabulary's size less one, without a tokenizer.</summary>
    /// <param name="vocabularySize">How many tokens the model knows.</param>
    /// <param name="count">How many prompts, all different in their clean run.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="options">How long the prompts are, and what stands in front.</param>
    /// <param name="except">Prompts that are not drawn, so that these are held out of them.</param>
    /// <exception cref="ArgumentException">There are too few tokens.</exception>
    public static InductionTask Sample(
        int vocabularySize, int count, int seed, InductionOptions? options = null, InductionTask? except = null) =>
        Sample([.. Enumerable.Range(0, Math.Max(0, vocabularySize)).Select(id => (long)id)], count, seed, options, except);

    private static InductionTask Sample(long[] tokens, int count, int seed, InductionOptions? options, InductionTask? except)
    {
        options ??= new InductionOptions();
        int length = options.Length;
        if (length < 3)
            throw new ArgumentException($"{nameof(InductionTask)} repeats {length} tokens; it needs 3 at least.");
        if (options.First is long first)
            tokens = [.. tokens.Where(token => token != first)];
        if (tokens.Length < 2 * length)
            throw new ArgumentException(
                $"{nameof(InductionTask)} draws {2 * length} different tokens, and there are {tokens.Length}: ask for a smaller "
                + $"{nameof(InductionOptions.Length)}.");
        double possible = Drawing.Orders(tokens.Length, length);
        return new InductionTask(new TaskPrompts(DeclaredVocabulary, count, seed, except) { Possible = possible }.Draw(Draw));

        PromptTokens Draw(Random random)
        {
            long[] drawn = random.Pick(tokens, 2 * length), half = drawn[..length], other = drawn[length..];
            long[] front = options.First is long first ? [first] : [];
            int before = front.Length + length - 2;
            return new PromptTokens([Run(half), Run(other)], [half[^1], half[random.Next(length - 2)]]);

            RunTokens Run(long[] beginning) =>
                new([.. front, .. beginning, .. half[..^1]], [before, before + 1, front.Length + (2 * length) - 2]);
        }
    }
}

/// <summary>How <see cref="InductionTask"/> draws prompts.</summary>
public sealed record InductionOptions
{
    /// <summary>How many tokens are repeated; a prompt has twice as many less one, and <see cref="First"/>.</summary>
    public int Length { get; init; } = 50;

    /// <summary>A token in front, such as a beginning of sentence; <see langword="null"/> is none.</summary>
    public long? First { get; init; }
}
