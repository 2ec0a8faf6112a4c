using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Generates tokens under an intervention at every point of the sweep, and on demand without the intervention.</summary>
internal sealed class GenerationExecutor(BoundIntervention intervention, HookedModel model, IPromptSet prompts, GenerationOptions options)
{
    public GenerationResult<GeneratedRun> Execute(CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ReferenceValues references = new(intervention, model, prompts, new RunOptions { BatchSize = options.BatchSize }, scope);
        SweepPoint[] points = [.. intervention.Points()];
        PromptBatch[] batches = [.. PromptBatch.Of(prompts, options.BatchSize, model.Graph)];
        string? whyUncached = null;
        int done = 0, total = (points.Length + (options.WithBase ? 1 : 0)) * batches.Length * options.MaxNewTokens;

        GenerationRecord? unchanged = options.WithBase ? Generate(WithoutWrites(), SweepPoint.None) : null;
        GenerationRecord[] changed = [.. points.Select(point => Generate(intervention, point))];
        return Output(changed, unchanged, whyUncached);

        GenerationRecord Generate(BoundIntervention of, SweepPoint point)
        {
            int runCount = prompts.Vocabulary.Runs.Count;
            GenerationPlan plan = GenerationPlan.Of(of, model, point, runCount, options.UseCache);
            whyUncached ??= plan.WhyUncached;
            GenerationRecord record = new(of, prompts.Prompts.Count, scope);
            foreach (PromptBatch batch in batches)
            {
                using DisposeScope batchScope = NewDisposeScope();
                PassMethods methods = new(of, point, references, runCount);
                Continue(new BatchGeneration(plan, model, batch, methods, batchScope), batch, record);
            }
            return record;
        }

        void Continue(BatchGeneration generation, PromptBatch batch, GenerationRecord record)
        {
            long[] tokens = [];
            for (int index = 0; index < options.MaxNewTokens; index++)
            {
                using DisposeScope pass = NewDisposeScope();
                int? step = index == 0 ? null : index - 1;
                (MethodCalls calls, Tensor logits) = generation.Next(step, tokens, pass, cancellationToken);
                record.Keep(calls, step);
                (tokens, double[] logProbabilities) = Sampler.Choose(logits, options, batch.Numbers, index);
                record.Add(batch, tokens, logProbabilities, options.StopTokens);
                options.Progress?.Report(new RunProgress(++done, total));
                if (!record.Active(batch).Any())
                    return;
            }
        }
    }

    private GenerationResult<GeneratedRun> Output(IReadOnlyList<GenerationRecord> changed, GenerationRecord? unchanged, string? whyUncached)
    {
        using DisposeScope scope = NewDisposeScope();
        GeneratedContent[] runs = [.. changed.Select(Run)];
        GeneratedContent? baseRun = unchanged is null ? null : Run(unchanged);
        // Detached last: until here an exception frees them with the scope.
        foreach (GeneratedContent run in baseRun is null ? runs : [.. runs, baseRun])
            run.Detach();
        return new GenerationResult<GeneratedRun>(intervention.Sweep, runs, baseRun, whyUncached);

        GeneratedContent Run(GenerationRecord record) => new(record.Tokens, record.LogProbabilities, record.Values(), model);
    }

    private BoundIntervention WithoutWrites() => intervention with
    {
        Runs = [],
        Sweep = [],
        Writes = [],
        Captures = [.. intervention.Captures.Where(capture => !capture.IsSwept)],
        Metrics = [.. intervention.Metrics.Where(metric => !metric.IsSwept)],
    };
}
