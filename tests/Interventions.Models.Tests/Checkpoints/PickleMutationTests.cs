using System.IO.Compression;
using System.Text;
using Interventions.Models.Checkpoints;
using Interventions.Testing.Fuzzing;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Damaged and hostile PyTorch files: each is refused with the reason, and nothing that it asks for is run.</summary>
public sealed class PickleMutationTests : IDisposable
{
    private const string OrderedDict = "ccollections\nOrderedDict\n)R", Float = "ctorch\nFloatStorage\n", No = "\u0089";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Pickles => new()
    {
        { "calls a command", "cos\nsystem\n(X\u0005\0\0\0touchtR.",
            "asks to call 'os.system', which a state dict does not need: it is not read," },
        { "calls a command of posix", "cposix\nsystem\n", "asks to call 'posix.system', which a state dict does not need: it is not" },
        { "calls eval", "c__builtin__\neval\n", "asks to call '__builtin__.eval', which a state dict does not need: it is not" },
        { "calls eval of Python 3", "cbuiltins\neval\n", "asks to call 'builtins.eval', which a state dict does not need: it is not" },
        { "calls exec", "cbuiltins\nexec\n", "asks to call 'builtins.exec', which a state dict does not need: it is not" },
        { "calls getattr", "cbuiltins\ngetattr\n", "asks to call 'builtins.getattr', which a state dict does not need: it is not" },
        { "calls a process", "csubprocess\nPopen\n", "asks to call 'subprocess.Popen', which a state dict does not need: it is not" },
        { "loads code from elsewhere", "ctorch.hub\nload\n", "asks to call 'torch.hub.load', which a state dict does not need: it is not" },
        { "loads another pickle", "ctorch\nload\n", "asks to call 'torch.load', which a state dict does not need: it is not read," },
        { "loads a pickle in it", "c_pickle\nloads\n", "asks to call '_pickle.loads', which a state dict does not need: it is not" },
        { "names a call by two texts", Text("os") + Text("system") + "\u0093.",
            "asks to call 'os.system', which a state dict does not need: it is not read," },
        { "names a call that is long", $"c{new string('x', 5000)}\ny\n", "asks to call" },
        { "names a call with control characters", "c\u0007\ny\n",
            "asks to call '?.y', which a state dict does not need: it is not read, and" },
        { "names a call of a known module", "ctorch._utils\n_rebuild_qtensor\n",
            "asks to call 'torch._utils._rebuild_qtensor', which a state dict does not" },
        { "names half a call", "cos", "it ends in the middle of a line." },
        { "makes an instance the old way", "(ios\nsystem\n", "instruction 105 is none that tensors need." },
        { "makes an object", "ccollections\nOrderedDict\n(o", "instruction 111 is none that tensors need." },
        { "makes an object the new way", "ccollections\nOrderedDict\n)\u0081", "instruction 129 is none that tensors need." },
        { "calls what is no function", "N)R", "an instruction finds something else than it works with." },
        { "calls with what are no arguments", "ccollections\nOrderedDict\nNR", "an instruction finds something else than it works with." },
        { "calls a storage", Float + ")R", "a tensor is described otherwise than PyTorch does." },
        { "calls with too few arguments", "ctorch._utils\n_rebuild_tensor_v2\n)R", "a tensor is described otherwise than PyTorch does." },
        { "calls with other arguments", "ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR",
            "a tensor is described otherwise than PyTorch does." },
        { "makes a dictionary of arguments", "ccollections\nOrderedDict\n(NtR", "a tensor is described otherwise than PyTorch does." },
        { "makes a parameter of nothing", "ctorch._utils\n_rebuild_parameter\n(NtR", "a tensor is described otherwise than PyTorch does." },
        { "holds nothing", "N.", "holds a pickle that is no state dict." },
        { "holds a list", "].", "holds a pickle that is no state dict." },
        { "holds a number", "K\u0001.", "holds a pickle that is no state dict." },
        { "holds a number by name", "}" + Text("a") + "K\u0001s.",
            "holds 'a', which is no tensor: a state dict has names and tensors alone." },
        { "holds a dictionary within itself", "}q\0" + Text("state_dict") + "h\0s.",
            "holds 'state_dict', which is no tensor: a state dict has names and tensors" },
        { "holds a tensor under a number", "}K\u0001" + Tensor() + "s.",
            "holds '1', which is no tensor: a state dict has names and tensors alone." },
        { "holds a tensor under a tensor", "}" + Tensor() + Tensor() + "s.",
            "holds 'PickledTensor { Storage = 0, Type = Float32, Count = 4, Offset = 0," },
        { "has an empty dictionary's end alone", "u.", "a mark is missing." },
        { "has a key without a value", "}(" + Text("a") + "u.", "a dictionary has a key without a value." },
        { "has no key", "}NNs.", "a dictionary has no key." },
        { "adds to what is no dictionary", "]" + Text("a") + "Ns.", "an instruction finds something else than it works with." },
        { "appends to what is no list", "}Na.", "an instruction finds something else than it works with." },
        { "has too little for a pair", "N\u0086.", "too little is on the stack." },
        { "has too little for three", "NN\u0087.", "too little is on the stack." },
        { "recalls what was not kept", "h\u0007.", "nothing is kept as 7." },
        { "recalls what was not kept, by four bytes", "j\u0007\0\0\0.", "nothing is kept as 7." },
        { "recalls a negative number", "j\u00ff\u00ff\u00ff\u00ff.", "a length is negative." },
        { "keeps nothing", "q\0", "nothing is on the stack." },
        { "takes from an empty stack", "0", "nothing is on the stack." },
        { "ends without a value", ".", "nothing is on the stack." },
        { "does not end", "}", "it ends too early." },
        { "is empty", "", "it ends too early." },
        { "has an unknown protocol", "\u0080\u0009}.", "its protocol is unknown." },
        { "has a frame that is cut", "\u0095\0\0", "it ends too early." },
        { "has text of two billion bytes", "X\u00ff\u00ff\u00ff\u007f", "it ends too early." },
        { "has text of a negative length", "X\u00ff\u00ff\u00ff\u00ff", "a length is negative." },
        { "has a number of nine bytes", "\u008a\u0009\0\0\0\0\0\0\0\0\0.", "a number is too large." },
        { "has a number of two hundred bytes", "\u008a\u00c8", "it ends too early." },
        { "has an unknown instruction", "\u00ff", "instruction 255 is none that tensors need." },
        { "has a text in quotes", "S'a'\n.", "instruction 83 is none that tensors need." },
        { "has a storage of no kind", Stored(Tensor(storage: "N")), "a tensor is described otherwise than PyTorch does." },
        { "has a storage that is described otherwise", Stored(Tensor(storage: Storage(kind: "array"))),
            "a storage is described otherwise than PyTorch does." },
        { "has a storage of another type", Stored(Tensor(storage: Storage(type: "ctorch\nComplexFloatStorage\n"))),
            "asks to call 'torch.ComplexFloatStorage', which a state dict does not need:" },
        { "has a storage of negative size", Stored(Tensor(storage: Storage(count: "J\u00ff\u00ff\u00ff\u00ff"))),
            "a storage is described otherwise than PyTorch does." },
        { "has a storage of another size than its file", Stored(Tensor(storage: Storage(count: "K\u0005"))),
            "has 16 bytes for 5 numbers of 'a'." },
        { "has a storage of a size that overflows", Stored(Tensor(storage: Storage(count: Long(long.MaxValue)))),
            "has 16 bytes for 9223372036854775807 numbers of 'a'." },
        { "has a storage that is not there", Stored(Tensor(storage: Storage(name: "7"))), "has no numbers '7', which 'a' needs." },
        { "has a storage outside the archive", Stored(Tensor(storage: Storage(name: "../../../etc/passwd"))),
            "has no numbers '../../../etc/passwd', which 'a' needs." },
        { "has a tensor that reaches too far", Stored(Tensor(shape: "K\u0003K\u0002\u0086")), "a tensor reaches to number 5 of 4." },
        { "has a tensor that begins too far", Stored(Tensor(offset: "K\u0001")), "a tensor reaches to number 4 of 4." },
        { "has a tensor that begins before its numbers", Stored(Tensor(offset: "J\u00ff\u00ff\u00ff\u00ff")),
            "a tensor has a negative size." },
        { "has a negative size", Stored(Tensor(shape: "J\u00ff\u00ff\u00ff\u00ffK\u0002\u0086")), "a tensor has a negative size." },
        { "has a negative stride", Stored(Tensor(strides: "J\u00fe\u00ff\u00ff\u00ffK\u0001\u0086")), "a tensor has a negative size." },
        { "has fewer strides than sizes", Stored(Tensor(strides: "K\u0001\u0085")), "a tensor has a negative size." },
        { "has sizes that overflow", Stored(Tensor(shape: Long(1L << 62) + "K\u0004\u0086", strides: "K\0K\0\u0086")),
            "Arithmetic operation resulted in an overflow." },
        { "has a number again and again", Stored(Tensor(shape: "J\0\0\0\u0040J\0\0\0\u0040\u0086", strides: "K\0K\0\u0086")),
            "a tensor of 1152921504606846976 elements has 4 numbers." },
        { "has sizes that are no numbers", Stored(Tensor(shape: "NN\u0086")), "an instruction finds something else than it works with." },
        { "has fractional sizes", Stored(Tensor(shape: "G\u0040\0\0\0\0\0\0\0K\u0002\u0086")),
            "an instruction finds something else than it works with." },
    };

    [Theory]
    [MemberData(nameof(Pickles))]
    public void A_pickle_that_is_no_state_dict_is_refused(string what, string pickle, string reason)
    {
        PickleWriter.Save(_folder["model.bin"], Encoding.Latin1.GetBytes(pickle), [new byte[16]]);
        Check(what, reason);
    }

    [Fact]
    public void The_pickle_that_is_damaged_is_true()
    {
        PickleWriter.Save(_folder["model.bin"], Encoding.Latin1.GetBytes(Stored(Tensor())), [new byte[16]]);
        using PickleFile file = PickleFile.Open(_folder["model.bin"]);
        using TorchSharp.torch.Tensor tensor = file.Read("a");
        Assert.Equal([2, 2], tensor.shape);
    }

    [Theory]
    [InlineData("no archive", "is not a file of PyTorch 1.6 or later: convert it to safetensors.")]
    [InlineData("empty file", "is not a file of PyTorch 1.6 or later: convert it to safetensors.")]
    [InlineData("half an archive", "is not a file of PyTorch 1.6 or later: convert it to safetensors.")]
    [InlineData("no pickle", "has 0 pickles ('data.pkl') where a PyTorch file has one.")]
    [InlineData("two pickles", "has 2 pickles ('data.pkl') where a PyTorch file has one.")]
    [InlineData("numbers the wrong way round", "stores numbers in 'big' order; 'little' is read.")]
    [InlineData("no numbers", "has no numbers '0', which 'a' needs.")]
    [InlineData("too few numbers", "has 15 bytes for 4 numbers of 'a'.")]
    [InlineData("compressed numbers", "has 16 bytes for 4 numbers of 'a'.")]
    [InlineData("a pickle that unpacks to a gigabyte", "has a pickle of 300000000 bytes, more than a state dict needs.")]
    public void An_archive_that_is_no_pytorch_file_is_refused(string what, string reason)
    {
        byte[] pickle = Encoding.Latin1.GetBytes(Stored(Tensor()));
        using MemoryStream bytes = new();
        using (ZipArchive zip = new(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            if (what != "no pickle")
            {
                bool isBomb = what == "a pickle that unpacks to a gigabyte";
                Add(zip, "archive/data.pkl", isBomb ? new byte[300_000_000] : pickle, isBomb);
            }
            if (what == "two pickles")
                Add(zip, "other/data.pkl", pickle);
            Add(zip, "archive/byteorder", Encoding.ASCII.GetBytes(what == "numbers the wrong way round" ? "big" : "little"));
            if (what != "no numbers")
                Add(zip, "archive/data/0", new byte[what == "too few numbers" ? 15 : 16], isSmall: what == "compressed numbers");
        }
        byte[] file = bytes.ToArray();
        File.WriteAllBytes(_folder["model.bin"], what switch
        {
            "no archive" => pickle,
            "empty file" => [],
            "half an archive" => file[..(file.Length / 2)],
            _ => file,
        });
        Check(what, reason);
    }

    private void Check(string what, string reason)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<CheckpointException>(() =>
        {
            using PickleFile file = PickleFile.Open(_folder["model.bin"]);
            foreach (string name in file.Names)
                file.Read(name).Dispose();
        }).Message;
        Assert.StartsWith($"'{_folder["model.bin"]}'", message, StringComparison.Ordinal);
        Assert.True(message.Contains(reason, StringComparison.Ordinal), $"{what}: {message}");
        Assert.InRange(message.Length, 1, 500);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    private static void Add(ZipArchive zip, string name, byte[] content, bool isSmall = false)
    {
        using Stream stream = zip.CreateEntry(name, isSmall ? CompressionLevel.SmallestSize : CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }

    /// <summary>A state dict of one tensor.</summary>
    private static string Stored(string tensor) => "}" + Text("a") + tensor + "s.";

    /// <summary>A tensor of two rows and two columns, with a part of its description changed.</summary>
    private static string Tensor(
        string? storage = null, string offset = "K\0", string shape = "K\u0002K\u0002\u0086", string strides = "K\u0002K\u0001\u0086") =>
        $"ctorch._utils\n_rebuild_tensor_v2\n({storage ?? Storage()}{offset}{shape}{strides}{No}{OrderedDict}tR";

    private static string Storage(string type = Float, string name = "0", string count = "K\u0004", string kind = "storage") =>
        $"({Text(kind)}{type}{Text(name)}{Text("cpu")}{count}tQ";

    private static string Text(string text) => $"X{(char)text.Length}\0\0\0{text}";

    private static string Long(long number) => "\u008a\b" + Encoding.Latin1.GetString(BitConverter.GetBytes(number));
}
