using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Carries a plan out for one batch of prompts.</summary>
internal sealed class BatchPass
{
    private readonly ExecutionPlan _execution;
    private readonly Expansion _plan;
    private readonly BoundIntervention _intervention;
    private readonly PromptBatch _batch;
    private readonly PassContext _context;
    private readonly RowStore _store;
    private readonly NodeComputer _computer;
    private readonly ILookup<NodeId, KeptItem> _keptAfter;

    public BatchPass(PlannedBatch planned, PassContext context)
    {
        _execution = planned.Plan;
        _plan = _execution.Expansion;
        _intervention = _plan.Intervention;
        _batch = planned.Prompts;
        _context = context;
        _store = new RowStore(_plan, planned.Model.Device);
        _computer = new NodeComputer(_store, _execution.Slices, _batch, context.Scope);
        _keptAfter = _plan.Kept.ToLookup(item => item.After);
    }

    /// <summary>Computes all passes of the plan.</summary>
    public void Execute()
    {
        _context.Kept.Effects.Count(_execution.Writes);
        foreach (PlanPass pass in _execution.Passes)
        {
            SharedValues common = new(_plan, _execution.Slices, _context.Scope);
            PassVariants variants = new(pass, _store, _batch, _context, common);
            NodeWriter writer = new(_store, _execution.Slices, variants, _context.Kept.Effects, inPlace: !_plan.HasGradients);
            foreach (PlanStep step in pass.Nodes)
            {
                _context.CancellationToken.ThrowIfCancellationRequested();
                Compute(step);
                Write(step, writer);
                if (_plan.Differentiated.Contains(step.Node) || _plan.Segments.ContainsKey(step.Node))
                    BeginGradients(step.Node);
                foreach (KeptItem item in _keptAfter[step.Node])
                    Keep(item, variants);
                foreach (NodeId node in step.Freed)
                    _store.Free(node);
                common.FreeAfter(step.Node);
                _context.Report();
            }
            if (_plan.HasGradients)
                KeepGradients(variants);
            common.Free();
            if (pass.IsRetained)
                _store.Retain();
            else
                _store.EndPass();
        }
    }

    private void Compute(PlanStep step)
    {
        foreach (PlanTable planned in step.Tables)
        {
            foreach (ImmutableArray<RowSet> sets in step.Node.IsInput ? [planned.Sets] : _computer.Alike(planned))
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable? mode = planned.IsConstant ? no_grad() : null;
                Tensor rows = step.Node.IsInput ? Input(step.Node, sets) : _computer.Compute(_plan.Node(step.Node), planned, sets);
                _store.Add(step.Node, new RowTable(Own(rows, scope), sets), group => step.Written.Contains(group));
            }
        }
    }

    private void Write(PlanStep step, NodeWriter writer)
    {
        // A run may read what another one wrote to this very node; they are numbered in that order, the changed run last.
        foreach (IGrouping<int, VariantGroup> run in step.Written.GroupBy(group => group.RunOrder).OrderBy(run => run.Key))
        {
            using DisposeScope scope = NewDisposeScope();
            if (writer.Write(step.Node, [.. run]) is { } table)
                _store.AddWritten(step.Node, new RowTable(Own(table.Rows, scope), table.Sets));
        }
    }

    /// <summary>A handle that the batch owns; rows may be another table's tensor.</summary>
    private Tensor Own(Tensor rows, DisposeScope scope) => (scope.Contains(rows) ? rows : rows.alias()).moved_to(_context.Scope);

    /// <summary>Token ids or positions.</summary>
    private Tensor Input(NodeId node, ImmutableArray<RowSet> sets)
    {
        List<long> values = [];
        foreach (RowSet set in sets)
        {
            foreach ((VariantGroup group, _, int count) in set.Groups)
            {
                long[] ofVariant =
                [
                    .. _plan.Classes[set.Class].Rows.SelectMany(row => set.Positions.Select(position =>
                        node == NodeId.Tokens ? _batch.Tokens(group.TokensOf, row).Ids[position] : position)),
                ];
                for (int variant = 0; variant < count; variant++)
                    values.AddRange(ofVariant);
            }
        }
        return tensor(values.ToArray(), device: _store.Device);
    }

    /// <summary>Keeps a value of each variant.</summary>
    /// <param name="item">The value.</param>
    /// <param name="variants">The variants of the pass.</param>
    /// <param name="gradients">The gradients' tables, by metric; null before gradients are taken.</param>
    private void Keep(KeptItem item, PassVariants variants, Dictionary<string, RowStore>? gradients = null)
    {
        VariantGroup group = item.Group;
        for (int variant = 0; variant < variants.Count(group); variant++)
        {
            using DisposeScope scope = NewDisposeScope();
            MethodCalls calls = variants.Calls(group, variant);
            if (item.Point is { } point)
                calls = calls with { Point = point };
            if (gradients is not null)
                calls = calls with { Gradients = variants.Values(group, variant).In(gradients) };
            (string name, RaggedTensor value) = item.Keep is { } keep
                ? (keep.Name, calls.Reduce(keep, _plan.Name(item.Site!.Value)))
                : (item.Metric!.Node.Name, calls.Measure(item.Metric));
            KeptValues.Parts kept = group.IsUnchanged
                ? _context.Kept.OfRun(group.TokensOf)
                : _context.Kept.AtPoint(variants.PointOf(group, variant));
            kept.Add(name, item.Part, _batch, value);
        }
    }

    /// <summary>Makes a node's rows the beginning of gradients: derivatives are taken with respect to them.</summary>
    private void BeginGradients(NodeId node)
    {
        foreach (RowTable table in _store.Fresh(node).Where(table => IsDifferentiated(table)))
        {
            Tensor leaf = table.Rows.requires_grad ? table.Rows.alias() : table.Rows.detach().requires_grad_();
            _store.Replace(node, table, leaf.moved_to(_context.Scope));
        }
    }

    private void KeepGradients(PassVariants variants)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, RowStore> gradients = [];
        foreach (BoundMetric metric in _intervention.Gradients.Select(gradient => gradient.Metric).Distinct())
            gradients[metric.Node.Name] = Gradients(Total(metric, variants, _plan.IsDifferentiated));
        foreach (BoundParameter parameter in _intervention.Parameters)
        {
            Tensor? total = Total(parameter.Metric, variants, group => group.Run is null);
            _context.Kept.AddParameter(parameter, Derivatives.OrNull(total, parameter.Node.Value));
        }
        // Method by method: a pulled gradient is as large as all heads' copies of a residual.
        foreach (IGrouping<NodeId, KeptItem> items in _keptAfter[NodeId.AfterAll].GroupBy(item => item.Site ?? NodeId.BeforeAll))
        {
            NodeId[] sites = [.. items.SelectMany(item => item.Differentiated).Select(site => site.Node).Distinct()];
            foreach (RowStore store in gradients.Values)
            {
                foreach (NodeId site in sites.Where(_plan.Pulled.ContainsKey))
                    Pull(variants, site, _plan.Pulled[site], store);
                foreach (NodeId site in sites.Where(_plan.Segments.ContainsKey))
                    GoBack(site, _plan.Id(_plan.Segments[site].Node), store);
            }
            foreach (KeptItem item in items)
                Keep(item, variants, gradients);
            foreach (NodeId site in sites.Where(site => !_plan.Differentiated.Contains(site)))
                foreach (RowStore store in gradients.Values)
                    store.Free(site);
        }
    }

    /// <summary>Adds the gradients of a site, computed from those of the node whose detour goes through it.</summary>
    private void Pull(PassVariants variants, NodeId site, PulledSite pulled, RowStore gradients)
    {
        ImmutableArray<RowSet> sets = variants.Sets(_plan.Groups, (group, c) => _execution.Slices.Pulled[group, site, c]);
        if (sets.IsEmpty)
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor Values(RowStore store, string node) => store.Rows(_plan.Id(node), sets).unsqueeze(_plan.Shapes[node].PositionAxis);
        Tensor[] inputs = [.. pulled.Inputs.Select(input => Values(_store, input))];
        Tensor gradient = pulled.Pullback(inputs, Values(_store, pulled.Node), Values(gradients, pulled.Node))
            .squeeze(_plan.Shapes[pulled.Site].PositionAxis);
        gradients.Add(site, new RowTable(gradient.MoveToOuterDisposeScope(), sets), _ => false);
    }

    /// <summary>Adds the gradients of a site, by a backward pass from the one node that reads it.</summary>
    private void GoBack(NodeId site, NodeId node, RowStore gradients)
    {
        using DisposeScope scope = NewDisposeScope();
        RowTable[] sites = [.. _store.Tables(site).Where(IsDifferentiated)], nodes = [.. _store.Tables(node).Where(IsDifferentiated)];
        Tensor[] found = Derivatives.Back(
            [.. nodes.Select(table => table.Rows)], [.. nodes.Select(table => gradients.Rows(node, table.Sets))],
            [.. sites.Select(table => table.Rows)]);
        foreach ((RowTable table, Tensor gradient) in sites.Zip(found))
            gradients.Add(site, new RowTable(gradient.MoveToOuterDisposeScope(), table.Sets), _ => false);
    }

    /// <summary>
    /// A metric's sum over the prompts and variants of some groups; of an unchanged run also over all points, if the metric depends on the
    /// point. Rows of different variants do not meet, so the gradient of the sum is each variant's own. Null if no variant is computed.
    /// </summary>
    private Tensor? Total(BoundMetric metric, PassVariants variants, Func<VariantGroup, bool> which)
    {
        List<Tensor> sums = [];
        foreach (VariantGroup group in _plan.Groups.Where(group => group.IsMeasured && which(group)))
        {
            for (int variant = 0; variant < variants.Count(group); variant++)
            {
                MethodCalls own = variants.Calls(group, variant);
                IEnumerable<SweepPoint> points = group.IsUnchanged && metric.IsSwept ? _plan.Points : [own.Point];
                sums.AddRange(points.Select(point => (own with { Point = point }).Measure(metric).sum()));
            }
        }
        return sums.Count == 0 ? null : stack(sums).sum();
    }

    /// <summary>The gradients of a number with respect to all tables of differentiated nodes.</summary>
    private RowStore Gradients(Tensor? total)
    {
        RowTable[] tables = [.. _plan.Differentiated.SelectMany(_store.Tables).Where(IsDifferentiated)];
        Tensor[] found = Derivatives.Of(total, [.. tables.Select(table => table.Rows)]);
        Dictionary<RowTable, Tensor> gradients = tables.Zip(found).ToDictionary(pair => pair.First, pair => pair.Second);
        return _store.Like(_plan.Differentiated, gradients.GetValueOrDefault);
    }

    /// <summary>Whether a table is of runs whose gradients are taken; those of others lie in tables of their own.</summary>
    private bool IsDifferentiated(RowTable table) => table.Sets.Any(set => set.Groups.Any(member => _plan.IsDifferentiated(member.Group)));
}
