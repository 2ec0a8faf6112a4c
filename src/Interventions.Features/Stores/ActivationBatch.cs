using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Rows of a model's values that a training step sees together.</summary>
/// <param name="Input">What a dictionary encodes, <c>[row, d_in]</c>.</param>
/// <param name="Target">What it reconstructs, <c>[row, d_out]</c>: the same tensor, but for transcoders.</param>
public sealed record ActivationBatch(Tensor Input, Tensor Target) : IDisposable
{
    /// <summary>A batch whose input is its target.</summary>
    public ActivationBatch(Tensor rows) : this(rows, rows)
    {
    }

    /// <summary>Frees both tensors.</summary>
    public void Dispose()
    {
        Input.Dispose();
        Target.Dispose();
    }
}

/// <summary>Batches of activations in an order that does not change, so that training can go on at any step.</summary>
public interface IActivationBatches
{
    /// <summary>The batches from a step on, counted from 0; whoever takes a batch disposes it.</summary>
    IEnumerable<ActivationBatch> From(long step);
}
