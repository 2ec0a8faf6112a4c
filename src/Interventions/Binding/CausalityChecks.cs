using Interventions.ModelGraphs;

namespace Interventions.Binding;

/// <summary>Refuses writes that read a value of their own run which is not there yet, before anything is computed.</summary>
internal static class CausalityChecks
{
    /// <exception cref="InterventionException">What a write reads is not computed before what it writes.</exception>
    public static void Check(BoundIntervention intervention, ModelGraph graph)
    {
        Dictionary<string, int> order = graph.Nodes.Select((node, i) => (node.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i);
        foreach (BoundWrite write in intervention.Writes.SelectMany(write => write.Parts.IsEmpty ? [write] : write.Parts))
            foreach (BoundRead.Of of in write.Reads.OfType<BoundRead.Of>())
                foreach (SweepPoint point in intervention.Points())
                    if (order[of.Site.Names(point).Single()] >= write.Site.Names(point).Min(node => order[node]))
                        throw new InterventionException($"{write.Site.Where}: '{write.Site.Text}' is written before '{of.Site.Text}', which it reads, exists in the same run.");
    }
}
