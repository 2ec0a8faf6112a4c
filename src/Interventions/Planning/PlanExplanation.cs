using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Interventions.Binding;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>The work that remains after each step of planning, layer by layer, against the naive run.</summary>
internal static partial class PlanExplanation
{
    private const int OtherLayer = -1, LogitsLayer = int.MaxValue;

    private static readonly string[] s_steps = ["naive", "shared", "sliced"];

    /// <summary>A table of at most 80 columns: rows, floating-point operations of matrix products, bytes of values.</summary>
    public static string Of(ExecutionPlan execution)
    {
        Expansion plan = execution.Expansion;
        SortedDictionary<int, Work[]> layers = Layers(execution);
        Work[] total = Total(layers);
        StringBuilder text = new();
        (int points, int groups) = (plan.Points.Length, plan.Groups.Count(group => group.Run is null));
        Line($"{plan.Intervention.Name}: {points} points in {groups} variant groups; naively {NaiveForwards(plan)} forward passes");
        Line($"{"",-8}{"rows of values",24}{"GFLOP of products",24}{"MiB of values",22}");
        Row("", step => $"{step,8}", step => $"{step,8}", step => $"{step,7}", s_steps);
        foreach ((int layer, Work[] works) in layers)
            Works(layer switch { OtherLayer => "other", LogitsLayer => "logits", _ => $"layer {layer}" }, works);
        Works("all", total);
        string passes = execution.Passes.Length == 1 ? "pass" : "passes";
        Line($"{execution.Passes.Length} {passes}, at most about {execution.PeakBytes / 1048576.0:0.0} MiB of rows alive");
        Line($"{total[0].Operations / Math.Max(1, total[2].Operations):0.0} times fewer operations than the naive run");
        foreach (string method in execution.Slices.Writes.Values.SelectMany(written => written.Steps).Where(step => step.Widens)
            .Select(step => $"{step.Write.Node.Name} sees all of '{step.Write.Site.Text}',\n"
                + "  so all of it is computed; [Pointwise] would promise that it need not be").Distinct())
            text.Append(method).Append('\n');
        return text.ToString();

        void Line(FormattableString line) => text.Append(FormattableString.Invariant(line)).Append('\n');

        void Works(string name, Work[] works) => Row(
            name, work => Short(work.Rows, 8), work => Short(work.Operations / 1e9, 8), work => Short(work.Bytes / 1048576.0, 7), works);

        void Row<T>(string name, Func<T, string> rows, Func<T, string> operations, Func<T, string> bytes, T[] columns) => text
            .Append(name.PadRight(8)).AppendJoin("", columns.Select(rows)).AppendJoin("", columns.Select(operations))
            .Append(' ').AppendJoin("", columns.Select(bytes)).Append('\n');
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
        foreach (NodeId node in plan.Nodes.Computed)
        {
            int layer = LayerOf(plan, node);
            if (!layers.TryGetValue(layer, out Work[]? works))
                layers[layer] = works = new Work[s_steps.Length];
            foreach (VariantGroup group in plan.Groups)
            {
                for (int c = 0; c < plan.Classes.Length; c++)
                {
                    PromptClass prompts = plan.Classes[c];
                    long sequences = (long)prompts.Rows.Length * group.Count;
                    if (used.Contains(node))
                    {
                        works[0] += sequences * Whole(plan, node, prompts, prompts.All);
                        works[1] += sequences * Whole(plan, node, prompts, execution.Own.Before[group, node, c]);
                    }
                    works[2] += sequences * Sliced(plan, node, execution.Slices.Before[group, node, c]);
                }
            }
        }
        return layers;
    }

    private static int LayerOf(Expansion plan, NodeId node) =>
        Layer().Match(plan.Name(node)) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
        : node == plan.Id(plan.Graph.Output) ? LogitsLayer
        : OtherLayer;

    private static Work[] Total(SortedDictionary<int, Work[]> layers) =>
        [.. s_steps.Select((_, i) => layers.Values.Select(works => works[i]).Aggregate((left, right) => left + right))];

    private static string Short(double value, int width) =>
        value.ToString(value >= 100 ? "0" : value >= 1 ? "G3" : "G2", CultureInfo.InvariantCulture).PadLeft(width);

    /// <summary>The work of some positions of one sequence in a full forward pass, where each looks at the whole sequence.</summary>
    private static Work Whole(Expansion plan, NodeId node, PromptClass prompts, PositionSet positions)
    {
        NodeCost cost = plan.Graph.Costs.GetValueOrDefault(plan.Name(node));
        NodeShape shape = plan.Shapes[plan.Name(node)];
        return new Work(1, cost.PerPosition + ((double)cost.PerPair * prompts.Length), shape.Bytes * (shape.IsPair ? plan.Longest : 1))
            * positions.Count;
    }

    /// <summary>The work of some positions of one sequence in a plan, where each position looks at those up to its own.</summary>
    private static Work Sliced(Expansion plan, NodeId node, PositionSet positions)
    {
        if (positions.IsEmpty)
            return default;
        NodeCost cost = plan.Graph.Costs.GetValueOrDefault(plan.Name(node));
        double seen = cost.PerPair == 0 ? 0 : positions.ToArray().Average(position => position + 1);
        double perPosition = plan.Answers?.Node == node
            ? (double)cost.PerPosition * plan.RowShape(node)[0] / plan.Shapes[plan.Name(node)].Row[^1]
            : cost.PerPosition;
        return new Work(1, perPosition + (cost.PerPair * seen), plan.RowBytes(node)) * positions.Count;
    }

    /// <summary>The nodes that a full forward pass computes.</summary>
    private static HashSet<NodeId> Used(Expansion plan)
    {
        HashSet<NodeId> used = [plan.Id(plan.Graph.Output)];
        foreach (NodeId node in plan.Nodes.Computed.Reverse())
            if (used.Contains(node))
                used.UnionWith(plan.Node(node).Definition.Inputs.Select(input => plan.Id(input.Node)));
        return used;
    }

    [GeneratedRegex(@"^blocks\.(\d+)\.")]
    private static partial Regex Layer();

    private readonly record struct Work(long Rows, double Operations, long Bytes)
    {
        public static Work operator +(Work left, Work right) =>
            new(left.Rows + right.Rows, left.Operations + right.Operations, left.Bytes + right.Bytes);

        public static Work operator *(Work work, long times) => new(work.Rows * times, work.Operations * times, work.Bytes * times);

        public static Work operator *(long times, Work work) => work * times;
    }
}

/// <summary>Floating-point operations of the model's matrix products.</summary>
/// <param name="NaiveForwards">How many forward passes the naive run has.</param>
/// <param name="Naive">The operations of the naive run.</param>
/// <param name="Planned">The operations of the plan.</param>
internal readonly record struct OperationCount(int NaiveForwards, double Naive, double Planned);
