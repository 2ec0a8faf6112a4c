using System.Collections.Immutable;
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
        Preparation ready = Of(graph, model, prompts, options.BatchSize, newTokens: null);
        if (options.KeptRuns is not { } kept)
            return ready;
        foreach (string run in kept)
            if (VocabularyResolver.UnknownRun(run, prompts.Vocabulary) is { } unknown)
                throw new InterventionException($"{nameof(RunOptions)}.{nameof(RunOptions.KeptRuns)}: {unknown.Message}");
        HashSet<int> runs = [.. kept.Select(run => prompts.Vocabulary.Runs.ToList().IndexOf(run))];
        return ready with { Intervention = ready.Intervention with { KeptRuns = runs } };
    }

    /// <summary>Prepares a generation, which takes no gradients.</summary>
    /// <exception cref="InterventionException">It would not run.</exception>
    public static Preparation Of(InterventionGraph graph, HookedModel model, IPromptSet prompts, GenerationOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        if (options is { Continuations: > 1, Temperature: 0 })
            throw new InterventionException(
                $"{graph.Name}: {options.Continuations} continuations of a prompt would be one and the same text, since "
                + $"{nameof(GenerationOptions)}.{nameof(GenerationOptions.Temperature)} is 0. Set it above 0.");
        return Of(graph with { Gradients = [], Parameters = [] }, model, prompts, options.BatchSize, options.MaxNewTokens);
    }

    private static Preparation Of(InterventionGraph graph, HookedModel model, IPromptSet prompts, int batchSize, int? newTokens)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        if (model.IsDisposed)
            throw new ObjectDisposedException(
                model.GetType().Name,
                $"{graph.Name} cannot {(newTokens is null ? "run" : "generate")}: {model.Schema.Model} is disposed, and its weights are "
                + "freed. Dispose a model after its last run.");
        SchemaChecks.Check(model);
        PromptChecks.Check(prompts, model);
        SitePaths paths = new();
        HookedModel spliced = SplicedModel.Of(model, graph, paths);
        BoundIntervention bound = InterventionBinder.Bind(graph, spliced.Schema, prompts, paths, model);
        OrderChecks order = new(bound, spliced.Graph);
        order.CheckReceivers();
        if (graph.IsUnanalyzed)
        {
            order.CheckReaders();
            order.CheckDonors();
        }
        PromptChecks.CheckReferences(bound, prompts, spliced);
        CausalityChecks.Check(bound, spliced.Graph);
        TensorChecks.CheckNumbers(bound);
        PositionChecks.Check(bound, prompts, generates: newTokens is not null);
        BatchChecks.Check(bound, prompts, batchSize, spliced.Graph);
        if (newTokens is int count)
            GenerationChecks.Check(bound, spliced, prompts, count);
        bool isOneBatch = PromptBatch.Of(prompts, batchSize, spliced.Graph).Count() == 1;
        new TensorChecks(graph, bound, prompts, isOneBatch, newTokens).Check(spliced.Schema);
        IReadOnlyDictionary<int, ImmutableArray<int>> alike = Exemptions.Alike(
            bound, prompts, spliced.Graph.LooksAhead, generates: newTokens is not null);
        ImmutableArray<string> notes =
        [
            .. GluedAnswers.Notes(prompts, model), .. LongAnswers.Notes(prompts), .. LoneMeans.Notes(bound, prompts),
            .. FewMeans.Notes(bound, prompts),
        ];
        return new Preparation(bound with { Alike = alike, Notes = notes }, spliced, prompts);
    }
}
