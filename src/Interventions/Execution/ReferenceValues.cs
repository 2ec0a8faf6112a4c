using Interventions.Binding;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Values of prompts beyond the batch, of the unchanged model: means over a run's prompts, and other prompts' values.</summary>
internal sealed class ReferenceValues(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options, DisposeScope owner)
{
    private readonly ReferenceMeans _means = new(intervention, model, options, owner);
    private readonly PartnerValues _partners = new(intervention, model, prompts, owner);

    /// <inheritdoc cref="ReferenceMeans.Passes"/>
    public int MeanPasses => _means.Passes;

    /// <inheritdoc cref="ReferenceMeans.Compute"/>
    public void ComputeMeans(Action report, CancellationToken cancellationToken) => _means.Compute(report, cancellationToken);

    /// <summary>The mean over prompts of a run, see <see cref="ReferenceMeans"/>.</summary>
    public Tensor Mean(BoundRead.Mean read, BoundSite site, string node, SweepPoint point, PromptBatch chunk, int[] rows) => _means.Of(read, site, node, point, chunk, rows);

    /// <summary>The values that each prompt's partner has, <c>[batch, …]</c>.</summary>
    public Tensor Partner(BoundRead.Partner read, BoundSite site, string node, SweepPoint point, PromptBatch chunk, int[] rows) => _partners.Of(read, site, node, point, chunk, rows);
}
