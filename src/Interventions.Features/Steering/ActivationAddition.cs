using Interventions.Binding;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Activation addition (Turner et al. 2023, arXiv:2308.10248): the difference that two prompts make at a site, position by position. It is
/// added at the first positions of another prompt. It owns its values.
/// </summary>
public sealed class ActivationAddition : IDisposable
{
    private ActivationAddition(SteeringVector vector, Tensor positive, Tensor negative) =>
        (Vector, Positive, Negative) = (vector, positive, negative);

    /// <summary>h₊ − h₋, <c>[pos, d_model]</c>: as long as the longer prompt.</summary>
    public SteeringVector Vector { get; }

    /// <summary>The values of the positive prompt, <c>[pos, d_model]</c>.</summary>
    public Tensor Positive { get; }

    /// <summary>The values of the negative prompt, <c>[pos, d_model]</c>.</summary>
    public Tensor Negative { get; }

    /// <summary>Runs two texts, the shorter one padded on the right.</summary>
    /// <param name="model">The model. Its tokenizer puts in front of both texts what it puts in front of every text.</param>
    /// <param name="positive">What is steered towards: <c>" Love"</c>.</param>
    /// <param name="negative">What is steered away from: <c>" Hate"</c>.</param>
    /// <param name="site">The path of one site: <c>blocks.6.resid_pre</c>.</param>
    /// <param name="padding">The text of the token that the shorter one is padded with, most often the space.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model has no tokenizer or no such site, or the padding is not one token.</exception>
    public static ActivationAddition Of(
        HookedModel model,
        string positive,
        string negative,
        string site,
        string padding = " ",
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(positive);
        ArgumentNullException.ThrowIfNull(negative);
        ArgumentNullException.ThrowIfNull(padding);
        if (model.EncodePiece(padding) is not { } pad)
            throw new InterventionException($"{model.Schema.Model} has no tokenizer: give tokens in the place of texts.");
        return pad is [long token]
            ? Of(model, model.Encode(positive)!, model.Encode(negative)!, site, token, options, cancellationToken)
            : throw new InterventionException(
                $"Padding is one token, and '{padding}' is {pad.Count} of {model.Schema.Model}: give another '{nameof(padding)}'.");
    }

    /// <summary>Runs two prompts of tokens, the shorter one padded on the right.</summary>
    /// <param name="model">The model.</param>
    /// <param name="positive">
    /// The tokens of the positive prompt. Where both prompts begin with the same token, the first row of the vector is 0.
    /// </param>
    /// <param name="negative">The tokens of the negative prompt.</param>
    /// <param name="site">The path of one site.</param>
    /// <param name="padding">The token that the shorter one is padded with.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The model has no such site or token.</exception>
    public static ActivationAddition Of(
        HookedModel model,
        IReadOnlyList<long> positive,
        IReadOnlyList<long> negative,
        string site,
        long padding,
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        const string Name = "Values";
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(positive);
        ArgumentNullException.ThrowIfNull(negative);
        int length = Math.Max(positive.Count, negative.Count);
        TokenPrompts prompts = new([Padded(positive), Padded(negative)]);
        string run = prompts.Vocabulary.Runs[0];
        using DisposeScope scope = NewDisposeScope();
        using RunResult result = Intervention.On(model, nameof(ActivationAddition)).Capture(Name, site)
            .Run(prompts, (options ?? new RunOptions()) with { KeptRuns = [run] }, cancellationToken);
        Tensor values = result.Run(run)[Name];
        if (values.dim() != 3)
            throw new ArgumentException($"'{site}' is not one site with the axes pos and d_model.", nameof(site));
        Tensor both = values.clone();
        SteeringVector vector = new(site, both[0] - both[1], "ActAdd");
        return new ActivationAddition(vector, both[0].clone().DetachFromDisposeScope(), both[1].clone().DetachFromDisposeScope());

        IReadOnlyList<long> Padded(IReadOnlyList<long> tokens) => [.. tokens, .. Enumerable.Repeat(padding, length - tokens.Count)];
    }

    /// <summary>The features of both prompts, of which vectors are made that have some of them.</summary>
    /// <param name="sae">A dictionary of the same site; borrowed.</param>
    public FeatureContrast With(Sae sae) => FeatureContrast.Of(sae, Positive, Negative, Vector.Site);

    /// <inheritdoc/>
    public override string ToString() => Vector.ToString();

    /// <inheritdoc/>
    public void Dispose()
    {
        Vector.Dispose();
        Positive.Dispose();
        Negative.Dispose();
    }
}
