using System.Collections.Immutable;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>Changes by place and prompt, filled some prompts at a time. What is not filled is NaN: a place that the prompt lacks.</summary>
internal sealed class NodeTable
{
    private readonly ImmutableArray<NodeAxis> _axes;

    public NodeTable(ImmutableArray<NodeAxis> axes, int prompts)
    {
        _axes = axes;
        int places = axes.Aggregate(1, (product, axis) => product * axis.Labels.Length);
        Prompts = [.. Enumerable.Range(0, prompts).Select(_ =>
        {
            double[] changes = new double[places];
            Array.Fill(changes, double.NaN);
            return changes;
        })];
    }

    /// <summary>Of each prompt a number for every place, the last axis fastest.</summary>
    public double[][] Prompts { get; }

    /// <summary>Fills in the numbers of some prompts.</summary>
    /// <param name="values">The axes, then one for the prompts. Along positions it may end earlier, where these prompts do.</param>
    /// <param name="prompts">The prompts' numbers.</param>
    /// <param name="lengths">How many tokens each of them has; null where every place is one of theirs.</param>
    public void Fill(Tensor values, IReadOnlyList<int> prompts, IReadOnlyList<int>? lengths = null)
    {
        double[] numbers = values.Doubles();
        int[] sizes = [.. values.shape.SkipLast(1).Select(size => (int)size)], at = new int[sizes.Length];
        for (int i = 0; i < numbers.Length; i += prompts.Count)
        {
            int place = 0;
            for (int axis = 0; axis < at.Length; axis++)
                place = (place * _axes[axis].Labels.Length) + at[axis];
            for (int prompt = 0; prompt < prompts.Count; prompt++)
                if (lengths is null || IsThere(at, lengths[prompt]))
                    Prompts[prompts[prompt]][place] = numbers[i + prompt];
            for (int axis = at.Length - 1; axis >= 0 && ++at[axis] == sizes[axis]; axis--)
                at[axis] = 0;
        }
    }

    private bool IsThere(int[] at, int length)
    {
        for (int axis = 0; axis < at.Length; axis++)
            if (_axes[axis].Name is "pos" or "query" or "key" && at[axis] >= length)
                return false;
        return true;
    }
}

/// <summary>Runs whose result is a change at every point of a sweep.</summary>
internal static class NodeRuns
{
    /// <summary>The metric's change at every point; 0 at places beyond the sweep, which are not reached.</summary>
    /// <param name="measurement">What is measured.</param>
    /// <param name="graph">What changes the first run, swept along the axes.</param>
    /// <param name="title">What was done.</param>
    /// <param name="axes">The axes. A sweep may end before the first one does.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    public static NodeScores Changes(
        this Measurement measurement,
        InterventionGraph graph,
        string title,
        ImmutableArray<NodeAxis> axes,
        CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = measurement.Run(graph, cancellationToken);
        string name = measurement.Metric.Name;
        int[] prompts = [.. Enumerable.Range(0, measurement.Prompts.Prompts.Count)];
        NodeTable table = new(axes, prompts.Length);
        foreach (double[] changes in table.Prompts)
            Array.Clear(changes);
        table.Fill(run.Changed(name).Values.sub(run.Run(measurement.Clean)[name]), prompts);
        BaselineTable baselines = new(measurement);
        baselines.Fill(run, prompts);
        return new NodeScores(title, name, axes, table.Prompts, baselines.Filled())
        {
            Warnings =
            [
                .. run.Layout.Notes,
                .. table.Prompts.All(changes => changes.All(change => change == 0))
                    ? [$"{name} is exactly as before in every prompt: what was changed reaches nothing that it reads."]
                    : Array.Empty<string>(),
            ],
        };
    }
}

/// <summary>The metric in both runs, of prompts that come some at a time.</summary>
internal sealed class BaselineTable(Measurement measurement)
{
    private readonly double[] _clean = new double[measurement.Prompts.Prompts.Count];
    private readonly double[] _corrupted = new double[measurement.Prompts.Prompts.Count];

    /// <summary>Fills in some prompts' values.</summary>
    public void Fill(RunResult run, IReadOnlyList<int> prompts)
    {
        foreach ((string name, double[] values) in ((string, double[])[])
            [(measurement.Clean, _clean), (measurement.Options.From, _corrupted)])
            foreach ((double value, int prompt) in run.Run(name)[measurement.Metric.Name].Doubles().Zip(prompts))
                values[prompt] = value;
    }

    public Baselines Filled(bool changesCorrupted = false) => new(_clean, _corrupted, changesCorrupted);
}
