using System.Collections.Immutable;
using Interventions.Execution;
using Interventions.Graphs;

namespace Interventions.Planning;

/// <summary>What is computed for chunks of one shape: by pass, node and family the rows, when values are kept, and when they are freed.</summary>
internal sealed class ExecutionPlan
{
    private readonly PlanContext _plan;

    private ExecutionPlan(PlanContext plan, OwnRows own, Slices slices, ImmutableArray<PlanPass> passes)
    {
        _plan = plan;
        Own = own;
        Slices = slices;
        Passes = passes;
    }

    public PlanContext Context => _plan;

    public OwnRows Own { get; }

    public Slices Slices { get; }

    public ImmutableArray<PlanPass> Passes { get; }

    /// <summary>How many nodes are computed, over all passes.</summary>
    public int StepCount => Passes.Sum(pass => pass.Nodes.Length);

    /// <summary>How many bytes of rows are alive at most, by estimate.</summary>
    public long PeakBytes => Passes.Max(pass => pass.PeakBytes);

    public static ExecutionPlan Create(ModelGraph graph, NodeShapes shapes, BoundIntervention intervention, PromptChunk chunk, int runs, long budget)
    {
        PlanContext plan = new(graph, shapes, intervention, chunk, runs);
        OwnRows own = Sharing.Own(plan);
        Slices slices = Slicing.Of(plan, own);
        return new ExecutionPlan(plan, own, slices, Scheduling.Passes(plan, slices, budget));
    }
}
