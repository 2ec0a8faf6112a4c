using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Generation;

/// <summary>Generates tokens under an intervention: at every point of the sweep, and without it where that is asked for.</summary>
internal sealed class GenerationExecutor(BoundIntervention intervention, HookedModel model, IPromptSet prompts, GenerationOptions options)
{
    public GenerationOutput Execute(CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        ReferenceValues references = new(intervention, model, prompts, new RunOptions { BatchSize = options.BatchSize }, scope);
        SweepPoint[] points = [.. intervention.Points()];
        PromptBatch[] chunks = [.. PromptBatch.Of(prompts, options.BatchSize, model.Graph)];
        string? whyUncached = null;
        int done = 0, total = (points.Length + (options.WithBase ? 1 : 0)) * chunks.Length * options.MaxNewTokens;

        GenerationRecord? unchanged = options.WithBase ? Generate(WithoutWrites(), SweepPoint.None) : null;
        GenerationRecord[] changed = [.. points.Select(point => Generate(intervention, point))];
        return Output(changed, unchanged, whyUncached);

        GenerationRecord Generate(BoundIntervention of, SweepPoint point)
        {
            GenerationRecord record = new(of, prompts.Prompts.Count, scope);
            foreach (PromptBatch chunk in chunks)
            {
                using DisposeScope chunkScope = NewDisposeScope();
                GenerationPasses runs = new(of, model, chunk, point, references, prompts.Vocabulary.Runs.Count, options.UseCache, chunkScope);
                whyUncached ??= runs.WhyUncached;
                long[] tokens = [];
                for (int index = 0; index < options.MaxNewTokens; index++)
                {
                    using DisposeScope pass = NewDisposeScope();
                    int? step = index == 0 ? null : index - 1;
                    MethodCalls arguments = runs.Next(step, tokens, pass, cancellationToken);
                    record.Keep(arguments, step);
                    (tokens, double[] logProbabilities) = Sampler.Choose(runs.Logits(arguments), options, chunk.Numbers, index);
                    record.Add(chunk, tokens, logProbabilities, options.StopTokens);
                    options.Progress?.Report(new RunProgress(++done, total));
                    if (!record.Active(chunk).Any())
                        break;
                }
            }
            return record;
        }
    }

    private GenerationOutput Output(IReadOnlyList<GenerationRecord> changed, GenerationRecord? unchanged, string? whyUncached)
    {
        using DisposeScope scope = NewDisposeScope();
        GeneratedRun[] runs = [.. changed.Select(Run)];
        GeneratedRun? baseRun = unchanged is null ? null : Run(unchanged);
        // Detached only now, when nothing can fail any more.
        foreach (GeneratedRun run in baseRun is null ? runs : [.. runs, baseRun])
            run.Detach();
        return new GenerationOutput(intervention.Sweep, runs, baseRun, whyUncached);

        GeneratedRun Run(GenerationRecord record) => new(record.Tokens, record.LogProbabilities, record.Values(), model);
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
