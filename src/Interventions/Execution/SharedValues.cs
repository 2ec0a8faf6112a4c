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
    private readonly Dictionary<Key, Tensor> _values = [];
    private readonly ILookup<NodeId, SharedNode> _unread = LastReaders(plan).ToLookup(last => last.Value, last => last.Key);

    /// <summary>A value in some prompts of the run for which a method is called; null where every variant has its own.</summary>
    public Tensor? Of(BoundRead.Shared shared, MethodCalls calls, int[] rows)
    {
        if (calls.Others is not VariantValues own || Made(shared, own, calls.Point) is not { } of)
            return null;
        Key key = new(shared.Node, of, shared.Arguments.Leaves().Any(read => read.IsSwept) ? calls.Point : null, new(rows));
        if (!_values.TryGetValue(key, out Tensor? value))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor found = calls.Compute(shared, rows);
            _values[key] = value = (scope.Contains(found) ? found : found.alias()).moved_to(owner);
        }
        return value.alias();
    }

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
        foreach ((Key key, Tensor value) in _values)
        {
            if (!which(key))
                continue;
            value.Dispose();
            _values.Remove(key);
        }
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

    /// <summary>What decides a value.</summary>
    private readonly record struct Key(SharedNode Node, EquatableArray<int> Rows, SweepPoint? Point, EquatableArray<int> Prompts);
}
