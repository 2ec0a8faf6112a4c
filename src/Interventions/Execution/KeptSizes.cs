using System.Globalization;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Tables;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Says of kept values that they are large: each point of a sweep multiplies what one run keeps. The memory budget is for what is computed,
/// and a method may keep little of what its path selects, so that nothing is refused.
/// </summary>
/// <param name="intervention">The declaration.</param>
/// <param name="budget">The bytes from which on kept values are large.</param>
internal sealed class KeptSizes(BoundIntervention intervention, long budget)
{
    private readonly long _points = intervention.Sweep.Aggregate(1L, (product, axis) => product * axis.Coordinates.Length);

    /// <summary>A sentence for each capture and gradient that may become large, before anything is computed.</summary>
    public IEnumerable<string> Planned(HookedModel model, IPromptSet prompts)
    {
        NodeShapes shapes = ShapeProbe.Of(model.Graph, model.Device);
        SweepPoint point = intervention.Points().First();
        int runs = prompts.Vocabulary.Runs.Count;
        foreach (BoundKeep keep in intervention.Kept)
        {
            string[] names = [.. keep.Site.Names(point)];
            NodeShape shape = shapes[names[0]];
            long number = shape.Bytes / shape.Row.Where(size => size > 0).Aggregate(1L, (product, size) => product * size);
            long most = prompts.Prompts.Select((_, prompt) => Selected(keep, prompt)).Max();
            long ofRun = number * names.Length * prompts.Prompts.Count * most;
            long bytes = ofRun * (_points + (runs * (keep.IsSwept ? _points : 1)));
            if (bytes > budget)
                yield return Sentence(keep.Name, $"keeps up to {Size(bytes)}", prompts.Prompts.Count);
        }

        long Selected(BoundKeep keep, int prompt)
        {
            return Positions(keep.Site.PositionAxis) * keep.Site.ValuesAtAPosition(point, Positions);

            int Positions(int axis) => keep.Site.PositionIndices(
                axis, point, prompts.Prompts[prompt].Runs[intervention.BaseRun], $"prompt {prompt}").Count;
        }
    }

    /// <summary>A sentence for each of them that is large.</summary>
    /// <param name="tensors">What was kept, by name: the changed run's, then the unchanged ones'.</param>
    /// <param name="prompts">How many prompts there are.</param>
    public IEnumerable<string> Kept(Func<string, IEnumerable<Tensor>> tensors, int prompts) =>
        from keep in intervention.Kept
        let bytes = tensors(keep.Name).Sum(tensor => tensor.NumberOfElements * tensor.ElementSize)
        where bytes > budget
        select Sentence(keep.Name, $"keeps {Size(bytes)}", prompts);

    private string Sentence(string name, string keeps, int prompts) =>
        $"{intervention.Name}.{name} {keeps}, {TextTable.Count(prompts, "prompt")} at {TextTable.Count(_points, "point")} of the sweep: "
        + "select fewer layers, heads or positions in its path, let its method return less (a norm, a mean), or run batch by batch "
        + $"({nameof(InterventionRunner.RunTo)} into a file, {nameof(InterventionRunner.StreamAsync)}).";

    private static string Size(long bytes) => bytes < 1L << 30
        ? BatchChecks.MiB(bytes)
        : string.Create(CultureInfo.InvariantCulture, $"{bytes / (double)(1L << 30):0.0} GiB");
}
