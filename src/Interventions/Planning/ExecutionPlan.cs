using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>What is computed for chunks of one shape: by pass, node and group the rows, when values are kept, and when they are freed.</summary>
internal sealed class ExecutionPlan
{
    private readonly Expansion _plan;

    private ExecutionPlan(Expansion plan, OwnRows own, Slices slices, ImmutableArray<PlanPass> passes, ImmutableArray<WriteCount> writes)
    {
        _plan = plan;
        Own = own;
        Slices = slices;
        Passes = passes;
        Writes = writes;
    }

    public Expansion Expansion => _plan;

    public OwnRows Own { get; }

    public Slices Slices { get; }

    public ImmutableArray<PlanPass> Passes { get; }

    /// <summary>What becomes of what the writes select, by the write's number.</summary>
    public ImmutableArray<WriteCount> Writes { get; }

    /// <summary>How many nodes are computed, over all passes.</summary>
    public int StepCount => Passes.Sum(pass => pass.Nodes.Length);

    /// <summary>How many bytes of rows are alive at most, by estimate.</summary>
    public long PeakBytes => Passes.Max(pass => pass.PeakBytes);

    public static ExecutionPlan Create(ModelGraph graph, NodeShapes shapes, BoundIntervention intervention, PromptBatch chunk, int runs, long budget, bool isStrict = false)
    {
        Expansion plan = new(graph, shapes, intervention, chunk, runs, isStrict);
        OwnRows own = Sharing.Own(plan);
        Slices slices = Slicing.Of(plan, own);
        ImmutableArray<WriteCount> writes = PlannedWrites.Count(plan, own, slices);
        if (isStrict)
        {
            // A strict run computes more than is read, to see what writes change.
            Expansion ordinary = new(graph, shapes, intervention, chunk, runs, isStrict: false);
            OwnRows ordinaryOwn = Sharing.Own(ordinary);
            writes = [.. writes.Zip(PlannedWrites.Count(ordinary, ordinaryOwn, Slicing.Of(ordinary, ordinaryOwn)), (strict, other) => strict with { Read = other.Read })];
        }
        return new ExecutionPlan(plan, own, slices, Scheduling.Passes(plan, slices, budget), writes);
    }
}
