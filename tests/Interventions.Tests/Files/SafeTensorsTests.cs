using System.Buffers.Binary;
using System.Text;
using Interventions.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Files;

/// <summary>The safetensors format: what is written comes back, and every malformation is named.</summary>
public sealed class SafeTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_type_and_shape_comes_back()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor numbers = arange(6, ScalarType.Float64).view(2, 3);
        ScalarType[] types =
        [
            ScalarType.Float64, ScalarType.Float32, ScalarType.Float16, ScalarType.BFloat16, ScalarType.Int64, ScalarType.Int32,
            ScalarType.Int16,
            ScalarType.Int8, ScalarType.Byte, ScalarType.Bool,
        ];
        Dictionary<string, Tensor> written = types.ToDictionary(type => $"{type}", type => numbers.to_type(type));
        written["scalar"] = tensor(3.5f);
        written["empty"] = empty(0, 4);
        written["transposed"] = numbers.t();
        SafeTensors.Save(_folder["all.safetensors"], written, new Dictionary<string, string> { ["note"] = "ü" });

        using SafeTensorFile file = SafeTensorFile.Open(_folder["all.safetensors"]);
        Assert.Equal("ü", file.Metadata["note"]);
        Assert.Equal(written.Keys.Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
        foreach ((string name, Tensor expected) in written)
        {
            Tensor actual = file.Read(name);
            Assert.Equal(expected.dtype, actual.dtype);
            Assert.Equal(expected.shape, actual.shape);
            Assert.True(actual.numel() == 0 || actual.eq(expected).all().item<bool>(), name);
        }
    }

    [Fact]
    public void Tensors_outlive_their_file_object_and_its_replacement()
    {
        string path = _folder["a.safetensors"];
        using DisposeScope scope = NewDisposeScope();
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = ones(1000) });
        Tensor first = SafeTensors.Load(path)["x"];
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = zeros(1000) });
        Assert.Equal(1000, first.sum().item<float>());
        Assert.Equal(0, SafeTensors.Load(path)["x"].sum().item<float>());
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Writing_into_a_mapped_tensor_leaves_the_file_alone()
    {
        string path = _folder["a.safetensors"];
        using DisposeScope scope = NewDisposeScope();
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = ones(10) });
        SafeTensors.Load(path)["x"].mul_(5);
        Assert.Equal(10, SafeTensors.Load(path)["x"].sum().item<float>());
    }

    [Fact]
    public void Misaligned_tensors_are_copied()
    {
        byte[] data = [9, .. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)];
        string path = Write(
            """{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"x":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}""", data);
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal([1.5f, -2f], SafeTensors.Load(path)["x"].data<float>().ToArray());
    }

    [Fact]
    public void Loading_leaks_no_handles()
    {
        string path = _folder["a.safetensors"];
        using (Tensor x = ones(10))
            SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = x });
        long before = LiveTensors.Count();
        for (int i = 0; i < 10; i++)
            SafeTensors.Load(path)["x"].Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_failed_write_leaves_the_old_file_and_nothing_else()
    {
        string path = _folder["a.safetensors"];
        using DisposeScope scope = NewDisposeScope();
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = ones(10) });
        Assert.Contains("ComplexFloat32", Assert.Throws<ArgumentException>(() =>
            SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = zeros(2, ScalarType.ComplexFloat32) })).Message,
            StringComparison.Ordinal);
        Assert.Throws<IOException>(() => CompleteFile.Replace(path, stream => throw new IOException("full")));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
        Assert.Equal(10, SafeTensors.Load(path)["x"].sum().item<float>());
    }

    private const string OneFloat = """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";

    public static TheoryData<string, string, int, string> Malformed => new()
    {
        { "data missing", OneFloat, 3, "is truncated: its tensors take 4 bytes, and only 3 follow the header." },
        { "data left over", OneFloat, 5, "has 1 bytes after its last tensor." },
        { "not JSON", """{"x":""", 0, "is not a safetensors file: its header is not JSON" },
        { "not an object", "[1, 2]", 0, "its header is not a JSON object." },
        { "overlap", Two("[0,4]", "[2,6]"), 6, "has overlapping tensors: 'y' begins at 2, before the end of 'x' at 4." },
        { "gap", Two("[0,4]", "[6,10]"), 10, "has a gap: 'x' ends at 4, and 'y' begins at 6." },
        { "gap at the start", Two("[4,8]", "[8,12]"), 12, "has a gap: the header ends at 0, and 'x' begins at 4." },
        { "range too short", """{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "gives tensor 'x' the range 0 to 4, but F32 [2] takes 8 bytes." },
        { "range backwards", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "gives tensor 'x' the range 4 to 0" },
        { "shape that overflows", """{"x":{"dtype":"F32","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,0]}}""", 0, "gives tensor 'x' the range 0 to 0" },
        { "twice", """{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", 0, "names tensor 'x' twice." },
        { "unknown type", """{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}""", 1, "holds tensor 'x' of type F8_E4M3; supported are F64, " },
        { "no shape", """{"x":{"dtype":"F32","data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "negative shape", """{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without" },
        { "fractional offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}}""", 4, "describes tensor 'x' without" },
        { "metadata that are numbers", """{"__metadata__":{"n":1}}""", 0, "has metadata that are not text by name." },
        { "no dtype", """{"x":{"shape":[1],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "no offsets", """{"x":{"dtype":"F32","shape":[1]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "an entry that is a list", """{"x":[1]}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "an entry that is null", """{"x":null}""", 0, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "an entry that is text", """{"x":"F32"}""", 0, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "an empty entry", """{"x":{}}""", 0, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a type that is a number", """{"x":{"dtype":32,"shape":[1],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a type that is null", """{"x":{"dtype":null,"shape":[1],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a type that is a list", """{"x":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape that is a number", """{"x":{"dtype":"F32","shape":1,"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape that is text", """{"x":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape that is null", """{"x":{"dtype":"F32","shape":null,"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape of texts", """{"x":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape of shapes", """{"x":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a fractional shape", """{"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape with an exponent", """{"x":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape beyond 64 bits", """{"x":{"dtype":"F32","shape":[18446744073709551616],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a shape of true", """{"x":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "one offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "no offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "three offsets", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,2,4]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a negative offset", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "offsets as text", """{"x":{"dtype":"F32","shape":[1],"data_offsets":["0","4"]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "an offset beyond 64 bits", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616]}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "offsets as an object", """{"x":{"dtype":"F32","shape":[1],"data_offsets":{"begin":0,"end":4}}}""", 4, "describes tensor 'x' without a dtype, a shape and two data offsets." },
        { "a type in small letters", """{"x":{"dtype":"f32","shape":[1],"data_offsets":[0,4]}}""", 4,
            "holds tensor 'x' of type f32; supported are F64, " },
        { "an empty type", """{"x":{"dtype":"","shape":[1],"data_offsets":[0,4]}}""", 4, "holds tensor 'x' of type ; supported are" },
        { "a complex type", """{"x":{"dtype":"C64","shape":[1],"data_offsets":[0,8]}}""", 8, "holds tensor 'x' of type C64" },
        { "a type with a line end", """{"x":{"dtype":"F\n32","shape":[1],"data_offsets":[0,4]}}""", 4, "holds tensor 'x' of type F?32; supported" },
        { "a range too long", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", 8, "gives tensor 'x' the range 0 to 8, but F32 [1] takes 4 bytes." },
        { "a range at the end of 64 bits", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807]}}""", 4, "has a gap: the header ends at 0, and 'x' begins at 9223372036854775803." },
        { "a size that overflows to the right one", """{"x":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}}""", 16, "gives tensor 'x' the range 0 to 16, but" },
        { "a size as large as 64 bits", """{"x":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]}}""", 4, "is truncated: its tensors take 9223372036854775807 bytes, and only 4 follow the header." },
        { "a scalar without bytes", """{"x":{"dtype":"F32","shape":[],"data_offsets":[0,0]}}""", 0, "gives tensor 'x' the range 0 to 0, but F32 [] takes 4 bytes." },
        { "an empty tensor with bytes", """{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,4]}}""", 4, "gives tensor 'x' the range 0 to 4, but F32 [0] takes 0 bytes." },
        { "half a surrogate pair as a name", """{"\ud800":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "its header is not JSON" },
        { "half a surrogate pair as a type", """{"x":{"dtype":"\udc00","shape":[1],"data_offsets":[0,4]}}""", 4, "its header is not JSON" },
        { "bytes after the header's object", """{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}x""", 4, "its header is not JSON" },
        { "a comment", """/* a file */{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "its header is not JSON" },
        { "a comma too many", """{"x":{"dtype":"F32","shape":[1,],"data_offsets":[0,4]}}""", 4, "its header is not JSON" },
        { "numbers with zeros in front", """{"x":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}""", 4, "its header is not JSON" },
        { "a zero byte", "{\"x\0\":1}", 0, "its header is not JSON" },
        { "no text at all", "    ", 0, "its header is not JSON" },
        { "a text", "\"tensors\"", 0, "its header is not a JSON object." },
        { "null", "null", 0, "its header is not a JSON object." },
        { "metadata that are a list", """{"__metadata__":["n"]}""", 0, "has metadata that are not text by name." },
        { "metadata that are null", """{"__metadata__":null}""", 0, "has metadata that are not text by name." },
        { "metadata twice", """{"__metadata__":{},"__metadata__":{}}""", 0, "names tensor '__metadata__' twice." },
        { "no tensors, but data", "{}", 4, "has 4 bytes after its last tensor." },
        { "deep within itself", new string('[', 1000), 0, "its header is not JSON" },
        { "a name of ten thousand letters", "{\"" + new string('x', 10_000) + "\":1}", 0, "xxxxx…' without a dtype" },
        { "a shape of a thousand axes", Shaped(string.Join(",", Enumerable.Repeat(1, 1000))), 8, ", 1,…] takes 4 bytes." },
    };

    private static string Shaped(string sizes) => $$$"""{"x":{"dtype":"F32","shape":[{{{sizes}}}],"data_offsets":[0,8]}}""";

    [Theory]
    [MemberData(nameof(Malformed))]
    public void A_malformed_file_is_refused_with_its_name_and_the_reason(string what, string header, int dataLength, string reason)
    {
        string path = Write(header, new byte[dataLength]);
        CheckpointException error = Assert.Throws<CheckpointException>(() => SafeTensorFile.Open(path));
        Assert.StartsWith($"'{path}' ", error.Message, StringComparison.Ordinal);
        Assert.True(error.Reason.Contains(reason, StringComparison.Ordinal), $"{what}: {error.Reason}");
        Assert.InRange(error.Reason.Length, 1, 500);
        Assert.Equal(path, error.File);
    }

    [Theory]
    [InlineData(new byte[] { 1, 2, 3 }, "is truncated: it has 3 bytes")]
    [InlineData(new byte[] { 200, 0, 0, 0, 0, 0, 0, 0, (byte)'{', (byte)'}' }, "its header should have 200 bytes, and only 2 follow.")]
    [InlineData(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 1 }, "its header should have 18446744073709551615 bytes")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0 }, "a header of 0 bytes is outside")]
    public void A_wrong_header_length_is_refused(byte[] bytes, string reason)
    {
        string path = _folder["bad.safetensors"];
        File.WriteAllBytes(path, bytes);
        Assert.Contains(reason, Assert.Throws<CheckpointException>(() => SafeTensorFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_missing_tensor_are_named()
    {
        Assert.Contains(
            "none.safetensors' does not exist.",
            Assert.Throws<CheckpointException>(() => SafeTensorFile.Open(_folder["none.safetensors"])).Message, StringComparison.Ordinal);
        using SafeTensorFile file = SafeTensorFile.Open(Write(OneFloat, new byte[4]));
        Assert.Contains("has no tensor 'y'.", Assert.Throws<CheckpointException>(() => file.Read("y")).Message, StringComparison.Ordinal);
    }

    private static string Two(string first, string second) =>
        $$$"""{"x":{"dtype":"F32","shape":[1],"data_offsets":{{{first}}} },"y":{"dtype":"F32","shape":[1],"data_offsets":{{{second}}} } }""";

    private string Write(string header, byte[] data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header), length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)json.Length);
        string path = _folder["file.safetensors"];
        File.WriteAllBytes(path, [.. length, .. json, .. data]);
        return path;
    }
}
