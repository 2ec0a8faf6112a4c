using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>What each step of planning leaves of the work, layer by layer, against the naive run.</summary>
internal static partial class PlanExplanation
{
    private static readonly string[] s_steps = ["naive", "shared", "sliced"];

    /// <summary>A table of at most 80 columns: rows, floating-point operations of matrix products, bytes of values.</summary>
    public static string Of(ExecutionPlan execution)
    {
        Expansion plan = execution.Expansion;
        SortedDictionary<int, Work[]> layers = Layers(execution);
        Work[] total = Total(layers);
        StringBuilder text = new();
        Line($"{plan.Intervention.Name}: {plan.Points.Length} points in {plan.Groups.Count(group => group.Run is null)} variant groups; naively {NaiveForwards(plan)} forward passes");
        Line($"{"",-8}{"rows of values",24}{"GFLOP of products",24}{"MiB of values",22}");
        Line($"{"",-8}{string.Concat(s_steps.Select(step => $"{step,8}"))}{string.Concat(s_steps.Select(step => $"{step,8}"))} {string.Concat(s_steps.Select(step => $"{step,7}"))}");
        foreach ((int layer, Work[] works) in layers)
            Row(layer switch { -1 => "other", int.MaxValue => "logits", _ => $"layer {layer}" }, works);
        Row("all", total);
        Line($"{execution.Passes.Length} {(execution.Passes.Length == 1 ? "pass" : "passes")}, at most about {execution.PeakBytes / 1048576.0:0.0} MiB of rows alive");
        Line($"{total[0].Operations / Math.Max(1, total[2].Operations):0.0} times fewer operations than the naive run");
        foreach (string method in execution.Slices.Writes.Values.SelectMany(written => written.Steps).Where(step => step.Widens)
            .Select(step => $"{step.Write.Node.Name} sees all of '{step.Write.Site.Text}',\n  so all of it is computed; [Pointwise] would promise that it need not be").Distinct())
            Line($"{method}");
        return text.ToString();

        void Line(FormattableString line) => text.Append(FormattableString.Invariant(line)).Append('\n');

        void Row(string name, Work[] works) => Line(
            $"{name,-8}{string.Concat(works.Select(work => Short(work.Rows, 8)))}{string.Concat(works.Select(work => Short(work.Operations / 1e9, 8)))} {string.Concat(works.Select(work => Short(work.Bytes / 1048576.0, 7)))}");
    }

    /// <summary>The operations that <see cref="Of"/> prints.</summary>
    public static OperationCount Operations(ExecutionPlan execution)
    {
        Work[] total = Total(Layers(execution));
        return new OperationCount(NaiveForwards(execution.Expansion), total[0].Operations, total[^1].Operations);
    }

    private static int NaiveForwards(Expansion plan) => plan.RunCount + (plan.Points.Length * (plan.Intervention.Runs.Length + 1));

    private static SortedDictionary<int, Work[]> Layers(ExecutionPlan execution)
    {
        Expansion plan = execution.Expansion;
        SortedDictionary<int, Work[]> layers = [];
        HashSet<NodeId> used = Used(plan);
        foreach (NodeId node in plan.NodeIds.Where(node => !node.IsInput))
        {
            int layer = Layer().Match(plan.Name(node)) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : node == plan.Id(plan.Graph.Output) ? int.MaxValue : -1;
            if (!layers.TryGetValue(layer, out Work[]? works))
                layers[layer] = works = new Work[s_steps.Length];
            foreach (VariantGroup group in plan.Groups)
            {
                for (int c = 0; c < plan.Classes.Length; c++)
                {
                    PromptClass prompts = plan.Classes[c];
                    if (used.Contains(node))
                        works[0] += Count(plan, node, prompts, prompts.All, group.Count, isWhole: true);
                    if (used.Contains(node))
                        works[1] += Count(plan, node, prompts, execution.Own.Before[group, node, c], group.Count, isWhole: true);
                    works[2] += Count(plan, node, prompts, execution.Slices.Before[group, node, c], group.Count, isWhole: false);
                }
            }
        }
        return layers;
    }

    private static Work[] Total(SortedDictionary<int, Work[]> layers) => [.. s_steps.Select((_, i) => layers.Values.Select(works => works[i]).Aggregate((left, right) => left + right))];

    private static string Short(double value, int width) => value.ToString(value >= 100 ? "0" : value >= 1 ? "G3" : "G2", CultureInfo.InvariantCulture).PadLeft(width);

    private static Work Count(Expansion plan, NodeId node, PromptClass prompts, PositionSet positions, int variants, bool isWhole)
    {
        if (positions.IsEmpty)
            return default;
        long rows = (long)positions.Count * prompts.Rows.Length * variants;
        NodeCost cost = plan.Graph.Costs.GetValueOrDefault(plan.Name(node));
        // Every position looks at those before it: on average half of them, up to the last one.
        double seen = cost.PerPair == 0 ? 0 : positions.ToArray().Average(position => isWhole ? prompts.Length : position + 1);
        NodeShape shape = plan.Shapes[plan.Name(node)];
        bool isColumns = !isWhole && plan.Answers?.Node == node;
        double perPosition = isColumns ? (double)cost.PerPosition * plan.RowShape(node)[0] / shape.Row[^1] : cost.PerPosition;
        return new Work(rows, rows * (perPosition + (cost.PerPair * seen)), rows * (isWhole ? shape.Bytes * (shape.IsPair ? plan.Longest : 1) : plan.RowBytes(node)));
    }

    /// <summary>What a full forward pass computes.</summary>
    private static HashSet<NodeId> Used(Expansion plan)
    {
        HashSet<NodeId> used = [plan.Id(plan.Graph.Output)];
        foreach (NodeId node in plan.NodeIds.Where(node => !node.IsInput).Reverse())
            if (used.Contains(node))
                used.UnionWith(plan.Node(node).Definition.Inputs.Select(input => plan.Id(input.Node)));
        return used;
    }

    [GeneratedRegex(@"^blocks\.(\d+)\.")]
    private static partial Regex Layer();

    private readonly record struct Work(long Rows, double Operations, long Bytes)
    {
        public static Work operator +(Work left, Work right) => new(left.Rows + right.Rows, left.Operations + right.Operations, left.Bytes + right.Bytes);
    }
}

/// <summary>Floating-point operations of the model's matrix products.</summary>
/// <param name="NaiveForwards">How many forward passes the naive run has.</param>
/// <param name="Naive">Their operations.</param>
/// <param name="Planned">The plan's.</param>
internal readonly record struct OperationCount(int NaiveForwards, double Naive, double Planned);
