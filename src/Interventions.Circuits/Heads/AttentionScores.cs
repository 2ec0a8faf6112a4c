using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// How much heads look where three kinds of heads look: at the token before (<c>previous</c>), at an earlier token like this one
/// (<c>duplicate</c>), at what came after that (<c>induction</c>).
/// </summary>
public static class AttentionScores
{
    /// <summary>The names of the scores.</summary>
    public const string Previous = "previous", Duplicate = "duplicate", Induction = "induction";

    private const long PatternBytes = 64L << 20;

    private static readonly string[] s_kinds = [Previous, Duplicate, Induction];

    /// <summary>
    /// Scores on repeated random tokens: the mean attention, over the queries of the second half, to the token before, to the same token
    /// in the first half, and to the one after that. From 0 to 1.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model has no site <c>blocks.{layer}.attn.pattern</c>.</exception>
    public static HeadScores OnRepeatedTokens(
        HookedModel model, RepeatedTokens prompts, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        (int half, int second) = (prompts.Half, prompts.Front + prompts.Half);
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Patterns(pattern => stack([Lag(pattern, 1), Lag(pattern, half), Lag(pattern, half - 1)], -1))
            .Run(model, prompts, options, cancellationToken);
        return new HeadScores(s_kinds, run.Run(prompts.Vocabulary.Runs[0])[nameof(Patterns)].permute(3, 0, 2, 1));

        // Along a diagonal stand the entries [query, query - lag]; the first of them is that of query `lag`.
        Tensor Lag(Tensor pattern, long lag) =>
            pattern.diagonal(-lag, 2, 3).narrow(-1, second - lag, half).mean([-1L]);
    }

    /// <summary>
    /// Scores on any prompts, of their first run: the part of a head's attention that falls on all earlier tokens that fit. From 0 to 1; 0
    /// where no attention counts.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts; their lengths may differ.</param>
    /// <param name="excludeFirst">Whether attention to the first token does not count, where heads look that have nothing to do.</param>
    /// <param name="excludeDiagonal">Whether attention of a token to itself does not count.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model has no site <c>blocks.{layer}.attn.pattern</c>.</exception>
    public static HeadScores OnText(
        HookedModel model, IPromptSet prompts, bool excludeFirst = false, bool excludeDiagonal = false, RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        options ??= new RunOptions();
        // Whole patterns are kept of so many prompts at a time: which tokens are alike is another question for each of them.
        long longest = prompts.Prompts.Select(prompt => (long)prompt.Runs[0].Ids.Count).DefaultIfEmpty(1).Max();
        long bytes = sizeof(double) * longest * longest * (model.Schema.SizeOf("layer") ?? 1) * (model.Schema.SizeOf("head") ?? 1);
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> scores = [];
        foreach (PromptPart part in PromptPart.Of(prompts, (int)Math.Clamp(PatternBytes / bytes, 1, options.BatchSize), options))
        {
            using RunResult run = Patterns(pattern => pattern).Run(model, part, part.Options, cancellationToken);
            Tensor patterns = run.Run(prompts.Vocabulary.Runs[0])[nameof(Patterns)];
            scores.AddRange(part.Prompts.Select((prompt, i) =>
                Mass(patterns.select(1, i), [.. prompt.Runs[0].Ids], excludeFirst, excludeDiagonal)));
        }
        return new HeadScores(s_kinds, stack(scores, -1));
    }

    /// <summary>A capture of all heads' patterns, <c>[batch, head, query, key]</c>.</summary>
    private static InterventionGraph Patterns(Func<Tensor, Tensor> reduce) => new()
    {
        Name = nameof(AttentionScores),
        Captures = [new CaptureNode(nameof(Patterns), "blocks.*.attn.pattern", [new Read.Value()], x => reduce(x[0]))],
        IsUnanalyzed = true,
    };

    /// <summary>The part of attention on the entries that fit, of one prompt.</summary>
    /// <param name="pattern"><c>[layer, head, query, key]</c>, with padding behind the prompt.</param>
    /// <param name="ids">The prompt's tokens.</param>
    /// <param name="excludeFirst">Whether the first key does not count.</param>
    /// <param name="excludeDiagonal">Whether a token's own key does not count.</param>
    /// <returns><c>[kind, layer, head]</c>.</returns>
    private static Tensor Mass(Tensor pattern, long[] ids, bool excludeFirst, bool excludeDiagonal)
    {
        using DisposeScope scope = NewDisposeScope();
        int length = ids.Length;
        Tensor tokens = tensor(ids, device: pattern.device);
        Tensor counted = ones(length, length, dtype: ScalarType.Float64, device: pattern.device).tril(excludeDiagonal ? -1 : 0);
        if (excludeFirst)
            counted.narrow(1, 0, 1).zero_();
        Tensor alike = tokens.unsqueeze(0).eq(tokens.unsqueeze(1)).to(ScalarType.Float64).tril(-1);
        Tensor before = ones_like(counted).tril(-1).sub(ones_like(counted).tril(-2));
        Tensor behind = cat([zeros_like(alike.narrow(1, 0, 1)), alike.narrow(1, 0, length - 1)], 1);
        Tensor attention = pattern.narrow(-2, 0, length).narrow(-1, 0, length).to(ScalarType.Float64).mul(counted);
        Tensor all = attention.sum([-2L, -1L]);
        // Where no attention counts, the part is 0 of 0.
        Tensor divisor = all.where(all.ne(zeros_like(all)), ones_like(all));
        return stack(((Tensor[])[before, alike, behind]).Select(target => attention.mul(target).sum([-2L, -1L]).div(divisor)), 0)
            .MoveToOuterDisposeScope();
    }
}
