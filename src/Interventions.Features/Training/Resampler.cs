using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Lets features begin anew.</summary>
/// <param name="weights">The weights, which are written into.</param>
/// <param name="adam">What forgets them.</param>
/// <param name="step">How many steps were taken.</param>
internal sealed class Resampler(SaeWeights weights, Adam adam, long step)
{
    /// <summary>The norm of a new encoder column, in norms of those of features that live.</summary>
    private const double EncoderPart = 0.2;

    /// <summary>The chance of each row to be drawn, float64, <c>[row]</c>.</summary>
    /// <param name="losses">‖x − x̂‖² of each, <c>[row]</c>.</param>
    public static Tensor Chances(Tensor losses)
    {
        Tensor squares = losses.to_type(ScalarType.Float64).squared();
        return squares.div(squares.sum());
    }

    /// <summary>Rows that are drawn, each once at most; fewer where fewer have any chance.</summary>
    /// <param name="chances">Of each row.</param>
    /// <param name="count">How many are wanted.</param>
    /// <param name="generator">What draws.</param>
    /// <returns>Their numbers.</returns>
    public static Tensor Drawn(Tensor chances, long count, Generator generator)
    {
        long possible = chances.count_nonzero([0L]).cpu().item<long>();
        return possible == 0 ? zeros(0, dtype: ScalarType.Int64, device: chances.device)
            : chances.multinomial(Math.Min(count, possible), replacement: false, generator);
    }

    /// <summary>The mean norm of the encoder's columns of other features than these.</summary>
    public Tensor MeanAliveNorm(Tensor features)
    {
        Tensor norms = weights.Encoder!.norm(0), isAlive = ones_like(norms);
        isAlive.index_copy_(0, features, zeros(features.shape[0], dtype: norms.dtype, device: norms.device));
        return norms.mul(isAlive).sum().div(isAlive.sum().at_least(1.0));
    }

    /// <summary>Begins features at values that they are to reconstruct.</summary>
    /// <param name="features">Their numbers, <c>[feature]</c>.</param>
    /// <param name="inputs">For each the direction that it reads, <c>[feature, d_in]</c>; any norm but 0.</param>
    /// <param name="targets">For each the direction that it writes, <c>[feature, d_out]</c>.</param>
    /// <param name="jump">What has a threshold, if anything.</param>
    public void At(Tensor features, Tensor inputs, Tensor targets, SaeObjective.JumpRelu? jump) =>
        Write(features, Unit(inputs).mul(MeanAliveNorm(features).times(EncoderPart)), Unit(targets), jump);

    /// <summary>Gives features new weights, biases of 0, and no past.</summary>
    /// <param name="features">Their numbers.</param>
    /// <param name="encoder">Their columns of the encoder, as rows.</param>
    /// <param name="decoder">Their rows of the decoder.</param>
    /// <param name="jump">What has a threshold, if anything.</param>
    public void Write(Tensor features, Tensor encoder, Tensor decoder, SaeObjective.JumpRelu? jump)
    {
        foreach ((string name, Tensor weight) in weights.Named)
            if (SaeWeights.FeatureAxis(name) is { } axis)
                weight.index_copy_(axis, features, name switch
                {
                    "W_enc" => encoder.t(),
                    "W_dec" => decoder,
                    "threshold" => zeros_like(features).to_type(weight.dtype).plus(InitialWeights.FirstThreshold(jump!)),
                    _ => zeros_like(features).to_type(weight.dtype),
                });
        adam.Forget(features, step);
    }

    private static Tensor Unit(Tensor rows) => rows.div(rows.norm(-1, keepdim: true).at_least(1e-12));
}
