using static TorchSharp.torch;

namespace Interventions.Torch;

/// <summary>Shapes in checks and messages.</summary>
internal static class Shapes
{
    public static bool Broadcasts(long[] from, long[] to) =>
        from.Length <= to.Length && Enumerable.Range(1, from.Length).All(i => from[^i] == 1 || from[^i] == to[^i]);

    public static string Describe(Tensor value) => $"[{string.Join(", ", value.shape)}]";

    public static string Describe(long[] shape, IEnumerable<string> axes) =>
        $"[{string.Join(", ", axes.Zip(shape, (axis, size) => $"{axis}={size}"))}]";
}
