using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Dictionaries;

/// <summary>Dialects of which the reference has no files, against their formulas; and files that are no dictionary.</summary>
public sealed class DialectTests : IDisposable
{
    private const int Width = 6, Count = 10;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();
    private readonly Generator _generator = new(7);
    private readonly Tensor _x, _encoder, _encoderBias, _decoder, _decoderBias;

    public DialectTests()
    {
        (_x, _encoder, _encoderBias) = (Random(12, Width), Random(Width, Count), Random(Count));
        (_decoder, _decoderBias) = (Random(Count, Width), Random(Width));
    }

    public void Dispose()
    {
        _generator.Dispose();
        _scope.Dispose();
        _folder.Dispose();
    }

    private Tensor Z(bool subtracts) => (subtracts ? _x - _decoderBias : _x).matmul(_encoder) + _encoderBias;

    private Tensor Norms => _decoder.norm(1);

    [Fact]
    public void AutoEncoder_subtracts_its_bias() => Is(
        Linear("bias"), null, Z(true).relu(), f => f.matmul(_decoder) + _decoderBias);

    [Fact]
    public void AutoEncoderNew_does_not() => Is(
        Linear("decoder.bias"), null, Z(false).relu(), f => f.matmul(_decoder) + _decoderBias);

    [Fact]
    public void GatedAutoEncoder_multiplies_features_by_norms()
    {
        (Tensor gate, Tensor magnitude, Tensor factor) = (Random(Count), Random(Count), Random(Count));
        Tensor product = (_x - _decoderBias).matmul(_encoder);
        Tensor f = (product + gate).gt(0).to_type(ScalarType.Float32) * ((product * factor.exp()) + magnitude).relu() * Norms;
        Is(
            new()
            {
                ["encoder.weight"] = _encoder.t(),
                ["decoder.weight"] = _decoder.t(),
                ["decoder_bias"] = _decoderBias,
                ["gate_bias"] = gate,
                ["mag_bias"] = magnitude,
                ["r_mag"] = factor,
            },
            "GatedAutoEncoder", f, features => (features / Norms).matmul(_decoder) + _decoderBias);
    }

    [Fact]
    public void JumpReluAutoEncoder_multiplies_features_by_norms()
    {
        Tensor threshold = Random(Count).abs(), z = Z(false);
        Dictionary<string, Tensor> tensors = Matrices();
        tensors["threshold"] = threshold;
        Is(tensors, null, (z * z.gt(threshold).to_type(z.dtype)).relu() * Norms, f => (f / Norms).matmul(_decoder) + _decoderBias);
    }

    [Fact]
    public void AutoEncoderTopK_chooses_and_reads_no_threshold()
    {
        Dictionary<string, Tensor> tensors = Linear("b_dec");
        (tensors["k"], tensors["threshold"]) = (tensor(3, ScalarType.Int32), tensor(0.4f));
        (Tensor values, Tensor indexes) = Z(true).relu().topk(3, -1);
        Is(tensors, "AutoEncoderTopK", zeros(12, Count).scatter(-1, indexes, values), f => f.matmul(_decoder) + _decoderBias);
    }

    [Theory]
    [InlineData("BatchTopKSAE", 0.4f)]
    [InlineData("BatchTopKSAE", -1f)]
    [InlineData("MatryoshkaBatchTopKSAE", 0.4f)]
    public void A_batch_wide_choice_is_a_threshold_later(string name, float threshold)
    {
        bool isMatryoshka = name.StartsWith("Matryoshka", StringComparison.Ordinal);
        Dictionary<string, Tensor> tensors = isMatryoshka ? Matrices() : Linear("b_dec");
        (tensors["k"], tensors["threshold"]) = (tensor(3, ScalarType.Int32), tensor(threshold));
        if (isMatryoshka)
            tensors["group_sizes"] = tensor(new[] { 4L, 6L });
        Tensor f = Z(true).relu();
        Is(tensors, name, f * f.gt(threshold).to_type(f.dtype), features => features.matmul(_decoder) + _decoderBias);
    }

    [Fact]
    public void Classes_that_look_alike_need_their_configuration()
    {
        Dictionary<string, Tensor> tensors = Linear("b_dec");
        (tensors["k"], tensors["threshold"]) = (tensor(3, ScalarType.Int32), tensor(0.4f));
        SafeTensors.Save(_folder["ae.safetensors"], Contiguous(tensors));
        Assert.Contains("may be AutoEncoderTopK or BatchTopKSAE: only its config.json", Refusal(), StringComparison.Ordinal);
        File.WriteAllText(_folder["config.json"], """{"trainer": {"dict_class": "CrossCoder"}}""");
        Assert.Contains("'trainer.dict_class' is 'CrossCoder', and known are AutoEncoder,", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Sparsify_subtracts_its_bias_unless_it_is_a_transcoder(bool isTranscoder)
    {
        Tensor skip = Random(Width, Width);
        Dictionary<string, Tensor> tensors = new()
        {
            ["encoder.weight"] = _encoder.t(),
            ["encoder.bias"] = _encoderBias,
            ["W_dec"] = _decoder,
            ["b_dec"] = _decoderBias,
        };
        if (isTranscoder)
            tensors["W_skip"] = skip;
        SafeTensors.Save(_folder["sae.safetensors"], Contiguous(tensors));
        string flag = isTranscoder ? "true" : "false";
        File.WriteAllText(_folder["cfg.json"], $$"""
            {"activation": "topk", "k": 4, "d_in": 6, "transcode": {{flag}}, "skip_connection": {{flag}}, "signed": false}
            """);
        (Tensor values, Tensor indexes) = Z(!isTranscoder).relu().topk(4, -1);
        Tensor f = zeros(12, Count).scatter(-1, indexes, values), y = f.matmul(_decoder) + _decoderBias;
        Same(f, isTranscoder ? y + _x.matmul(skip.t()) : y);
    }

    [Theory]
    [InlineData("""{"activation": "groupmax", "k": 4}""", "'activation' is 'groupmax', and topk is known")]
    [InlineData("""{"activation": "topk", "k": 4, "signed": true}""", "'signed' is true")]
    [InlineData("""{"activation": "topk"}""", "'k' is missing")]
    [InlineData("""{"activation": "topk", "k": 11}""", "11 of 10 features cannot be chosen")]
    public void Sparsify_that_is_not_known_is_refused(string config, string message)
    {
        SafeTensors.Save(_folder["sae.safetensors"], Contiguous(new()
        {
            ["encoder.weight"] = _encoder.t(),
            ["encoder.bias"] = _encoderBias,
            ["W_dec"] = _decoder,
            ["b_dec"] = _decoderBias,
        }));
        File.WriteAllText(_folder["cfg.json"], config);
        Assert.Contains(message, Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"architecture": "temporal"}""", "'architecture' is 'temporal', and known are standard, gated,")]
    [InlineData("""{"architecture": "standard", "activation_fn": "tanh-relu"}""", "'activation_fn' is 'tanh-relu'")]
    [InlineData("""{"normalize_activations": "batch"}""", "'normalize_activations' is 'batch', and known are none,")]
    [InlineData("""{"reshape_activations": "hook_q"}""", "'reshape_activations' is 'hook_q'")]
    [InlineData("""{"d_sae": 12}""", "'d_sae' is 12, and its weights have 10")]
    [InlineData("""{"architecture": "jumprelu"}""", "threshold is missing, which JumpRelu needs")]
    [InlineData("""{"dtype": "int8"}""", "'dtype' is 'int8'")]
    [InlineData("""[1]""", "is not a JSON object")]
    public void SaeLens_that_is_not_known_is_refused(string config, string message)
    {
        SafeTensors.Save(_folder["sae_weights.safetensors"], Contiguous(Matrices()));
        File.WriteAllText(_folder["cfg.json"], config);
        Assert.Contains(message, Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_do_not_fit_are_refused()
    {
        File.WriteAllText(_folder["cfg.json"], """{"architecture": "standard"}""");
        Dictionary<string, Tensor> tensors = Matrices();
        tensors["scaling_factor"] = ones(Count) * 2;
        SafeTensors.Save(_folder["sae_weights.safetensors"], Contiguous(tensors));
        Assert.Contains("has a 'scaling_factor' that is not 1 everywhere", Refusal(), StringComparison.Ordinal);
        tensors.Remove("scaling_factor");
        tensors["W_other"] = ones(2);
        SafeTensors.Save(_folder["sae_weights.safetensors"], Contiguous(tensors));
        Assert.Contains("has a tensor 'W_other', which SAELens does not explain", Refusal(), StringComparison.Ordinal);
        tensors.Remove("W_other");
        tensors["b_dec"] = ones(Width + 1);
        SafeTensors.Save(_folder["sae_weights.safetensors"], Contiguous(tensors));
        Assert.Contains("b_dec has the shape [7], and it must be [6]", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_a_dictionary_is_refused_with_what_is_looked_for()
    {
        Assert.Contains(
            "is no dictionary of a known dialect: those have sae_weights.safetensors, sae.safetensors, params.npz", Refusal(),
            StringComparison.Ordinal);
        Assert.Contains(
            "does not exist", Assert.Throws<CheckpointException>(() => Sae.Load(_folder["gone"])).Message, StringComparison.Ordinal);
    }

    [SharedFact("reference/features/sae/gemma_scope")]
    public void A_damaged_npz_is_refused()
    {
        byte[] whole = File.ReadAllBytes(SharedData.Path("reference/features/sae/gemma_scope/params.npz"));
        Random random = new(3);
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            byte[] damaged = [.. whole.AsSpan(0, i % 3 == 0 ? random.Next(whole.Length) : whole.Length)];
            for (int n = random.Next(1, 4); n > 0 && damaged.Length > 0; n--)
                damaged[random.Next(random.Next(2) == 0 ? Math.Min(200, damaged.Length) : damaged.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_folder["params.npz"], damaged);
            try
            {
                Sae.Load(_folder.Path).Dispose();
            }
            catch (CheckpointException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 100, 300);
    }

    [Fact]
    public void A_value_of_another_width_is_refused()
    {
        using Sae sae = new(new SaeConfig(), new SaeWeights
        {
            Encoder = _encoder.clone(),
            EncoderBias = _encoderBias.clone(),
            Decoder = _decoder.clone(),
            DecoderBias = _decoderBias.clone(),
        });
        Assert.Contains(
            "is given values of shape [2, 5]: their last axis has 5, and 6 are needed",
            Assert.Throws<ArgumentException>(() => sae.Encode(ones(2, 5))).Message, StringComparison.Ordinal);
    }

    private string Refusal() => Assert.Throws<CheckpointException>(() => Sae.Load(_folder.Path)).Message;

    private void Is(Dictionary<string, Tensor> tensors, string? name, Tensor features, Func<Tensor, Tensor> decode)
    {
        SafeTensors.Save(_folder["ae.safetensors"], Contiguous(tensors));
        if (name is not null)
            File.WriteAllText(_folder["config.json"], JsonSerializer.Serialize(new { trainer = new { dict_class = name } }));
        Same(features, decode(features));
    }

    private void Same(Tensor features, Tensor reconstruction)
    {
        using Sae sae = Sae.Load(_folder.Path);
        Tensor ours = sae.Encode(_x);
        Assert.True(ours.allclose(features, atol: 1e-5), $"{ours - features}");
        Assert.True(sae.Decode(ours, _x).allclose(reconstruction, atol: 1e-5));
    }

    private Dictionary<string, Tensor> Linear(string bias) => new()
    {
        ["encoder.weight"] = _encoder.t(),
        ["encoder.bias"] = _encoderBias,
        ["decoder.weight"] = _decoder.t(),
        [bias] = _decoderBias,
    };

    private Dictionary<string, Tensor> Matrices() => new()
    {
        ["W_enc"] = _encoder,
        ["b_enc"] = _encoderBias,
        ["W_dec"] = _decoder,
        ["b_dec"] = _decoderBias,
    };

    private static Dictionary<string, Tensor> Contiguous(Dictionary<string, Tensor> tensors) =>
        tensors.ToDictionary(pair => pair.Key, pair => pair.Value.contiguous());

    private Tensor Random(params long[] shape) => randn(shape, generator: _generator);
}
