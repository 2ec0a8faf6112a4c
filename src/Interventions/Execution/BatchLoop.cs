using System.Diagnostics;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>A bound intervention on its prompts, batch by batch, on the thread that calls: dispose scopes and grad mode are a thread's own.</summary>
internal sealed class BatchLoop
{
    private readonly BoundIntervention _intervention;
    private readonly HookedModel _model;
    private readonly IPromptSet _prompts;
    private readonly RunOptions _options;
    private readonly PromptBatch[] _chunks;
    private readonly IExecutor _executor;
    private readonly int[] _steps;

    /// <summary>Everything is planned, and refused if need be, before the first pass.</summary>
    public BatchLoop(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        _intervention = intervention;
        _model = model;
        _prompts = prompts;
        _options = options;
        int runs = prompts.Vocabulary.Runs.Count;
        _executor = options.Naive ? new NaiveExecutor(intervention, model, runs) : new PlanExecutor(intervention, model, runs);
        _chunks = _executor.Chunks(prompts, options);
        _steps = [.. _chunks.Select(_executor.Steps)];
    }

    /// <summary>How many batches there are.</summary>
    public int Count => _chunks.Length;

    /// <summary>All batches, put together.</summary>
    public RunOutput All(CancellationToken cancellationToken)
    {
        RunOutput? output = null;
        Run(_ => true, (execute, scope) =>
        {
            KeptValues kept = Kept(_chunks.SelectMany(chunk => chunk.Numbers).Order(), scope);
            for (int i = 0; i < Count; i++)
                execute(i, kept);
            RunOutput all = kept.ToOutput();
            try
            {
                CheckEffects(all.Layout);
            }
            catch
            {
                all.Dispose();
                throw;
            }
            output = all;
        }, cancellationToken);
        return output!;
    }

    /// <summary>Gives each batch's result away as soon as it is there.</summary>
    /// <param name="isWanted">Which batches are run; the others count as done.</param>
    /// <param name="take">Gets a batch's number and result, which it owns.</param>
    /// <param name="cancellationToken">Looked at between nodes.</param>
    public void Each(Func<int, bool> isWanted, Action<int, RunOutput> take, CancellationToken cancellationToken) => Run(isWanted, (execute, _) =>
    {
        for (int i = 0; i < Count; i++)
        {
            if (!isWanted(i))
                continue;
            using DisposeScope scope = NewDisposeScope();
            KeptValues kept = Kept(_chunks[i].Numbers, scope);
            execute(i, kept);
            take(i, kept.ToOutput());
        }
    }, cancellationToken);

    /// <summary>Looks whether every write had an effect on some prompt, in a strict run.</summary>
    /// <param name="all">What all batches together did.</param>
    /// <exception cref="InterventionException">One had none.</exception>
    public void CheckEffects(ResultLayout all)
    {
        if (_options.Strict && all.Warnings.ToArray() is { Length: > 0 } warnings)
            throw new InterventionException(string.Join(' ', warnings));
    }

    private void Run(Func<int, bool> isWanted, Action<Action<int, KeptValues>, DisposeScope> body, CancellationToken cancellationToken)
    {
        using Activity? activity = Activities.Run(_intervention, _model, _prompts);
        try
        {
            using IDisposable mode = _intervention.Gradients.IsEmpty && _intervention.Parameters.IsEmpty ? no_grad() : enable_grad();
            using DisposeScope scope = NewDisposeScope();
            ReferenceValues references = new(_intervention, _model, _prompts, _options, scope);
            int total = references.MeanPasses + _steps.Sum(), done = _steps.Where((_, i) => !isWanted(i)).Sum();
            using (Activities.Means(references.MeanPasses))
                references.ComputeMeans(Report, cancellationToken);
            body(Execute, scope);

            void Report() => _options.Progress?.Report(new RunProgress(++done, total));

            void Execute(int i, KeptValues kept)
            {
                using Activity? batch = Activities.Batch(i, _chunks[i].Count);
                using DisposeScope chunkScope = NewDisposeScope();
                _executor.Execute(_chunks[i], references, kept, chunkScope, Report, cancellationToken);
            }
        }
        catch (Exception failure)
        {
            activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
            throw;
        }
    }

    private KeptValues Kept(IEnumerable<int> prompts, DisposeScope scope) => new(_intervention, _prompts.Vocabulary.Runs, [.. prompts], _options.Strict, scope);
}
