using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// The values that methods have in common, in one pass. Each is computed when it is read first, and freed after its last reader.
/// </summary>
/// <param name="plan">The groups.</param>
/// <param name="slices">The rows that exist.</param>
/// <param name="owner">Owns the values.</param>
internal sealed class SharedValues(Expansion plan, Slices slices, DisposeScope owner)
{
    private readonly Dictionary<Key, Stored> _values = [];
    private readonly ILookup<NodeId, SharedNode> _unread = LastReaders(plan).ToLookup(last => last.Value, last => last.Key);

    /// <summary>A value in some prompts of the run for which a method is called; null where every variant has its own.</summary>
    public Tensor? Of(BoundRead.Shared shared, MethodCalls calls, int[] rows) => Find(shared, calls, rows)?.Value.alias();

    /// <summary>Frees what no method reads after a node.</summary>
    public void FreeAfter(NodeId node)
    {
        foreach (SharedNode shared in _unread[node])
            Free(key => key.Node.Equals(shared));
    }

    /// <summary>Frees everything.</summary>
    public void Free() => Free(_ => true);

    private void Free(Func<Key, bool> which)
    {
        foreach ((Key key, Stored stored) in _values)
        {
            if (!which(key))
                continue;
            stored.Value.Dispose();
            _values.Remove(key);
            if (stored.Joined is { } joined && !_values.Values.Any(other => other.Joined == joined))
                joined.Dispose();
        }
    }

    private Stored? Find(BoundRead.Shared shared, MethodCalls calls, int[] rows)
    {
        if (calls.Others is not VariantValues own || Made(shared, own, calls.Point) is not { } of)
            return null;
        Key key = new(shared.Node, of, shared.Arguments.Leaves().Any(read => read.IsSwept) ? calls.Point : null, new(rows));
        if (!_values.TryGetValue(key, out Stored? stored))
        {
            using DisposeScope scope = NewDisposeScope();
            // Gradients remember values, so with them nothing may be written behind one.
            if (shared.Node.IsJoined && !is_grad_enabled())
                stored = Join(shared, calls, rows);
            else
            {
                Tensor found = calls.Compute(shared, rows);
                stored = new((scope.Contains(found) ? found : found.alias()).moved_to(owner), null);
            }
            _values[key] = stored;
        }
        return stored;
    }

    /// <summary>Values one after another: behind the first, if that is such a value and nothing stands behind it yet.</summary>
    private Stored Join(BoundRead.Shared shared, MethodCalls calls, int[] rows)
    {
        Stored? first = shared.Arguments[0] is BoundRead.Shared { Node.IsJoined: true } joined ? Find(joined, calls, rows) : null;
        IEnumerable<BoundRead> added = first is null ? shared.Arguments : shared.Arguments.Skip(1);
        Tensor[] values = [.. added.Select(read => calls.ReadWithoutSite(read, rows))];
        JoinedRows table = first?.Joined is { } before && before.Count == first.Value.shape[0] ? before : new(first?.Value, owner);
        return new(table.Join(values).moved_to(owner), table);
    }

    /// <summary>
    /// The rows that a value is made of: of each its group, its kind of prompts and its position. Runs that begin with the same tokens have
    /// rows in common, and names that stand elsewhere in them. A variant that is one of many keeps no value of its own rows: it would be
    /// one a variant.
    /// </summary>
    private EquatableArray<int>? Made(BoundRead.Shared shared, VariantValues own, SweepPoint point)
    {
        List<int> rows = [];
        foreach (BoundRead read in shared.Arguments.Leaves())
        {
            // A mean stands at positions of the run's tokens.
            if (read is BoundRead.Mean)
                rows.Add(own.Group.TokensOf);
            if (read.NamedSite is not { } site)
                continue;
            VariantGroup group = read switch
            {
                BoundRead.From from => plan.RunOf(own.Group, from.Run.At(point)),
                BoundRead.Logits { Run: int run } => plan.Groups[run],
                _ => own.Group,
            };
            NodeId node = plan.Id(site.Names(point).Single());
            for (int c = 0; c < plan.Classes.Length; c++)
                foreach (int position in plan.Positions(site, group.TokensOf, c, point))
                {
                    VariantGroup owner = plan.Owner(slices.After, group, node, c, position);
                    if (owner.Count > 1)
                        return null;
                    rows.AddRange([owner.Index, c, position]);
                }
        }
        return new EquatableArray<int>(rows);
    }

    /// <summary>The node after which each value is not read any more.</summary>
    private static Dictionary<SharedNode, NodeId> LastReaders(Expansion plan)
    {
        Dictionary<SharedNode, (NodeId First, NodeId Last)> read = [];
        foreach (VariantGroup group in plan.Groups)
            foreach ((string node, ImmutableArray<BoundWrite> writes) in group.Writes)
                foreach (BoundWrite write in writes)
                    Add(write.Arguments, plan.Id(node), plan.Id(node));
        foreach (KeptItem item in plan.Kept)
            Add(item.Arguments, item.After, item.After);
        // A value that others are made of is read when the first of these is, and they are computed before what they are made of is done.
        foreach (BoundRead.Shared shared in Nested(plan).OrderByDescending(Height))
            if (read.TryGetValue(shared.Node, out (NodeId First, NodeId Last) made))
                Add(shared.Arguments, made.First, made.First);
        return read.ToDictionary(shared => shared.Key, shared => shared.Value.Last);

        void Add(ImmutableArray<BoundRead> arguments, NodeId first, NodeId last)
        {
            foreach (BoundRead.Shared shared in arguments.OfType<BoundRead.Shared>())
                read[shared.Node] = read.TryGetValue(shared.Node, out (NodeId First, NodeId Last) known)
                    ? (known.First <= first ? known.First : first, NodeId.Max(known.Last, last))
                    : (first, last);
        }
    }

    /// <summary>All shared values, those of which others are made among them.</summary>
    private static IEnumerable<BoundRead.Shared> Nested(Expansion plan)
    {
        Dictionary<SharedNode, BoundRead.Shared> all = [];
        void Visit(ImmutableArray<BoundRead> arguments)
        {
            foreach (BoundRead.Shared shared in arguments.OfType<BoundRead.Shared>())
                if (all.TryAdd(shared.Node, shared))
                    Visit(shared.Arguments);
        }
        foreach (BoundWrite write in plan.Intervention.Writes.SelectMany(write => write.Declared.Prepend(write)))
            Visit(write.Arguments);
        foreach (BoundKeep keep in plan.Intervention.Kept)
            Visit(keep.Arguments);
        foreach (BoundMetric metric in plan.Intervention.Metrics)
            Visit(metric.Arguments);
        return all.Values;
    }

    private static int Height(BoundRead.Shared shared) =>
        shared.Arguments.OfType<BoundRead.Shared>().Select(Height).DefaultIfEmpty(0).Max() + 1;

    /// <summary>A value, and the table that it is the beginning of, if others were joined to it or may be.</summary>
    private sealed record Stored(Tensor Value, JoinedRows? Joined);

    /// <summary>What decides a value.</summary>
    private readonly record struct Key(SharedNode Node, EquatableArray<int> Rows, SweepPoint? Point, EquatableArray<int> Prompts);
}

/// <summary>Rows one after another in a tensor that has room for more: those that are there already are seldom copied.</summary>
internal sealed class JoinedRows : IDisposable
{
    private readonly DisposeScope _owner;
    private Tensor? _rows;

    /// <summary>A table that begins with a copy of some rows.</summary>
    public JoinedRows(Tensor? first, DisposeScope owner)
    {
        _owner = owner;
        if (first is not null)
            Add(first);
    }

    /// <summary>How many rows there are.</summary>
    public long Count { get; private set; }

    /// <summary>Writes rows behind the others, and returns all of them.</summary>
    public Tensor Join(IEnumerable<Tensor> values)
    {
        foreach (Tensor value in values)
            Add(value);
        return _rows!.narrow(0, 0, Count);
    }

    /// <inheritdoc/>
    public void Dispose() => _rows?.Dispose();

    private void Add(Tensor value)
    {
        long[] shape = value.shape;
        long count = Count + shape[0];
        if (_rows is not null && !_rows.shape.AsSpan(1).SequenceEqual(shape.AsSpan(1)))
            throw new ArgumentException($"Values that are joined have shapes that differ: [{string.Join(", ", shape)}] and "
                + $"[{string.Join(", ", _rows.shape[1..].Prepend(Count))}].");
        if (_rows is null || _rows.shape[0] < count)
        {
            Tensor larger = empty([2 * count, .. shape[1..]], value.dtype, value.device).moved_to(_owner);
            if (_rows is not null)
            {
                larger.narrow(0, 0, Count).copy_(_rows.narrow(0, 0, Count));
                _rows.Dispose();
            }
            _rows = larger;
        }
        _rows.narrow(0, Count, shape[0]).copy_(value);
        Count = count;
    }
}
