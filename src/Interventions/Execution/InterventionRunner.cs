using Interventions.Binding;
using Interventions.Execution;
using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Tables;

namespace Interventions;

/// <summary>Runs an intervention graph on a model: names are checked first, then everything is executed, or nothing is.</summary>
public static class InterventionRunner
{
    /// <summary>Runs the graph over all prompts: every unchanged run once, then the changed run at every point of the sweep.</summary>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How to run it; nothing in it changes a value.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// A name is not in the model or the prompt set, a prompt does not fit the model, or a method returned a wrong shape; in a strict run
    /// also: a promise was not kept, or a write had no effect.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static RunResult Run(
        this InterventionGraph graph,
        HookedModel model,
        IPromptSet prompts,
        RunOptions? options = null,
        CancellationToken cancellationToken = default) =>
        Prepare(graph, model, prompts, options).All(cancellationToken);

    /// <summary>
    /// Runs the graph batch by batch, and gives each batch's result as soon as it is there: its rows are those that <see cref="Run"/> would
    /// give.
    /// </summary>
    /// <remarks>
    /// Everything is computed on one thread of its own, which is at most one batch ahead of the reader. A reader that stops early stops it,
    /// and unread results are freed. Means are over all prompts. A batch is padded to its own longest prompt; gradients of parameters are
    /// summed over the batch, and effects and warnings are the batch's. A strict run throws after the last batch where a write had an
    /// effect on none.
    /// </remarks>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">
    /// At least one prompt; <see cref="RunOptions.BatchSize"/> of them at a time, or fewer where the memory budget asks for it.
    /// </param>
    /// <param name="create">Makes the result of an output, which it owns.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <returns>
    /// Results that the reader owns, of the prompts in their order, or, of a model that looks ahead, of those of one length after those of
    /// another: see <see cref="RunResult.Prompts"/>. Each enumeration runs anew.
    /// </returns>
    /// <exception cref="InterventionException">What <see cref="Run"/> refuses, before any pass.</exception>
    public static IAsyncEnumerable<TResult> StreamAsync<TResult>(
        this InterventionGraph graph,
        HookedModel model,
        IPromptSet prompts,
        Func<RunResult, TResult> create,
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(create);
        return BatchStream.Of(Prepare(graph, model, prompts, options), create, cancellationToken);
    }

    /// <summary>
    /// Runs the graph batch by batch into a file of the safetensors format. Where a run was stopped, for any reason, the next call with the
    /// same path goes on; the file is the same, byte by byte, and never half written. Where it is complete, it is only loaded.
    /// </summary>
    /// <remarks>
    /// Finished batches lie in a folder beside the file, <c>path.batches</c>, until the last one is there; each is a result by itself.
    /// Whether the same run goes on is seen from hashes of the graph, its tensors and prompts, the weights, the assemblies of its methods,
    /// and the options; not from variables that a method captures, nor from how many threads compute.
    /// </remarks>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="model">The model. It must say its <see cref="HookedModel.WeightsFingerprint"/>, and so must splices.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; batches that were finished stay.</param>
    /// <exception cref="InterventionException">
    /// What <see cref="Run"/> refuses; the file under that path is not a result of this graph, or was begun with other weights, prompts,
    /// methods or options; or another process is writing it.
    /// </exception>
    public static RunResult RunTo(
        this InterventionGraph graph,
        HookedModel model,
        IPromptSet prompts,
        string path,
        RunOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        options ??= new RunOptions();
        BatchLoop run = Prepare(graph, model, prompts, options);
        return new ResumableFile(path, ResultOrigin.Of(graph, model, prompts, options), run).Execute(cancellationToken);
    }

    /// <summary>
    /// What would be computed: by layer the rows, the floating-point operations of the model's matrix products and the bytes of values, in
    /// the naive run, after sharing and after slicing; how many passes the budget needs; and which methods widened a slice. Of each shape
    /// that the batches have, a table of 80 columns. Then what is kept of all points together, where that may be more than the budget.
    /// </summary>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="model">The model; nothing of it is computed but a prompt of three tokens, once.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How it would be run.</param>
    /// <exception cref="InterventionException">It would not run.</exception>
    public static string Explain(this InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options = null) =>
        Explain(Preparation.Of(graph, model, prompts, options ??= new RunOptions()), options);

    private static string Explain(Preparation ready, RunOptions options) => string.Join('\n', [
        .. Plans(ready, options).Select(PlanExplanation.Of),
        .. new KeptSizes(ready.Intervention, options.MemoryBudget).Planned(ready.Model, ready.Prompts)
            .Select(sentence => TextTable.Wrap(sentence, indent: 2) + "\n"),
    ]);

    /// <summary>How it would be run: a plan for each shape that the batches have.</summary>
    internal static IReadOnlyCollection<ExecutionPlan> Plans(
        InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options = null) =>
        Plans(Preparation.Of(graph, model, prompts, options ??= new RunOptions()), options);

    private static IReadOnlyCollection<ExecutionPlan> Plans(Preparation ready, RunOptions options)
    {
        IPromptSet prompts = ready.Prompts;
        return [.. PlannedBatch.All(ready.Intervention, ready.Model, prompts, options).Select(batch => batch.Plan).Distinct()];
    }

    /// <summary>Binds and plans: what can be refused before a pass is refused here.</summary>
    internal static BatchLoop Prepare(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options)
    {
        options ??= new RunOptions();
        Preparation ready = Preparation.Of(graph, model, prompts, options);
        return new BatchLoop(ready.Intervention, ready.Model, prompts, options);
    }
}
