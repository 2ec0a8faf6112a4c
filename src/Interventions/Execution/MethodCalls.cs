using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Results;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Calls a declaration's methods for one run at one point of the sweep: reads their arguments, and checks their results.</summary>
/// <param name="Intervention">The declaration, for messages.</param>
/// <param name="Point">The point.</param>
/// <param name="Own">The values of the run that is written or measured.</param>
/// <param name="Runs">The other runs, by number: those of the prompt set, then the derived ones.</param>
/// <param name="References">Means, and values of other prompts.</param>
internal sealed record MethodCalls(
    string Intervention, SweepPoint Point, RunValues Own, IReadOnlyList<RunValues> Runs, ReferenceValues References)
{
    /// <summary>The same run's values at other sites: while a site is written, <see cref="Own"/> has that site alone.</summary>
    public RunValues Others { get; init; } = Own;

    /// <summary>The gradients of the run's metrics, by metric; empty before they are taken.</summary>
    public IReadOnlyDictionary<string, RunValues> Gradients { get; init; } = ImmutableDictionary<string, RunValues>.Empty;

    /// <summary>The values that methods have in common; null where each method computes them for itself.</summary>
    public SharedValues? Common { get; init; }

    /// <summary>Checks what methods promise; null in ordinary runs.</summary>
    public StrictChecks? Strict { get; init; }

    /// <summary>Finds methods that make non-finite values; null where no result reports them.</summary>
    public FiniteLog? Finite { get; init; }

    /// <summary>The entries that a write puts at a selection; they broadcast to it.</summary>
    /// <param name="write">The write.</param>
    /// <param name="node">The node.</param>
    /// <param name="selected">The selection's shape.</param>
    /// <param name="rows">The prompts.</param>
    /// <param name="observe">Called with what each part of a fused write finds and leaves.</param>
    public Tensor Entries(BoundWrite write, string node, long[] selected, int[] rows, PartObserver? observe = null)
    {
        Tensor entries = Entries(write, write.Site, rows, selected);
        if (Strict is null || write.Node.Kind is not null)
            return entries;
        if (!write.Node.AcrossBatch)
            Strict.CheckPrompts(
                Name(write.Node.Name), rows, entries.expand(selected), some => Alone(write.Site, some, axis: 0, some.Length));
        if (write.Node.Pointwise)
            Strict.CheckPositions(Name(write.Node.Name), write.Site.PositionAxis, entries.expand(selected), some => Alone(
                write.Site with { Narrowing = new Dictionary<int, int[]> { [(int)selected[write.Site.PositionAxis]] = some } },
                rows, write.Site.PositionAxis, some.Length));
        return entries;

        Tensor Alone(BoundSite site, int[] some, int axis, long count)
        {
            long[] shape = [.. selected];
            shape[axis] = count;
            return Entries(write, site, some, shape).expand(shape);
        }

        Tensor Entries(BoundWrite write, BoundSite site, int[] some, long[] shape)
        {
            Tensor entries = CallWrite(write, Read(write.Arguments, site, node, some), observe);
            write.Node.CheckShape(entries, shape);
            if (site.Definition.WholeNumbers && entries.is_floating_point())
                throw new InterventionException(
                    $"{Name(write.Node.Name)} leaves {entries.dtype} at '{site.Text}', which holds whole numbers: return them as int64.");
            return Shapes.Broadcasts(entries.shape, shape)
                ? entries
                : throw new InterventionException(
                    $"{Name(write.Node.Name)} returned {Shapes.Describe(entries)}, which does not broadcast to the values that "
                    + $"'{site.Text}' selects, {Shapes.Describe(shape, site.Definition.Axes)}.");
        }
    }

    /// <summary>What a capture or gradient keeps of a node: <c>[batch, …]</c>.</summary>
    public RaggedTensor Reduce(BoundKeep kept, string node)
    {
        string? metric = (kept as BoundGradient)?.Metric.Node.Name;
        bool beforeWrites = kept is BoundCapture { Node.BeforeWrites: true };
        List<(int[] Rows, Tensor Values)> groups = [];
        bool isWholeTable = false;
        foreach (int[] rows in Own.Batch.RowGroups([kept.Site, .. kept.Reads.OtherSites()]))
        {
            Tensor value = Reduced(rows);
            if (!kept.AcrossBatch)
                Strict?.CheckPrompts(Name(kept.Name), rows, value, Reduced);
            groups.Add((rows, value));
        }
        return RaggedTensor.Of(groups) with { IsWholeTable = isWholeTable && groups.Count == 1 };

        Tensor Reduced(int[] rows)
        {
            Tensor[] arguments = Read(kept.Arguments, kept.Site, node, rows, metric, beforeWrites);
            Tensor value = Call(kept.Name, kept.Declared, Protected(kept.Body), arguments);
            isWholeTable = !beforeWrites && kept.Arguments.IndexOf(new BoundRead.Value()) is >= 0 and int own
                && ReferenceEquals(value, arguments[own]) && Own.IsWholeTable(kept.Site, node, Point, rows, value);
            return value.shape.Length > 0 && value.shape[0] == rows.Length
                ? value
                : throw new InterventionException(
                    $"{Name(kept.Name)} returned {Shapes.Describe(value)}; its first axis must stay the batch, [batch={rows.Length}, …].");
        }
    }

    /// <summary>A metric's value: <c>[batch]</c>.</summary>
    public Tensor Measure(BoundMetric metric)
    {
        List<(int[] Rows, Tensor Values)> groups = [];
        foreach (int[] rows in Own.Batch.RowGroups(metric.Reads.OtherSites()))
        {
            Tensor value = Measured(rows);
            if (!metric.Node.AcrossBatch)
                Strict?.CheckPrompts(Name(metric.Node.Name), rows, value, Measured);
            groups.Add((rows, value));
        }
        return RaggedBatch.Combine(groups);

        Tensor Measured(int[] rows)
        {
            Tensor[] arguments = [.. metric.Arguments.Select(read => ReadWithoutSite(read, rows))];
            Tensor value = Call(metric.Node.Name, metric.Node.Reads, Protected(metric.Node.Body), arguments);
            return value.shape is [long batch] && batch == rows.Length
                ? value
                : throw new InterventionException(
                    $"The metric {Name(metric.Node.Name)} returned {Shapes.Describe(value)}; "
                    + $"it must return one number a prompt, [batch={rows.Length}].");
        }
    }

    /// <summary>A value that methods have in common, in some prompts.</summary>
    public Tensor Compute(BoundRead.Shared shared, int[] rows) => Call(
        shared.Node.Name, [.. shared.Node.Reads], Protected(shared.Node.Body),
        [.. shared.Arguments.Select(read => ReadWithoutSite(read, rows))]);

    private string Name(string method) => $"{Intervention}.{method}";

    private Tensor CallWrite(BoundWrite write, Tensor[] arguments, PartObserver? observe) =>
        write.Node.Observed is { } observed
            // The parts of a fused write are protected one by one: a repeated call would observe them twice.
            ? Call(write.Node.Name, write.Node.Reads, given => observed(given, observe), arguments, isWatched: IsMethod(write))
            : Call(write.Node.Name, write.Node.Reads, Protected(write.Node.Body), arguments, isWatched: IsMethod(write));

    /// <summary>Whether users' methods alone make what is written.</summary>
    private static bool IsMethod(BoundWrite write) => write.Declared.All(part => part.Node.Kind is null);

    private static MethodBody Protected(MethodBody body) => arguments => PureCall.Run(arguments, body.Invoke);

    private Tensor Call(string method, ImmutableArray<Read> reads, MethodBody body, Tensor[] arguments, bool isWatched = true)
    {
        Tensor result = (Strict is null ? body(arguments) : StrictChecks.Call(Name(method), reads, arguments, given => body(given)))
            ?? throw new InterventionException($"{Name(method)} returned null; it must return a tensor.");
        if (isWatched)
            Finite?.Look(Name(method), arguments, result);
        return result;
    }

    /// <summary>The arguments of a method with a site of its own.</summary>
    private Tensor[] Read(
        ImmutableArray<BoundRead> reads, BoundSite site, string node, int[] rows, string? metric = null, bool beforeWrites = false) =>
        [.. reads.Select(read => read switch
        {
            BoundRead.Value when beforeWrites => Own.SelectBeforeWrites(site, node, Point, rows),
            BoundRead.Value => Own.Select(site, node, Point, rows),
            BoundRead.Gradient { Site: { } other } => Gradients[metric!].Select(other, other.Names(Point).Single(), Point, rows),
            BoundRead.Gradient => Gradients[metric!].Select(site, node, Point, rows),
            // A gradient of this run takes the other runs as constants.
            BoundRead.From { Site: null } from => Runs[from.Run.At(Point)].Select(site, node, Point, rows).detach(),
            BoundRead.Partner partner => References.Partners.Of(partner, site, node, Point, Own.Batch, rows),
            BoundRead.Along along => Along(along, site, node),
            BoundRead.Mean { Site: null } mean => References.Means.Of(mean, site, node, Point, Own.Batch, Own.Run, rows),
            _ => ReadWithoutSite(read, rows),
        })];

    /// <summary>A tensor, viewed so that it broadcasts to the selected value of a node.</summary>
    private Tensor Along(BoundRead.Along along, BoundSite site, string node)
    {
        if (along.Axes.IsEmpty)
            return along.Tensor.alias();
        Tensor value = along.Axes[0] == BoundRead.Along.Layer
            ? along.Tensor.select(0, site.Names(Point).ToList().IndexOf(node))
            : along.Tensor.alias();
        long[] shape = [.. Enumerable.Repeat(1L, site.Axes.Length)];
        foreach ((int axis, long size) in along.Axes.Zip(along.Tensor.shape))
            if (axis != BoundRead.Along.Layer)
                shape[axis] = size;
        return value.reshape(shape);
    }

    /// <summary>An argument that does not depend on the method's own site.</summary>
    public Tensor ReadWithoutSite(BoundRead read, int[] rows) => read switch
    {
        BoundRead.From { Site: BoundSite other } from =>
            Runs[from.Run.At(Point)].Select(other, other.Names(Point).Single(), Point, rows).detach(),
        BoundRead.Mean { Site: BoundSite averaged } mean =>
            References.Means.Of(mean, averaged, averaged.Names(Point).Single(), Point, Own.Batch, Own.Run, rows),
        BoundRead.Of of => Others.Select(of.Site, of.Site.Names(Point).Single(), Point, rows),
        BoundRead.Logits { Run: int run } logits => Runs[run].Logits(logits, Point, rows).detach(),
        BoundRead.Logits logits => Own.Logits(logits, Point, rows),
        BoundRead.Swept swept => tensor(Point[swept.Name].Number, dtype: ScalarType.Float64, device: Own.Device),
        BoundRead.AnswerIds answer => Own.AnswerIds(answer.Answer, rows),
        BoundRead.Shared shared => Common?.Of(shared, this, rows) ?? Compute(shared, rows),
        _ => throw new InvalidOperationException($"{read} needs a site of its own."),
    };
}

/// <summary>What one method of a declaration reads.</summary>
/// <param name="Site">Its own site; a metric has none.</param>
/// <param name="Reads">Its parameters.</param>
internal sealed record MethodReads(BoundSite? Site, ImmutableArray<BoundRead> Reads)
{
    /// <summary>Whether the method writes; otherwise its value is kept.</summary>
    public bool IsWrite { get; private init; }

    /// <summary>The derived run that it writes; <see langword="null"/> where it writes the changed run, or does not write.</summary>
    public int? Run { get; private init; }

    /// <summary>All methods.</summary>
    public static ImmutableArray<MethodReads> Of(BoundIntervention intervention) =>
    [
        .. intervention.Writes.Select(write => new MethodReads(write.Site, write.Reads) { IsWrite = true, Run = write.Run }),
        .. intervention.Kept.Select(keep => new MethodReads(keep.Site, keep.Reads)),
        .. intervention.Metrics.Select(metric => new MethodReads(null, metric.Reads)),
    ];

    /// <summary>
    /// The sites that it reads beside its own value, and of which run: <see langword="null"/> for the run that it writes or measures.
    /// </summary>
    public IEnumerable<(int? Run, BoundSite Site)> Sites(SweepPoint point)
    {
        foreach (BoundRead read in Reads)
        {
            if (read is BoundRead.From from)
                yield return (from.Run.At(point), from.Site ?? Site!);
            else if (read is BoundRead.Logits logits)
                yield return (logits.Run, logits.At);
            else if (read is BoundRead.Of of)
                yield return (null, of.Site);
        }
    }
}
