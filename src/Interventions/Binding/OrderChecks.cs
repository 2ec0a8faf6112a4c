using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Refuses what the order of computation makes meaningless, with the sentences of the analyzers: for calls, and for classes that were
/// compiled without them.
/// </summary>
internal static class OrderChecks
{
    private static readonly SitePath s_logits = SitePath.Parse("logits");

    /// <summary>Checks that receivers of path patches are downstream of their senders, and that no write waits for its own run.</summary>
    /// <exception cref="InterventionException">One is not, or does.</exception>
    public static void Check(InterventionGraph graph, ModelSchema schema)
    {
        WriteNode[] writes = [.. graph.Writes.SelectMany(write => write.Declared)];
        foreach (WriteNode write in writes)
        {
            if (write.Run is { } own && write.Reads.Any(read => read is Read.From from && from.Run == own))
                throw Wrong(graph, write.Name, Sentences.Of(
                    Sentences.LaterValue, write.Site, Sentences.Of(Sentences.RunIsComplete, own)));
            // A path patch is nothing but a derived run of senders, and receivers that are copied from it.
            if (write is not { Name: PathPatching.Receiver, Kind: WriteKind.Copy { From: { } direct } })
                continue;
            IEnumerable<WriteNode> sending = writes.Where(other => other.Run == direct && other.Name == PathPatching.Sender);
            SitePath[] senders = [.. sending.Select(sender => SitePath.Parse(sender.Site))];
            if (senders.Length > 0 && SiteOrder.Upstream(senders, SitePath.Parse(write.Site), schema) is { } problem)
                throw Wrong(graph, write.Name, problem);
        }
    }

    /// <summary>
    /// Checks that what is kept depends on every write, and that what is captured before the writes to a site is written. A declaration
    /// that keeps nothing is made to be included, or to generate.
    /// </summary>
    /// <exception cref="InterventionException">A write reaches nothing, or there is no write.</exception>
    public static void CheckReaders(InterventionGraph graph, ModelSchema schema)
    {
        Reader[] readers = [.. Readers(graph)];
        WriteNode[] writes = [.. graph.Writes.SelectMany(write => write.Declared)];
        if (graph.Captures.IsEmpty && graph.Gradients.IsEmpty && graph.Metrics.IsEmpty)
            return;
        foreach (WriteNode write in writes)
            if (!Reaches(write, readers, writes, schema, []))
                throw Wrong(graph, write.Name, Sentences.Of(
                    Sentences.UnreadWrite, SitePath.Parse(write.Site).Site, write.Run is { } run ? $" in run '{run}'" : ""));
        foreach (CaptureNode capture in graph.Captures.Where(capture => capture.BeforeWrites))
        {
            SiteDefinition? site = Site(capture.Site);
            if (!writes.Any(write => write.Run is null && Site(write.Site) == site))
                throw Wrong(graph, capture.Name, Sentences.Of(Sentences.NothingBefore, capture.Site));
        }

        SiteDefinition? Site(string path) => ResolvedPath.Of(SitePath.Parse(path), schema).Site;
    }

    private static bool Reaches(WriteNode write, Reader[] readers, WriteNode[] writes, ModelSchema schema, HashSet<WriteNode> seen)
    {
        if (!seen.Add(write))
            return false;
        SitePath path = SitePath.Parse(write.Site);
        return write.Run is null
            ? readers.Any(reader => SiteOrder.MayReach(path, reader.Path, reader.IsBefore, schema))
            : writes.Any(other => Donors(other, write.Run).Any(read => SiteOrder.MayReach(path, read, false, schema))
                && Reaches(other, readers, writes, schema, seen));
    }

    /// <summary>The places in a derived run that a write reads.</summary>
    private static IEnumerable<SitePath> Donors(WriteNode write, string run) => write.Reads.OfType<Read.From>()
        .Where(from => from.Run == run).Select(from => SitePath.Parse(from.Site ?? write.Site));

    /// <summary>The places in the changed run that are kept.</summary>
    private static IEnumerable<Reader> Readers(InterventionGraph graph)
    {
        IEnumerable<(string? Site, bool IsBefore, Read Read)> reads =
        [
            .. graph.Captures.SelectMany(capture => capture.Reads.Select(read => ((string?)capture.Site, capture.BeforeWrites, read))),
            .. graph.Gradients.SelectMany(gradient => gradient.Reads.Select(read => ((string?)gradient.Site, false, read))),
            .. graph.Metrics.SelectMany(metric => metric.Reads.Select(read => ((string?)null, false, read))),
        ];
        foreach ((string? site, bool isBefore, Read read) in reads)
        {
            SitePath? path = read switch
            {
                Read.Value or Read.Gradient => SitePath.Parse(site!),
                Read.Of of => SitePath.Parse(of.Site),
                Read.Logit { In: null } or Read.Logits { In: null } => s_logits,
                _ => null,
            };
            if (path is not null)
                yield return new Reader(path, isBefore && read is Read.Value);
        }
    }

    private static InterventionException Wrong(InterventionGraph graph, string member, string problem) =>
        new($"{graph.Name}.{member}: {problem}");

    /// <summary>A place that is read.</summary>
    /// <param name="Path">The path.</param>
    /// <param name="IsBefore">Whether it is read as it is before the writes to that very site.</param>
    private sealed record Reader(SitePath Path, bool IsBefore);
}

/// <summary>Checks an intervention of calls against the prompts that it runs on, call by call.</summary>
internal static class CallChecks
{
    /// <summary>The graph of the calls.</summary>
    /// <exception cref="InterventionException">A name is not in the prompt set, or a write or capture means nothing.</exception>
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
        OrderChecks.CheckReaders(graph, intervention.Names);
        return graph;
    }
}
