using System.IO.Compression;
using System.Text;
using Interventions.Models.Checkpoints;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Fuzzing;

/// <summary>Writes files as PyTorch does.</summary>
internal static class PickleWriter
{
    public static void Save(string path, Dictionary<string, Tensor> tensors)
    {
        Dictionary<string, PickledTensor> pickled = [];
        List<byte[]> numbers = [];
        foreach ((string name, Tensor tensor) in tensors)
        {
            long count = tensor.NumberOfElements;
            Tensor flat = (tensor.is_contiguous() ? tensor.clone() : tensor).as_strided([count], [1]);
            pickled[name] = new PickledTensor($"{numbers.Count}", tensor.dtype, count, 0, tensor.shape, tensor.stride());
            using MemoryStream stream = new();
            flat.WriteBytesToStream(stream);
            numbers.Add(stream.ToArray());
        }
        Save(path, Pickle(pickled), numbers);
    }

    public static void Save(string path, byte[] pickle, IReadOnlyList<byte[]>? numbers = null)
    {
        File.WriteAllBytes(path, Zipped(pickle, numbers));
    }

    /// <summary>The file of a pickle and of lists of numbers.</summary>
    public static byte[] Zipped(byte[] pickle, IReadOnlyList<byte[]>? numbers = null)
    {
        using MemoryStream file = new();
        using (ZipArchive zip = new(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(zip, "data.pkl", pickle);
            Add(zip, "byteorder", "little"u8.ToArray());
            foreach ((int i, byte[] content) in (numbers ?? []).Index())
                Add(zip, $"data/{i}", content);
        }
        return file.ToArray();
    }

    private static void Add(ZipArchive zip, string name, byte[] content)
    {
        using Stream stream = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }

    public static byte[] Pickle(Dictionary<string, PickledTensor> tensors)
    {
        using MemoryStream stream = new();
        void Raw(string text) => stream.Write(Encoding.Latin1.GetBytes(text));
        void Text(string text)
        {
            Raw("X");
            stream.Write(BitConverter.GetBytes(text.Length));
            Raw(text);
        }
        void Number(long number)
        {
            Raw("J");
            stream.Write(BitConverter.GetBytes((int)number));
        }
        void Numbers(long[] numbers)
        {
            Raw("(");
            foreach (long number in numbers)
                Number(number);
            Raw("t");
        }
        Raw("\u0080\u0002}(");
        foreach ((string name, PickledTensor tensor) in tensors)
        {
            Text(name);
            Raw("ctorch._utils\n_rebuild_tensor_v2\n((");
            Text("storage");
            Raw($"ctorch\n{(tensor.Type == ScalarType.BFloat16 ? "BFloat16" : "Float")}Storage\n");
            Text(tensor.Storage);
            Text("cpu");
            Number(tensor.Count);
            Raw("tQ");
            Number(tensor.Offset);
            Numbers(tensor.Shape);
            Numbers(tensor.Strides);
            Raw("\u0089ccollections\nOrderedDict\n)RtR");
        }
        Raw("u.");
        return stream.ToArray();
    }
}
