using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Runtime;

namespace Interventions.Circuits;

/// <summary>
/// Random tokens twice, <c>r r</c>, with or without a token in front: the prompts on which heads that look back are told apart
/// (Elhage et al. 2021, Olsson et al. 2022). The one run is <c>clean</c>, the position <c>end</c>, and there are no answers.
/// </summary>
public sealed class RepeatedTokens : PromptSet
{
    private RepeatedTokens(IReadOnlyList<PromptTokens> prompts, int half, int front)
        : base(Names, prompts) => (Half, Front) = (half, front);

    /// <summary>How many tokens are repeated.</summary>
    public int Half { get; }

    /// <summary>How many tokens stand in front: 0 or 1.</summary>
    public int Front { get; }

    private static PromptVocabulary Names { get; } =
        new(nameof(RepeatedTokens), EquatableArray.Of("clean"), EquatableArray.Of("end"), EquatableArray.Of<string>());

    /// <summary>Draws prompts of a model's tokens, no token twice within a half.</summary>
    /// <param name="model">The model.</param>
    /// <param name="count">How many prompts.</param>
    /// <param name="seed">The same seed draws the same prompts.</param>
    /// <param name="half">How many tokens are repeated; 100, or as many as the context and the vocabulary have, unless it is given.</param>
    /// <param name="first">A token in front, such as a beginning of sentence, which is not drawn; none unless it is given.</param>
    /// <exception cref="ArgumentException">The vocabulary or the context is too small.</exception>
    public static RepeatedTokens Sample(HookedModel model, int count = 5, int seed = 1, int? half = null, long? first = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        long[] tokens = [.. Enumerable.Range(0, model.VocabularySize).Select(token => (long)token).Where(token => token != first)];
        int front = first is null ? 0 : 1, room = ((model.ContextLength ?? int.MaxValue) - front) / 2, most = Math.Min(tokens.Length, room);
        int length = half ?? Math.Min(100, most);
        if (length > most)
            throw new ArgumentException(
                $"{length} tokens cannot be repeated: the vocabulary has {tokens.Length}, and {room} fit twice into the context.",
                nameof(half));
        Random random = new(seed);
        return Of([.. Enumerable.Range(0, count).Select(_ => Draw())], first);

        long[] Draw()
        {
            long[] drawn = [.. tokens];
            random.Shuffle(drawn);
            return drawn[..length];
        }
    }

    /// <summary>Prompts of given tokens, each of which is repeated.</summary>
    /// <param name="halves">Of each prompt the tokens that are repeated, equally many, two at least.</param>
    /// <param name="first">A token in front; none unless it is given.</param>
    /// <exception cref="ArgumentException">There are no prompts, their lengths differ, or they are shorter than two.</exception>
    public static RepeatedTokens Of(IReadOnlyList<IReadOnlyList<long>> halves, long? first = null)
    {
        ArgumentNullException.ThrowIfNull(halves);
        int[] lengths = [.. halves.Select(half => half.Count).Distinct()];
        if (lengths is not [>= 2 and int length])
            throw new ArgumentException(
                "Prompts repeat equally many tokens, two at least; "
                + (lengths.Length == 0 ? "there are none." : $"these repeat {string.Join(", ", lengths.Order())}."), nameof(halves));
        long[] front = first is long token ? [token] : [];
        return new RepeatedTokens([.. halves.Select(half => Prompt([.. front, .. half, .. half]))], length, front.Length);

        static PromptTokens Prompt(long[] ids) => new([new RunTokens(ids, [ids.Length - 1])], []);
    }
}
