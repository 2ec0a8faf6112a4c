using Interventions.Models.Checkpoints;
using static TorchSharp.torch;

namespace Interventions.Features.Files;

/// <summary>
/// Dictionaries of dictionary_learning: <c>ae.pt</c> (or the same tensors as safetensors), with the <c>config.json</c> of its trainer.
/// Where there is none, the tensors must say which class it is.
/// </summary>
internal static class DictionaryLearningFormat
{
    private const string Class = "dict_class";

    private static readonly (string Class, string[] Tensors, Func<NamedTensors, StoredSae> Read)[] s_classes =
    [
        ("AutoEncoder", ["encoder.weight", "encoder.bias", "decoder.weight", "bias"], Plain),
        ("AutoEncoderNew", ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"], WithOutputBias),
        ("GatedAutoEncoder", ["encoder.weight", "decoder.weight", "decoder_bias", "r_mag", "gate_bias", "mag_bias"], Gated),
        ("JumpReluAutoEncoder", ["W_enc", "b_enc", "W_dec", "b_dec", "threshold"], JumpRelu),
        ("AutoEncoderTopK", ["encoder.weight", "encoder.bias", "decoder.weight", "b_dec", "k"], TopK),
        ("BatchTopKSAE", ["encoder.weight", "encoder.bias", "decoder.weight", "b_dec", "k", "threshold"], BatchTopK),
        ("MatryoshkaBatchTopKSAE", ["W_enc", "b_enc", "W_dec", "b_dec", "k", "threshold", "group_sizes"], Matryoshka),
    ];

    /// <summary>Reads a dictionary.</summary>
    public static StoredSae Read(string file)
    {
        NamedTensors tensors = new(file, SaeFile.Tensors(file));
        string path = Path.Combine(Path.GetDirectoryName(file)!, "config.json");
        ConfigFile? trainer = File.Exists(path) ? ConfigFile.Read(path).Section("trainer") : null;
        string name = trainer is not null && trainer.Has(Class) ? trainer.Text(Class) : ClassOf(tensors);
        Func<NamedTensors, StoredSae> read = s_classes.FirstOrDefault(known => known.Class == name).Read
            ?? throw trainer!.Wrong(Class, $"is '{name}', and known are {string.Join(", ", s_classes.Select(known => known.Class))}");
        StoredSae stored = read(tensors);
        tensors.CheckAllRead(name);
        return stored with
        {
            Config = stored.Config with
            {
                Site = trainer?.Has("submodule_name") == true ? trainer.Text("submodule_name") : null,
                Model = trainer?.Has("lm_name") == true ? trainer.Text("lm_name") : null,
            },
        };
    }

    private static string ClassOf(NamedTensors tensors)
    {
        // The most demanding ones that fit; those that are told apart by their configuration alone fit together.
        string[] fitting = [.. s_classes.Where(known => tensors.Has(known.Tensors)).Select(known => known.Class)];
        if (fitting.Contains("MatryoshkaBatchTopKSAE"))
            return "MatryoshkaBatchTopKSAE";
        return fitting switch
        {
            [string one] => one,
            [] => throw new CheckpointException(tensors.Path, "has the tensors of no class of dictionary_learning that is known: "
                + string.Join("; ", s_classes.Select(known => $"{known.Class} has {string.Join(", ", known.Tensors)}")) + "."),
            _ => throw new CheckpointException(tensors.Path,
                $"may be {string.Join(" or ", fitting)}: only its config.json ('trainer', '{Class}') says which, and it is not there."),
        };
    }

    private static StoredSae Plain(NamedTensors tensors) => Linear(tensors, new SaeConfig(), "bias");

    private static StoredSae WithOutputBias(NamedTensors tensors) =>
        Linear(tensors, new SaeConfig { SubtractsDecoderBias = false }, "decoder.bias");

    private static StoredSae TopK(NamedTensors tensors)
    {
        tensors.Find("threshold"); // an estimate that is read only where it is asked for
        return Linear(tensors, new SaeConfig { Activation = new Activation.TopK((int)tensors.Number("k")) }, "b_dec");
    }

    private static StoredSae BatchTopK(NamedTensors tensors)
    {
        tensors.Find("k"); // of a whole batch, in training; later the threshold stands for it
        StoredSae stored = Linear(tensors, new SaeConfig { Activation = new Activation.JumpRelu() }, "b_dec");
        return stored with { Weights = stored.Weights with { Threshold = Everywhere(tensors, stored.Weights) } };
    }

    private static StoredSae Matryoshka(NamedTensors tensors)
    {
        tensors.Find("k");
        tensors.Find("group_sizes"); // of the nested reconstructions in training
        SaeWeights weights = Matrices(tensors);
        return new StoredSae(
            new SaeConfig { Activation = new Activation.JumpRelu() }, weights with { Threshold = Everywhere(tensors, weights) });
    }

    private static StoredSae JumpRelu(NamedTensors tensors) =>
        new(new SaeConfig { Activation = new Activation.JumpRelu(), SubtractsDecoderBias = false },
            Matrices(tensors) with { Threshold = tensors.Get("threshold") })
        {
            HasUnscaledNorms = true,
        };

    private static StoredSae Gated(NamedTensors tensors) =>
        new(new SaeConfig { Activation = new Activation.Gated() }, new SaeWeights
        {
            Encoder = tensors.Turned("encoder.weight"),
            Decoder = tensors.Turned("decoder.weight"),
            DecoderBias = tensors.Get("decoder_bias"),
            GateBias = tensors.Get("gate_bias"),
            MagnitudeBias = tensors.Get("mag_bias"),
            LogMagnitude = tensors.Get("r_mag"),
        })
        {
            HasUnscaledNorms = true,
        };

    private static StoredSae Linear(NamedTensors tensors, SaeConfig config, string decoderBias) => new(config, new SaeWeights
    {
        Encoder = tensors.Turned("encoder.weight"),
        EncoderBias = tensors.Get("encoder.bias"),
        Decoder = tensors.Turned("decoder.weight"),
        DecoderBias = tensors.Get(decoderBias),
    });

    private static SaeWeights Matrices(NamedTensors tensors) => new()
    {
        Encoder = tensors.Get("W_enc"),
        EncoderBias = tensors.Get("b_enc"),
        Decoder = tensors.Get("W_dec"),
        DecoderBias = tensors.Get("b_dec"),
    };

    /// <summary>One threshold for all features; before it was estimated it is negative, and relu's is 0.</summary>
    private static Tensor Everywhere(NamedTensors tensors, SaeWeights weights) =>
        zeros(weights.Decoder.shape[0], dtype: weights.Decoder.dtype).plus(Math.Max(0, tensors.Number("threshold")));
}
