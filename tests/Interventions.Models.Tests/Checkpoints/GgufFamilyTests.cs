using Interventions.Models.Decoder;
using Interventions.Models.Tests.Reference;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>The reference checkpoints as GGUF files: the same model, as far as such a file can say what it is.</summary>
public sealed class GgufFamilyTests(ITestOutputHelper output) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void A_reference_in_a_GGUF_file_has_its_logits(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel stored = reference.Load();
        if (!GgufConversion.Knows(stored.Config.Family))
        {
            new GgufBuilder { Values = [("general.architecture", stored.Config.Family)] }.Save(_folder["model.gguf"]);
            string message = Assert.Throws<CheckpointException>(() => DecoderModel.Load(_folder["model.gguf"])).Message;
            Assert.Contains(
                $"holds a model of architecture '{stored.Config.Family}'; read from GGUF files are gpt2, llama, qwen2,", message,
                StringComparison.Ordinal);
            return;
        }
        GgufConversion.Of(stored).Save(_folder["model.gguf"]);
        using DecoderModel loaded = DecoderModel.Load(_folder["model.gguf"]);
        DecoderConfig said = GgufConversion.Said(stored.Config);
        Assert.Equal(said, loaded.Config);
        Assert.Equal(stored.Weights.Keys, loaded.Weights.Keys);
        Assert.All(stored.Weights, weight => Assert.True(Distance.Largest(weight.Value, loaded.Weights[weight.Key]) < 1e-6, weight.Key));

        Tensor ids = reference["input_ids"], expected = reference["logits"];
        if (said != stored.Config)
        {
            using DecoderModel changed = With(stored, said);
            expected = changed.Forward(ids);
        }
        double error = Distance.Largest(loaded.Forward(ids), expected);
        output.WriteLine($"{name}: {(said == stored.Config ? "" : "as far as the file says it, ")}worst error {error:0.0e+0}");
        Assert.InRange(error, 0, reference.LogitsTolerance);
    }

    [SharedTheory("reference/models")]
    [InlineData("gemma2"), InlineData("phi3"), InlineData("qwen3_moe"), InlineData("stablelm-parallel")]
    public void A_file_is_read_in_half_precision(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel stored = reference.Load();
        GgufConversion.Of(stored).Save(_folder["model.gguf"]);
        foreach (ScalarType dtype in (ScalarType[])[ScalarType.BFloat16, ScalarType.Float16])
        {
            // In Hugging Face's layout gains of Gemma are stored less 1, so they are the same numbers after that was taken away again.
            using DecoderModel wide = DecoderModel.Load(_folder["model.gguf"]);
            using DecoderModel half = DecoderModel.Load(_folder["model.gguf"], dtype);
            Assert.All(half.Weights, weight => Assert.True(
                SmallDecoders.Same(wide.Weights[weight.Key].to_type(dtype), weight.Value), weight.Key));
            using Tensor logits = half.Forward(reference["input_ids"]);
            Assert.Equal(dtype, logits.dtype);
        }
    }

    /// <summary>The same weights in a decoder of another configuration.</summary>
    internal static DecoderModel With(DecoderModel model, DecoderConfig config)
    {
        DecoderModel changed = DecoderModel.Random(config);
        using var _ = no_grad();
        foreach ((string name, Tensor weight) in model.Weights)
            changed.Weights[name].copy_(weight);
        return changed;
    }
}
