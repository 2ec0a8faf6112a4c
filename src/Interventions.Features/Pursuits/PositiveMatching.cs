using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Matching pursuit as a dictionary's encoder: coefficients are positive, and a row ends where nothing is left for it.</summary>
internal static class PositiveMatching
{
    /// <summary>Codes rows.</summary>
    /// <param name="y">What is to be coded, <c>[…, d]</c>.</param>
    /// <param name="dictionary"><c>[feature, d]</c>.</param>
    /// <param name="options">When it ends.</param>
    /// <returns>Coefficients, <c>[…, feature]</c>.</returns>
    public static Tensor Encode(Tensor y, Tensor dictionary, Activation.MatchingPursuit options)
    {
        long[] shape = [.. y.shape.AsSpan(0, y.shape.Length - 1), dictionary.shape[0]];
        Tensor residual = y.reshape(-1, y.shape[^1]);
        Tensor codes = zeros(residual.shape[0], dictionary.shape[0], dtype: y.dtype, device: y.device);
        Tensor active = ones(residual.shape[0], 1, dtype: y.dtype, device: y.device);
        for (int i = 0; i < options.MaxIterations; i++)
        {
            (Tensor products, Tensor picks) = residual.matmul(dictionary.t()).max(-1, keepdim: true);
            Tensor amounts = products.relu().mul(active);
            Tensor before = codes;
            codes = codes.scatter_add(-1, picks, amounts);
            residual = residual.sub(amounts.mul(dictionary.index_select(0, picks.squeeze(-1))));
            if (options.StopsOnSameSupport)
                active = active.mul(codes.sign().sub(before.sign()).sum([-1L], keepdim: true));
            active = active.mul(residual.norm(-1, keepdim: true).no_less_than(options.ResidualThreshold).to_type(y.dtype));
            if (!active.to_type(ScalarType.Bool).any().cpu().item<bool>())
                break;
        }
        return codes.reshape(shape);
    }
}
