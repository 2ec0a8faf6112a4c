using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Tables;

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
        (int points, int groups) = (plan.Points.Length, plan.Groups.Count(group => group.Run is null));
        StringBuilder text = new();
        int naively = NaiveForwards(plan);
        Line($"{plan.Intervention.Name}: {TextTable.Count(points, "point")} in {TextTable.Count(groups, "variant group")}; "
            + FormattableString.Invariant($"naively {naively} forward pass{(naively == 1 ? "" : "es")}"));
        (string Name, Work[] Works)[] lines = [.. Folded(layers), ("all", total)];
        text.Append(Table(lines).Print());
        if (lines.Any(line => line.Name.Contains("..", StringComparison.Ordinal)))
            Line("Layers in one line are equal: the numbers are those of each of them.");
        Line(FormattableString.Invariant(
            $"{execution.Passes.Length} {(execution.Passes.Length == 1 ? "pass" : "passes")}, ")
            + FormattableString.Invariant($"at most about {execution.PeakBytes / 1048576.0:0.0} MiB of rows alive"));
        Line(FormattableString.Invariant(
            $"{total[0].Operations / Math.Max(1, total[2].Operations):0.0} times fewer operations than the naive run"));
        foreach (string method in execution.Slices.Writes.Values.SelectMany(written => written.Steps).Where(step => step.Widens)
            .Select(step => $"{step.Write.Node.Name} sees all of '{step.Write.Site.Text}', so all of it is computed; [Pointwise] would "
                + "promise that it need not be").Distinct())
            Line(method);
        return text.ToString();

        void Line(string line) => text.Append(TextTable.Wrap(line, indent: 2)).Append('\n');
    }

    private static TextTable Table((string Name, Work[] Works)[] lines)
    {
        (string Unit, double Size)[] units =
        [
            Unit(lines[^1].Works[0].Rows, 1000, "rows", "k rows", "M rows"),
            Unit(lines[^1].Works[0].Operations / 1e6, 1000, "MFLOP", "GFLOP", "TFLOP"),
            Unit(lines[^1].Works[0].Bytes / 1024.0, 1024, "KiB", "MiB", "GiB"),
        ];
        string[][] columns =
        [
            .. Column(work => work.Rows / units[0].Size), .. Column(work => work.Operations / 1e6 / units[1].Size),
            .. Column(work => work.Bytes / 1024.0 / units[2].Size),
        ];
        TextTable table = new(
        [
            new("layer"),
            .. units.SelectMany(unit =>
                s_steps.Select((step, i) => new TextColumn(i == 0 ? $"{unit.Unit}\n{step}" : step, IsNumber: true))),
        ]);
        for (int line = 0; line < lines.Length; line++)
            table.Add([lines[line].Name, .. columns.Select(column => column[line])]);
        return table;

        // The three columns of a unit have equally many decimals, so that they can be compared.
        IEnumerable<string[]> Column(Func<Work, double> number)
        {
            string[] cells = ShortNumbers.Format([.. s_steps.SelectMany((_, step) => lines.Select(line => number(line.Works[step])))]);
            return s_steps.Select((_, step) => cells[(step * lines.Length)..((step + 1) * lines.Length)]);
        }
    }

    /// <summary>The unit in which a number has at most four digits before the point, where there is one.</summary>
    private static (string Unit, double Size) Unit(double largest, double factor, params string[] units)
    {
        int unit = Enumerable.Range(0, units.Length - 1).TakeWhile(i => largest / Math.Pow(factor, i) >= 10_000).Count();
        return (units[unit], Math.Pow(factor, unit));
    }

    /// <summary>The layers by name, neighbours with equal work as one.</summary>
    private static IEnumerable<(string Name, Work[] Works)> Folded(SortedDictionary<int, Work[]> layers)
    {
        int[] numbers = [.. layers.Keys];
        for (int i = 0, next; i < numbers.Length; i = next)
        {
            next = i + 1;
            while (next < numbers.Length && IsLayer(i) && IsLayer(next) && layers[numbers[i]].SequenceEqual(layers[numbers[next]]))
                next++;
            string name = numbers[i] switch
            {
                OtherLayer => "other",
                LogitsLayer => "logits",
                int first when next == i + 1 => first.ToString(CultureInfo.InvariantCulture),
                int first => FormattableString.Invariant($"{first}..{numbers[next - 1]}"),
            };
            yield return (name, layers[numbers[i]]);
        }

        bool IsLayer(int i) => numbers[i] is not (OtherLayer or LogitsLayer);
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
