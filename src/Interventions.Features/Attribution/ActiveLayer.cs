using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What one layer's feed-forward block writes in a prompt: its active features, by position, and its errors.</summary>
internal sealed class ActiveLayer : IDisposable
{
    private readonly Sae _sae;
    private readonly int[] _starts;
    private readonly Tensor _vectors, _errors;

    private ActiveLayer(Sae sae, int[] positions, int[] features, int length, Tensor vectors, Tensor errors, Tensor rest) =>
        (_sae, Positions, Features, _vectors, _errors, Rest, _starts) = (sae, positions, features, vectors, errors, rest,
            [.. Enumerable.Range(0, length + 1).Select(at => positions.TakeWhile(position => position < at).Count())]);

    /// <summary>The positions of the active features, in order.</summary>
    public int[] Positions { get; }

    /// <summary>Their numbers.</summary>
    public int[] Features { get; }

    /// <summary>Their activations.</summary>
    public required double[] Activations { get; init; }

    /// <summary>Their values before the activation, which direct effects explain.</summary>
    public required double[] Values { get; init; }

    /// <summary>What is written beside features, errors and the skip connection: the decoder's bias, <c>[1, 1, d_model]</c>.</summary>
    public Tensor Rest { get; }

    /// <summary>How many sources there are: an error a position, then the features.</summary>
    public int Count => _starts.Length - 1 + Features.Length;

    /// <summary>Encodes what a layer reads.</summary>
    /// <param name="sae">The transcoder.</param>
    /// <param name="read">What it reads, <c>[1, pos, d_in]</c>.</param>
    /// <param name="written">What the block writes, <c>[1, pos, d_out]</c>.</param>
    /// <param name="first">The first position whose features count.</param>
    public static ActiveLayer Of(Sae sae, Tensor read, Tensor written, int first)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        int length = (int)read.shape[1];
        Tensor features = sae.Encode(read).squeeze(0), x = read.squeeze(0);
        int skipped = Math.Min(first, length);
        if (skipped > 0)
            features = cat([zeros_like(features.narrow(0, 0, skipped)), features.narrow(0, skipped, length - skipped)], 0);
        Tensor mask = features.ne(zeros_like(features)), places = mask.nonzero();
        (Tensor positions, Tensor numbers) = (places.select(1, 0), places.select(1, 1));
        Tensor active = features.masked_select(mask);
        Tensor values = sae.PreActivations(x).masked_select(mask);
        Tensor vectors = sae.Directions().Pick(0, numbers).mul(active.unsqueeze(-1));
        Tensor reconstruction = sae.Decode(features, x);
        return new ActiveLayer(
            sae, Ints(positions), Ints(numbers), length, vectors.DetachFromDisposeScope(),
            written.squeeze(0).sub(reconstruction).DetachFromDisposeScope(),
            sae.Weights.DecoderBias.reshape(1, 1, -1).clone().DetachFromDisposeScope())
        {
            Activations = Doubles(active),
            Values = Doubles(values),
        };

        static int[] Ints(Tensor values) => [.. values.cpu().contiguous().data<long>().ToArray().Select(value => (int)value)];

        static double[] Doubles(Tensor values) => values.to_type(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }

    /// <summary>
    /// The direct effects of errors and features on targets whose gradient at what the block writes is given.
    /// </summary>
    /// <param name="gradient"><c>[target, pos, d_model]</c>.</param>
    /// <returns><c>[target, source]</c>: an error a position, then the features.</returns>
    public Tensor Effects(Tensor gradient)
    {
        List<Tensor> parts = [gradient.mul(_errors).sum([-1L])];
        for (int position = 0; position + 1 < _starts.Length; position++)
            if (_starts[position + 1] - _starts[position] is > 0 and int count)
                parts.Add(gradient.select(1, position).matmul(_vectors.narrow(0, _starts[position], count).t()));
        return cat(parts, 1);
    }

    /// <summary>What active features read: <c>[target, d_in]</c>.</summary>
    /// <param name="active">Their places among the active ones.</param>
    public Tensor Readers(IReadOnlyList<int> active)
    {
        Tensor numbers = tensor(active.Select(one => (long)Features[one]).ToArray(), device: _vectors.device);
        Tensor rows = _sae.Weights.Encoder!.Pick(1, numbers).t();
        return _sae.Config.Activation is Activation.Gated
            ? rows.mul(_sae.Weights.LogMagnitude!.Pick(0, numbers).exp().unsqueeze(-1))
            : rows;
    }

    /// <summary>The values before the activation of all active features, at what a run reads, <c>[1, pos, d_in]</c>.</summary>
    public double[] ValuesAt(Tensor read)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        if (Features.Length == 0)
            return [];
        Tensor z = _sae.PreActivations(read.squeeze(0));
        long width = z.shape[1];
        Tensor places = tensor(Positions.Zip(Features, (position, feature) => (position * width) + feature).ToArray(), device: z.device);
        return z.reshape(-1).Pick(0, places).to_type(ScalarType.Float64).cpu().data<double>().ToArray();
    }

    public void Dispose()
    {
        _vectors.Dispose();
        _errors.Dispose();
        Rest.Dispose();
    }
}
