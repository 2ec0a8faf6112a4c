using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Whose next token is chosen.</summary>
/// <param name="Row">The row of its logits.</param>
/// <param name="Prompt">The prompt's key: what is drawn depends on its tokens, not on its place among others.</param>
/// <param name="Continuation">Which of the prompt's continuations.</param>
/// <param name="Index">How many tokens it has already.</param>
internal readonly record struct Draw(int Row, ulong Prompt, int Continuation, int Index)
{
    /// <summary>The prompt's tokens and those that it has gone on with.</summary>
    public required IEnumerable<long> Tokens { get; init; }
}

/// <summary>Chooses tokens by their logits.</summary>
internal sealed class Sampler(GenerationOptions options)
{
    /// <summary>So many rows at a time, since a row of logits is long, and is looked at in double precision.</summary>
    private const int Rows = 64;

    /// <summary>A prompt as a number: equal tokens have the same one.</summary>
    public static ulong Key(IEnumerable<long> tokens) => tokens.Aggregate(0UL, (key, token) => Mix(unchecked(key + (ulong)token)));

    /// <summary>The next token of each draw, and its log-probability by the model's own logits.</summary>
    /// <param name="logits"><c>[row, vocab]</c>.</param>
    /// <param name="draws">Whose tokens; several may have one row.</param>
    public (long[] Tokens, double[] LogProbabilities) Choose(Tensor logits, Draw[] draws)
    {
        List<long> tokens = [];
        List<double> logProbabilities = [];
        foreach (Draw[] some in draws.Chunk(Rows))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor rows = tensor(some.Select(draw => (long)draw.Row).ToArray(), device: logits.device);
            Tensor exact = logits.index_select(0, rows).to_type(ScalarType.Float64);
            Tensor scaled = Penalised(options.Temperature == 0 ? exact : exact.over(options.Temperature), some);
            Tensor chosen = options.Temperature == 0 ? scaled.argmax(-1) : Drawn(scaled, [.. some.Select(Uniform)]);
            tokens.AddRange(chosen.cpu().data<long>());
            logProbabilities.AddRange(exact.log_softmax(-1).gather(-1, chosen.unsqueeze(-1)).flatten().cpu().data<double>());
        }
        return ([.. tokens], [.. logProbabilities]);
    }

    /// <summary>Logits less the penalty, as often as a draw's tokens have each token.</summary>
    internal Tensor Penalised(Tensor logits, Draw[] draws)
    {
        if (options.FrequencyPenalty == 0)
            return logits;
        long vocabulary = logits.shape[^1];
        long[] places = [.. draws.SelectMany((draw, row) => draw.Tokens.Select(token => (row * vocabulary) + token))];
        Tensor counts = zeros_like(logits).view(-1)
            .scatter_add(0, tensor(places, device: logits.device), ones([places.Length], logits.dtype, logits.device));
        return logits - counts.view(logits.shape).times(options.FrequencyPenalty);
    }

    /// <summary>
    /// What is drawn from: token ids from the likeliest down, and their probabilities, which are 0 where TopP excludes a token. With TopP
    /// they add up to what the others have.
    /// </summary>
    internal (Tensor Ids, Tensor Probabilities) Candidates(Tensor logits)
    {
        (Tensor sorted, Tensor ids) = logits.sort(-1, descending: true, stable: true);
        if (options.TopK is int most && most < sorted.shape[^1])
            (sorted, ids) = (sorted.narrow(-1, 0, most), ids.narrow(-1, 0, most));
        Tensor probabilities = sorted.softmax(-1);
        // A token counts while those before it have not reached the share: the likeliest always does.
        return (ids, options.TopP < 1
            ? probabilities.filled((probabilities.cumsum(-1) - probabilities).no_less_than(options.TopP), 0)
            : probabilities);
    }

    /// <summary>
    /// The token at a share <paramref name="uniform"/> of the probability: the first, from the likeliest down, with which the sum of
    /// probabilities reaches it. Tokens that TopK and TopP exclude do not count.
    /// </summary>
    private Tensor Drawn(Tensor logits, double[] uniform)
    {
        (Tensor ids, Tensor probabilities) = Candidates(logits);
        Tensor reached = probabilities.cumsum(-1);
        Tensor threshold = reached.narrow(-1, reached.shape[^1] - 1, 1) * tensor(uniform, device: logits.device).unsqueeze(-1);
        Tensor place = reached.lt(threshold).to_type(ScalarType.Int64).sum([-1], keepdim: true);
        return ids.gather(-1, place).squeeze(-1);
    }

    /// <summary>A number from 0 to below 1 that is the same on every machine (SplitMix64; Steele, Lea and Flood 2014).</summary>
    private double Uniform(Draw draw)
    {
        ulong state = Mix(unchecked((ulong)options.Seed) + draw.Prompt);
        state = Mix(Mix(unchecked(state + (ulong)draw.Continuation)) + (ulong)draw.Index);
        return (state >> 11) * (1.0 / (1UL << 53));
    }

    private static ulong Mix(ulong value)
    {
        unchecked
        {
            value += 0x9E3779B97F4A7C15;
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
