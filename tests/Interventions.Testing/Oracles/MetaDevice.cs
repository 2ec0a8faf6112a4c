using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Oracles;

/// <summary>
/// The same plan on the meta device, where tensors have shapes and no memory: a tensor that is made without a device, or a decision that
/// looks at a number, fails there. Strict runs compare numbers, and are not run there.
/// </summary>
public static class MetaDevice
{
    /// <summary>
    /// What a run on the meta device keeps has the shapes and types of the real one, and its writes select, write and compare as much.
    /// </summary>
    public static void IsLike(RunResult real, RunResult meta, InterventionGraph graph, IPromptSet prompts, string what)
    {
        foreach (string name in graph.Captures.Select(node => node.Name)
            .Concat(graph.Gradients.Select(node => node.Name)).Concat(graph.Metrics.Select(node => node.Name)))
        {
            IsLike(real.Changed(name).Values, meta.Changed(name).Values, $"on meta: {name} of {what}");
            foreach (string run in real.Layout.KeptRuns)
                IsLike(real.Run(run)[name], meta.Run(run)[name], $"on meta: {name} of run {run} of {what}");
        }
        Assert.True(real.Effects.Select(Counts).SequenceEqual(meta.Effects.Select(Counts)), $"on meta: effects of {what}");
        // That a write changed nothing is known without numbers where it is a copy of what is there.
        Assert.True(
            meta.Warnings.All(real.Warnings.Contains),
            $"on meta: [{string.Join(", ", meta.Warnings)}] instead of [{string.Join(", ", real.Warnings)}] of {what}");

        static (string, long, long, long) Counts(WriteEffect effect) => (effect.Write, effect.Selected, effect.Written, effect.Compared);
    }

    private static void IsLike(Tensor real, Tensor meta, string what) => Assert.True(
        meta.device_type == DeviceType.META && meta.dtype == real.dtype && meta.shape.SequenceEqual(real.shape),
        $"{what}: {meta.dtype} [{string.Join(", ", meta.shape)}] on {meta.device} instead of {real.dtype} "
            + $"[{string.Join(", ", real.shape)}]");
}
