using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Tables;

namespace Interventions.Generation;

/// <summary>
/// Decides which variants go through the model together: all, unless the budget does not hold so many, or one gives a node another shape
/// than its neighbours read.
/// </summary>
internal sealed class GenerationGroups(HookedModel model, IPromptSet prompts, GenerationOptions options)
{
    /// <summary>
    /// How many times the size of its values a pass needs while it computes them: inputs in the order of products, and what an attention
    /// node makes on the way.
    /// </summary>
    private const int Copies = 2;

    private readonly NodeShapes _shapes = ShapeProbe.Of(model.Graph, model.Device);
    private readonly int _runCount = prompts.Vocabulary.Runs.Count;
    private readonly int _longest = prompts.Prompts.Max(prompt => prompt.Runs[0].Ids.Count);

    /// <summary>The size of batches, and a plan for each group.</summary>
    /// <exception cref="InterventionException">One prompt of one variant does not fit, or a method needs larger batches.</exception>
    public (int BatchSize, ImmutableArray<GenerationPlan> Plans) Of(
        BoundIntervention intervention, ImmutableArray<GenerationVariant> variants)
    {
        GenerationPlan all = Plan(variants);
        long bytes = all.Runs.Sum(BytesOfPrompt), budget = options.MemoryBudget;
        if (bytes > budget)
            throw new InterventionException(
                $"{intervention.Name}: to generate {TextTable.Count(options.MaxNewTokens, "token")} for one prompt at one point of the "
                + $"sweep takes about {BatchChecks.MiB(bytes)}, and {nameof(GenerationOptions)}.{nameof(options.MemoryBudget)} is "
                + $"{BatchChecks.MiB(budget)}.");
        int wanted = Math.Min(options.BatchSize, prompts.Prompts.Count), size = (int)Math.Min(wanted, budget / bytes);
        if (size < wanted)
            BatchChecks.CheckBudget(intervention, prompts, size, wanted * bytes, budget);
        int together = (int)Math.Min(variants.Length, budget / (bytes * size));
        if (Reshaped(all).Count == 0)
            return (size, [.. variants.Chunk(together).Select(group => Plan([.. group]))]);

        // A node whose shape one variant changes, and that another one selects by the shape which the schema says, parts the two.
        GenerationPlan[] alone = [.. variants.Select(variant => Plan([variant]))];
        HashSet<string> selected = [.. alone.SelectMany(plan => plan.Runs).SelectMany(run => run.Reads.Concat(run.Written))];
        return (size, [.. alone.GroupBy(plan => string.Join(' ', Reshaped(plan).Where(selected.Contains)))
            .SelectMany(alike => alike.Chunk(together))
            .Select(group => Plan([.. group.SelectMany(plan => plan.Variants)]))]);
    }

    private GenerationPlan Plan(ImmutableArray<GenerationVariant> variants) =>
        GenerationPlan.Of(variants, model, _runCount, options.UseCache);

    /// <summary>
    /// The nodes to which the writes give another shape, as a patched port gives every query head keys of its own.
    /// </summary>
    private SortedSet<string> Reshaped(GenerationPlan plan) => new(
        plan.Runs.SelectMany(run => Order(run).Steps)
            .Where(step => _shapes.Reshaped(step.Definition) is not null).Select(step => step.Node.Name),
        StringComparer.Ordinal);

    private NodeOrder Order(RunDemand run) => NodeOrder.Of(model.Graph, run.Reads, run.Written);

    /// <summary>The bytes that a run needs for one prompt of one variant, by estimate: the values of a pass, and what is held.</summary>
    private long BytesOfPrompt(RunDemand run)
    {
        NodeOrder order = Order(run);
        long all = _longest + options.MaxNewTokens, positions = options.UseCache ? _longest : all;
        Dictionary<string, int> readers = new(order.Readers);
        long live = 0, peak = 0;
        foreach ((ModelNode node, Definition definition) in order.Steps)
        {
            live += Bytes(node.Name, positions);
            peak = Math.Max(peak, live);
            foreach (NodeInput input in definition.Inputs)
                if (--readers[input.Node] == 0 && !run.Reads.Contains(input.Node))
                    live -= Bytes(input.Node, positions);
        }
        // Slots are doubled when they are used up, with the old ones beside them.
        long held = run.IsContinued && options.UseCache
            ? IncrementalEvaluator.HeldNodes(order, run.ReadBack).Sum(node => 2 * Bytes(node, all))
            : 0;
        long logits = run.Number is null ? _shapes[model.Graph.Output].Bytes : 0;
        return (Copies * peak * (options.UseCache ? 1 : options.Continuations)) + (options.Continuations * (held + logits));
    }

    private long Bytes(string node, long positions)
    {
        NodeShape shape = _shapes[node];
        return shape.Bytes * positions * (shape.IsPair ? positions : 1);
    }
}
