using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What a value has of two things together beyond what each of them brings alone, such as a first and a last name (Nanda et al. 2023, fact
/// finding): E[f | A, B] − E[f | ¬A, B] − E[f | A, ¬B] + E[f | ¬A, ¬B]. It is 0 of every sum of a function of A and one of B, 1 of an
/// AND of both, −1 of an OR.
/// </summary>
public static class NonlinearExcess
{
    /// <summary>The excess of every pair.</summary>
    /// <param name="values">A value of each pair, all combinations: <c>[first, last, …]</c>, two of each at least.</param>
    /// <returns><c>[first, last, …]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">There are not two of each.</exception>
    public static Tensor Of(Tensor values)
    {
        ArgumentNullException.ThrowIfNull(values);
        if (values.shape is not [>= 2 and long firsts, >= 2 and long lasts, ..])
            throw new ArgumentException(
                $"The values are [{string.Join(", ", values.shape)}]; needed is [first, last, …], two of each at least.", nameof(values));
        using DisposeScope scope = NewDisposeScope();
        Tensor ofLast = values.sum([0L], keepdim: true), ofFirst = values.sum([1L], keepdim: true), all = ofLast.sum([1L], keepdim: true);
        Tensor otherFirsts = ofLast.sub(values).over(firsts - 1), otherLasts = ofFirst.sub(values).over(lasts - 1);
        Tensor others = all.sub(ofLast).sub(ofFirst).plus(values).over((double)(firsts - 1) * (lasts - 1));
        return values.sub(otherFirsts).sub(otherLasts).plus(others).MoveToOuterDisposeScope();
    }

    /// <summary>The excess of a site's values, of every pair.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts of all combinations, each once; the first run counts.</param>
    /// <param name="site">A path of one position, such as <c>blocks.5.mlp.post[pos=last]</c>.</param>
    /// <param name="pairs">Of each prompt the numbers of its first and its last part, from 0 on.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns><c>[first, last, …]</c>, then the site's axes; the caller owns it.</returns>
    /// <exception cref="ArgumentException">A combination is missing or there twice.</exception>
    /// <exception cref="InterventionException">The path names several layers, or no site of the model.</exception>
    public static Tensor Of(
        HookedModel model, IPromptSet prompts, string site, IReadOnlyList<(int First, int Last)> pairs, RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(pairs);
        int count = prompts.Prompts.Count;
        (int firsts, int lasts) = pairs.Count == 0 ? (0, 0) : (pairs.Max(pair => pair.First) + 1, pairs.Max(pair => pair.Last) + 1);
        (int, int)[] missing =
        [
            .. Enumerable.Range(0, firsts).SelectMany(first => Enumerable.Range(0, lasts).Select(last => (first, last))).Except(pairs),
        ];
        if (pairs.Count != count || missing.Length > 0 || firsts * lasts != count)
            throw new ArgumentException(
                missing.Length > 0 ? $"There is no prompt of the combination {missing[0]}."
                : $"There are {pairs.Count} pairs for {count} prompts, and {firsts} · {lasts} combinations: one prompt of each is needed.",
                nameof(pairs));
        using DisposeScope scope = NewDisposeScope();
        Tensor values = SiteValues.Of(model, prompts, site, options, cancellationToken);
        long[] order = [.. pairs.Index().OrderBy(pair => pair.Item).Select(pair => (long)pair.Index)];
        Tensor inOrder = values.index_select(0, tensor(order, device: values.device));
        return Of(inOrder.reshape([firsts, lasts, .. values.shape[1..]])).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// How much of an effect comes from neurons that make an AND of both parts: of each neuron, what its activation has in excess beyond
    /// the positive part of what its input has; max(post − max(pre, 0), 0), times its effect, summed, over the effect of all excess.
    /// </summary>
    /// <param name="pre">The excess of the neurons' inputs, <c>[…, neuron]</c>.</param>
    /// <param name="post">The excess of their activations, <c>[…, neuron]</c>.</param>
    /// <param name="effect">What one unit of each neuron brings, <c>[neuron]</c>: its output weights along a direction.</param>
    /// <returns><c>[…]</c>; the caller owns it. Not a number where the excess has no effect.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor ShareOfAnds(Tensor pre, Tensor post, Tensor effect)
    {
        ArgumentNullException.ThrowIfNull(pre);
        ArgumentNullException.ThrowIfNull(post);
        ArgumentNullException.ThrowIfNull(effect);
        if (!pre.shape.SequenceEqual(post.shape) || effect.dim() != 1 || pre.dim() == 0 || pre.shape[^1] != effect.shape[0])
            throw new ArgumentException(
                $"Inputs [{string.Join(", ", pre.shape)}], activations [{string.Join(", ", post.shape)}] and effects "
                + $"[{string.Join(", ", effect.shape)}] are of other neurons.", nameof(effect));
        using DisposeScope scope = NewDisposeScope();
        return post.sub(pre.relu()).relu().mul(effect).sum([-1L]).div(post.mul(effect).sum([-1L])).MoveToOuterDisposeScope();
    }
}

/// <summary>Values of a site, of the first run of some prompts.</summary>
internal static class SiteValues
{
    /// <summary>The values, <c>[batch, …]</c> without the position.</summary>
    /// <exception cref="InterventionException">The path names several layers or positions, or no site of the model.</exception>
    public static Tensor Of(
        HookedModel model, IPromptSet prompts, string site, RunOptions? options, CancellationToken cancellationToken)
    {
        InterventionGraph graph = new()
        {
            Name = nameof(SiteValues),
            Captures = [new CaptureNode("Values", site, [new Read.Value()], x => x[0])],
            IsUnanalyzed = true,
        };
        using RunResult run = graph.Run(model, prompts, options, cancellationToken);
        SweptTensor kept = run.Changed("Values");
        return kept.Axes[0] == "batch" && kept.shape is [_, 1, ..]
            ? kept.Values.squeeze(1).clone()
            : throw new InterventionException(
                $"'{site}' has the values [{string.Join(", ", kept.Axes)}] of {string.Join(" · ", kept.shape)}; needed is one layer and "
                + "one position, as in blocks.5.mlp_out[pos=end].");
    }
}
