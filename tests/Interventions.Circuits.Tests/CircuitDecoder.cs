using System.Text.Json;
using Interventions.Files;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>The models of the circuit reference as decoders, in float64: that without norms, of a layout of its own, as a toy.</summary>
internal static class CircuitDecoder
{
    /// <summary>The model of a case, which the caller owns.</summary>
    /// <param name="name">The model's folder.</param>
    public static DecoderModel Of(string name)
    {
        string folder = SharedData.Path($"reference/circuits/{name.Split('/')[0]}/model");
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        JsonElement config = json.RootElement;
        return config.GetProperty("model_type").GetString() != "attention_only"
            ? DecoderModel.Load(folder, ScalarType.Float64)
            : Toy(Path.Combine(folder, "model.safetensors"), AttentionOnlyModel.Configure(
                Size("n_layers"), Size("n_heads"), Size("d_model"), Size("d_vocab"), Size("n_ctx")) with
            { UnembeddingBias = true });

        int Size(string key) => config.GetProperty(key).GetInt32();
    }

    private static DecoderModel Toy(string path, DecoderConfig config)
    {
        DecoderModel model = DecoderModel.Random(config, dtype: ScalarType.Float64);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        using SafeTensorFile file = SafeTensorFile.Open(path);
        Put("embed.weight", Stored("embed.W_E"));
        Put("pos_embed.weight", Stored("pos_embed.W_pos"));
        Put("unembed.weight", Stored("unembed.W_U").t());
        Put("unembed.bias", Stored("unembed.b_U"));
        for (int layer = 0; layer < config.Layers; layer++)
        {
            string own = $"blocks.{layer}.attn", there = own;
            Put($"{own}.qkv.weight", cat(
                [.. ((string[])["Q", "K", "V"]).Select(part => Stored($"{there}.W_{part}").transpose(1, 2).flatten(0, 1))], 0));
            Put($"{own}.qkv.bias", cat([.. ((string[])["Q", "K", "V"]).Select(part => Stored($"{there}.b_{part}").flatten())], 0));
            Put($"{own}.out.weight", Stored($"{there}.W_O").flatten(0, 1).t());
            Put($"{own}.out.bias", Stored($"{there}.b_O"));
        }
        return model;

        Tensor Stored(string name) => file.Read(name).to(ScalarType.Float64);

        void Put(string name, Tensor value)
        {
            Assert.Equal(model.Weights[name].shape, value.shape);
            model.Weights[name].copy_(value);
        }
    }
}
