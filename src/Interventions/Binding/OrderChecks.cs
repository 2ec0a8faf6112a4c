using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Refuses what the order of computation makes meaningless, in the words of the analyzers: for calls, and for classes that no analyzer
/// looked at. The model graph says what depends on what.
/// </summary>
/// <param name="intervention">The declaration.</param>
/// <param name="graph">The model, with the declaration's splices in it.</param>
internal sealed class OrderChecks(BoundIntervention intervention, ModelGraph graph)
{
    private readonly BoundWrite[] _writes = [.. intervention.Writes.SelectMany(write => write.Declared)];
    private readonly Lazy<SweepPoint[]> _points = new(() => [.. intervention.Points()]);

    /// <summary>The readers of each node. Most runs have no path patch, and never ask.</summary>
    private readonly Lazy<ILookup<string, string>> _readers = new(() =>
        graph.Nodes.SelectMany(node => node.Detours.Select(detour => detour.Definition).Prepend(node.Definition)
            .SelectMany(definition => definition.Inputs).Select(input => (input.Node, Reader: node.Name)))
            .Distinct().ToLookup(pair => pair.Node, pair => pair.Reader));

    private readonly Dictionary<string, HashSet<string>> _downstream = [];

    /// <summary>Checks that receivers of path patches are downstream of one of their senders.</summary>
    /// <exception cref="InterventionException">One is not.</exception>
    public void CheckReceivers()
    {
        // A path patch is nothing but a derived run of senders, and receivers that are copied from it.
        BoundWrite[] sent = [.. _writes.Where(write => write.Node.Kind is WriteKind.Copy && PathPatching.IsDirect(write.Node.Run))];
        foreach (BoundWrite receiver in _writes.Where(write => write.Node is { Name: PathPatching.Name, Kind: WriteKind.Copy }))
        {
            BoundWrite[] senders = [.. sent.Where(write => Reads(receiver, write.Run).Any())];
            if (senders.Length > 0 && !senders.Any(sender => MayReach(sender.Site, receiver.Site, isOfSite: false)))
                throw Wrong(receiver.Node.Name, Sentences.Of(
                    Sentences.UpstreamReceiver, SiteOf(receiver),
                    Spelling.List([.. senders.Select(sender => $"'{SiteOf(sender)}'").Distinct()])));
        }
    }

    /// <summary>
    /// Checks that something that is kept depends on every write, and that what is captured before the writes to a site is written. A
    /// declaration that keeps nothing is made to be included, or to generate.
    /// </summary>
    /// <exception cref="InterventionException">A write reaches nothing, or there is no write.</exception>
    public void CheckReaders()
    {
        (BoundSite Site, bool IsOfSite)[] readers = [.. Kept()];
        if (!intervention.Kept.Any() && intervention.Metrics.IsEmpty)
            return;
        foreach (BoundWrite write in _writes)
            if (!Reaches(write, readers, []))
                throw Wrong(write.Node.Name, Sentences.Of(
                    Sentences.UnreadWrite, SiteOf(write), write.Node.Run is { } run ? $" in run '{run}'" : ""));
        foreach (BoundCapture capture in intervention.Captures.Where(capture => capture.Node.BeforeWrites))
            if (!_writes.Any(write => write.Run is null && Meets(write.Site, capture.Site)))
                throw Wrong(capture.Name, Sentences.Of(Sentences.NothingBefore, capture.Site.Text));
    }

    /// <summary>
    /// Checks that no write puts in what is there already: it reads the very run that it changes, at its own place, and nothing before it
    /// changes that. A declaration that keeps nothing is made to be included, behind other writes, or to generate.
    /// </summary>
    /// <exception cref="InterventionException">One does.</exception>
    public void CheckDonors()
    {
        if (!intervention.Kept.Any() && intervention.Metrics.IsEmpty)
            return;
        foreach (BoundWrite write in _writes)
        {
            int own = intervention.TokensOf(write);
            if (!ReadsOnly(write, own) || IsChangedBefore(write))
                continue;
            EquatableArray<string> runs = write.Site.Vocabulary.Runs;
            string other = runs.Where((_, i) => i != own).FirstOrDefault() ?? "…";
            bool isMethod = write.Node.Kind is null;
            string reader = isMethod ? $"'{write.Node.Name}'" : write.Node.Kind is WriteKind.Mix ? "[Mix]" : $"[{write.Node.Name}]";
            string mend = Sentences.Of(isMethod ? Sentences.ReadOther : Sentences.SayOther, other);
            throw Wrong(write.Node.Name, Sentences.Of(Sentences.OwnValue, reader, runs[own], mend, other));
        }
    }

    private bool Meets(BoundSite site, BoundSite other) => _points.Value.Any(point => Names(site, point).Overlaps(Names(other, point)));

    private bool Reaches(BoundWrite write, (BoundSite Site, bool IsOfSite)[] readers, HashSet<BoundWrite> seen) =>
        seen.Add(write) && (write.Run is null
            ? readers.Any(reader => MayReach(write.Site, reader.Site, reader.IsOfSite))
            : _writes.Any(other => Reads(other, write.Run).Any(site => MayReach(write.Site, site, isOfSite: true))
                && Reaches(other, readers, seen)));

    /// <summary>The sites in a derived run that a write reads.</summary>
    private static IEnumerable<BoundSite> Reads(BoundWrite write, int? run) => write.Reads.OfType<BoundRead.From>()
        .Where(from => from.Run.Sweep is null && from.Run.At(SweepPoint.None) == run).Select(from => from.Site ?? write.Site);

    /// <summary>
    /// Whether a write reads one run at its own place, and nothing else. Freezes are to change nothing; means and partners are of other
    /// prompts.
    /// </summary>
    private static bool ReadsOnly(BoundWrite write, int run)
    {
        BoundRead.From[] donors = [.. write.Reads.OfType<BoundRead.From>()];
        return donors.Length > 0 && donors.All(from => from is { Site: null, Run.Sweep: null } && from.Run.At(SweepPoint.None) == run)
            && write.Node.Kind switch
            {
                null => write.Reads.All(read => read is BoundRead.From or BoundRead.Value or BoundRead.Swept),
                WriteKind.Copy or WriteKind.Mix => true,
                _ => false,
            };
    }

    /// <summary>
    /// Whether the value may be another one than in the unchanged run: another write of the run reaches it, or a method itself does, in an
    /// earlier layer. A path patch has a run of its own, in which nothing else is written.
    /// </summary>
    private bool IsChangedBefore(BoundWrite write) =>
        !PathPatching.IsDirect(write.Node.Run)
        && ((write.Node.Kind is null && write.Site.IsStacked)
            || _writes.Any(other => !ReferenceEquals(other, write) && other.Run == write.Run
                && MayReach(other.Site, write.Site, isOfSite: true)));

    /// <summary>The sites in the changed run that are kept, and whether what is written to the very site counts.</summary>
    private IEnumerable<(BoundSite Site, bool IsOfSite)> Kept()
    {
        foreach (BoundKeep keep in intervention.Kept)
            if (keep.Reads.Any(read => read is BoundRead.Value or BoundRead.Gradient))
                yield return (keep.Site, keep is not BoundCapture { Node.BeforeWrites: true });
        IEnumerable<BoundRead> reads =
            intervention.Kept.SelectMany(keep => keep.Reads).Concat(intervention.Metrics.SelectMany(metric => metric.Reads));
        foreach (BoundRead read in reads)
        {
            if (read is BoundRead.Of of)
                yield return (of.Site, true);
            else if (read is BoundRead.Logits { Run: null } logits)
                yield return (logits.At, true);
        }
    }

    /// <summary>Whether at some point of the sweep a node of one site is computed from one of another, or is the same one.</summary>
    private bool MayReach(BoundSite written, BoundSite read, bool isOfSite) => _points.Value.Any(point =>
    {
        HashSet<string> wanted = Names(read, point);
        return Names(written, point).Any(node => (isOfSite && wanted.Contains(node)) || Downstream(node).Overlaps(wanted));
    });

    private HashSet<string> Downstream(string node)
    {
        if (_downstream.TryGetValue(node, out HashSet<string>? found))
            return found;
        found = [];
        Stack<string> open = new([node]);
        while (open.TryPop(out string? next))
            foreach (string reader in _readers.Value[next])
                if (found.Add(reader))
                    open.Push(reader);
        return _downstream[node] = found;
    }

    private static HashSet<string> Names(BoundSite site, SweepPoint point) => [.. site.Names(point)];

    private static string SiteOf(BoundWrite write) => write.Site.Resolution.Path.Site;

    private InterventionException Wrong(string member, string problem) => new($"{intervention.Name}.{member}: {problem}");
}

/// <summary>Checks an intervention of calls against the prompts that it runs on, call by call.</summary>
internal static class CallChecks
{
    /// <summary>The graph of the calls.</summary>
    /// <exception cref="InterventionException">A name is not in the prompt set.</exception>
    public static InterventionGraph GraphFor(this Intervention intervention, IPromptSet prompts)
    {
        ArgumentNullException.ThrowIfNull(intervention);
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph graph = intervention.Graph with { PromptFingerprint = prompts.Vocabulary.Fingerprint };
        string[] derived = [.. graph.Runs.Select(run => run.Name)];
        foreach (CallNames call in intervention.Calls)
        {
            call.CheckSites(graph.Name, intervention.Names, prompts.Vocabulary);
            call.CheckPrompts(graph.Name, derived, prompts.Vocabulary);
        }
        intervention.CheckPoints(prompts.Vocabulary);
        return graph;
    }
}
