using System.Collections.Immutable;
using System.ComponentModel;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>Writes without a method, as graph nodes. Called by generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class BuiltInWrites
{
    /// <summary>0.</summary>
    public static WriteNode Zero(string site, string? run = null) => new("Zero", site, new WriteKind.Zero(), run);

    /// <summary>The value times a factor.</summary>
    public static WriteNode Scale(string site, double factor, string? run = null) => new("Scale", site, new WriteKind.Scale(factor), run);

    /// <summary>The value times each factor of a sweep, whose placeholder stands in braces.</summary>
    public static WriteNode Scale(string site, string factor, string? run = null) =>
        new("Scale", site, new WriteKind.ScaleSwept(factor), run);

    /// <summary>The value in the run <paramref name="from"/>; without a name the value in the changed run before its writes.</summary>
    public static WriteNode Freeze(string site, string? from, string? run = null) => new("Freeze", site, new WriteKind.Freeze(from), run);

    /// <summary>The value of another prompt; see <see cref="ResampleAttribute"/>.</summary>
    public static WriteNode Resample(string site, string? from, int seed, string? run = null) =>
        new("Resample", site, new WriteKind.Resample(from, seed), run);

    /// <summary>The mean over a run's prompts; see <see cref="MeanAttribute"/>.</summary>
    public static WriteNode Mean(
        string site, string? from, bool pooled, string? run = null, IPromptSet? over = null, bool acrossTemplates = false) =>
        new("Mean", site, new WriteKind.Mean(from, pooled, over, acrossTemplates), run);

    /// <summary>A mask's mixture of the value and that of the run <paramref name="from"/>; see <see cref="MixAttribute"/>.</summary>
    public static WriteNode Mix(string name, string site, Tensor mask, string? from, string[] axes, string? run = null) =>
        new(name, site, new WriteKind.Mix(mask, new EquatableArray<string>(axes), new WriteKind.Copy(from)), run);

    /// <summary>A mask's mixture of the value and what another built-in write, to the same site, would put in its place.</summary>
    public static WriteNode Mix(string name, string site, Tensor mask, WriteNode ablation, string[] axes, string? run = null)
    {
        ArgumentNullException.ThrowIfNull(ablation);
        return new(name, site, new WriteKind.Mix(mask, new EquatableArray<string>(axes), ablation.Kind!), run);
    }

    /// <summary>The value plus a tensor times a strength.</summary>
    public static WriteNode Add(string name, string site, Tensor vector, double strength, string? run = null) =>
        new(name, site, new WriteKind.Add(vector, strength), run);

    /// <summary>The value plus a tensor times each strength of a sweep, whose placeholder stands in braces.</summary>
    public static WriteNode Add(string name, string site, Tensor vector, string strength, string? run = null) =>
        new(name, site, new WriteKind.AddSwept(vector, strength), run);

    /// <summary>The value without its component along a direction.</summary>
    public static WriteNode ProjectOut(string name, string site, Tensor direction, string? run = null) =>
        new(name, site, new WriteKind.ProjectOut(direction), run);

    /// <summary>The value's component along a direction.</summary>
    public static WriteNode ProjectOnto(string name, string site, Tensor direction, string? run = null) =>
        new(name, site, new WriteKind.ProjectOnto(direction), run);
}

/// <summary>Path patching as a derived run and writes (Wang et al. 2022, arXiv:2211.00593, appendix B). Called by generated code.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class PathPatching
{
    /// <summary>The name of its writes, for messages: that of the attribute. The path of each write tells which one is meant.</summary>
    internal const string Name = "PathPatch";

    private const string Direct = "path";

    /// <summary>Whether a derived run is one in which the senders of a path patch are written.</summary>
    internal static bool IsDirect(string? run) =>
        run?.StartsWith(Direct, StringComparison.Ordinal) == true && int.TryParse(run.AsSpan(Direct.Length), out _);

    /// <summary>
    /// The path patches of a derived declaration behind those of its base: their runs have names of their own, and read the tokens of the
    /// run that they write, which the base may have derived.
    /// </summary>
    /// <param name="own">What the derived declaration says itself.</param>
    /// <param name="inherited">What its base says.</param>
    internal static InterventionGraph Behind(this InterventionGraph own, InterventionGraph inherited)
    {
        HashSet<string> taken = [.. own.Runs.Concat(inherited.Runs).Select(run => run.Name)];
        Dictionary<string, string> names = own.Runs.Select(run => run.Name)
            .Where(name => IsDirect(name) && inherited.Runs.Any(run => run.Name == name))
            .ToDictionary(name => name, _ => Enumerable.Range(taken.Count, taken.Count + 1).Select(i => $"{Direct}{i}").First(taken.Add));
        Dictionary<string, string> tokens = [];
        foreach (WriteNode receiver in own.Writes)
            if (receiver is { Name: Name, Kind: WriteKind.Copy { From: { } direct } }
                && inherited.Runs.FirstOrDefault(run => run.Name == receiver.Run)?.From is { } from)
                tokens[direct] = from;
        return names.Count + tokens.Count == 0 ? own : own with
        {
            Runs = [.. own.Runs.Select(run => new DerivedRun(Named(run.Name)!, run.From ?? tokens.GetValueOrDefault(run.Name)))],
            Writes = [.. own.Writes.Select(Frozen).Select(write => write.InRuns(Named))],
        };

        string? Named(string? run) => run is null ? null : names.GetValueOrDefault(run, run);

        WriteNode Frozen(WriteNode write) => write is { Name: Name, Kind: WriteKind.Freeze { From: null }, Run: { } run }
            && tokens.TryGetValue(run, out string? from)
            ? BuiltInWrites.Freeze(write.Site, from, run) with { Name = Name }
            : write;
    }

    /// <summary>Adds a path patch from one sender.</summary>
    /// <param name="graph">The declaration so far.</param>
    /// <param name="sender">The sender's site path.</param>
    /// <param name="receivers">The receivers' site paths; one at least.</param>
    /// <param name="from">The run whose sender value is put in.</param>
    /// <param name="freezeMlps">Whether MLPs are frozen as well.</param>
    /// <param name="run">The derived run whose receivers are written; <see langword="null"/> is the changed run.</param>
    public static InterventionGraph PathPatch(
        this InterventionGraph graph,
        string sender,
        IEnumerable<string> receivers,
        string from,
        bool freezeMlps = false,
        string? run = null) =>
        graph.PathPatch([sender], receivers, from, freezeMlps, run: run);

    /// <summary>
    /// Adds a path patch. In a derived run every head (and every MLP, if frozen) has its value in the receiving run before its writes, the
    /// senders have their values in the donor run, and everything else is computed anew. The receivers' values there are then written into
    /// the receiving run.
    /// </summary>
    /// <param name="graph">The declaration so far.</param>
    /// <param name="senders">The senders' site paths; a sender that is frozen too has the donor run's value.</param>
    /// <param name="receivers">The receivers' site paths; one at least.</param>
    /// <param name="from">The run whose sender values are put in.</param>
    /// <param name="freezeMlps">Whether MLPs are frozen as well.</param>
    /// <param name="freeze">The frozen sites; every head (<c>blocks.*.attn.z</c>) unless they are given.</param>
    /// <param name="run">The derived run whose receivers are written; <see langword="null"/> is the changed run.</param>
    public static InterventionGraph PathPatch(
        this InterventionGraph graph,
        string[] senders,
        IEnumerable<string> receivers,
        string from,
        bool freezeMlps = false,
        IEnumerable<string>? freeze = null,
        string? run = null)
    {
        string direct = Enumerable.Range(graph.Runs.Length, graph.Runs.Length + 1).Select(i => $"{Direct}{i}")
            .First(name => graph.Runs.All(known => known.Name != name));
        // The tokens of the receiving run.
        string? tokens = run is null ? null : graph.Runs.FirstOrDefault(derived => derived.Name == run)?.From;
        IEnumerable<string> frozen = (freeze ?? ["blocks.*.attn.z"]).Concat(freezeMlps ? ["blocks.*.mlp_out"] : []);
        ImmutableArray<WriteNode> writes =
        [
            .. frozen.Select(site => BuiltInWrites.Freeze(site, tokens, direct) with { Name = Name }),
            .. senders.Select(sender => new WriteNode(Name, sender, new WriteKind.Copy(from), direct)),
            .. receivers.Select(receiver => new WriteNode(Name, receiver, new WriteKind.Copy(direct), run)),
        ];
        return graph with { Runs = graph.Runs.Add(new DerivedRun(direct, tokens)), Writes = graph.Writes.AddRange(writes) };
    }
}
