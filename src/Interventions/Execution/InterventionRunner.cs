using Interventions.Graphs;
using Interventions.Planning;

namespace Interventions.Execution;

/// <summary>Runs an intervention graph on a model: names are checked first, then everything is executed, or nothing is.</summary>
public static class InterventionRunner
{
    /// <summary>Runs the graph over all prompts: every unchanged run once, then the changed run at every point of the sweep.</summary>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How to run it; nothing in it changes a value.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">A name is not in the model or the prompt set, a prompt does not fit the model, or a method returned a wrong shape; in a strict run also: a promise was not kept.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static RunOutput Run(
        InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new RunOptions();
        (HookedModel spliced, BoundIntervention bound) = Bind(graph, model, prompts, options);
        return options.Naive
            ? new NaiveExecutor(bound, spliced, prompts, options).Execute(cancellationToken)
            : new PlanExecutor(bound, spliced, prompts, options).Execute(cancellationToken);
    }

    /// <summary>
    /// What would be computed: by layer the rows, the floating-point operations of the model's matrix products and the bytes of values, in the naive run, after sharing and after slicing;
    /// how many passes the budget needs; and which methods widened a slice. Of each shape that the batches have, a table of 80 columns.
    /// </summary>
    /// <param name="graph">What the declaration says.</param>
    /// <param name="model">The model; nothing of it is computed but a prompt of three tokens, once.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How it would be run.</param>
    /// <exception cref="InterventionException">It would not run.</exception>
    public static string Explain(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options = null)
    {
        options ??= new RunOptions();
        (HookedModel spliced, BoundIntervention bound) = Bind(graph, model, prompts, options);
        return string.Join('\n', new PlanExecutor(bound, spliced, prompts, options).Plans().Select(plan => PlanExplanation.Of(plan, spliced.Graph)));
    }

    private static (HookedModel Model, BoundIntervention Bound) Bind(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        if (model.IsDisposed)
            throw new ObjectDisposedException(model.GetType().Name, $"{graph.Name} cannot run: {model.Schema.Model} is disposed, and its weights are freed. Dispose a model after its last run.");
        PromptChecks.Check(prompts, model);
        model = SplicedModel.Of(model, graph);
        BoundIntervention bound = InterventionBinder.Bind(graph, model.Schema, prompts);
        PromptChecks.CheckReferences(bound, prompts, model);
        CausalityChecks.Check(bound, model.Graph);
        PositionChecks.Check(bound, prompts);
        BatchChecks.Check(bound, prompts, options.BatchSize, model.Graph);
        TensorChecks.Check(graph, bound, model.Schema, prompts, PromptChunk.Of(prompts, options.BatchSize, model.Graph).Count() == 1);
        return (model, bound);
    }
}
