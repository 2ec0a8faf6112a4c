using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The direct effects found so far: of every target on all sources below it, and which features have the most influence on the logits.
/// Memory grows with chosen features · active features below them, and never with the size of the dictionaries.
/// </summary>
internal sealed class AttributionRows(LocalReplacement replacement) : IDisposable
{
    private readonly List<(ReplacementTarget[] Targets, Tensor Effects, double[] Sums)> _blocks = [];
    private readonly int _sources = replacement.SourcesBelow(replacement.Layers.Length);

    /// <summary>The features that have rows, in the order in which they were added.</summary>
    public List<ReplacementTarget> Features { get; } = [];

    /// <summary>Adds the rows of some targets.</summary>
    public void Add(ReplacementTarget[] targets, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor effects = replacement.Rows(targets, cancellationToken);
        _blocks.Add((targets, effects.DetachFromDisposeScope(), effects.abs().sum([-1L]).data<double>().ToArray()));
        Features.AddRange(targets.Where(target => target.Layer < replacement.Layers.Length));
    }

    /// <summary>The place of a feature among the sources.</summary>
    public int ColumnOf(ReplacementTarget feature) =>
        replacement.SourcesBelow(feature.Layer) + replacement.Length + feature.Active;

    /// <summary>
    /// How much of the logits, each weighted by its probability, comes through each source: its shares of the targets' inputs, along all
    /// paths through features that have rows.
    /// </summary>
    public double[] Influence()
    {
        using DisposeScope scope = NewDisposeScope();
        int layers = replacement.Layers.Length;
        double[] influence = new double[_sources], arriving = new double[_sources];
        // Paths of one edge, of two, and so on: each ends below the layer in which it began.
        for (int length = 0; length <= layers + 1; length++)
        {
            using DisposeScope step = NewDisposeScope();
            double[] sum = new double[_sources];
            foreach ((ReplacementTarget[] targets, Tensor effects, double[] sums) in _blocks)
            {
                // A target that nothing reaches hands nothing on.
                double[] weights = [.. targets.Select((target, i) => sums[i] == 0 ? 0 : Arriving(target, length == 0) / sums[i])];
                if (weights.All(weight => weight == 0))
                    continue;
                double[] row = tensor(weights).unsqueeze(0).matmul(effects.abs()).reshape(-1).data<double>().ToArray();
                for (int source = 0; source < row.Length; source++)
                    sum[source] += row[source];
            }
            if (sum.All(one => one == 0))
                break;
            for (int source = 0; source < _sources; source++)
                influence[source] += sum[source];
            arriving = sum;
        }
        return influence;

        double Arriving(ReplacementTarget target, bool isFirst) =>
            isFirst != (target.Layer == layers) ? 0
            : isFirst ? replacement.Logits.Probabilities[target.Active]
            : arriving[ColumnOf(target)];
    }

    /// <summary>A target's effects of all sources; those above it have none.</summary>
    public Dictionary<ReplacementTarget, double[]> Effects()
    {
        Dictionary<ReplacementTarget, double[]> rows = [];
        foreach ((ReplacementTarget[] targets, Tensor effects, _) in _blocks)
        {
            int width = (int)effects.shape[1];
            double[] all = effects.data<double>().ToArray();
            foreach ((int i, ReplacementTarget target) in targets.Index())
                rows[target] = all[(i * width)..((i + 1) * width)];
        }
        return rows;
    }

    public void Dispose()
    {
        foreach ((_, Tensor effects, _) in _blocks)
            effects.Dispose();
    }
}
