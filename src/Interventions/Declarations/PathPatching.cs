using System.Collections.Immutable;

namespace Interventions.Runtime;

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
        this InterventionGraph graph, string sender, IEnumerable<string> receivers, string from, bool freezeMlps = false) =>
        graph.PathPatch([sender], receivers, from, freezeMlps);

    /// <summary>The same with several senders at once, and a choice of what is frozen.</summary>
    /// <param name="graph">The declaration so far.</param>
    /// <param name="senders">The senders' site paths; they are those of the donor also where they are frozen.</param>
    /// <param name="receivers">The receivers' site paths; one at least.</param>
    /// <param name="from">The donor run of the senders.</param>
    /// <param name="freezeMlps">Whether MLPs are frozen as well.</param>
    /// <param name="freeze">What else is frozen; every head (<c>blocks.*.attn.z</c>) unless it is given.</param>
    public static InterventionGraph PathPatch(
        this InterventionGraph graph, string[] senders, IEnumerable<string> receivers, string from, bool freezeMlps = false, IEnumerable<string>? freeze = null)
    {
        string direct = Enumerable.Range(graph.Runs.Length, graph.Runs.Length + 1).Select(i => $"path{i}").First(name => graph.Runs.All(run => run.Name != name));
        WriteNode[] writes =
        [
            .. (freeze ?? ["blocks.*.attn.z"]).Concat(freezeMlps ? ["blocks.*.mlp_out"] : []).Select(site => BuiltInWrites.Freeze(site, to: null, direct)),
            .. senders.Select(sender => new WriteNode("Sender", sender, new WriteKind.Copy(from), direct)),
            .. receivers.Select(receiver => new WriteNode("Receiver", receiver, new WriteKind.Copy(direct))),
        ];
        return graph with { Runs = graph.Runs.Add(new DerivedRun(direct)), Writes = graph.Writes.AddRange(writes) };
    }
}
