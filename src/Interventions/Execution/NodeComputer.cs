using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Computes rows of a node, of all variants together.</summary>
internal sealed class NodeComputer(PlanContext plan, Slices slices, bool isDifferentiated, PromptBatch chunk, RowStore store, RowGather gather, Device device, DisposeScope owner)
{
    /// <summary>What positions do not see is the same in every layer.</summary>
    private readonly Dictionary<(EquatableArray<int> Positions, EquatableArray<int> Keys, Reach Reach, int Length), Tensor?> _hidden = [];

    /// <summary>
    /// The groups in parts whose inputs have one shape: a variant with a patched port has keys for every query head, others share them.
    /// </summary>
    public IEnumerable<ImmutableArray<RowSet>> Alike(PlanBatch batch)
    {
        ImmutableArray<RowSet> groups = batch.Groups;
        int[] inputs = [.. batch.Chain.Select(link => link.Definition).Append(batch.Definition!).SelectMany(definition => definition.Inputs).Select(input => plan.Index(input.Node))];
        if (inputs.All(input => store.Tables(input).Select(table => Signature(table.Rows)).Distinct().Count() <= 1))
            return [groups];
        return groups.SelectMany(group => group.Families.Select(family => (
                Span: new RowSpan(family.VariantGroup, family.Count, group.Class, PositionSet.Of(group.Positions)),
                Shapes: string.Join('|', inputs.Select(input => Signature(Nearest(input, family.VariantGroup, group.Class))))))
            ).GroupBy(pair => pair.Shapes, pair => pair.Span).Select(alike => Batching.Groups(plan, alike));

        static string Signature(Tensor? rows) => rows is null ? "" : string.Join(',', rows.shape[1..]);

        Tensor? Nearest(int node, VariantGroup family, int c)
        {
            for (VariantGroup? at = family; at is not null; at = at.Parent is int parent ? plan.Families[parent] : null)
                if (store.Find(node, at.Index, c) is { } location)
                    return location.Table.Rows;
            return null;
        }
    }

    /// <summary>The rows of groups: <c>[row, …]</c>.</summary>
    public Tensor Compute(ModelNode node, PlanBatch batch, ImmutableArray<RowSet> groups)
    {
        if (!batch.Definition!.LooksBeyond)
            return Pointwise(node, batch, groups);
        Tensor[] blocks = batch.Definition.Piecewise is { } piecewise
            ? [.. groups.SelectMany(group => Histories(piecewise, group)).SelectMany(block => Pieces(node, piecewise, block))]
            : [.. groups.Select(group => Whole(node, batch.Definition, group))];
        return blocks.Length == 1 ? blocks[0] : cat(blocks);
    }

    /// <summary>A node and those that are computed on the way to it, some rows at a time: what lies between stays in the processor's cache.</summary>
    private Tensor Pointwise(ModelNode node, PlanBatch batch, ImmutableArray<RowSet> groups)
    {
        int length = plan.Classes[groups[0].Class].Length, rows = groups.Sum(group => group.Size);
        (ModelNode Node, Definition Definition)[] chain = [.. batch.Chain, (node, batch.Definition!)];
        Dictionary<string, Tensor> inputs = [];
        foreach (string input in chain.SelectMany(link => link.Definition.Inputs).Select(input => input.Node).Except(chain.Select(link => link.Node.Name)))
            inputs[input] = Shape(input).Cut(gather.Rows(plan.Index(input), groups), length).unsqueeze(Shape(input).PositionAxis);
        if (plan.Answers is { } answers && answers.Node == plan.Index(node.Name))
            return Columns(Chain(chain[..^1], inputs, 0, rows), batch.Definition!, answers, groups).squeeze(1);

        // What is no larger than the node itself is not worth a copy of the node's rows.
        long between = chain[..^1].Select(link => Shape(link.Node.Name).Bytes).DefaultIfEmpty(0).Max();
        int block = isDifferentiated ? rows : (int)Math.Max(64, Scheduling.BlockBytes / Math.Max(between, 1));
        if (between <= Shape(node.Name).Bytes || rows <= block)
            return Finish(Chain(chain, inputs, 0, rows)[node.Name]);
        Tensor? all = null;
        for (int first = 0; first < rows; first += block)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor part = Finish(Chain(chain, inputs, first, Math.Min(block, rows - first))[node.Name]);
            all ??= empty([rows, .. part.shape[1..]], part.dtype, part.device).MoveToOuterDisposeScope();
            all.narrow(0, first, part.shape[0]).copy_(part);
        }
        return all!;

        Tensor Finish(Tensor value) => Shape(node.Name).Pad(value.squeeze(Shape(node.Name).PositionAxis), plan.Longest);
    }

    /// <summary>Some rows of the nodes of a chain, of its inputs' rows.</summary>
    private static Dictionary<string, Tensor> Chain((ModelNode Node, Definition Definition)[] chain, Dictionary<string, Tensor> inputs, int first, int count)
    {
        Dictionary<string, Tensor> values = inputs.ToDictionary(
            pair => pair.Key, pair => count == pair.Value.shape[0] ? pair.Value : pair.Value.narrow(0, first, count));
        foreach ((ModelNode node, Definition definition) in chain)
            values[node.Name] = definition.Compute([.. definition.Inputs.Select(input => values[input.Node])]);
        return values;
    }

    /// <summary>Each prompt's answers, of the logits of all prompts' answers.</summary>
    private Tensor Columns(Dictionary<string, Tensor> values, Definition definition, AnswerColumns answers, ImmutableArray<RowSet> groups)
    {
        long[][] ids = [.. groups.SelectMany(group => Enumerable.Repeat(plan.Classes[group.Class].Rows, group.Members)
            .SelectMany(prompts => prompts).SelectMany(prompt => Enumerable.Repeat(answers.Answers.Select(answer => chunk.Answer(answer, prompt)).ToArray(), group.Positions.Length)))];
        long[] entries = [.. ids.SelectMany(row => row).Distinct()];
        Dictionary<long, long> column = entries.Select((id, i) => (id, (long)i)).ToDictionary();
        Tensor index = tensor(ids.SelectMany(row => row.Select(id => column[id])).ToArray(), device: device).view(ids.Length, 1, -1);
        return definition.Entries!([.. definition.Inputs.Select(input => values[input.Node])], tensor(entries, device: device)).gather(-1, index);
    }

    /// <summary>Every position of the sequences, of which the group's are kept.</summary>
    private Tensor Whole(ModelNode node, Definition definition, RowSet group)
    {
        int length = plan.Classes[group.Class].Length;
        RowSet whole = group with { Positions = [.. Enumerable.Range(0, length)], Offset = 0 };
        Tensor[] inputs = [.. definition.Inputs.Select(input => Sequences(input.Node, whole))];
        Tensor value = definition.Compute(inputs).movedim([Shape(node.Name).PositionAxis], [1]);
        if (group.Positions.Length < length)
            value = value.Pick(1, tensor(group.Positions.Select(position => (long)position).ToArray(), device: device));
        return Shape(node.Name).Pad(value.flatten(0, 1), plan.Longest);
    }

    /// <summary>The rows of a block, some members at a time.</summary>
    private IEnumerable<Tensor> Pieces(ModelNode node, Piecewise piecewise, HistoryBlock block)
    {
        Tensor[] own = [.. piecewise.Own.Select(input => Sequences(input, block.Group))];
        var pieces = block.Pieces.Select(piece => (
            Inputs: piecewise.History.Select((input, i) => Sequences(input.Node, piece.Inputs[i].Rows)).ToArray(),
            Hidden: Hidden(block.Group.Positions, piece.Positions, piecewise.History[0].Reach, plan.Classes[block.Group.Class].Length))).ToArray();
        int lanes = block.Group.Lanes, prompts = block.Group.Prompts;
        long bytes = block.Group.Positions.Length * Shape(node.Name).Bytes * prompts;
        int count = isDifferentiated ? lanes : prompts * (int)Math.Max(1, Scheduling.BlockBytes / bytes);
        for (int first = 0; first < lanes; first += count)
        {
            int some = Math.Min(count, lanes - first);
            // What is shared stays whole: a lane's source is the same in every block, since a block begins with a member's first prompt.
            Tensor Some(Tensor of) => of.shape[0] == lanes && some < lanes ? of.narrow(0, first, some) : of;
            Tensor rows;
            // A block's own scores are freed before the next one's are made.
            using (NewDisposeScope())
            {
                Tensor value = piecewise.Compute([.. own.Select(Some)], [.. pieces.Select(piece => new HistoryPiece([.. piece.Inputs.Select(Some)], piece.Hidden))]);
                rows = value.movedim([Shape(node.Name).PositionAxis], [1]).flatten(0, 1).MoveToOuterDisposeScope();
            }
            yield return rows;
        }
    }

    /// <summary>Rows as sequences: <c>[lane, position, …]</c>, positions at their axis.</summary>
    private Tensor Sequences(string node, RowSet group)
    {
        Tensor rows = Shape(node).Cut(gather.Rows(plan.Index(node), [group with { Offset = 0 }]), plan.Classes[group.Class].Length);
        return rows.view([group.Lanes, group.Positions.Length, .. rows.shape[1..]]).movedim([1], [Shape(node).PositionAxis]);
    }

    /// <summary>
    /// Whose keys a group's members see: those that are a member's own are a piece, and those that it inherits are its ancestors', handed over once for all members. Members of one group
    /// that inherit different positions go to different blocks.
    /// </summary>
    private IEnumerable<HistoryBlock> Histories(Piecewise piecewise, RowSet group)
    {
        int length = plan.Classes[group.Class].Length;
        PositionSet positions = PositionSet.Of(group.Positions);
        PositionSet seen = piecewise.History.Select(input => positions.Backward(input.Reach, length)).Aggregate((left, right) => left | right);
        List<HistoryBlock> blocks = [];
        foreach ((VariantGroup family, _, int count) in group.Families)
        {
            // By position, who owns each of the inputs.
            var pieces = seen.ToArray().GroupBy(
                position => new EquatableArray<int>([.. piecewise.History.Select(input => plan.Owner(slices.After, family, plan.Index(input.Node), group.Class, position).Index)]));
            RowSet Rows(int owner, IEnumerable<int> of) => owner == family.Index
                ? group with { Families = [(family, 0, count)], Members = count, Positions = [.. of], Offset = 0 }
                : group with { Families = [(plan.Families[owner], 0, 1)], Members = 1, Positions = [.. of], Offset = 0 };
            HistoryBlock block = new(
                Rows(family.Index, group.Positions),
                [.. pieces.Select(piece => new HistoryRows([.. piece], [.. piece.Key.Select(owner => (owner, owner == family.Index, Rows(owner, piece)))]))]);
            if (blocks.Count > 0 && blocks[^1].TryJoin(block) is { } joined)
                blocks[^1] = joined;
            else
                blocks.Add(block);
        }
        return blocks;
    }

    /// <summary>What lies outside the reach; null if nothing does.</summary>
    private Tensor? Hidden(ImmutableArray<int> positions, ImmutableArray<int> keys, Reach reach, int length)
    {
        if (_hidden.TryGetValue((new(positions), new(keys), reach, length), out Tensor? known))
            return known;
        bool[] hidden = [.. positions.SelectMany(position =>
        {
            PositionSet seen = PositionSet.Range(position, position + 1).Backward(reach, length);
            return keys.Select(key => !seen.Contains(key));
        })];
        return _hidden[(new(positions), new(keys), reach, length)] = hidden.Contains(true) ? tensor(hidden, device: device).view(positions.Length, keys.Length).moved_to(owner) : null;
    }

    private NodeShape Shape(string node) => plan.Shapes[node];

    /// <summary>Members with the history that they have in common.</summary>
    private sealed record HistoryBlock(RowSet Group, ImmutableArray<HistoryRows> Pieces)
    {
        /// <summary>This block with a further family, if that has the same ancestors and owns the same positions.</summary>
        public HistoryBlock? TryJoin(HistoryBlock next)
        {
            if (Pieces.Length != next.Pieces.Length)
                return null;
            var pieces = ImmutableArray.CreateBuilder<HistoryRows>();
            for (int i = 0; i < Pieces.Length; i++)
            {
                (HistoryRows left, HistoryRows right) = (Pieces[i], next.Pieces[i]);
                if (!left.Positions.AsSpan().SequenceEqual(right.Positions.AsSpan()))
                    return null;
                var inputs = ImmutableArray.CreateBuilder<(int Owner, bool IsOwn, RowSet Rows)>();
                foreach (((int Owner, bool IsOwn, RowSet Rows) one, (int Owner, bool IsOwn, RowSet Rows) other) in left.Inputs.Zip(right.Inputs))
                {
                    if (one.IsOwn != other.IsOwn || !(one.IsOwn || one.Owner == other.Owner))
                        return null;
                    inputs.Add(one.IsOwn ? one with { Rows = Append(one.Rows, other.Rows) } : one);
                }
                pieces.Add(left with { Inputs = inputs.ToImmutable() });
            }
            return new HistoryBlock(Append(Group, next.Group), pieces.ToImmutable());
        }

        private static RowSet Append(RowSet left, RowSet right) => left with
        {
            Families = left.Families.AddRange(right.Families.Select(family => (family.VariantGroup, family.First + left.Members, family.Count))),
            Members = left.Members + right.Members,
        };
    }

    /// <summary>Positions with the same owners.</summary>
    /// <param name="Positions">The positions, ascending.</param>
    /// <param name="Inputs">For each input who owns it, whether that is the reader itself, and the rows.</param>
    private sealed record HistoryRows(ImmutableArray<int> Positions, ImmutableArray<(int Owner, bool IsOwn, RowSet Rows)> Inputs);
}
