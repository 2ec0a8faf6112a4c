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
    /// <exception cref="InterventionException">A name is not in the model or the prompt set, a prompt does not fit the model, or a method returned a wrong shape.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static RunOutput Run(
        InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        if (model.IsDisposed)
            throw new ObjectDisposedException(model.GetType().Name, $"{graph.Name} cannot run: {model.Schema.Model} is disposed, and its weights are freed. Dispose a model after its last run.");
        options ??= new RunOptions();
        PromptChecks.Check(prompts, model);
        model = SplicedModel.Of(model, graph);
        BoundIntervention bound = InterventionBinder.Bind(graph, model.Schema, prompts);
        PromptChecks.CheckReferences(bound, prompts, model);
        PositionChecks.Check(bound, prompts);
        TensorChecks.Check(graph, bound, model.Schema, prompts, options);
        return options.Naive
            ? new NaiveExecutor(bound, model, prompts, options).Execute(cancellationToken)
            : new PlanExecutor(bound, model, prompts, options).Execute(cancellationToken);
    }
}
