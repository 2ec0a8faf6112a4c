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
        PromptChunk[] chunks = [.. PromptChunk.Of(prompts, options.BatchSize)];
        // Everything is planned, and refused if need be, before the first pass.
        Dictionary<string, ExecutionPlan> plans = [];
        ExecutionPlan Plan(PromptChunk chunk)
        {
            string shape = PromptClass.Shape(chunk, _runCount);
            return plans.TryGetValue(shape, out ExecutionPlan? known)
                ? known
                : plans[shape] = ExecutionPlan.Create(model.Graph, NodeShapes.Of(model.Graph, model.Device), intervention, chunk, _runCount);
        }
        int total = chunks.Sum(chunk => Plan(chunk).StepCount), done = 0;
        foreach (PromptChunk chunk in chunks)
        {
            using DisposeScope chunkScope = NewDisposeScope();
            new ChunkRun(Plan(chunk), model, chunk, references, kept, chunkScope).Execute(() => options.Progress?.Report(new RunProgress(++done, total)), cancellationToken);
        }
        return kept.ToOutput();
    }
}
