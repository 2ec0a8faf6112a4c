using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;

namespace Interventions.Features;

/// <summary>
/// Finds the features that become nodes: first the logits' rows, then again and again the rows of the features with the most influence so
/// far, until there are enough.
/// </summary>
internal sealed class AttributionSearch(
    DecoderModel model, LocalReplacement replacement, IReadOnlyList<long> tokens, AttributionGraphOptions options)
{
    /// <summary>How many backward passes there are between two rankings.</summary>
    private const int PassesAtOnce = 4;

    private readonly int _layers = replacement.Layers.Length;

    /// <summary>The name of the set of transcoders.</summary>
    public string? Name { get; init; }

    public AttributionGraph Run(CancellationToken cancellationToken)
    {
        int batch = options.Run.BatchSize;
        ReplacementTarget[] logits =
            [.. replacement.Logits.Targets.Select((_, i) => new ReplacementTarget(_layers, replacement.Length - 1, i))];
        List<ReplacementTarget> open = [.. replacement.Layers.SelectMany((layer, i) =>
            layer.Positions.Select((position, active) => new ReplacementTarget(i, position, active)))];
        (int active, int wanted) = (open.Count, Math.Min(options.MostFeatures, open.Count));
        int done = 0;
        using AttributionRows rows = new(replacement);
        foreach (ReplacementTarget[] some in logits.Chunk(batch))
            Add(some);
        while (rows.Features.Count < wanted)
        {
            if (wanted < active)
            {
                double[] influence = rows.Influence();
                open = [.. open.OrderByDescending(feature => influence[rows.ColumnOf(feature)])]; // a stable order
            }
            ReplacementTarget[] next = [.. open.Take(Math.Min(wanted - rows.Features.Count, batch * PassesAtOnce))];
            open.RemoveRange(0, next.Length);
            foreach (ReplacementTarget[] some in next.OrderBy(feature => feature.Layer).Chunk(batch))
                Add(some);
        }
        return Graph(rows, logits, active);

        void Add(ReplacementTarget[] targets)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows.Add(targets, cancellationToken);
            options.Run.Progress?.Report(new RunProgress(done += targets.Length, logits.Length + wanted));
        }
    }

    private AttributionGraph Graph(AttributionRows rows, ReplacementTarget[] logits, int active)
    {
        int length = replacement.Length;
        ReplacementTarget[] features = [.. rows.Features.OrderBy(rows.ColumnOf)];
        string[] texts = [.. tokens.Select(token => TokenTexts.Of(model, token))];
        ImmutableArray<AttributionNode> nodes =
        [
            .. features.Select(feature => FeatureNode(feature, texts)),
            .. Enumerable.Range(0, _layers).SelectMany(layer => Enumerable.Range(0, length).Select(
                at => new AttributionNode(AttributionNodeKind.Error, layer, at, -1) { Text = texts[at] })),
            .. tokens.Select((token, at) => new AttributionNode(AttributionNodeKind.Token, -1, at, (int)token) { Text = texts[at] }),
            .. replacement.Logits.Nodes(model, length),
        ];
        // Where each source of the graph is among all of them: features, errors, tokens.
        int[] columns =
        [
            .. features.Select(rows.ColumnOf),
            .. Enumerable.Range(0, _layers).SelectMany(layer => Enumerable.Range(replacement.SourcesBelow(layer), length)),
            .. Enumerable.Range(0, length),
        ];
        Dictionary<ReplacementTarget, double[]> effects = rows.Effects();
        List<double[]> kept = [];
        List<TargetTerms> terms = [];
        foreach ((int row, ReplacementTarget target) in features.Concat(logits).Index())
        {
            double[] all = effects[target];
            double[] own = [.. columns.Select(column => column < all.Length ? all[column] : 0)];
            kept.Add(own);
            double inputs = own.Sum();
            AttributionNode node = nodes[row < features.Length ? row : row - features.Length + nodes.Length - logits.Length];
            terms.Add(new TargetTerms(node, replacement.Value(target), inputs, all.Sum() - inputs, replacement.Constant(target)));
        }
        return new AttributionGraph(nodes, features.Length, [.. kept], [.. terms])
        {
            ActiveFeatures = active,
            Tokens = [.. tokens],
            TokenTexts = [.. texts],
            Layers = _layers,
            TranscoderName = Name,
        };
    }

    private AttributionNode FeatureNode(ReplacementTarget feature, string[] texts)
    {
        ActiveLayer layer = replacement.Layers[feature.Layer];
        return new AttributionNode(AttributionNodeKind.Feature, feature.Layer, feature.Position, layer.Features[feature.Active])
        {
            Activation = layer.Activations[feature.Active],
            Text = texts[feature.Position],
        };
    }
}
