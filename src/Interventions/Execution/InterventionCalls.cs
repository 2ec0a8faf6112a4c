using Interventions.Binding;

namespace Interventions;

/// <summary>Runs interventions of calls: their names are checked call by call, then everything is executed, or nothing is.</summary>
public static class InterventionCalls
{
    /// <summary>Runs an intervention of calls on its model over all prompts.</summary>
    /// <param name="intervention">What is changed and kept.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How to run it; nothing in it changes a value.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// A name of a call is not in the prompt set, nothing that is kept depends on a write, or what a run of its graph refuses.
    /// </exception>
    public static RunResult Run(
        this Intervention intervention, IPromptSet prompts, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        InterventionRunner.Run(intervention.GraphFor(prompts), intervention.Model, prompts, options, cancellationToken);

    /// <summary>Runs an intervention of calls batch by batch: each result as soon as it is there, which the reader disposes.</summary>
    /// <param name="intervention">What is changed and kept.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">What <c>Run</c> refuses, before any pass.</exception>
    public static IAsyncEnumerable<RunResult> StreamAsync(
        this Intervention intervention, IPromptSet prompts, RunOptions? options = null, CancellationToken cancellationToken = default) =>
        InterventionRunner.StreamAsync(
            intervention.GraphFor(prompts), intervention.Model, prompts, static output => output, options, cancellationToken);

    /// <summary>
    /// Runs an intervention of calls batch by batch into a file; the same call goes on where it stopped. Lambdas that patch have names, see
    /// <see cref="Intervention"/>.
    /// </summary>
    /// <param name="intervention">What is changed and kept.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="path">The file.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass; batches that were finished stay.</param>
    /// <exception cref="InterventionException">
    /// What <c>Run</c> refuses, what a run of its graph into a file refuses, or a lambda has no name.
    /// </exception>
    public static RunResult RunTo(
        this Intervention intervention,
        IPromptSet prompts,
        string path,
        RunOptions? options = null,
        CancellationToken cancellationToken = default) =>
        InterventionRunner.RunTo(intervention.GraphFor(prompts), intervention.Model, prompts, path, options, cancellationToken);

    /// <summary>What would be computed for an intervention of calls, layer by layer.</summary>
    /// <param name="intervention">What is changed and kept.</param>
    /// <param name="prompts">At least one prompt.</param>
    /// <param name="options">How it would be run.</param>
    /// <exception cref="InterventionException">It would not run.</exception>
    public static string Explain(this Intervention intervention, IPromptSet prompts, RunOptions? options = null) =>
        InterventionRunner.Explain(intervention.GraphFor(prompts), intervention.Model, prompts, options);
}
