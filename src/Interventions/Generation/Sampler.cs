using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Chooses tokens by their logits.</summary>
internal static class Sampler
{
    /// <summary>The next token of every row, and its log-probability by the model's own logits.</summary>
    /// <param name="logits"><c>[batch, vocab]</c>.</param>
    /// <param name="options">How to choose.</param>
    /// <param name="prompts">The number of each row's prompt: the token that is drawn depends on it, not on the row.</param>
    /// <param name="index">How many tokens each row has already.</param>
    public static (long[] Tokens, double[] LogProbabilities) Choose(
        Tensor logits, GenerationOptions options, IReadOnlyList<int> prompts, int index)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = logits.to_type(ScalarType.Float64);
        Tensor tokens = options.Temperature == 0
            ? exact.argmax(-1)
            : Draw(exact.over(options.Temperature), options, [.. prompts.Select(prompt => Uniform(options.Seed, prompt, index))]);
        Tensor chosen = exact.log_softmax(-1).gather(-1, tokens.unsqueeze(-1));
        return ([.. tokens.cpu().data<long>()], [.. chosen.flatten().cpu().data<double>()]);
    }

    /// <summary>
    /// The token at a share <paramref name="uniform"/> of the probability: the first, from the likeliest down, with which the sum of
    /// probabilities reaches it. Tokens that TopK and TopP exclude do not count.
    /// </summary>
    private static Tensor Draw(Tensor logits, GenerationOptions options, double[] uniform)
    {
        (Tensor sorted, Tensor ids) = logits.sort(-1, descending: true, stable: true);
        if (options.TopK is int most && most < sorted.shape[^1])
            (sorted, ids) = (sorted.narrow(-1, 0, most), ids.narrow(-1, 0, most));
        Tensor probabilities = sorted.softmax(-1), reached = probabilities.cumsum(-1);
        // A token counts while those before it have not reached the share: the likeliest always does.
        if (options.TopP < 1)
            reached = probabilities.filled((reached - probabilities).no_less_than(options.TopP), 0).cumsum(-1);
        Tensor threshold = reached.narrow(-1, reached.shape[^1] - 1, 1) * tensor(uniform, device: logits.device).unsqueeze(-1);
        Tensor place = reached.lt(threshold).to_type(ScalarType.Int64).sum([-1], keepdim: true);
        return ids.gather(-1, place).squeeze(-1);
    }

    /// <summary>A number from 0 to below 1 that is the same on every machine (SplitMix64; Steele, Lea and Flood 2014).</summary>
    private static double Uniform(long seed, int prompt, int index)
    {
        ulong state = Mix(Mix(unchecked((ulong)seed) + ((ulong)(uint)prompt << 32)) + (uint)index);
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
