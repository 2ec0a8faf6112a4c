using Interventions.Models.Decoder;
using Interventions.Testing.ToyModels;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Tensors that no decoder has: refused by name, unless the caller names them.</summary>
public sealed class IgnoredTensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("v_head.weight", "v_head.bias")]
    [InlineData("v_head.*")]
    [InlineData("*bias", "v_head.weight")]
    public void Named_tensors_are_left_out(params string[] ignore)
    {
        using DecoderModel stored = Save();
        foreach (string path in (string[])[_folder.Path, _folder["model.gguf"]])
        {
            using DecoderModel loaded = DecoderModel.Load(path, ignore: ignore);
            Assert.Equal(stored.WeightsFingerprint(), loaded.WeightsFingerprint());
        }
        Assert.Throws<CheckpointException>(() => Stories260K.Load(_folder.Path, ignore: ["v_head.*"]));    // of other sizes
    }

    [Theory]
    [InlineData("holds 2 tensors that a llama of this configuration does not have: v_head.bias, v_head.weight. If they do not matter, " +
        "say so: Load(…, ignore: [\"v_head.bias\"]), where * stands for any text.")]
    [InlineData("holds 1 tensors that a llama of this configuration does not have: v_head.weight.", "v_head.bias")]
    [InlineData("has no tensor 'vhead.*' to be ignored: only tensors that a llama of this configuration does not have can be, and those " +
        "are v_head.bias, v_head.weight.", "*", "vhead.*")]
    [InlineData("has no tensor 'v_head' to be ignored", "v_head")]
    [InlineData("has no tensor 'v.head.*' to be ignored", "v_head.*", "v.head.*")]
    // What the decoder reads cannot be left out.
    [InlineData("has no tensor '*norm.weight' to be ignored", "v_head.*", "*norm.weight")]
    public void What_is_not_named_and_names_of_nothing_are_refused(string reason, params string[] ignore)
    {
        using DecoderModel stored = Save();
        foreach (string path in (string[])[_folder.Path, _folder["model.gguf"]])
        {
            long before = LiveTensors.Count();
            string message = Assert.Throws<CheckpointException>(() => DecoderModel.Load(path, ignore: ignore)).Message;
            Assert.Contains(reason, message, StringComparison.Ordinal);
            Assert.Equal(before, Tensor.TotalCount);
        }
    }

    [Fact]
    public void A_name_is_refused_where_nothing_is_left_out()
    {
        using DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig);
        stored.Save(_folder.Path);
        string message = Assert.Throws<CheckpointException>(() => DecoderModel.Load(_folder.Path, ignore: ["*"])).Message;
        Assert.Contains("has no tensor '*' to be ignored", message, StringComparison.Ordinal);
        Assert.Contains("does not have can be, and there is none.", message, StringComparison.Ordinal);
    }

    /// <summary>A model with two tensors of a head that it does not have, in both layouts.</summary>
    private DecoderModel Save()
    {
        using DisposeScope scope = NewDisposeScope();
        DecoderModel stored = DecoderModel.Random(SmallDecoders.LlamaConfig, seed: 3);
        stored.Save(_folder.Path);
        GgufBuilder file = GgufConversion.Of(stored);
        file.Tensors.Add(("v_head.weight", [1, 4], 0, new byte[16]));
        file.Tensors.Add(("v_head.bias", [1], 0, new byte[4]));
        file.Save(_folder["model.gguf"]);
        Dictionary<string, Tensor> tensors = SafeTensors.Load(_folder["model.safetensors"]);
        tensors["v_head.weight"] = zeros(1, 4);
        tensors["v_head.bias"] = zeros(1);
        SafeTensors.Save(_folder["model.safetensors"], tensors);
        return stored;
    }
}
