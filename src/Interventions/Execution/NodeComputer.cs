using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Computes rows of a node, of all variants together.</summary>
/// <param name="store">The tables.</param>
/// <param name="slices">The rows that exist.</param>
/// <param name="batch">The prompts.</param>
/// <param name="owner">Owns masks, which are made once a batch.</param>
internal sealed class NodeComputer(RowStore store, Slices slices, PromptBatch batch, DisposeScope owner)
{
    private readonly Expansion _plan = store.Plan;

    /// <summary>Masks of what positions do not see: the same in every layer.</summary>
    private readonly Dictionary<(EquatableArray<int> Positions, EquatableArray<int> Keys, Reach Reach, int Length), Tensor?> _hidden = [];

    /// <summary>
    /// Divides the sets of a table so that the inputs of each part have one shape: a variant with a written port has keys for every query
    /// head, others share keys.
    /// </summary>
    public IEnumerable<ImmutableArray<RowSet>> Alike(PlanTable planned)
    {
        NodeId[] inputs =
        [
            .. planned.Chain.Select(link => link.Definition).Append(planned.Definition!)
                .SelectMany(definition => definition.Inputs).Select(input => _plan.Id(input.Node)),
        ];
        if (inputs.All(input => store.Tables(input).Select(Signature).Distinct().Count() <= 1))
            return [planned.Sets];
        return planned.Sets
            .SelectMany(set => set.Groups.Select(group => (
                Rows: new RowSet.OfGroup(group.Group, group.Count, set.Class, PositionSet.Of(set.Positions)),
                Shapes: string.Join('|', inputs.Select(input => Signature(store.Nearest(input, group.Group, set.Class)))))))
            .GroupBy(part => part.Shapes, part => part.Rows).Select(alike => Batching.Sets(_plan, alike));

        static string Signature(RowTable? table) => table is null ? "" : string.Join(',', table.Rows.shape[1..]);
    }

    /// <summary>The rows of sets: <c>[row, …]</c>.</summary>
    public Tensor Compute(ModelNode node, PlanTable planned, ImmutableArray<RowSet> sets)
    {
        if (!planned.Definition!.LooksBeyond)
            return Pointwise(node, planned, sets);
        Tensor[] blocks = planned.Definition.Piecewise is { } piecewise
            ? [.. sets.SelectMany(set => Histories(piecewise, set)).SelectMany(block => Pieces(node, piecewise, block))]
            : [.. sets.Select(set => Whole(node, planned.Definition, set))];
        return blocks.Length == 1 ? blocks[0] : cat(blocks);
    }

    /// <summary>A node and its chain, some rows at a time: values on the way stay in the processor's cache.</summary>
    private Tensor Pointwise(ModelNode node, PlanTable planned, ImmutableArray<RowSet> sets)
    {
        int length = _plan.Classes[sets[0].Class].Length, rows = sets.Sum(set => set.Size);
        (ModelNode Node, Definition Definition)[] chain = [.. planned.Chain, (node, planned.Definition!)];
        Dictionary<string, Tensor> inputs = [];
        foreach (string input in chain.SelectMany(link => link.Definition.Inputs).Select(input => input.Node)
            .Except(chain.Select(link => link.Node.Name)))
            inputs[input] = Shape(input).Cut(store.Rows(_plan.Id(input), sets), length).unsqueeze(Shape(input).PositionAxis);
        if (_plan.Answers is { } answers && answers.Node == _plan.Id(node.Name))
            return Columns(Chain(chain[..^1], inputs, 0, rows), planned.Definition!, answers, sets).squeeze(1);

        // Values on the way that are no larger than the node's are not worth a copy of the node's rows.
        long between = chain[..^1].Select(link => Shape(link.Node.Name).Bytes).DefaultIfEmpty(0).Max();
        int block = _plan.HasGradients ? rows : (int)Batching.BlockRows(between);
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

        Tensor Finish(Tensor value) => Shape(node.Name).Pad(value.squeeze(Shape(node.Name).PositionAxis), _plan.Longest);
    }

    /// <summary>Some rows of the nodes of a chain, computed from its inputs' rows.</summary>
    private static Dictionary<string, Tensor> Chain(
        (ModelNode Node, Definition Definition)[] chain, Dictionary<string, Tensor> inputs, int first, int count)
    {
        Dictionary<string, Tensor> values = inputs.ToDictionary(
            pair => pair.Key, pair => count == pair.Value.shape[0] ? pair.Value : pair.Value.narrow(0, first, count));
        foreach ((ModelNode node, Definition definition) in chain)
            values[node.Name] = definition.Compute([.. definition.Inputs.Select(input => values[input.Node])]);
        return values;
    }

    /// <summary>The logits of each prompt's own answers, taken from the logits of all prompts' answers.</summary>
    private Tensor Columns(
        Dictionary<string, Tensor> values, Definition definition, AnswerColumns answers, ImmutableArray<RowSet> sets)
    {
        List<long[]> ids = [];
        foreach (RowSet set in sets)
        {
            for (int variant = 0; variant < set.Variants; variant++)
            {
                foreach (int prompt in _plan.Classes[set.Class].Rows)
                {
                    long[] ofPrompt = [.. answers.Columns.Select(column => column.Of(batch, prompt))];
                    ids.AddRange(Enumerable.Repeat(ofPrompt, set.Positions.Length));
                }
            }
        }
        long[] entries = [.. ids.SelectMany(row => row).Distinct()];
        Dictionary<long, long> column = entries.Select((id, i) => (id, (long)i)).ToDictionary();
        Tensor index = tensor(ids.SelectMany(row => row.Select(id => column[id])).ToArray(), device: store.Device).view(ids.Count, 1, -1);
        Tensor[] inputs = [.. definition.Inputs.Select(input => values[input.Node])];
        return definition.Entries!(inputs, tensor(entries, device: store.Device)).gather(-1, index);
    }

    /// <summary>Computes every position of the sequences, and keeps the set's.</summary>
    private Tensor Whole(ModelNode node, Definition definition, RowSet set)
    {
        int length = _plan.Classes[set.Class].Length;
        RowSet whole = set with { Positions = [.. Enumerable.Range(0, length)], Offset = 0 };
        Tensor[] inputs = [.. definition.Inputs.Select(input => Sequences(input.Node, whole))];
        Tensor value = definition.Compute(inputs).movedim([Shape(node.Name).PositionAxis], [1]);
        if (set.Positions.Length < length)
            value = value.Pick(1, tensor(set.Positions.Select(position => (long)position).ToArray(), device: store.Device));
        return Shape(node.Name).Pad(value.flatten(0, 1), _plan.Longest);
    }

    /// <summary>The rows of a block, some variants at a time.</summary>
    private IEnumerable<Tensor> Pieces(ModelNode node, Piecewise piecewise, HistoryBlock block)
    {
        RowSet set = block.Set;
        Tensor[] own = [.. piecewise.Own.Select(input => Sequences(input, set))];
        HistoryPiece[] pieces =
        [
            .. block.Pieces.Select(piece => new HistoryPiece(
                [.. piecewise.History.Zip(piece.Inputs, (input, source) => Sequences(input.Node, source.Rows))],
                Hidden(set.Positions, piece.Positions, piecewise.History[0].Reach, _plan.Classes[set.Class].Length))),
        ];
        int lanes = set.Lanes;
        long bytes = set.Positions.Length * Shape(node.Name).Bytes * set.Prompts;
        int count = _plan.HasGradients ? lanes : set.Prompts * (int)Math.Max(1, Batching.BlockBytes / bytes);
        for (int first = 0; first < lanes; first += count)
        {
            int some = Math.Min(count, lanes - first);
            // Shared inputs stay whole: a block begins with a variant's first prompt, so a lane's source is the same in every block.
            Tensor Some(Tensor of) => of.shape[0] == lanes && some < lanes ? of.narrow(0, first, some) : of;
            Tensor rows;
            // A block's own scores are freed before the next one's are made.
            using (NewDisposeScope())
            {
                Tensor value = piecewise.Compute(
                    [.. own.Select(Some)], [.. pieces.Select(piece => piece with { Inputs = [.. piece.Inputs.Select(Some)] })]);
                rows = value.movedim([Shape(node.Name).PositionAxis], [1]).flatten(0, 1).MoveToOuterDisposeScope();
            }
            yield return rows;
        }
    }

    /// <summary>Rows as sequences: <c>[lane, position, …]</c>, positions at their axis.</summary>
    private Tensor Sequences(string node, RowSet set)
    {
        Tensor rows = Shape(node).Cut(store.Rows(_plan.Id(node), [set with { Offset = 0 }]), _plan.Classes[set.Class].Length);
        return rows.view([set.Lanes, set.Positions.Length, .. rows.shape[1..]]).movedim([1], [Shape(node).PositionAxis]);
    }

    /// <summary>
    /// Divides the keys that a set's variants see into pieces: a variant's own keys, and inherited keys that all variants share. Groups
    /// that inherit different positions are computed by separate calls, each a <see cref="HistoryBlock"/>.
    /// </summary>
    private List<HistoryBlock> Histories(Piecewise piecewise, RowSet set)
    {
        int length = _plan.Classes[set.Class].Length;
        PositionSet positions = PositionSet.Of(set.Positions);
        PositionSet seen = piecewise.History
            .Select(input => positions.Backward(input.Reach, length)).Aggregate((left, right) => left | right);
        List<HistoryBlock> blocks = [];
        foreach ((VariantGroup group, _, int count) in set.Groups)
        {
            // Positions with the same owners of all inputs are a piece.
            var pieces = seen.ToArray().GroupBy(position => new EquatableArray<int>([.. piecewise.History.Select(input =>
                _plan.Owner(slices.After, group, _plan.Id(input.Node), set.Class, position).Index)]));
            RowSet Rows(VariantGroup owner, int variants, IEnumerable<int> of) =>
                set with { Groups = [(owner, 0, variants)], Variants = variants, Positions = [.. of], Offset = 0 };
            HistorySource Source(int owner, IEnumerable<int> of) => owner == group.Index
                ? new HistorySource(null, Rows(group, count, of))
                : new HistorySource(owner, Rows(_plan.Groups[owner], 1, of));
            HistoryBlock block = new(
                Rows(group, count, set.Positions),
                [.. pieces.Select(piece => new HistoryRows([.. piece], [.. piece.Key.Select(owner => Source(owner, piece))]))]);
            if (blocks.Count > 0 && blocks[^1].TryJoin(block) is { } joined)
                blocks[^1] = joined;
            else
                blocks.Add(block);
        }
        return blocks;
    }

    /// <summary>A mask of the keys outside the positions' reach; null if there is none.</summary>
    private Tensor? Hidden(ImmutableArray<int> positions, ImmutableArray<int> keys, Reach reach, int length)
    {
        if (_hidden.TryGetValue((new(positions), new(keys), reach, length), out Tensor? known))
            return known;
        bool[] hidden = [.. positions.SelectMany(position =>
        {
            PositionSet seen = PositionSet.Range(position, position + 1).Backward(reach, length);
            return keys.Select(key => !seen.Contains(key));
        })];
        return _hidden[(new(positions), new(keys), reach, length)] = hidden.Contains(true)
            ? tensor(hidden, device: store.Device).view(positions.Length, keys.Length).moved_to(owner)
            : null;
    }

    private NodeShape Shape(string node) => _plan.Shapes[node];

    /// <summary>Groups with the history that they have in common.</summary>
    private sealed record HistoryBlock(RowSet Set, ImmutableArray<HistoryRows> Pieces)
    {
        /// <summary>This block with the next one, or null: both must have the same ancestors, and own the same positions.</summary>
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
                var inputs = ImmutableArray.CreateBuilder<HistorySource>();
                foreach ((HistorySource one, HistorySource other) in left.Inputs.Zip(right.Inputs))
                {
                    if (one.Ancestor != other.Ancestor)
                        return null;
                    inputs.Add(one.Ancestor is null ? one with { Rows = Append(one.Rows, other.Rows) } : one);
                }
                pieces.Add(left with { Inputs = inputs.ToImmutable() });
            }
            return new HistoryBlock(Append(Set, next.Set), pieces.ToImmutable());
        }

        private static RowSet Append(RowSet left, RowSet right) => left with
        {
            Groups = left.Groups.AddRange(right.Groups.Select(group => (group.Group, group.First + left.Variants, group.Count))),
            Variants = left.Variants + right.Variants,
        };
    }

    /// <summary>Positions with the same owners.</summary>
    /// <param name="Positions">The positions, ascending.</param>
    /// <param name="Inputs">The rows of each input.</param>
    private sealed record HistoryRows(ImmutableArray<int> Positions, ImmutableArray<HistorySource> Inputs);

    /// <summary>Rows of one input at the positions of a piece.</summary>
    /// <param name="Ancestor">The group that owns them; null if each reader owns its own.</param>
    /// <param name="Rows">The rows.</param>
    private readonly record struct HistorySource(int? Ancestor, RowSet Rows);
}
