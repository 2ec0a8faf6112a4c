using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Adam's rule (Kingma and Ba 2015, arXiv:1412.6980) with its moments at hand: resampling zeroes parts of them, and a file holds them.
/// </summary>
internal sealed class Adam : IDisposable
{
    private const double Beta2 = 0.999, Epsilon = 1e-8;

    private readonly double _beta1;

    /// <summary>Moments of 0.</summary>
    /// <param name="weights">What is trained.</param>
    /// <param name="beta1">How much of the mean of gradients stays in a step; with 0 it is the gradient, and not held.</param>
    public Adam(SaeWeights weights, double beta1)
        : this(beta1 > 0 ? Zeros(weights) : null, Zeros(weights), beta1)
    {
    }

    /// <summary>Moments from a file, which it disposes of.</summary>
    public Adam(SaeWeights? first, SaeWeights second, double beta1) => (First, Second, _beta1) = (first, second, beta1);

    /// <summary>The means of gradients, by weight; null where none are held.</summary>
    public SaeWeights? First { get; }

    /// <summary>The means of their squares.</summary>
    public SaeWeights Second { get; }

    /// <summary>
    /// How many steps there were before Adam began with each feature, float64; null where it began with all of them at once.
    /// </summary>
    public Tensor? Begun { get; set; }

    /// <summary>Moves the weights.</summary>
    /// <param name="weights">The weights.</param>
    /// <param name="gradients">Of each, in their order.</param>
    /// <param name="rate">The learning rate.</param>
    /// <param name="step">How many steps were taken before.</param>
    public void Step(SaeWeights weights, IReadOnlyList<Tensor> gradients, double rate, long step)
    {
        double first_left = 1 - Math.Pow(_beta1, step + 1), second_left = Math.Sqrt(1 - Math.Pow(Beta2, step + 1));
        (Tensor First, Tensor Second)? left = Begun is null ? null : Left(step, weights.Decoder.dtype);
        int i = 0;
        foreach ((string name, Tensor weight) in weights.Named)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor gradient = gradients[i++], second = Second[name]!;
            Tensor mean = First?[name] is { } first ? first.times_(_beta1).plus_(gradient, 1 - _beta1) : gradient;
            second.times_(Beta2).plus_product_(gradient, gradient, 1 - Beta2);
            // (m / left₁) / (√v / left₂ + ε), with what is common in the rate.
            if (left is null || SaeWeights.FeatureAxis(name) is not { } axis)
            {
                weight.plus_quotient_(mean, second.sqrt().plus_(Epsilon * second_left), -rate * second_left / first_left);
                continue;
            }
            Tensor of_mean = Along(left.Value.Second.div(left.Value.First)), of_square = Along(left.Value.Second);
            weight.plus_quotient_(mean.mul(of_mean), second.sqrt().plus_(of_square, Epsilon), -rate);

            Tensor Along(Tensor features) => weight.dim() == 2 && axis == 0 ? features.unsqueeze(-1) : features;
        }
    }

    /// <summary>
    /// Begins anew with some features' weights: their moments are 0, and as small as at the first step. Otherwise the first step behind it
    /// would be up to 1/√(1 − β₂) times as long.
    /// </summary>
    /// <param name="features">Their numbers.</param>
    /// <param name="step">How many steps were taken.</param>
    public void Forget(Tensor features, long step)
    {
        Begun ??= zeros(Second.Decoder.shape[0], dtype: ScalarType.Float64, device: features.device).DetachFromDisposeScope();
        Begun.index_copy_(0, features, zeros_like(features).to_type(ScalarType.Float64).plus((double)step));
        foreach (SaeWeights moments in new[] { First, Second }.OfType<SaeWeights>())
            foreach ((string name, Tensor moment) in moments.Named)
                if (SaeWeights.FeatureAxis(name) is { } axis)
                    moment.index_copy_(axis, features, zeros_like(moment.index_select(axis, features)));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        First?.Dispose();
        Second.Dispose();
        Begun?.Dispose();
    }

    /// <summary>By feature, what is missing in its moments' means: 1 − β₁ⁿ and √(1 − β₂ⁿ) of its own n steps.</summary>
    private (Tensor First, Tensor Second) Left(long step, ScalarType type)
    {
        Tensor steps = Begun!.neg().plus(step + 1.0);
        return (Of(_beta1).to_type(type), Of(Beta2).sqrt().to_type(type));

        Tensor Of(double beta) => steps.times(Math.Log(beta)).exp().neg().plus(1.0);
    }

    private static SaeWeights Zeros(SaeWeights weights) => weights.Select((_, weight) => zeros_like(weight).DetachFromDisposeScope());
}
