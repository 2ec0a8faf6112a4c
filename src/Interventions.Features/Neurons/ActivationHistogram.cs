using System.Collections.Immutable;
using Interventions.Files;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>How often a neuron had which activations: counts in bins of one width, a power of two, on both sides of 0.</summary>
public sealed class ActivationHistogram
{
    /// <summary>How many bins there are on one side of 0. All activations fit, and the largest lies in the outer half of them.</summary>
    private const int Side = 32;

    private const string Blocks = "▁▂▃▄▅▆▇█";

    private readonly long[] _counts = new long[2 * Side];
    private int? _exponent;
    private double _limit, _perBin;

    /// <summary>Tokens on which it was exactly 0; they are in no bin.</summary>
    public long Zeros { get; private set; }

    /// <summary>The width of a bin; 0 where there is none.</summary>
    public double Width => _exponent is { } exponent ? Math.ScaleB(1, exponent) : 0;

    /// <summary>The bins from the lowest to the highest that is not empty: where it begins, and how many activations it has.</summary>
    public IEnumerable<(double From, long Count)> Bins
    {
        get
        {
            int first = Array.FindIndex(_counts, count => count > 0), last = Array.FindLastIndex(_counts, count => count > 0);
            for (int bin = first; bin <= last && first >= 0; bin++)
                yield return ((bin - Side) * Width, _counts[bin]);
        }
    }

    /// <summary>Counts an activation. Bins become twice as wide where it does not fit, so what comes out depends on no order.</summary>
    internal void Add(double value)
    {
        if (value == 0)
        {
            Zeros++;
            return;
        }
        if (Math.Abs(value) >= _limit)
            Widen(value);
        // A product with a power of two is exact.
        _counts[(int)Math.Floor(value * _perBin) + Side]++;
    }

    /// <summary>Makes bins wide enough for a value: |value| is less than 2^(ILogB + 1).</summary>
    private void Widen(double value)
    {
        int needed = Math.ILogB(value) + 1 - int.Log2(Side);
        for (_exponent ??= needed; _exponent < needed; _exponent++)
        {
            long[] before = [.. _counts];
            Array.Clear(_counts);
            for (int bin = 0; bin < before.Length; bin++)
                _counts[((bin - Side) >> 1) + Side] += before[bin];
        }
        (_limit, _perBin) = (Side * Width, 1 / Width);
    }

    /// <summary>Writes or reads it.</summary>
    internal static ActivationHistogram Fields(JsonFields fields, ActivationHistogram? histogram)
    {
        ActivationHistogram all = histogram ?? new ActivationHistogram();
        all.Zeros = fields.Long("zeros", histogram?.Zeros);
        all._exponent = fields.OptionalInteger("exponent", histogram?._exponent);
        ImmutableArray<long> counts = fields.Longs("counts", [.. all._counts]);
        if (counts.Length != all._counts.Length)
            throw fields.Wrong($"'counts' has {counts.Length} bins, and {all._counts.Length} are needed");
        counts.CopyTo(all._counts);
        return all;
    }

    /// <summary>One line: the lowest and the highest bin, and between them a bar a bin, as high as the logarithm of its count.</summary>
    public override string ToString()
    {
        (double From, long Count)[] bins = [.. Bins];
        if (bins.Length == 0)
            return $"{Zeros} activations, all 0";
        double tallest = Math.Log(1 + bins.Max(bin => bin.Count));
        string bars = string.Concat(bins.Select(bin =>
            bin.Count == 0 ? ' ' : Blocks[(int)Math.Min(Blocks.Length - 1, Blocks.Length * Math.Log(1 + bin.Count) / tallest)]));
        string[] ends = ShortNumbers.Format([bins[0].From, bins[^1].From + Width]);
        return $"{ends[0]} {bars} {ends[1]}";
    }
}
