using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>
/// The logits of the answers that metrics read, which are computed instead of those of the whole vocabulary. Writes that treat each logit
/// alone (copies, zeros and factors) are carried out on these columns.
/// </summary>
/// <param name="Node">The node of the logits.</param>
/// <param name="Answers">The columns, by the answers' numbers: each prompt has its own tokens there.</param>
internal sealed record AnswerColumns(NodeId Node, ImmutableArray<int> Answers)
{
    /// <summary>The answers, or null if other logits are needed too.</summary>
    public static AnswerColumns? Of(PlanRequest request, NodeNumbers nodes)
    {
        BoundIntervention intervention = request.Intervention;
        BoundRead.Logits[] reads = [.. intervention.Reads.OfType<BoundRead.Logits>()];
        if (reads.Length == 0 || reads.Any(read => read.Answer is null))
            return null;
        string name = reads[0].At.Names(SweepPoint.None).Single();
        ModelNode node = request.Graph[name];
        bool isReadOtherwise = request.Graph.Nodes.SelectMany(Inputs).Contains(name)
            || intervention.Kept.Select(keep => keep.Site).Concat(intervention.Reads.OtherSites()).Any(IsAtNode)
            || intervention.Writes.SelectMany(write => write.Declared).Any(write => IsAtNode(write.Site) && !IsByColumn(write));
        return node.Definition.Entries is null || !node.Detours.IsEmpty || isReadOtherwise
            ? null
            : new AnswerColumns(nodes[name], [.. reads.Select(read => read.Answer!.Value).Distinct()]);

        bool IsAtNode(BoundSite site) => site.Definition.Path == name;

        static IEnumerable<string> Inputs(ModelNode node) => node.Detours.Select(detour => detour.Definition).Prepend(node.Definition)
            .SelectMany(definition => definition.Inputs).Select(input => input.Node);
    }

    private static bool IsByColumn(BoundWrite write) => write.Site.IsWholeAtAPosition
        && (write.Node.Kind is WriteKind.Zero or WriteKind.Scale or WriteKind.ScaleSwept
            || (write.IsCopy && write.Reads[0] is BoundRead.From { Site: null }));
}
