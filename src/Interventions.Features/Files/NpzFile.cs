using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Files;

/// <summary>
/// Reads numpy's <c>.npz</c>: a zip of <c>.npy</c> files, each a header and an array. Numbers alone are read; an array of objects, which
/// would run code, is refused.
/// </summary>
internal static partial class NpzFile
{
    private const int LongestHeader = 1 << 16;

    private static readonly Dictionary<string, ScalarType> s_types = new()
    {
        ["<f2"] = ScalarType.Float16,
        ["<f4"] = ScalarType.Float32,
        ["<f8"] = ScalarType.Float64,
        ["<i4"] = ScalarType.Int32,
        ["<i8"] = ScalarType.Int64,
    };

    /// <summary>All arrays, by name.</summary>
    /// <exception cref="CheckpointException">The file is malformed.</exception>
    public static Dictionary<string, Tensor> Read(string path)
    {
        try
        {
            using ZipArchive zip = ZipFile.OpenRead(path);
            Dictionary<string, Tensor> arrays = [];
            foreach (ZipArchiveEntry entry in zip.Entries)
                if (!arrays.TryAdd(Path.GetFileNameWithoutExtension(entry.FullName), Read(path, entry)))
                    throw new CheckpointException(path, $"has two arrays '{Path.GetFileNameWithoutExtension(entry.FullName)}'.");
            return arrays;
        }
        catch (Exception error) when (error is InvalidDataException or EndOfStreamException)
        {
            throw new CheckpointException(path, $"is no complete zip of arrays: {error.Message}", error);
        }
    }

    private static Tensor Read(string path, ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        byte[] start = new byte[8];
        stream.ReadExactly(start);
        if (start[0] != 0x93 || !start.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
            throw Wrong("is no array of numpy's");
        byte[] size = new byte[start[6] == 1 ? 2 : 4];
        stream.ReadExactly(size);
        int length = size.Length == 2 ? BitConverter.ToUInt16(size) : BitConverter.ToInt32(size);
        if (length is < 0 or > LongestHeader)
            throw Wrong($"has a header of {length} bytes");
        byte[] header = new byte[length];
        stream.ReadExactly(header);
        Match match = Header().Match(Encoding.Latin1.GetString(header));
        if (!match.Success)
            throw Wrong("has a header that cannot be read");
        if (!s_types.TryGetValue(match.Groups["type"].Value, out ScalarType type))
            throw Wrong($"holds '{match.Groups["type"].Value}', and known are {string.Join(", ", s_types.Keys)}");
        if (match.Groups["fortran"].Value == "True")
            throw Wrong("is stored column by column, which is not read");
        long[] shape = [.. match.Groups["size"].Captures.Select(text => long.Parse(text.Value, CultureInfo.InvariantCulture))];
        // The product of so many sizes may be beyond any number; what is longer than the file stays so.
        double bytes = shape.Aggregate((double)type.ElementSize(), (product, next) => product * next);
        if (bytes != entry.Length - (start.Length + size.Length + length))
            throw Wrong($"is of shape [{string.Join(", ", shape)}], and its file is not as long as that");
        Tensor array = empty(shape, type);
        array.ReadBytesFromStream(stream, 1 << 20);
        return array;

        CheckpointException Wrong(string reason) => new(path, $"has an entry '{entry.FullName}' that {reason}.");
    }

    [GeneratedRegex(
        @"^\{\s*'descr':\s*'(?<type>[^']*)',\s*'fortran_order':\s*(?<fortran>True|False),\s*"
        + @"'shape':\s*\((?:(?<size>\d{1,18}),?\s*)*\),?\s*\}\s*$",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Header();
}
