using Interventions.Models;
using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>A GPT-2 of two layers, as a user declares a model.</summary>
[ModelSchema]
[Axis("layer", 2), Axis("head", 3), Axis("kv_head", 3), Axis("d_head", 4), Axis("d_model", 12), Axis("neuron", 48), Axis("vocab", 17)]
public sealed partial class TinyGpt2 : Gpt2Model
{
    /// <summary>A random one in a folder, loaded as a user would.</summary>
    public static TinyGpt2 Random(ScalarType dtype = ScalarType.Float64)
    {
        string folder = Directory.CreateTempSubdirectory("tiny-gpt2-").FullName;
        using (DecoderModel random = DecoderModel.Random(
            Configure(layers: 2, heads: 3, d_model: 12, vocabularySize: 17, contextLength: 24), seed: 7))
            random.Save(folder);
        TinyGpt2 model = Load(folder, dtype);
        Directory.Delete(folder, recursive: true);
        return model;
    }
}

/// <summary>Prompts of three runs, as a user declares them.</summary>
[PromptSchema(Runs = ["clean", "corrupted", "other"], Positions = ["subject", "end"], Answers = ["right", "wrong"])]
public sealed partial class TinyPrompts : PromptSet;
