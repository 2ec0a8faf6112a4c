using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// How far a model is that learns a group's products from some of the pairs: by what it gets right, and by its circuit, which forms while
/// both losses stand still (Nanda et al. 2023, arXiv:2301.05217; Chughtai et al. 2023, arXiv:2302.03025). Losses are in nats.
/// </summary>
public sealed record GrokkingProgress
{
    /// <summary>The loss on the pairs that it is trained on.</summary>
    public required double TrainLoss { get; init; }

    /// <summary>The loss on the others.</summary>
    public required double TestLoss { get; init; }

    /// <summary>The part of the trained pairs that it gets right.</summary>
    public required double TrainAccuracy { get; init; }

    /// <summary>The part of the others that it gets right.</summary>
    public required double TestAccuracy { get; init; }

    /// <summary>
    /// The loss on all pairs with nothing of the logits but the key representations' part, and each output's mean: it falls as the circuit
    /// forms.
    /// </summary>
    public required double RestrictedLoss { get; init; }

    /// <summary>The loss on the trained pairs without the key representations' part: it rises as what was memorised goes.</summary>
    public required double ExcludedLoss { get; init; }

    /// <summary>Measures a model's logits.</summary>
    /// <param name="logits">On all pairs, <c>[n², n]</c>: row a·n + b, column c.</param>
    /// <param name="group">The group; <see cref="FiniteGroup.Cyclic"/> for addition.</param>
    /// <param name="keys">
    /// The representations that the circuit is made of: those of <see cref="Fourier.KeyFrequencies"/>, or of
    /// <see cref="GroupComposition.KeyIrreps"/>. They are most often those of the trained model, also for earlier checkpoints.
    /// </param>
    /// <param name="isTrained">Which pairs it is trained on, <c>[n²]</c>, bool.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, or all pairs or none are trained on.</exception>
    public static GrokkingProgress Of(Tensor logits, FiniteGroup group, IEnumerable<Irrep> keys, Tensor isTrained)
    {
        GroupComposition.Check(logits, group);
        ArgumentNullException.ThrowIfNull(keys);
        ArgumentNullException.ThrowIfNull(isTrained);
        if (isTrained.dtype != ScalarType.Bool || isTrained.dim() != 1 || isTrained.shape[0] != logits.shape[0])
            throw new ArgumentException(
                $"Which pairs are trained on is a bool each, [{logits.shape[0]}], and this is {Shapes.Describe(isTrained)} of "
                + $"{isTrained.dtype}.", nameof(isTrained));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor trained = isTrained.cpu(), others = trained.logical_not();
        if (!trained.any().item<bool>() || !others.any().item<bool>())
            throw new ArgumentException("Some pairs are trained on, and others are left to test.", nameof(isTrained));
        Tensor all = logits.to(ScalarType.Float64).cpu(), answers = GroupComposition.Products(group);
        Tensor key = GroupComposition.Part(all, GroupComposition.Directions(group, [.. keys.Where(irrep => !irrep.IsTrivial)]));
        Tensor losses = Losses(all), right = all.argmax(-1).eq(answers).to_type(ScalarType.Float64);
        return new GrokkingProgress
        {
            TrainLoss = Mean(losses, trained),
            TestLoss = Mean(losses, others),
            TrainAccuracy = Mean(right, trained),
            TestAccuracy = Mean(right, others),
            RestrictedLoss = Losses(key.plus(all.mean([0L]))).mean().item<double>(),
            ExcludedLoss = Mean(Losses(all.sub(key)), trained),
        };

        Tensor Losses(Tensor of) => of.log_softmax(-1).gather(-1, answers.unsqueeze(-1)).squeeze(-1).neg();

        static double Mean(Tensor values, Tensor where) => values.masked_select(where).mean().item<double>();
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"train {TrainLoss:g3} ({TrainAccuracy:P0}), test {TestLoss:g3} ({TestAccuracy:P0}), restricted {RestrictedLoss:g3}, "
        + $"excluded {ExcludedLoss:g3}");
}
