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

/// <summary>
/// The generation of one batch at one point of the sweep, pass by pass: the prompts, then each step's new token. A run that methods read at
/// steps goes on with the tokens that the changed run chose.
/// </summary>
internal sealed class BatchGeneration
{
    private readonly GenerationPlan _plan;
    private readonly PassMethods _methods;
    private readonly DisposeScope _owner;
    private readonly ImmutableArray<RunPasses> _others;
    private readonly RunPasses _changed;

    /// <param name="plan">What is computed.</param>
    /// <param name="model">The model.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="methods">The declaration's methods, at the point.</param>
    /// <param name="owner">Owns what is held from pass to pass.</param>
    public BatchGeneration(GenerationPlan plan, HookedModel model, PromptBatch batch, PassMethods methods, DisposeScope owner)
    {
        _plan = plan;
        _methods = methods;
        _owner = owner;
        _others = [.. plan.Others.Select(Passes)];
        _changed = Passes(plan.Changed);

        RunPasses Passes(RunDemand run) => plan.WhyUncached is null && run.IsContinued
            ? new CachedPasses(model, batch, run, methods, owner)
            : new WholePasses(model, batch, run, methods);
    }

    /// <summary>
    /// The next pass: the calls of methods for the changed run, and the logits of each prompt's last token, <c>[batch, vocab]</c>.
    /// </summary>
    /// <param name="step">The step; <see langword="null"/> for the prompts, which come first.</param>
    /// <param name="tokens">The step's new token of each prompt.</param>
    /// <param name="pass">Owns the values; it is the current scope.</param>
    /// <param name="cancellationToken">Checked before every node.</param>
    public (MethodCalls Calls, Tensor Logits) Next(int? step, long[] tokens, DisposeScope pass, CancellationToken cancellationToken)
    {
        foreach (RunPasses run in _others.Where(run => step is null || run.Demand.IsContinued))
        {
            PassValues values = run.Next(step, tokens, pass, cancellationToken);
            // The later steps read them too.
            if (!run.Demand.IsContinued)
                foreach (Tensor value in values.Values.Values)
                    value.moved_to(_owner);
            _methods.Add(run.Demand.Number!.Value, values);
        }
        PassValues changed = _changed.Next(step, tokens, pass, cancellationToken);
        return (_methods.Calls(changed), _plan.LastLogits.Of(changed));
    }
}
