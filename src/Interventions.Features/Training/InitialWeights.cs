using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Where training begins: random directions that encoder and decoder share, and biases of 0.</summary>
internal static class InitialWeights
{
    /// <summary>The norm of decoder rows whose norm is free, so that features do not begin by covering all of a value.</summary>
    private const double FreeNorm = 0.1;

    /// <summary>Weights, which the caller disposes of.</summary>
    /// <param name="options">What is trained.</param>
    /// <param name="inputWidth">d_in.</param>
    /// <param name="target">Rows of what is reconstructed, <c>[row, d_out]</c>: their median may be the bias.</param>
    public static SaeWeights Of(SaeTrainingOptions options, long inputWidth, Tensor target)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using Generator generator = Draws(options, 0, target.device);
        long width = target.shape[1];
        Tensor decoder = Directions(options, options.Features, width, target.device, generator);
        // Of two different values, features have two directions.
        Tensor encoder = (options.IsTranscoder ? Directions(options, options.Features, inputWidth, target.device, generator) : decoder).t();
        SaeObjective objective = options.Objective;
        bool isGated = objective is SaeObjective.Gated;
        SaeWeights weights = new()
        {
            Encoder = encoder.contiguous(),
            EncoderBias = isGated ? null : Zeros(),
            Decoder = decoder,
            DecoderBias = options.BeginsAtMedian ? GeometricMedian(target) : zeros(width, dtype: options.Type, device: target.device),
            Threshold = objective is SaeObjective.JumpRelu jump ? Zeros().plus(FirstThreshold(jump)) : null,
            GateBias = isGated ? Zeros() : null,
            MagnitudeBias = isGated ? Zeros() : null,
            LogMagnitude = isGated ? Zeros() : null,
            Skip = options.HasSkip ? zeros(width, inputWidth, dtype: options.Type, device: target.device) : null,
        };
        return weights.Select((_, weight) => weight.clone().requires_grad_().DetachFromDisposeScope());

        Tensor Zeros() => zeros(options.Features, dtype: options.Type, device: target.device);
    }

    /// <summary>What a threshold's parameter begins at.</summary>
    public static double FirstThreshold(SaeObjective.JumpRelu jump) =>
        jump.TrainsLogThreshold ? Math.Log(jump.InitialThreshold) : jump.InitialThreshold;

    /// <summary>Random directions, <c>[count, width]</c>, of the norm that decoder rows begin with.</summary>
    public static Tensor Directions(SaeTrainingOptions options, long count, long width, Device device, Generator generator)
    {
        Tensor rows = randn([count, width], dtype: options.Type, device: device, generator: generator);
        return rows.mul(rows.norm(-1, keepdim: true).reciprocal().times(options.HasUnitNorm ? 1 : FreeNorm));
    }

    /// <summary>
    /// The numbers that are drawn at a step: they depend on the seed and the step's number, so no state of a generator need be kept. A
    /// generator's numbers depend on the last 32 bits of its seed alone.
    /// </summary>
    public static Generator Draws(SaeTrainingOptions options, long step, Device device) =>
        new(unchecked((uint)((options.Seed * 1_000_003L) + step)), device);

    /// <summary>
    /// The point whose distances from the rows have the smallest sum, by Weiszfeld's iteration (1937), <c>[d]</c>. A few rows far off do
    /// not move it.
    /// </summary>
    /// <param name="rows"><c>[row, d]</c>.</param>
    public static Tensor GeometricMedian(Tensor rows)
    {
        const int Most = 10_000;
        const double Near = 1e-12;
        using DisposeScope scope = NewDisposeScope();
        Tensor x = rows.to_type(ScalarType.Float64), median = x.mean([0L]);
        for (int i = 0; i < Most; i++)
        {
            using DisposeScope inner = NewDisposeScope();
            Tensor before = median, closeness = x.sub(median).norm(-1).at_least(Near).reciprocal();
            median = closeness.matmul(x).div(closeness.sum()).MoveToOuterDisposeScope();
            Tensor moved = median.sub(before).norm().div(median.norm().at_least(Near));
            before.Dispose();
            if (moved.cpu().item<double>() < Near)
                break;
        }
        return median.to_type(rows.dtype).MoveToOuterDisposeScope();
    }
}
