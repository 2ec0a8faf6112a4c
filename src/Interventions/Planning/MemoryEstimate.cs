using System.Collections.Immutable;
using Interventions.ModelGraphs;

namespace Interventions.Planning;

/// <summary>How many bytes of rows a pass has alive, by estimate.</summary>
internal static class MemoryEstimate
{
    /// <summary>
    /// Tables up to this size get memory that was used before. Larger ones come from the system page by page and go back to it, which costs
    /// more time than products of more rows gain.
    /// </summary>
    private const long HandyBytes = 28 << 20;

    /// <summary>Products of this many rows are as fast as those of more.</summary>
    private const long HandyRows = 2048;

    /// <summary>
    /// How many times the size of its result a node that looks beyond its own position needs while it is computed, at once or in pieces:
    /// inputs in the order of its products, scores, patterns.
    /// </summary>
    private const int WholeCopies = 3, PieceCopies = 5;

    /// <summary>The most bytes that are alive at once.</summary>
    public static long Peak(Expansion plan, Slices slices, ImmutableArray<ImmutableArray<int>> variants, IReadOnlyList<PlanStep> steps)
    {
        long live = 0, peak = 0;
        Dictionary<NodeId, long> tables = [];
        Dictionary<NodeId, PlanStep> made = steps.ToDictionary(step => step.Node);
        foreach (PlanStep step in steps)
        {
            foreach (PlanTable table in step.Tables)
            {
                live += Bytes(plan, step.Node, table);
                peak = Math.Max(peak, live + Beside(plan, made, step.Node, table));
            }
            // Each group's writes are carried out in a table of its own, and these tables are then put together.
            long written = step.Written.Sum(group => WrittenRows(group, step.Node)) * plan.RowBytes(step.Node);
            peak = Math.Max(peak, live + (2 * written));
            live += written;
            tables[step.Node] = step.Tables.Sum(table => Bytes(plan, step.Node, table)) + written;
            // The backward pass needs all values, and its gradients are as large.
            if (!plan.HasGradients)
                foreach (NodeId node in step.Freed)
                    if (tables.Remove(node, out long bytes))
                        live -= bytes;
        }
        return plan.HasGradients ? 2 * peak : peak;

        long WrittenRows(VariantGroup group, NodeId node) => Enumerable.Range(0, plan.Classes.Length)
            .Sum(c => (long)slices.After[group, node, c].Count * plan.Classes[c].Rows.Length) * variants[group.Index].Length;
    }

    /// <summary>The bytes that a pass leaves for later ones.</summary>
    public static long Retained(Expansion plan, PlanPass pass)
    {
        HashSet<NodeId> freed = [.. pass.Nodes.SelectMany(step => step.Freed)];
        return pass.Nodes.Where(step => !freed.Contains(step.Node))
            .Sum(step => step.Tables.Sum(table => Bytes(plan, step.Node, table)));
    }

    /// <summary>The number of parts in which the variants of a pass are computed fastest.</summary>
    public static int HandyParts(Expansion plan, PlanPass pass) => pass.Nodes.Max(step => step.Tables.Select(table =>
        (int)Math.Min((Bytes(plan, step.Node, table) + HandyBytes - 1) / HandyBytes, table.RowCount / HandyRows)).DefaultIfEmpty(1).Max());

    private static long Bytes(Expansion plan, NodeId node, PlanTable table) => table.RowCount * plan.RowBytes(node);

    /// <summary>The bytes beside a table while it is computed: inputs that are put into its order, and values on the way.</summary>
    private static long Beside(Expansion plan, Dictionary<NodeId, PlanStep> made, NodeId node, PlanTable table)
    {
        if (table.Definition is not { } definition)
            return 0;
        long rows = table.RowCount, bytes = Bytes(plan, node, table);
        if (!definition.LooksBeyond)
        {
            long[] links = [.. table.Chain.Select(link => plan.RowBytes(plan.Id(link.Node.Name)))];
            long block = Math.Min(rows, Batching.BlockRows(links.DefaultIfEmpty(0).Max()));
            IEnumerable<string> inputs = table.Chain.Select(link => link.Definition).Append(definition)
                .SelectMany(link => link.Inputs).Select(input => input.Node).Except(table.Chain.Select(link => link.Node.Name));
            return inputs.Sum(input => Reordered(input, rows)) + (block * links.Sum()) + bytes;
        }
        long whole = table.Sets.Sum(set => (long)set.Lanes * plan.Classes[set.Class].Length);
        long read = definition.Inputs.Sum(input => Reordered(input.Node, input.Reach.Kind == ReachKind.Pointwise ? rows : whole));
        if (definition.Piecewise is null)
            return read + (WholeCopies * whole * plan.RowBytes(node));
        long piece = Math.Min(table.Sets.Max(set => (long)set.Size) * plan.RowBytes(node), Batching.BlockBytes);
        double keysAnEntry = (double)plan.Longest / plan.RowShape(node).LastOrDefault(1);
        return read + bytes + (long)(PieceCopies * piece * (1 + keysAnEntry));

        // An input is copied unless its rows lie in the table's order already.
        long Reordered(string input, long count) => IsInOrder(plan.Id(input)) ? 0 : count * plan.RowBytes(plan.Id(input));

        bool IsInOrder(NodeId input) => made.TryGetValue(input, out PlanStep? step) && step.Written.IsEmpty
            && step.Tables is [PlanTable one] && RowSet.AreSame(one.Sets, table.Sets);
    }
}
