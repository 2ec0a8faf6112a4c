using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Rows in coordinates in which a problem with a free bias and a penalty on the norm alone is small and well posed: less their mean, which
/// the bias takes up; where there are fewer rows than columns, in the span of the rows, in which the solution lies. The last column is 1.
/// </summary>
internal sealed class CentredRows
{
    private readonly Tensor _mean;
    private readonly Tensor? _basis;

    public CentredRows(Tensor x)
    {
        _mean = x.mean([0L]);
        Tensor centred = x.sub(_mean);
        if (x.shape[0] < x.shape[1])
        {
            _basis = linalg.qr(centred.t()).Q;
            centred = centred.matmul(_basis);
        }
        Rows = cat([centred, ones([x.shape[0], 1], x.dtype)], 1);
        Penalty = cat([ones([Rows.shape[1] - 1], x.dtype), zeros([1], x.dtype)]);
    }

    /// <summary>The coordinates, <c>[row, coordinate]</c>.</summary>
    public Tensor Rows { get; }

    /// <summary>1 for each coordinate whose square is penalised, 0 for the bias: <c>[coordinate]</c>.</summary>
    public Tensor Penalty { get; }

    /// <summary>diag(penalty) + Rowsᵀ diag(weights) Rows, with as little more as makes it regular where all weights are 0.</summary>
    public Tensor Curvature(Tensor weights) =>
        Rows.t().matmul(Rows.mul(weights.unsqueeze(1))).plus(Penalty.plus(1e-12).diag());

    /// <summary>The weight of each column, and the bias, of a solution in these coordinates.</summary>
    public (Tensor Weight, double Bias) Back(Tensor solution)
    {
        long width = Rows.shape[1] - 1;
        Tensor weight = solution.narrow(0, 0, width);
        weight = _basis is null ? weight.clone() : _basis.matmul(weight);
        return (weight, solution[width].item<double>() - weight.dot(_mean).item<double>());
    }
}
