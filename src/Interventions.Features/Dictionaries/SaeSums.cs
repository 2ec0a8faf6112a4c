using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>The sums that the metrics of a dictionary are made of, which are added up part by part. All in float64.</summary>
/// <param name="mean">The mean of all values, <c>[d]</c>, which is known before; owned by the caller.</param>
internal sealed class SaeSums(Tensor mean) : IDisposable
{
    private double _active, _l1, _errors, _spreads, _relative, _ofEach, _cosines, _ratios, _products, _decoded;

    /// <summary>How often each feature is active, <c>[feature]</c>, and the sum of the errors, <c>[d]</c>.</summary>
    private Tensor? _frequencies, _residual;

    /// <summary>How many values were added.</summary>
    public long Count { get; private set; }

    /// <summary>Values as rows, in float64.</summary>
    public static Tensor Rows(Tensor values) => values.reshape(-1, values.shape[^1]).to_type(ScalarType.Float64);

    /// <summary>Adds some values.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <param name="features"><c>[…, feature]</c>.</param>
    /// <param name="reconstruction"><c>[…, d]</c>.</param>
    public void Add(Tensor x, Tensor features, Tensor reconstruction)
    {
        using DisposeScope scope = NewDisposeScope();
        (Tensor value, Tensor f, Tensor y) = (Rows(x), Rows(features), Rows(reconstruction));
        Tensor error = value.sub(y), active = f.abs().sign();
        Tensor errors = SquaredNorms(error), norms = SquaredNorms(value), decoded = SquaredNorms(y), products = value.mul(y).sum([-1L]);
        Tensor spreads = SquaredNorms(value.sub(mean));
        Count += value.shape[0];
        _active += Number(active.sum());
        _l1 += Number(f.abs().sum());
        _errors += Number(errors.sum());
        _spreads += Number(spreads.sum());
        _relative += Number(errors.div(norms).sum());
        _ofEach += Number(errors.div(spreads).sum());
        _cosines += Number(products.div(norms.mul(decoded).sqrt()).sum());
        _ratios += Number(decoded.div(norms).sqrt().sum());
        _products += Number(products.sum());
        _decoded += Number(decoded.sum());
        Sum(ref _frequencies, active.sum([0L]));
        Sum(ref _residual, error.sum([0L]));
    }

    /// <summary>The metrics of all that was added.</summary>
    public SaeMetrics ToMetrics()
    {
        using DisposeScope scope = NewDisposeScope();
        double count = Count, constant = Number(SquaredNorms(_residual!)) / count;
        return new SaeMetrics
        {
            L0 = _active / count,
            L1 = _l1 / count,
            SquaredError = _errors / count,
            RelativeError = _relative / count,
            ExplainedVariance = 1 - (_errors / _spreads),
            MeanOfExplainedVariances = 1 - (_ofEach / count),
            ExplainedVarianceOfResidual = 1 - ((_errors - constant) / _spreads),
            CosineSimilarity = _cosines / count,
            NormRatio = _ratios / count,
            RelativeBias = _decoded / _products,
            Frequencies = [.. _frequencies!.over(count).cpu().data<double>()],
        };
    }

    public void Dispose()
    {
        _frequencies?.Dispose();
        _residual?.Dispose();
    }

    private static void Sum(ref Tensor? sum, Tensor part)
    {
        if (sum is null)
            sum = part.DetachFromDisposeScope();
        else
            sum.plus_(part);
    }

    private static Tensor SquaredNorms(Tensor rows) => rows.squared().sum([-1L]);

    private static double Number(Tensor value) => value.cpu().item<double>();
}
