using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <content>The circuit as an intervention.</content>
public sealed partial class Circuit
{
    /// <summary>
    /// The circuit as an intervention, in one pass: every edge that it lacks carries something else, and everything is computed anew. A
    /// port is its stream without what the missing edges' sources write in this very run, and with what stands for it; its norm is that of
    /// the mixture. It measures nothing: include it (<c>.Include("circuit", circuit.ToIntervention(model))</c>), or see <see cref="Run"/>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="options">What missing edges carry.</param>
    /// <exception cref="InterventionException">The circuit is one of another model's graph, or the model has no edges.</exception>
    public InterventionGraph ToIntervention(HookedModel model, CircuitOptions? options = null)
    {
        options ??= new CircuitOptions();
        options.Check();
        CircuitSites sites = CircuitSites.Of(model);
        if (sites.Graph != Graph)
            throw new InterventionException($"The circuit is of {Graph}, and {model.Schema.Model} has {sites.Graph}.");
        return new InterventionGraph
        {
            Name = nameof(Circuit),
            Writes = [.. new MissingEdges(this, sites, options).Writes()],
        };
    }

    /// <summary>Measures the circuit: the changed run is the circuit's, the unchanged ones are the model's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">Prompts in two runs at least; the first one is the clean one.</param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">What missing edges carry, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">
    /// The circuit is one of another model's graph, the declaration is not one metric, or a name is not in the prompt set.
    /// </exception>
    public RunResult Run(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        return measurement.Run(ToIntervention(model, measurement.Options), cancellationToken);
    }

    /// <summary>
    /// How much of the model's behaviour the circuit has: (m(circuit) − m(∅)) / (m(model) − m(∅)), where m is the metric's mean over
    /// prompts, and ∅ the circuit without edges. 1 is all of it; it may lie outside 0 to 1.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">
    /// Prompts in two runs at least; the first one is the clean one. Best those that the circuit was not found on.
    /// </param>
    /// <param name="metric">A declaration with one metric and nothing else.</param>
    /// <param name="options">What missing edges carry, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">What <see cref="Run"/> refuses; or m(model) is m(∅).</exception>
    public double Faithfulness(
        HookedModel model,
        IPromptSet prompts,
        InterventionGraph metric,
        CircuitOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        Measurement measurement = Measurement.Of(model, prompts, metric, options);
        return new FaithfulnessScale(measurement, cancellationToken).Of(this);
    }
}
