using Interventions.Binding;
using Interventions.Generation;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions;

/// <summary>Generates tokens under an intervention graph: names are checked first, then everything is generated, or nothing is.</summary>
public static class GenerationRunner
{
    /// <summary>Continues the prompts of the changed run at every point of the sweep; the unchanged run too, if asked for.</summary>
    /// <param name="graph">What the declaration says. Its gradients are a run's, not a generation's.</param>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// A name is not in the model or the prompt set, a prompt with its new tokens does not fit the model, something is read that new tokens do not have, or a method returned a
    /// wrong shape.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static GenerationResult<GeneratedRun> Generate(
        this InterventionGraph graph, HookedModel model, IPromptSet prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        if (model.IsDisposed)
            throw new ObjectDisposedException(model.GetType().Name, $"{graph.Name} cannot generate: {model.Schema.Model} is disposed, and its weights are freed. Dispose a model after its last run.");
        options ??= new GenerationOptions();
        PromptChecks.Check(prompts, model);
        model = SplicedModel.Of(model, graph);
        BoundIntervention bound = InterventionBinder.Bind(graph with { Gradients = [], Parameters = [] }, model.Schema, prompts);
        PromptChecks.CheckReferences(bound, prompts, model);
        CausalityChecks.Check(bound, model.Graph);
        PositionChecks.Check(bound, prompts, generates: true);
        BatchChecks.Check(bound, prompts, options.BatchSize, model.Graph);
        GenerationChecks.Check(bound, model, prompts, options);
        return new GenerationExecutor(bound, model, prompts, options).Execute(cancellationToken);
    }

    /// <summary>Continues prompts, without any intervention.</summary>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">Token ids, at least one prompt of at least one token; their lengths may differ.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">A prompt with its new tokens does not fit the model.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static GeneratedRun Generate(
        this HookedModel model, IReadOnlyList<IReadOnlyList<long>> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        using GenerationResult<GeneratedRun> output = Generate(new InterventionGraph { Name = "Generate" }, model, new TokenPrompts(prompts), options, cancellationToken);
        return output.Changed();
    }

    private sealed class TokenPrompts(IReadOnlyList<IReadOnlyList<long>> prompts) : IPromptSet
    {
        public PromptVocabulary Vocabulary { get; } = new("the prompts", EquatableArray.Of("text"), EquatableArray.Of("end"), default);

        public IReadOnlyList<PromptTokens> Prompts { get; } = [.. prompts.Select(ids => new PromptTokens([new RunTokens(ids, [ids.Count - 1])], []))];
    }
}
