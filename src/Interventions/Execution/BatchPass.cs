using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Carries a plan out for one chunk of prompts.</summary>
internal sealed class BatchPass
{
    private readonly ExecutionPlan _execution;
    private readonly Expansion _plan;
    private readonly Slices _slices;
    private readonly BoundIntervention _intervention;
    private readonly PromptBatch _chunk;
    private readonly ReferenceValues _references;
    private readonly KeptValues _kept;
    private readonly DisposeScope _scope;
    private readonly Device _device;
    private readonly RowStore _store;
    private readonly NodeComputer _computer;
    private readonly ILookup<NodeId, KeptItem> _keptAfter;
    private readonly bool _hasGradients;

    public BatchPass(ExecutionPlan execution, HookedModel model, PromptBatch chunk, ReferenceValues references, KeptValues kept, DisposeScope scope)
    {
        _execution = execution;
        _plan = execution.Expansion;
        _slices = execution.Slices;
        _intervention = _plan.Intervention;
        _chunk = chunk;
        _references = references;
        _kept = kept;
        _scope = scope;
        _device = model.Device;
        _store = new RowStore(_plan);
        _hasGradients = !_intervention.Gradients.IsEmpty || !_intervention.Parameters.IsEmpty;
        _computer = new NodeComputer(_plan, _slices, _hasGradients, chunk, _store, new RowGather(_store, _device), _device, scope);
        _keptAfter = _plan.Kept.ToLookup(item => item.After);
    }

    /// <summary>Runs all passes.</summary>
    /// <param name="report">Told after every node.</param>
    /// <param name="cancellationToken">Looked at before every node.</param>
    public void Execute(Action report, CancellationToken cancellationToken)
    {
        for (int write = 0; write < _execution.Writes.Length; write++)
            _kept.Effects.Count(write, _execution.Writes[write]);
        foreach (PlanPass pass in _execution.Passes)
        {
            foreach (PlanStep step in pass.Nodes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Compute(pass, step);
                if (_plan.Differentiated.Contains(step.Node))
                    BeginGradients(step.Node);
                foreach (KeptItem item in _keptAfter[step.Node])
                    Keep(pass, item, gradients: null);
                foreach (NodeId node in step.Freed)
                    _store.Free(node);
                report();
            }
            if (_hasGradients)
                KeepGradients(pass);
            if (pass.IsRetained)
                _store.Retain();
            else
                _store.EndPass();
        }
    }

    private void Compute(PlanPass pass, PlanStep step)
    {
        foreach (PlanTable planned in step.Tables)
        {
            foreach (ImmutableArray<RowSet> sets in planned.Definition is null ? [planned.Sets] : _computer.Alike(planned))
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor rows =
                    step.Node == NodeId.Tokens ? Tokens(sets)
                    : step.Node == NodeId.Positions ? tensor(sets.SelectMany(set => Repeat(set.Positions.Select(position => (long)position), set.Lanes)).ToArray(), device: _device)
                    : _computer.Compute(_plan.Node(step.Node), planned, sets);
                _store.Add(step.Node, new RowTable(Own(rows, scope), sets), group => step.Written.Contains(group));
            }
        }
        // A run may read what another one wrote to this very node; they are numbered in that order, the changed run last.
        foreach (VariantGroup[] groups in step.Written.GroupBy(group => group.RunOrder, (_, groups) => groups.ToArray()).OrderBy(groups => groups[0].RunOrder))
        {
            using DisposeScope scope = NewDisposeScope();
            NodeWriter writer = new(
                _plan, _slices, _store, store => new RowGather(store, _device), (group, variant) => Arguments(pass, group, variant, null), group => pass.Variants[group.Index].Length, _kept.Effects, !_hasGradients, _device);
            if (writer.Write(step.Node, groups) is { } table)
                _store.AddWritten(step.Node, new RowTable(Own(table.Rows, scope), table.Sets));
        }
    }

    /// <summary>A handle of the chunk's own, whatever it was made from.</summary>
    private Tensor Own(Tensor rows, DisposeScope scope) => (scope.Contains(rows) ? rows : rows.alias()).moved_to(_scope);

    private Tensor Tokens(ImmutableArray<RowSet> sets)
    {
        List<long> ids = [];
        foreach (RowSet set in sets)
            foreach ((VariantGroup group, _, int count) in set.Groups)
                ids.AddRange(Repeat(_plan.Classes[set.Class].Rows.SelectMany(row => set.Positions.Select(position => _chunk.Tokens(group.TokensOf, row).Ids[position])), count));
        return tensor(ids.ToArray(), device: _device);
    }

    private static IEnumerable<long> Repeat(IEnumerable<long> values, int times)
    {
        long[] all = [.. values];
        return Enumerable.Range(0, times).SelectMany(_ => all);
    }

    /// <summary>What methods see of a variant: its own values, and those of all runs at its point.</summary>
    private Arguments Arguments(PlanPass pass, VariantGroup group, int variant, SweepPoint? point)
    {
        VariantValues Values(VariantGroup of, int at) => new(_plan, _store, new RowGather(_store, _device), _chunk, of, at, _device);
        VariantValues own = Values(group, variant);
        List<RunValues> runs = [.. Enumerable.Range(0, _plan.RunCount).Select(run => Values(_plan.Groups[run], 0))];
        if (!group.IsUnchanged)
            runs.AddRange(_intervention.Runs.Select(run => Values(_plan.RunOf(group, run.Number), variant)));
        return new Arguments(_intervention.Name, point ?? (group.IsUnchanged ? SweepPoint.None : _plan.Points[group.Points[pass.Variants[group.Index][variant]]]), own, runs, _references)
        {
            Strict = _kept.Strict,
        };
    }

    private void Keep(PlanPass pass, KeptItem item, IReadOnlyDictionary<string, RowStore>? gradients)
    {
        VariantGroup group = item.Group;
        for (int variant = 0; variant < pass.Variants[group.Index].Length; variant++)
        {
            using DisposeScope scope = NewDisposeScope();
            Arguments arguments = Arguments(pass, group, variant, item.Point);
            arguments = arguments with { Own = (VariantValues)arguments.Own with { Gradients = gradients } };
            (string name, KeptValue value) = item.Keep is { } keep
                ? (keep.Name, arguments.Reduce(keep, _plan.Name(item.Site!.Value)))
                : (item.Metric!.Node.Name, arguments.Measure(item.Metric));
            if (group.IsUnchanged)
                _kept.AddUnchanged(group.TokensOf, name, item.Part, _chunk, value);
            else
                _kept.AddChanged(group.Points[pass.Variants[group.Index][variant]], name, item.Part, _chunk, value);
        }
    }

    /// <summary>From here on gradients flow to a node's rows, whatever they come from.</summary>
    private void BeginGradients(NodeId node)
    {
        foreach (RowTable table in _store.Fresh(node))
            _store.Replace(node, table, (table.Rows.requires_grad ? table.Rows.alias() : table.Rows.detach().requires_grad_()).moved_to(_scope));
    }

    private void KeepGradients(PlanPass pass)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, RowStore> gradients = [];
        foreach (BoundMetric metric in _intervention.Gradients.Select(gradient => gradient.Metric).Distinct())
            gradients[metric.Node.Name] = Gradients(Total(pass, metric, _plan.IsDifferentiated));
        foreach (BoundParameter parameter in _intervention.Parameters)
        {
            Tensor? total = Total(pass, parameter.Metric, group => group.Run is null);
            _kept.AddParameter(parameter.Node.Name, Derivatives.Of(total, parameter.Node.Value)[0]);
        }
        // Site by site: what is pulled back is as large as all heads' copies of a residual.
        foreach (IGrouping<NodeId, KeptItem> items in _keptAfter[NodeId.AfterAll].GroupBy(item => item.Site ?? NodeId.BeforeAll))
        {
            PulledSite? pulled = _plan.Pulled.GetValueOrDefault(items.Key);
            foreach (RowStore store in gradients.Values)
                if (pulled is not null)
                    Pull(pass, items.Key, pulled, store);
            foreach (KeptItem item in items)
                Keep(pass, item, gradients);
            foreach (RowStore store in gradients.Values)
                if (pulled is not null)
                    store.Free(items.Key);
        }
    }

    /// <summary>Adds the gradients of a site to those of the node that would read it.</summary>
    private void Pull(PlanPass pass, NodeId site, PulledSite pulled, RowStore gradients)
    {
        ImmutableArray<RowSet> sets = Batching.Sets(_plan, _plan.Groups.Where(group => !pass.Variants[group.Index].IsEmpty).SelectMany(group =>
            Enumerable.Range(0, _plan.Classes.Length).Select(c => new RowSet.OfGroup(group, pass.Variants[group.Index].Length, c, _slices.Pulled[group, site, c]))));
        if (sets.IsEmpty)
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor Values(RowStore store, string node) => new RowGather(store, _device).Rows(_plan.Id(node), sets).unsqueeze(_plan.Shapes[node].PositionAxis);
        Tensor rows = pulled.Pullback([.. pulled.Inputs.Select(input => Values(_store, input))], Values(gradients, pulled.Node)).squeeze(_plan.Shapes[pulled.Site].PositionAxis);
        gradients.Add(site, new RowTable(rows.MoveToOuterDisposeScope(), sets), _ => false);
    }

    /// <summary>A metric's sum over prompts and variants: rows of different variants do not meet, so its gradient is each variant's own.</summary>
    private Tensor? Total(PlanPass pass, BoundMetric metric, Func<VariantGroup, bool> which)
    {
        Tensor[] sums =
        [
            .. _plan.Groups.Where(group => group.IsMeasured && which(group)).SelectMany(group => Enumerable.Range(0, pass.Variants[group.Index].Length)
            .SelectMany(variant => (group.IsUnchanged && metric.IsSwept ? _plan.Points : [null!]).Select(point => Arguments(pass, group, variant, point).Measure(metric).sum()))),
        ];
        return sums.Length == 0 ? null : stack(sums).sum();
    }

    private RowStore Gradients(Tensor? total)
    {
        (NodeId Node, RowTable Table)[] tables = [.. _plan.Differentiated.SelectMany(node => _store.Tables(node).Select(table => (node, table)))];
        Tensor[] found = Derivatives.Of(total, [.. tables.Select(table => table.Table.Rows)]);
        Dictionary<RowTable, Tensor> gradients = tables.Zip(found).ToDictionary(pair => pair.First.Table, pair => pair.Second);
        return _store.Like(_plan.Differentiated, table => gradients[table]);
    }
}
