using Interventions.ModelGraphs;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// An intervention that is ready to run: every name is found, and every mistake that can be known before the first pass was refused. Runs,
/// streams, explanations and generations all begin with one.
/// </summary>
/// <param name="Intervention">The declaration, bound to the model and the prompts.</param>
/// <param name="Model">The model, with the declaration's splices in it.</param>
/// <param name="Prompts">The prompts.</param>
internal sealed record Preparation(BoundIntervention Intervention, HookedModel Model, IPromptSet Prompts)
{
    /// <summary>Prepares a run.</summary>
    /// <exception cref="InterventionException">It would not run.</exception>
    public static Preparation Of(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions options)
    {
        Preparation run = Bind(graph, model, prompts, "run");
        run.Check(options.BatchSize, generates: false);
        bool isOneBatch = PromptBatch.Of(prompts, options.BatchSize, run.Model.Graph).Count() == 1;
        TensorChecks.Check(graph, run.Intervention, run.Model.Schema, prompts, isOneBatch);
        BoundIntervention bound = run.Intervention;
        return run with { Intervention = bound with { Alike = Exemptions.Alike(bound, prompts, run.Model.Graph.LooksAhead) } };
    }

    /// <summary>Prepares a generation, which takes no gradients.</summary>
    /// <exception cref="InterventionException">It would not run.</exception>
    public static Preparation Of(InterventionGraph graph, HookedModel model, IPromptSet prompts, GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        Preparation generation = Bind(graph with { Gradients = [], Parameters = [] }, model, prompts, "generate");
        generation.Check(options.BatchSize, generates: true);
        GenerationChecks.Check(generation.Intervention, generation.Model, prompts, options.MaxNewTokens);
        return generation;
    }

    private static Preparation Bind(InterventionGraph graph, HookedModel model, IPromptSet prompts, string verb)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        if (model.IsDisposed)
            throw new ObjectDisposedException(
                model.GetType().Name,
                $"{graph.Name} cannot {verb}: {model.Schema.Model} is disposed, and its weights are freed. " +
                "Dispose a model after its last run.");
        PromptChecks.Check(prompts, model);
        SitePaths paths = new();
        HookedModel spliced = SplicedModel.Of(model, graph, paths);
        BoundIntervention bound = InterventionBinder.Bind(graph, spliced.Schema, prompts, paths);
        OrderChecks order = new(bound, spliced.Graph);
        order.CheckReceivers();
        if (graph.IsUnanalyzed)
            order.CheckReaders();
        return new Preparation(bound, spliced, prompts);
    }

    private void Check(int batchSize, bool generates)
    {
        PromptChecks.CheckReferences(Intervention, Prompts, Model);
        CausalityChecks.Check(Intervention, Model.Graph);
        PositionChecks.Check(Intervention, Prompts, generates);
        BatchChecks.Check(Intervention, Prompts, batchSize, Model.Graph);
    }
}
