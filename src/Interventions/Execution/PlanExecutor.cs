using System.Collections.Immutable;
using Interventions.Graphs;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Runs an intervention by a plan: every (node, row) at most once, all variants together, and only what is read.</summary>
internal sealed class PlanExecutor(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options)
{
    private readonly SweepPoint[] _points = [.. intervention.Points()];
    private readonly int _runCount = prompts.Vocabulary.Runs.Count;

    public RunOutput Execute(CancellationToken cancellationToken)
    {
        using IDisposable mode = intervention.Gradients.IsEmpty && intervention.Parameters.IsEmpty ? no_grad() : enable_grad();
        using DisposeScope scope = NewDisposeScope();
        KeptValues kept = new(intervention, prompts.Vocabulary.Runs, _points.Length, scope);
        ReferenceValues references = new(intervention, model, prompts, options, scope);
        EffectLog effects = new(intervention, scope);
        StrictChecks? strict = options.Strict ? new() : null;
        (PromptChunk Chunk, ExecutionPlan Plan)[] chunks = Plan();
        int total = chunks.Sum(chunk => chunk.Plan.StepCount), done = 0;
        foreach ((PromptChunk chunk, ExecutionPlan plan) in chunks)
        {
            using DisposeScope chunkScope = NewDisposeScope();
            new ChunkRun(plan, model, chunk, references, kept, effects, strict, chunkScope).Execute(() => options.Progress?.Report(new RunProgress(++done, total)), cancellationToken);
        }
        return kept.ToOutput(effects, strict);
    }

    /// <summary>The plans of the run, one a shape of its batches.</summary>
    public IEnumerable<ExecutionPlan> Plans() => Plan().Select(chunk => chunk.Plan).Distinct();

    /// <summary>Everything is planned, and refused if need be, before the first pass. What does not fit into the budget is run with fewer prompts at a time.</summary>
    private (PromptChunk Chunk, ExecutionPlan Plan)[] Plan()
    {
        NodeShapes shapes = NodeShapes.Of(model.Graph, model.Device);
        for (int size = options.BatchSize; ; size = (size + 1) / 2)
        {
            // Chunks of one shape have one plan.
            Dictionary<string, ExecutionPlan> plans = [];
            List<(PromptChunk, ExecutionPlan)> chunks = [];
            bool fits = true;
            foreach (PromptChunk chunk in PromptChunk.Of(prompts, size, model.Graph))
            {
                string shape = PromptClass.Shape(chunk, _runCount);
                if (!plans.TryGetValue(shape, out ExecutionPlan? plan))
                    plans[shape] = plan = ExecutionPlan.Create(model.Graph, shapes, intervention, chunk, _runCount, options.MemoryBudget, options.Strict);
                fits = plan.PeakBytes <= options.MemoryBudget;
                if (!fits && size > 1)
                {
                    BatchChecks.CheckBudget(intervention, prompts, (size + 1) / 2, plan.PeakBytes, options.MemoryBudget);
                    break;
                }
                if (!fits)
                    throw new InterventionException(
                        $"{intervention.Name}: one prompt at one point of the sweep needs about {plan.PeakBytes >> 20} MiB, and RunOptions.MemoryBudget is {options.MemoryBudget >> 20} MiB.");
                chunks.Add((chunk, plan));
            }
            if (fits)
                return [.. chunks];
        }
    }
}
