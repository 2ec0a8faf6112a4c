using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using TorchSharp;

namespace Interventions.Execution;

/// <summary>Runs an intervention by a plan: every (node, row) at most once, all variants together, and only what is read.</summary>
/// <param name="intervention">The intervention.</param>
/// <param name="model">The model.</param>
/// <param name="runCount">How many runs the prompt set has.</param>
internal sealed class PlanExecutor(BoundIntervention intervention, HookedModel model, int runCount) : IExecutor
{
    /// <summary>Chunks of one shape have one plan.</summary>
    private readonly Dictionary<string, ExecutionPlan> _plans = [];

    /// <summary>Everything is planned, and refused if need be, before the first pass. What does not fit into the budget is run with fewer prompts at a time.</summary>
    public PromptBatch[] Chunks(IPromptSet prompts, RunOptions options)
    {
        NodeShapes shapes = ShapeProbe.Of(model.Graph, model.Device);
        for (int size = options.BatchSize; ; size = (size + 1) / 2)
        {
            _plans.Clear();
            List<PromptBatch> chunks = [];
            bool fits = true;
            foreach (PromptBatch chunk in PromptBatch.Of(prompts, size, model.Graph))
            {
                string shape = PromptClass.Shape(chunk, runCount);
                if (!_plans.TryGetValue(shape, out ExecutionPlan? plan))
                    _plans[shape] = plan = ExecutionPlan.Create(model.Graph, shapes, intervention, chunk, runCount, options.MemoryBudget, options.Strict);
                fits = plan.PeakBytes <= options.MemoryBudget;
                if (!fits && size > 1)
                {
                    BatchChecks.CheckBudget(intervention, prompts, (size + 1) / 2, plan.PeakBytes, options.MemoryBudget);
                    break;
                }
                if (!fits)
                    throw new InterventionException(
                        $"{intervention.Name}: one prompt at one point of the sweep needs about {BatchChecks.MiB(plan.PeakBytes)}, and RunOptions.MemoryBudget is {BatchChecks.MiB(options.MemoryBudget)}.");
                chunks.Add(chunk);
            }
            if (fits)
                return [.. chunks];
        }
    }

    /// <summary>The plans of a run, one a shape of its batches.</summary>
    public IReadOnlyCollection<ExecutionPlan> Plans(IPromptSet prompts, RunOptions options)
    {
        Chunks(prompts, options);
        return _plans.Values;
    }

    public int Steps(PromptBatch chunk) => Plan(chunk).StepCount;

    public void Execute(PromptBatch chunk, ReferenceValues references, KeptValues kept, DisposeScope scope, Action report, CancellationToken cancellationToken) =>
        new BatchPass(Plan(chunk), model, chunk, references, kept, scope).Execute(report, cancellationToken);

    private ExecutionPlan Plan(PromptBatch chunk) => _plans[PromptClass.Shape(chunk, runCount)];
}
