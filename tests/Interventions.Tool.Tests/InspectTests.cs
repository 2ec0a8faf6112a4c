using System.Text.Json;
using Interventions.Models.Decoder;
using Interventions.Models;
using Interventions.Testing.Support;

namespace Interventions.Tool.Tests;

public sealed class InspectTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Safetensors() => Snapshot.Verify(ToolRun.Answer("inspect", InModel("model.safetensors")));

    [Fact]
    public void Tokenizer() => Snapshot.Verify(ToolRun.Answer("inspect", InModel("tokenizer.json")));

    [Fact]
    public void Config() => Snapshot.Verify(ToolRun.Answer("inspect", InModel("config.json")));

    [Fact]
    public void An_index_of_shards()
    {
        string index = _folder["model.safetensors.index.json"];
        File.WriteAllText(index, """{"weight_map": {"a": "one.safetensors", "b": "two.safetensors", "c": "one.safetensors"}}""");
        Snapshot.Verify(ToolRun.Answer("inspect", index));
        Assert.Equal(
            """[{"file":"one.safetensors","tensors":2},{"file":"two.safetensors","tensors":1}]""",
            JsonSerializer.Serialize(ToolRun.Json("inspect", index).GetProperty("shards")));
    }

    /// <summary>Of every tensor the document says what the loader finds.</summary>
    [Fact]
    public void A_document_lists_every_tensor()
    {
        JsonElement json = ToolRun.Json("inspect", InModel("model.safetensors"));
        Assert.Equal(
            ["file", "kind", "bytes", "metadata", "tensors"], json.EnumerateObject().Select(property => property.Name));
        JsonElement[] tensors = [.. json.GetProperty("tensors").EnumerateArray()];
        using DecoderModel model = DecoderModel.Load(ToolRun.Model);
        long stored = tensors.Sum(tensor => tensor.GetProperty("bytes").GetInt64());
        Assert.Equal(4 * DecoderWeights.Shapes(model.Config).Sum(weight => weight.Shape.Aggregate(1L, (all, size) => all * size)), stored);
        Assert.Contains(tensors, tensor => tensor.GetProperty("type").GetString() == "F32");
    }

    [Fact]
    public void A_saved_result_says_what_it_is_a_result_of()
    {
        using DecoderModel model = DecoderModel.Load(ToolRun.Model);
        NamedPrompts prompts = NamedPrompts.Create(
            model.Tokenizer, runs: ["clean", "corrupted"], positions: ["IO", "end"], answers: ["IO", "S"],
            new PromptRow(["When[IO| Mary] and Tom went", "When[IO| Anna] and Paul went"], [" Mary", " Tom"]));
        string path = _folder["heads.safetensors"];
        using (RunResult run = Intervention.On(model).Patch("blocks.{layer}.attn.z[head={head}; pos=end]", from: "corrupted")
            .LogitDifference("IO", "S").Run(prompts))
            run.Save(path);
        Snapshot.Verify(ToolRun.Answer("inspect", path));
        JsonElement json = ToolRun.Json("inspect", path);
        Assert.Equal("result", json.GetProperty("kind").GetString());
        Assert.Equal(1, json.GetProperty("result").GetProperty("prompts").GetInt32());
        Assert.Equal(
            """[{"name":"layer","size":4},{"name":"head","size":4},{"name":"batch","size":1}]""",
            JsonSerializer.Serialize(json.GetProperty("result").GetProperty("kept")[0].GetProperty("axes")));
    }

    [SharedFact("reference/models/bloom/pytorch_model.bin")]
    public void A_pickle() => Assert.StartsWith(
        "PyTorch state dict, ", ToolRun.Answer("inspect", SharedData.Path("reference/models/bloom/pytorch_model.bin")),
        StringComparison.Ordinal);

    [SharedFact("models/SmolLM2-135M")]
    public void A_gguf() =>
        Snapshot.Verify(ToolRun.Answer("inspect", SharedData.Path("models/SmolLM2-135M/SmolLM2-135M-Instruct.Q4_1.gguf")));

    [Fact]
    public void What_is_nothing_known_is_refused()
    {
        File.WriteAllText(_folder["a.txt"], "some text");
        File.WriteAllText(_folder["a.json"], """{"one": 1}""");
        File.WriteAllText(_folder["cut.safetensors"], "\0\0\0\0\0\u0001\0\0{");
        Assert.EndsWith("nothing else is read.", ToolRun.Refusal("inspect", _folder["a.txt"]), StringComparison.Ordinal);
        Assert.EndsWith("no index of shards.", ToolRun.Refusal("inspect", _folder["a.json"]), StringComparison.Ordinal);
        Assert.Contains("is truncated", ToolRun.Refusal("inspect", _folder["cut.safetensors"]), StringComparison.Ordinal);
        Assert.Contains("is a folder: inspect one of its files (a.json, a.txt, cut.safetensors)", ToolRun.Refusal("inspect", _folder.Path));
        Assert.Equal("'nowhere' does not exist.", ToolRun.Refusal("inspect", "nowhere"));
    }

    private static string InModel(string file) => Path.Combine(ToolRun.Model, file);
}
