using System.Collections.Immutable;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>One tensor of a safetensors file, as the header describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Dtype">Its element type.</param>
/// <param name="Shape">Its shape; empty for a scalar.</param>
/// <param name="Begin">Where its bytes begin, counted from the first byte after the header.</param>
/// <param name="End">Where they end; the byte there is no longer part of it.</param>
public sealed record TensorEntry(string Name, ScalarType Dtype, ImmutableArray<long> Shape, long Begin, long End)
{
    /// <summary>How many elements it has.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);
}

/// <summary>The element types of the format.</summary>
internal static class TensorDtype
{
    private static readonly (string Name, ScalarType Type, int Size)[] Known =
    [
        ("F64", ScalarType.Float64, 8), ("I64", ScalarType.Int64, 8), ("F32", ScalarType.Float32, 4), ("I32", ScalarType.Int32, 4),
        ("F16", ScalarType.Float16, 2), ("BF16", ScalarType.BFloat16, 2), ("I16", ScalarType.Int16, 2),
        ("I8", ScalarType.Int8, 1), ("U8", ScalarType.Byte, 1), ("BOOL", ScalarType.Bool, 1),
    ];

    public static string Names => string.Join(", ", Known.Select(known => known.Name));

    public static ScalarType? Find(string name) =>
        Known.Where(known => known.Name == name).Select(known => (ScalarType?)known.Type).FirstOrDefault();

    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static int SizeOf(ScalarType type) => Of(type).Size;

    /// <exception cref="ArgumentException">The format has no such type.</exception>
    public static string NameOf(ScalarType type) => Of(type).Name;

    private static (string Name, ScalarType Type, int Size) Of(ScalarType type)
    {
        foreach (var known in Known)
            if (known.Type == type)
                return known;
        throw new ArgumentException($"safetensors files hold {Names}; {type} is none of them.", nameof(type));
    }
}
