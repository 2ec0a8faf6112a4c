using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;

namespace Interventions.Execution;

/// <summary>A batch with its plan: every (node, row) is computed at most once, all variants together, and only what is read.</summary>
/// <param name="Prompts">The prompts.</param>
/// <param name="Plan">The plan; batches of one shape share it.</param>
/// <param name="Model">The model.</param>
internal sealed record PlannedBatch(PromptBatch Prompts, ExecutionPlan Plan, HookedModel Model) : IExecutor
{
    public int Steps => Plan.StepCount;

    public void Execute(PassContext context) => new BatchPass(this, context).Execute();

    /// <summary>
    /// Divides prompts into batches whose plans fit into the memory budget: of the size that the options say, or half of it, and so on.
    /// </summary>
    /// <exception cref="InterventionException">One prompt alone does not fit, or a method needs larger batches.</exception>
    public static ImmutableArray<PlannedBatch> All(
        BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        NodeShapes shapes = ShapeProbe.Of(model.Graph, model.Device);
        for (int size = options.BatchSize; ; size = (size + 1) / 2)
        {
            ImmutableArray<PlannedBatch> batches = OfSize(size);
            long needed = batches[^1].Plan.PeakBytes;
            if (needed <= options.MemoryBudget)
                return batches;
            if (size == 1)
                throw new InterventionException(
                    $"{intervention.Name}: one prompt at one point of the sweep needs about {BatchChecks.MiB(needed)}, and "
                    + $"RunOptions.MemoryBudget is {BatchChecks.MiB(options.MemoryBudget)}.");
            BatchChecks.CheckBudget(intervention, prompts, (size + 1) / 2, needed, options.MemoryBudget);
        }

        // Batches up to the first that exceeds the budget.
        ImmutableArray<PlannedBatch> OfSize(int size)
        {
            int runs = prompts.Vocabulary.Runs.Count;
            Dictionary<BatchShape, ExecutionPlan> plans = [];
            var batches = ImmutableArray.CreateBuilder<PlannedBatch>();
            foreach (PromptBatch batch in PromptBatch.Of(prompts, size, model.Graph))
            {
                BatchShape shape = BatchShape.Of(batch, runs);
                if (!plans.TryGetValue(shape, out ExecutionPlan? plan))
                    plans[shape] = plan = ExecutionPlan.Create(
                        new PlanRequest(model.Graph, shapes, intervention, batch, runs, options.MemoryBudget, options.Strict));
                batches.Add(new PlannedBatch(batch, plan, model));
                if (plan.PeakBytes > options.MemoryBudget)
                    break;
            }
            return batches.ToImmutable();
        }
    }
}
