using System.Collections.Immutable;
using System.Diagnostics;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Results;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Runs a bound intervention on its prompts, batch by batch, on the thread that calls: dispose scopes and grad mode belong to a thread.
/// </summary>
internal sealed class BatchLoop
{
    private readonly BoundIntervention _intervention;
    private readonly HookedModel _model;
    private readonly IPromptSet _prompts;
    private readonly RunOptions _options;
    private readonly ImmutableArray<IExecutor> _batches;

    /// <summary>Plans every batch, so that a run is refused before its first pass.</summary>
    public BatchLoop(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        _intervention = intervention;
        _model = model;
        _prompts = prompts;
        _options = options;
        _batches = options.Naive
            ? NaiveExecutor.All(intervention, model, prompts, options)
            : [.. PlannedBatch.All(intervention, model, prompts, options)];
    }

    /// <summary>How many batches there are.</summary>
    public int Count => _batches.Length;

    /// <summary>Runs all batches, and joins what they keep.</summary>
    public RunResult All(CancellationToken cancellationToken)
    {
        RunResult? output = null;
        Run(_ => true, (execute, scope) =>
        {
            KeptValues kept = Kept(_batches.SelectMany(batch => batch.Prompts.Numbers).Order(), scope);
            for (int i = 0; i < Count; i++)
                execute(i, kept);
            RunResult all = kept.ToOutput();
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

    /// <summary>Runs batches, and hands over each result as soon as it is there.</summary>
    /// <param name="isWanted">Says of a batch whether it is run; the others count as done.</param>
    /// <param name="take">Takes a batch's number, and its result, which it owns.</param>
    /// <param name="cancellationToken">Checked between nodes.</param>
    public void Each(Func<int, bool> isWanted, Action<int, RunResult> take, CancellationToken cancellationToken) =>
        Run(isWanted, (execute, _) =>
        {
            for (int i = 0; i < Count; i++)
            {
                if (!isWanted(i))
                    continue;
                using DisposeScope scope = NewDisposeScope();
                KeptValues kept = Kept(_batches[i].Prompts.Numbers, scope);
                execute(i, kept);
                take(i, kept.ToOutput());
            }
        }, cancellationToken);

    /// <summary>Checks, in a strict run, that every write had an effect on some prompt.</summary>
    /// <param name="all">The layout of all batches together.</param>
    /// <exception cref="InterventionException">A write had none.</exception>
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
            int meanPasses = references.Means.Passes;
            int total = meanPasses + _batches.Sum(batch => batch.Steps);
            int done = _batches.Where((_, i) => !isWanted(i)).Sum(batch => batch.Steps);
            using (Activities.Means(meanPasses))
                references.Means.Compute(Report, cancellationToken);
            body(Execute, scope);

            void Report() => _options.Progress?.Report(new RunProgress(++done, total));

            void Execute(int i, KeptValues kept)
            {
                using Activity? batch = Activities.Batch(i, _batches[i].Prompts.Count);
                using DisposeScope batchScope = NewDisposeScope();
                _batches[i].Execute(new PassContext(references, kept, batchScope, Report, cancellationToken));
            }
        }
        catch (Exception failure)
        {
            activity?.SetStatus(ActivityStatusCode.Error, failure.Message);
            throw;
        }
    }

    private KeptValues Kept(IEnumerable<int> prompts, DisposeScope scope) =>
        new(_intervention, _model, _prompts, [.. prompts], _options, scope);

    /// <summary>The activities of the source "Interventions": a run, in it the means and every batch.</summary>
    private static class Activities
    {
        private static readonly ActivitySource s_source = new("Interventions", typeof(Activities).Assembly.GetName().Version?.ToString());

        public static Activity? Run(BoundIntervention intervention, HookedModel model, IPromptSet prompts) => s_source.StartActivity("Run")?
            .SetTag("interventions.declaration", intervention.Name)
            .SetTag("interventions.model", model.Schema.Model)
            .SetTag("interventions.prompts", prompts.Prompts.Count)
            .SetTag("interventions.points", intervention.Sweep.Aggregate(1, (product, axis) => product * axis.Coordinates.Length));

        public static Activity? Means(int passes) =>
            passes == 0 ? null : s_source.StartActivity("Means")?.SetTag("interventions.passes", passes);

        public static Activity? Batch(int number, int prompts) =>
            s_source.StartActivity("Batch")?.SetTag("interventions.batch", number).SetTag("interventions.prompts", prompts);
    }
}

/// <summary>Computes a bound intervention for one batch of prompts. Everything that must be refused was refused before.</summary>
internal interface IExecutor
{
    /// <summary>The prompts.</summary>
    PromptBatch Prompts { get; }

    /// <summary>How many steps the batch takes, for progress.</summary>
    int Steps { get; }

    /// <summary>Computes the batch.</summary>
    void Execute(PassContext context);
}

/// <summary>What the computation of a batch uses and fills, beside the batch itself.</summary>
/// <param name="References">Means, and values of other prompts.</param>
/// <param name="Kept">Takes everything that is kept.</param>
/// <param name="Scope">Owns the tensors of the batch.</param>
/// <param name="Report">Called after every step.</param>
/// <param name="CancellationToken">Checked before every step.</param>
internal sealed record PassContext(
    ReferenceValues References, KeptValues Kept, DisposeScope Scope, Action Report, CancellationToken CancellationToken);

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
