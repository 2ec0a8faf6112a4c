using Interventions.Binding;
using Interventions.Generation;
using Interventions.ModelGraphs;

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
    /// A name is not in the model or the prompt set, a prompt with its new tokens does not fit the model, a method reads a value that new
    /// tokens do not have, or returned a wrong shape; or texts are to stop at the end of a model that does not say its end.
    /// </exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static GenerationResult<GeneratedRun> Generate(
        this InterventionGraph graph,
        HookedModel model,
        IPromptSet prompts,
        GenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        options = WithEnd(options ?? new GenerationOptions(), model);
        Preparation ready = Preparation.Of(graph, model, prompts, options);
        return new GenerationExecutor(ready.Intervention, ready.Model, prompts, options).Execute(cancellationToken);
    }

    /// <summary>Continues prompts under an intervention of calls, on its model.</summary>
    /// <param name="intervention">What is changed and kept.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// A name of a call is not in the prompt set, or what a generation of its graph refuses.
    /// </exception>
    public static GenerationResult<GeneratedRun> Generate(
        this Intervention intervention,
        IPromptSet prompts,
        GenerationOptions? options = null,
        CancellationToken cancellationToken = default) =>
        Generate(intervention.GraphFor(prompts), intervention.Model, prompts, options, cancellationToken);

    /// <summary>Continues prompts, without any intervention.</summary>
    /// <param name="model">The model; its weights do not change.</param>
    /// <param name="prompts">Token ids, at least one prompt of at least one token; their lengths may differ.</param>
    /// <param name="options">How tokens are chosen.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">A prompt with its new tokens does not fit the model.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; everything it made is freed.</exception>
    public static GeneratedRun Generate(
        this HookedModel model,
        IReadOnlyList<IReadOnlyList<long>> prompts,
        GenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        InterventionGraph empty = new() { Name = "Generate" };
        using GenerationResult<GeneratedRun> output = Generate(empty, model, new TokenPrompts(prompts), options, cancellationToken);
        return output.Changed();
    }

    /// <summary>The model's end is a token like others that stop a text.</summary>
    private static GenerationOptions WithEnd(GenerationOptions options, HookedModel model) =>
        !options.StopAtEnd ? options
        : model.EndTokens is { Count: > 0 } ends ? options with { StopTokens = [.. options.StopTokens, .. ends] }
        : throw new InterventionException(
            $"{model.Schema.Model} does not say with which token it ends a text: give {nameof(options.StopTokens)} in the place of "
            + $"{nameof(options.StopAtEnd)}.");
}
