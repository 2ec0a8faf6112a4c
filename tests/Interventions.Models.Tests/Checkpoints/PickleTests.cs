using System.IO.Compression;
using System.Text;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>PyTorch files: tensors come back, and nothing that a file asks for is run.</summary>
public sealed class PickleTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_in_a_pytorch_file_is_the_model_in_safetensors()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2", ScalarType.Float32);
        model.Save(_folder.Path);
        Dictionary<string, Tensor> stored = SafeTensors.Load(_folder["model.safetensors"]);
        // A transposed view keeps its strides.
        stored["transformer.wte.weight"] = stored["transformer.wte.weight"].t().contiguous().t();
        PickleWriter.Save(_folder["pytorch_model.bin"], stored);
        File.Delete(_folder["model.safetensors"]);
        using DecoderModel loaded = DecoderModel.Load(_folder.Path), byName = DecoderModel.Load(_folder["pytorch_model.bin"]);
        Assert.All(model.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, loaded.Weights[weight.Key]), weight.Key));
        Assert.True(SmallDecoders.Same(byName.Weights["embed.weight"], loaded.Weights["embed.weight"]));
    }

    [Theory]
    [InlineData("cos\nsystem\n", "asks to call 'os.system', which a state dict does not need")]
    [InlineData("c__builtin__\neval\n", "asks to call '__builtin__.eval'")]
    [InlineData("ctorch.hub\nload\n", "asks to call 'torch.hub.load'")]
    [InlineData("ctorch\nload\n", "asks to call 'torch.load'")]
    [InlineData("i", "instruction 105 is none that tensors need")]
    [InlineData("N.", "is no state dict")]
    [InlineData("}X\u0001\0\0\0aNs.", "holds 'a', which is no tensor")]
    [InlineData("h\u0007", "nothing is kept as 7")]
    [InlineData("}", "it ends too early")]
    [InlineData("X\u00ff\u00ff\u00ff\u007f", "it ends too early")]
    [InlineData("X\u00ff\u00ff\u00ff\u00ff", "a length is negative")]
    [InlineData("t", "a mark is missing")]
    [InlineData("R", "nothing is on the stack")]
    public void A_pickle_that_is_no_state_dict_is_refused(string pickle, string reason)
    {
        PickleWriter.Save(_folder["model.bin"], Encoding.Latin1.GetBytes(pickle));
        string message = Assert.Throws<CheckpointException>(() => PickleFile.Open(_folder["model.bin"])).Message;
        Assert.StartsWith($"'{_folder["model.bin"]}'", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    /// <summary>Any byte of the file changed, or its end cut off, gives numbers or one clear refusal.</summary>
    [Fact]
    public void A_damaged_file_is_refused_and_never_crashes()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = _folder["whole.bin"];
        PickleWriter.Save(path, new() { ["a.weight"] = randn(3, 4), ["b.bias"] = randn(5).to(ScalarType.BFloat16) });
        byte[] whole = File.ReadAllBytes(path);
        Random random = new(3);
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            byte[] damaged = [.. whole];
            if (i % 4 == 0)
                damaged = damaged[..random.Next(damaged.Length)];
            else
                for (int change = 0; change <= i % 3; change++)
                    damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            string name = _folder["damaged.bin"];
            File.WriteAllBytes(name, damaged);
            try
            {
                using PickleFile file = PickleFile.Open(name);
                foreach (string tensor in file.Names)
                    file.Read(tensor).Dispose();
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }
        Assert.True(refused > 1000, $"{refused} refused");
    }

    [Fact]
    public void Tensors_stay_inside_their_numbers()
    {
        byte[] pickle = PickleWriter.Pickle(new Dictionary<string, PickledTensor>
        {
            ["a"] = new("0", ScalarType.Float32, 4, 0, [2, 3], [3, 1]),
        });
        PickleWriter.Save(_folder["model.bin"], pickle);
        string message = Assert.Throws<CheckpointException>(() => PickleFile.Open(_folder["model.bin"])).Message;
        Assert.Contains("a tensor reaches to number 5 of 4", message, StringComparison.Ordinal);
    }
}

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
        using ZipArchive zip = new(File.Create(path), ZipArchiveMode.Create);
        void Add(string name, byte[] content)
        {
            using Stream stream = zip.CreateEntry($"archive/{name}", CompressionLevel.NoCompression).Open();
            stream.Write(content);
        }
        Add("data.pkl", pickle);
        Add("byteorder", "little"u8.ToArray());
        foreach ((int i, byte[] content) in (numbers ?? []).Index())
            Add($"data/{i}", content);
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
