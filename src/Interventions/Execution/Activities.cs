using System.Diagnostics;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Execution;

/// <summary>What a run tells listeners of the activity source "Interventions": a run, in it the means and every batch.</summary>
internal static class Activities
{
    private static readonly ActivitySource s_source = new("Interventions", typeof(Activities).Assembly.GetName().Version?.ToString());

    public static Activity? Run(BoundIntervention intervention, HookedModel model, IPromptSet prompts) => s_source.StartActivity("Run")?
        .SetTag("interventions.declaration", intervention.Name)
        .SetTag("interventions.model", model.Schema.Model)
        .SetTag("interventions.prompts", prompts.Prompts.Count)
        .SetTag("interventions.points", intervention.Sweep.Aggregate(1, (product, axis) => product * axis.Coordinates.Length));

    public static Activity? Means(int passes) => passes == 0 ? null : s_source.StartActivity("Means")?.SetTag("interventions.passes", passes);

    public static Activity? Batch(int number, int prompts) => s_source.StartActivity("Batch")?.SetTag("interventions.batch", number).SetTag("interventions.prompts", prompts);
}
