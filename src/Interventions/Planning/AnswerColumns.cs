using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>
/// The logits of the answers that metrics read, in place of those of a vocabulary. Copies from run to run, zeros and factors do not care which columns there are.
/// </summary>
/// <param name="Node">The node.</param>
/// <param name="Answers">The answers: the columns, each prompt's own tokens.</param>
internal sealed record AnswerColumns(NodeId Node, ImmutableArray<int> Answers)
{
    public static AnswerColumns? Of(Expansion plan)
    {
        BoundIntervention intervention = plan.Intervention;
        BoundRead.Logits[] reads = [.. Reads(intervention).OfType<BoundRead.Logits>()];
        if (reads.Length == 0 || reads.Any(read => read.Answer is null))
            return null;
        string name = reads[0].At.Names(SweepPoint.None).Single();
        ModelNode node = plan.Node(plan.Id(name));
        bool isReadOtherwise = plan.Graph.Nodes.Any(other => other.Detours.Select(detour => detour.Definition).Prepend(other.Definition).Any(definition => definition.Inputs.Any(input => input.Node == name)))
            || intervention.Kept.Any(keep => keep.Site.Definition.Path == name)
            || Reads(intervention).OtherSites().Any(site => site.Definition.Path == name)
            || intervention.Writes.SelectMany(write => write.Declared).Any(write => write.Site.Definition.Path == name && !IsByColumn(write));
        return node.Definition.Entries is null || !node.Detours.IsEmpty || isReadOtherwise
            ? null
            : new AnswerColumns(plan.Id(name), [.. reads.Select(read => read.Answer!.Value).Distinct()]);
    }

    private static bool IsByColumn(BoundWrite write) => write.Site.IsWholeAtAPosition
        && (write.Node.Kind is WriteKind.Zero or WriteKind.Scale or WriteKind.ScaleSwept || (write.IsCopy && write.Reads[0] is BoundRead.From { Site: null }));

    private static IEnumerable<BoundRead> Reads(BoundIntervention intervention) =>
    [
        .. intervention.Writes.SelectMany(write => write.Reads),
        .. intervention.Kept.SelectMany(keep => keep.Reads),
        .. intervention.Metrics.SelectMany(metric => metric.Reads),
    ];
}
