using Interventions.Binding;
using Interventions.Sites;

namespace Interventions.Generation;

/// <summary>Which runs a generation needs at a point of the sweep, and what of them.</summary>
internal sealed class GenerationDemand
{
    private readonly BoundIntervention _intervention;
    private readonly SweepPoint _point;
    private readonly Dictionary<int, HashSet<string>> _reads = [], _readBack = [];
    private readonly HashSet<int> _continued = [];

    public GenerationDemand(BoundIntervention intervention, SweepPoint point)
    {
        _intervention = intervention;
        _point = point;
        foreach (BoundWrite write in intervention.Writes.Where(write => write.Run is null))
            Visit(write.Site, write.Reads, null);
        foreach (BoundCapture capture in intervention.Captures)
        {
            Own.UnionWith(capture.Site.Names(point));
            Visit(capture.Site, capture.Reads, null);
        }
        foreach (BoundMetric metric in intervention.Metrics)
            Visit(null, metric.Reads, null);
    }

    /// <summary>What is read of the changed run.</summary>
    public HashSet<string> Own { get; } = [];

    /// <summary>What is read back of the changed run.</summary>
    public HashSet<string> OwnReadBack { get; } = [];

    /// <summary>Whether another run is read at all.</summary>
    public bool Needs(int run) => _reads.ContainsKey(run);

    /// <summary>Whether another run is read at new tokens, so that it reads the changed run's new tokens too.</summary>
    public bool Continues(int run) => _continued.Contains(run);

    /// <summary>What is read of another run.</summary>
    public IReadOnlySet<string> Reads(int run) => _reads[run];

    /// <summary>What is read back of another run.</summary>
    public IReadOnlySet<string> ReadBack(int run) => _readBack.GetValueOrDefault(run, []);

    /// <summary>The nodes that are written in a run (null: the changed one).</summary>
    public HashSet<string> Touched(int? run) => [.. _intervention.Writes.Where(write => write.Run == run).SelectMany(write => write.Site.Names(_point))];

    /// <summary>
    /// Whether a metric is measured at a pass. One that reads new tokens is measured at steps: at each if it reads <c>new</c>, as soon as all that it reads exist; else once, at
    /// that step. Any other is measured on the prompts (null).
    /// </summary>
    public static bool IsAt(BoundMetric metric, int? step, SweepPoint point)
    {
        SelectionItem[] items = [.. metric.Reads.NamedSites().SelectMany(site => site.NewItems(point))];
        if (items.Length == 0 || step is not int now)
            return items.Length == 0 && step is null;
        int complete = items.Where(item => item != NewTokens.Every).Select(item => item.Last).DefaultIfEmpty(0).Max();
        return now == complete || (now > complete && items.Contains(NewTokens.Every));
    }

    /// <param name="own">The method's site.</param>
    /// <param name="reads">What it reads.</param>
    /// <param name="of">The run that it writes; null: the changed one, or it keeps something of that.</param>
    private void Visit(BoundSite? own, IEnumerable<BoundRead> reads, int? of)
    {
        bool isAtSteps = own?.AppliesAtSteps(_point) ?? reads.NamedSites().Any(site => site.NamesNewTokens(_point));
        foreach (BoundRead read in reads)
        {
            (int? run, BoundSite? site) = read switch
            {
                BoundRead.From from => ((int?)from.Run.At(_point), from.Site ?? own),
                BoundRead.Logits logits => (logits.Run, logits.At),
                BoundRead.Of same => (null, same.Site),
                _ => ((int?)null, (BoundSite?)null),
            };
            if (site is null)
                continue;
            string[] nodes = [.. site.Names(_point)];
            bool isReadBack = isAtSteps && site.ReadsBack();
            if (run is not int other)
            {
                (of is int derived ? Set(_reads, derived) : Own).UnionWith(nodes);
                if (isReadBack)
                    (of is int readBack ? Set(_readBack, readBack) : OwnReadBack).UnionWith(nodes);
                continue;
            }
            bool isNew = !_reads.ContainsKey(other);
            Set(_reads, other).UnionWith(nodes);
            if (isReadBack)
                Set(_readBack, other).UnionWith(nodes);
            if ((isAtSteps && site.AppliesAtSteps(_point) && _continued.Add(other)) || isNew)
                foreach (BoundWrite write in _intervention.Writes.Where(write => write.Run == other))
                    Visit(write.Site, write.Reads, other);
        }
    }

    private static HashSet<string> Set(Dictionary<int, HashSet<string>> of, int run) => of.TryGetValue(run, out HashSet<string>? nodes) ? nodes : of[run] = [];
}
