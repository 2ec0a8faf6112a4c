using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What a step sees.</summary>
/// <param name="Input">Rows as they are encoded: normalised and scaled, <c>[row, d_in]</c>.</param>
/// <param name="Raw">The same rows as they are, which a skip connection reads.</param>
/// <param name="Target">What is reconstructed, <c>[row, d_out]</c>.</param>
/// <param name="Dead">The numbers of dead features, <c>[dead]</c>; null where there are none, or nothing reads them.</param>
/// <param name="Sparsity">The factor of the coefficient that keeps features few, from its warm-up.</param>
internal sealed record TrainingRows(Tensor Input, Tensor Raw, Tensor Target, Tensor? Dead = null, double Sparsity = 1)
{
    /// <summary>A batch, normalised and scaled.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="options">How.</param>
    /// <param name="device">Where it is computed.</param>
    /// <param name="scale">What inputs are multiplied by.</param>
    /// <exception cref="ArgumentException">It is no batch of rows, or it has targets and none are expected, or the other way.</exception>
    public static TrainingRows Of(ActivationBatch batch, SaeTrainingOptions options, Device device, double scale)
    {
        bool has_targets = !ReferenceEquals(batch.Input, batch.Target);
        if (batch.Input.dim() != 2 || batch.Target.dim() != 2 || batch.Input.shape[0] != batch.Target.shape[0] || batch.Input.shape[0] == 0)
            throw new ArgumentException(
                $"A batch is rows [row, d] and as many targets: it is {Shapes.Describe(batch.Input)} and {Shapes.Describe(batch.Target)}.",
                nameof(batch));
        if (has_targets != options.IsTranscoder)
            throw new ArgumentException(
                has_targets ? $"A batch has targets of its own: a transcoder is trained with {nameof(options.IsTranscoder)}."
                    : $"A batch has no targets of its own, and {nameof(options.IsTranscoder)} is true.",
                nameof(batch));
        Tensor raw = Typed(batch.Input), input = InputNorms.Apply(options.InputNorm, raw);
        if (scale != 1)
            input = input.times(scale);
        return new TrainingRows(input, raw, has_targets ? Typed(batch.Target) : input);

        Tensor Typed(Tensor rows) => rows.to(device).to_type(options.Type);
    }
}
