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
    private readonly PlanContext _plan;
    private readonly Slices _slices;
    private readonly BoundIntervention _intervention;
    private readonly PromptBatch _chunk;
    private readonly ReferenceValues _references;
    private readonly KeptValues _kept;
    private readonly DisposeScope _scope;
    private readonly Device _device;
    private readonly RowStore _store;
    private readonly NodeComputer _computer;
    private readonly ILookup<int, KeptItem> _keptAfter;
    private readonly bool _hasGradients;

    public BatchPass(ExecutionPlan execution, HookedModel model, PromptBatch chunk, ReferenceValues references, KeptValues kept, DisposeScope scope)
    {
        _execution = execution;
        _plan = execution.Context;
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
        _keptAfter = KeptItem.Of(_plan, _plan.Families).ToLookup(item => item.Node);
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
                foreach (int node in step.Freed)
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
        foreach (PlanBatch batch in step.Batches)
        {
            foreach (ImmutableArray<RowSet> groups in batch.Definition is null ? [batch.Groups] : _computer.Alike(batch))
            {
                using DisposeScope scope = NewDisposeScope();
                Tensor rows = step.Node switch
                {
                    0 => Tokens(groups),
                    1 => tensor(groups.SelectMany(group => Repeat(group.Positions.Select(position => (long)position), group.Lanes)).ToArray(), device: _device),
                    _ => _computer.Compute(_plan.Nodes[step.Node - 2], batch, groups),
                };
                _store.Add(step.Node, new RowTable(Own(rows, scope), groups), family => step.Written.Contains(family));
            }
        }
        // A run may read what another one wrote to this very node; they are numbered in that order, the changed run last.
        foreach (VariantGroup[] families in step.Written.GroupBy(family => family.Run ?? int.MaxValue, (_, families) => families.ToArray()).OrderBy(families => families[0].Run ?? int.MaxValue))
        {
            using DisposeScope scope = NewDisposeScope();
            NodeWriter writer = new(
                _plan, _slices, _store, store => new RowGather(store, _device), (family, member) => Arguments(pass, family, member, null), family => pass.Members[family.Index].Length, _kept.Effects, !_hasGradients, _device);
            if (writer.Write(step.Node, families) is { } table)
                _store.AddWritten(step.Node, new RowTable(Own(table.Rows, scope), table.Groups));
        }
    }

    /// <summary>A handle of the chunk's own, whatever it was made from.</summary>
    private Tensor Own(Tensor rows, DisposeScope scope) => (scope.Contains(rows) ? rows : rows.alias()).moved_to(_scope);

    private Tensor Tokens(ImmutableArray<RowSet> groups)
    {
        List<long> ids = [];
        foreach (RowSet group in groups)
            foreach ((VariantGroup family, _, int count) in group.Families)
                ids.AddRange(Repeat(_plan.Classes[group.Class].Rows.SelectMany(row => group.Positions.Select(position => _chunk.Tokens(family.TokensOf, row).Ids[position])), count));
        return tensor(ids.ToArray(), device: _device);
    }

    private static IEnumerable<long> Repeat(IEnumerable<long> values, int times)
    {
        long[] all = [.. values];
        return Enumerable.Range(0, times).SelectMany(_ => all);
    }

    /// <summary>What methods see of a member: its own values, and those of all runs at its point.</summary>
    private Arguments Arguments(PlanPass pass, VariantGroup family, int member, SweepPoint? point)
    {
        VariantValues Values(VariantGroup of, int at) => new(_plan, _store, new RowGather(_store, _device), _chunk, of, at, _device);
        VariantValues own = Values(family, member);
        List<RunValues> runs = [.. Enumerable.Range(0, _plan.RunCount).Select(run => Values(_plan.Families[run], 0))];
        if (!family.IsUnchanged)
            runs.AddRange(_intervention.Runs.Select(run => Values(_plan.RunOf(family, run.Number), member)));
        return new Arguments(_intervention.Name, point ?? (family.IsUnchanged ? SweepPoint.None : _plan.Points[family.Points[pass.Members[family.Index][member]]]), own, runs, _references)
        {
            Strict = _kept.Strict,
        };
    }

    private void Keep(PlanPass pass, KeptItem item, IReadOnlyDictionary<string, RowStore>? gradients)
    {
        VariantGroup family = item.VariantGroup;
        for (int member = 0; member < pass.Members[family.Index].Length; member++)
        {
            using DisposeScope scope = NewDisposeScope();
            Arguments arguments = Arguments(pass, family, member, item.Point);
            arguments = arguments with { Own = (VariantValues)arguments.Own with { Gradients = gradients } };
            (string name, KeptValue value) = item.Keep is { } keep
                ? (keep.Name, arguments.Reduce(keep, keep.Site.Names(arguments.Point).ElementAt(item.NameIndex)))
                : (item.Metric!.Node.Name, arguments.Measure(item.Metric));
            if (family.IsUnchanged)
                _kept.AddUnchanged(family.TokensOf, name, item.Part, _chunk, value);
            else
                _kept.AddChanged(family.Points[pass.Members[family.Index][member]], name, item.Part, _chunk, value);
        }
    }

    /// <summary>From here on gradients flow to a node's rows, whatever they come from.</summary>
    private void BeginGradients(int node)
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
            Tensor? total = Total(pass, parameter.Metric, family => family.Run is null);
            _kept.AddParameter(parameter.Node.Name, Derivatives.Of(total, parameter.Node.Value)[0]);
        }
        // Site by site: what is pulled back is as large as all heads' copies of a residual.
        foreach (IGrouping<int, KeptItem> items in _keptAfter[int.MaxValue].GroupBy(item => item.Keep is null ? -1 : item.Reads[0]))
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
    private void Pull(PlanPass pass, int site, PulledSite pulled, RowStore gradients)
    {
        ImmutableArray<RowSet> groups = Batching.Groups(_plan, _plan.Families.Where(family => !pass.Members[family.Index].IsEmpty).SelectMany(family =>
            Enumerable.Range(0, _plan.Classes.Length).Select(c => new RowSpan(family, pass.Members[family.Index].Length, c, _slices.Pulled[family.Index, site, c]))));
        if (groups.IsEmpty)
            return;
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor Values(RowStore store, string node) => new RowGather(store, _device).Rows(_plan.Index(node), groups).unsqueeze(_plan.Shapes[node].PositionAxis);
        Tensor rows = pulled.Pullback([.. pulled.Inputs.Select(input => Values(_store, input))], Values(gradients, pulled.Node)).squeeze(_plan.Shapes[pulled.Site].PositionAxis);
        gradients.Add(site, new RowTable(rows.MoveToOuterDisposeScope(), groups), _ => false);
    }

    /// <summary>A metric's sum over prompts and members: rows of different members do not meet, so its gradient is each member's own.</summary>
    private Tensor? Total(PlanPass pass, BoundMetric metric, Func<VariantGroup, bool> which)
    {
        Tensor[] sums =
        [
            .. _plan.Families.Where(family => family.IsMeasured && which(family)).SelectMany(family => Enumerable.Range(0, pass.Members[family.Index].Length)
            .SelectMany(member => (family.IsUnchanged && metric.IsSwept ? _plan.Points : [null!]).Select(point => Arguments(pass, family, member, point).Measure(metric).sum()))),
        ];
        return sums.Length == 0 ? null : stack(sums).sum();
    }

    private RowStore Gradients(Tensor? total)
    {
        (int Node, RowTable Table)[] tables = [.. _plan.Differentiated.SelectMany(node => _store.Tables(node).Select(table => (node, table)))];
        Tensor[] found = Derivatives.Of(total, [.. tables.Select(table => table.Table.Rows)]);
        Dictionary<RowTable, Tensor> gradients = tables.Zip(found).ToDictionary(pair => pair.First.Table, pair => pair.Second);
        return _store.Like(_plan.Differentiated, table => gradients[table]);
    }
}
