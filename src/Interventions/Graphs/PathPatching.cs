using System.Collections.Immutable;

namespace Interventions.Graphs;

/// <summary>Path patching as a derived run and writes (Wang et al. 2022, arXiv:2211.00593, appendix B). Called by generated code.</summary>
public static class PathPatching
{
    /// <summary>
    /// The graph with one path patch more. In the derived run every head (and every MLP, if frozen) is that of the changed run before its writes, the sender is
    /// that of the donor, and everything else is computed anew; its receivers' values are written into the changed run.
    /// </summary>
    /// <param name="graph">The declaration so far.</param>
    /// <param name="sender">The sender's site path.</param>
    /// <param name="receivers">The receivers' site paths; one at least.</param>
    /// <param name="from">The donor run of the sender.</param>
    /// <param name="freezeMlps">Whether MLPs are frozen as well.</param>
    public static InterventionGraph PathPatch(
        this InterventionGraph graph, string sender, IEnumerable<string> receivers, string from, bool freezeMlps = false)
    {
        string direct = Enumerable.Range(graph.Runs.Length, graph.Runs.Length + 1).Select(i => $"path{i}").First(name => graph.Runs.All(run => run.Name != name));
        List<WriteNode> writes = [BuiltInWrites.Freeze("blocks.*.attn.z", to: null, direct)];
        if (freezeMlps)
            writes.Add(BuiltInWrites.Freeze("blocks.*.mlp_out", to: null, direct));
        writes.Add(new WriteNode("Sender", sender, new WriteKind.Copy(from), direct));
        foreach (string receiver in receivers)
            writes.Add(new WriteNode("Receiver", receiver, new WriteKind.Copy(direct)));
        return graph with { Runs = graph.Runs.Add(new DerivedRun(direct)), Writes = graph.Writes.AddRange(writes) };
    }
}
