using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.ModelGraphs;

/// <summary>A cheap checksum of weights.</summary>
public static class WeightsChecksum
{
    /// <summary>The most values of a tensor that are hashed.</summary>
    private const int Sampled = 4096;

    /// <summary>
    /// Hashes every tensor's type and shape and up to 4096 of its values, evenly spread. Further training or another checkpoint gives
    /// another text; a change of a few single values may go unseen. The text does not depend on the device.
    /// </summary>
    /// <param name="weights">The weights, always in the same order.</param>
    /// <returns>16 hexadecimal digits.</returns>
    public static string Of(IEnumerable<Tensor> weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (Tensor weight in weights)
        {
            using IDisposable mode = no_grad();
            using DisposeScope scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"{weight.dtype} [{string.Join(", ", weight.shape)}]\n"));
            long count = weight.numel(), step = (count + Sampled - 1) / Sampled;
            if (count == 0)
                continue;
            Tensor sample = weight.detach().reshape(-1).index_select(0, range(0, count, weight.device, step));
            hash.AppendData(MemoryMarshal.AsBytes<double>(sample.to_type(ScalarType.Float64).cpu().data<double>().ToArray()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }
}
