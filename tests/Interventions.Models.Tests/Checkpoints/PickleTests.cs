using System.Text;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Testing.Fuzzing;
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
