using System.Globalization;
using System.IO.Compression;
using System.Text;
using Interventions.Features.Files;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>Sets of transcoders, one a layer: their files, and how they fit a model.</summary>
public sealed class TranscoderSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false, false, "mlp_in")]
    [InlineData(true, false, "ln2.normalized")]
    [InlineData(true, true, "mlp_in")]
    public void What_is_saved_is_read_again_bit_by_bit(bool jumps, bool skips, string reads)
    {
        using TranscoderSet set = RandomSets.Transcoders(
            _model, skips: skips, activation: jumps ? new Activation.JumpRelu() : new Activation.Relu(), reads: reads);
        set.Save(_folder.Path);
        foreach (string path in new[] { _folder.Path, _folder["config.yaml"] })
        {
            using TranscoderSet read = TranscoderSet.Load(path, _model);
            Assert.Equal((set.Count, set.Reads, set.Name), (read.Count, read.Reads, read.Name));
            Assert.All(set.Zip(read), pair => Same(pair.First, pair.Second));
        }
        Assert.Contains("3 transcoders from", $"{set}", StringComparison.Ordinal);
    }

    /// <summary>Older files hold the decoder's rows as columns; which is which is seen from the shape, or refused.</summary>
    [Fact]
    public void A_turned_decoder_is_turned_back()
    {
        using TranscoderSet set = RandomSets.Transcoders(_model, skips: true);
        set.Save(_folder.Path);
        string file = _folder["layer_1.safetensors"];
        Dictionary<string, Tensor> tensors = SafeTensors.Load(file).ToDictionary(pair => pair.Key, pair => pair.Value.clone());
        tensors["W_dec"] = tensors["W_dec"].t().contiguous();
        SafeTensors.Save(file, tensors);
        using (TranscoderSet read = TranscoderSet.Load(_folder.Path, _model))
            Same(set[1], read[1]);
        using TranscoderSet square = RandomSets.Transcoders(_model, features: 32);
        square.Save(_folder.Path);
        Refused("whether rows or columns", () => TranscoderSet.Load(_folder.Path, _model));
    }

    /// <summary>A set of Gemma Scope reads before the gain of the norm; the site is behind it, and features stay the same.</summary>
    [Theory]
    [InlineData("gpt2")]
    [InlineData("gemma2")]
    public void Gains_are_taken_out_of_encoders_that_read_before_them(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        using TranscoderSet set = RandomSets.Transcoders(model, activation: new Activation.JumpRelu());
        for (int layer = 0; layer < set.Count; layer++)
            foreach ((string l0, Sae sae) in new[] { ("12", set[(layer + 1) % 3]), ("40", set[layer]) })
                WriteNpz(_folder[$"layer_{layer}/width_16k/average_l0_{l0}/params.npz"], sae);
        Refused("2 transcoders of layer 0", () => TranscoderSet.Load(_folder.Path, model));
        Refused("65k wide", () => TranscoderSet.Load(_folder.Path, model, new() { Width = "65k", L0 = 30 }));
        using TranscoderSet read = TranscoderSet.Load(_folder.Path, model, new() { Width = "16k", L0 = 33 });
        Assert.Equal("ln2.normalized", read.Reads);
        using RunResult run = Intervention.On(model).Capture("Normalized", "blocks.*.ln2.normalized").Capture("In", "blocks.*.mlp_in")
            .Capture("Scale", "blocks.*.ln2.scale").Run(ToyPrompts.Random(3, 5));
        for (int layer = 0; layer < read.Count; layer++)
        {
            Tensor x = run.Run("clean")["In"][layer], centred = family == "gpt2" ? x - x.mean([-1L], keepdim: true) : x;
            Tensor expected = set[layer].Encode(centred / run.Run("clean")["Scale"][layer]);
            Assert.True(expected.ne(0).any().item<bool>());
            SpliceCase.Close(expected, read[layer].Encode(run.Run("clean")["Normalized"][layer]), 1e-9);
        }
    }

    [Fact]
    public void Skips_and_gated_encoders_lose_the_gain_too()
    {
        foreach (Activation activation in (Activation[])[new Activation.Relu(), new Activation.Gated()])
        {
            using Sae sae = RandomSets.Transcoder(32, 12, skips: true, activation, 3);
            Tensor gain = _model.Weights["blocks.0.ln2.gain"], bias = _model.Weights["blocks.0.ln2.bias"];
            Tensor h = randn(5, 32, ScalarType.Float64);
            using Sae behind = new TranscoderHooks("ln2.normalized", true, null, "files").Fitted(
                new Sae(sae.Config, sae.Weights.Select((_, weight) => weight.clone())), _model, 0);
            SpliceCase.Close(sae.Encode(h), behind.Encode((h * gain) + bias), 1e-9);
            SpliceCase.Close(sae.Reconstruct(h), behind.Reconstruct((h * gain) + bias), 1e-9);
        }
    }

    [Fact]
    public void Folders_of_saelens_say_what_they_read()
    {
        using TranscoderSet set = RandomSets.Transcoders(_model, skips: true);
        for (int layer = 0; layer < 3; layer++)
        {
            SaeConfig config = set[layer].Config with { Site = $"blocks.{layer}.hook_mlp_in" };
            new Sae(config, set[layer].Weights).Save(_folder[$"blocks.{layer}.transcoder"]);
        }
        using (TranscoderSet read = TranscoderSet.Load(_folder.Path, _model))
        {
            Assert.Equal("mlp_in", read.Reads);
            Assert.All(set.Zip(read), pair => Assert.True(pair.First.Weights.Encoder!.Equals(pair.Second.Weights.Encoder!)));
        }
        new Sae(set[2].Config with { Site = "blocks.2.ln2.hook_normalized" }, set[2].Weights).Save(_folder["blocks.2.transcoder"]);
        Refused("one thing about what its transcoders read", () => TranscoderSet.Load(_folder.Path, _model));
    }

    [Fact]
    public void A_configuration_may_list_files_by_layer_or_in_order()
    {
        using TranscoderSet set = RandomSets.Transcoders(_model);
        set.Save(_folder["files"]);
        string Listing(string items) => $"""
            model_name: "toy/model"  # a comment
            feature_input_hook: "hook_resid_mid"
            feature_output_hook: 'mlp.hook_out'
            transcoders:
            {items}
            """;
        File.WriteAllText(_folder["config.yaml"], Listing(string.Join('\n', new[] { 2, 0, 1 }.Select(layer =>
            $"  - id: \"t{layer}\"\n    layer: {layer}\n    filepath: \"files/layer_{layer}.safetensors\""))));
        using (TranscoderSet read = TranscoderSet.Load(_folder.Path, _model))
            Assert.All(set.Zip(read), pair => Same(pair.First, pair.Second));
        File.WriteAllText(_folder["config.yaml"], Listing(string.Join('\n', Enumerable.Range(0, 3).Select(layer =>
            $"  - files/layer_{layer}.safetensors"))));
        using (TranscoderSet read = TranscoderSet.Load(_folder.Path, _model))
            Assert.All(set.Zip(read), pair => Same(pair.First, pair.Second));
        foreach ((string text, string reason) in new[]
        {
            (Listing("  - files/layer_0.safetensors"), "lists no transcoder of layer 1"),
            (Listing("  - files/layer_0.safetensors\n  - a\n  - b\n  - c"), "lists a transcoder of layer 3"),
            (Listing("  - layer: 0\n    filepath: a\n  - layer: 0\n    filepath: b"), "lists two transcoders of layer 0"),
            (Listing("  - hf://file"), "is no file on the hub"),
            ("model_kind: cross_layer_transcoder", "sets with one transcoder a layer"),
            ("strange: 1", "says 'strange', which is not known"),
            ("feature_output_hook: mlp.hook_post\nfeature_input_hook: hook_mlp_in", "has transcoders that write 'mlp.hook_post'"),
            ("- a\n- b", "describes no set"),
            ("a: [", "is no YAML"),
        })
        {
            File.WriteAllText(_folder["config.yaml"], text);
            Refused(reason, () => TranscoderSet.Load(_folder["config.yaml"], _model));
        }
    }

    [Fact]
    public void What_does_not_fit_the_model_is_refused()
    {
        using TranscoderSet set = RandomSets.Transcoders(_model);
        using DecoderModel single = SmallDecoders.Model("gpt2", ScalarType.Float32), attention = SmallDecoders.Model("toy");
        using TranscoderSet two = new([.. set.Take(2)]);
        using TranscoderSet narrow = new([.. Enumerable.Range(0, 3).Select(
            layer => RandomSets.Transcoder(16, 8, false, new Activation.Relu(), 1))]);
        Misfit("2 transcoders", () => two.Check(_model));
        Misfit("reads vectors of 16", () => narrow.Check(_model));
        Misfit("Float64", () => set.Check(single));
        Misfit("has no site 'blocks.{layer}.mlp_in'", () => set.Check(attention));
        using Sae subtracting = RandomSets.Dictionary(_model, 8, 1);
        Assert.Contains("subtracts its decoder's bias", Assert.Throws<ArgumentException>(
            () => new TranscoderSet([subtracting])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new TranscoderSet([]));
        Assert.Throws<ArgumentException>(() => new TranscoderSet([set[0]], reads: "resid_pre"));
        set.Save(_folder.Path);
        using TranscoderSet converted = TranscoderSet.Load(_folder.Path, single);
        Assert.Equal(ScalarType.Float32, converted[0].Weights.Decoder.dtype);

        static void Misfit(string reason, Action call) =>
            Assert.Contains(reason, Assert.Throws<InterventionException>(call).Message, StringComparison.Ordinal);
    }

    /// <summary>Widths may differ by layer: each layer is then a splice of its own, under the same names.</summary>
    [Fact]
    public void Layers_may_have_different_widths()
    {
        using TranscoderSet set = new([.. Enumerable.Range(0, 3).Select(
            layer => RandomSets.Transcoder(32, 8 + layer, false, new Activation.Relu(), 1))]);
        ToyPrompts prompts = ToyPrompts.Random(5, 6);
        using RunResult run = Intervention.On(_model).Include("set", set.ToIntervention(_model, errorTerm: false))
            .Capture("First", "blocks.0.mlp_out.transcoder.features").Capture("Last", "blocks.2.mlp_out.transcoder.features")
            .Capture("Read", "blocks.0.mlp_in").Capture("Written", "blocks.0.mlp_out").Capture("Logits", "logits").Run(prompts);
        Assert.Equal((8, 10), (run["First"].shape[^1], run["Last"].shape[^1]));
        SpliceCase.Close(set[0].Reconstruct(run.Changed("Read").Values), run.Changed("Written").Values);
    }

    [Theory]
    [InlineData("layer_0.safetensors layer_1.safetensors config.yaml", "layer_0.safetensors layer_1.safetensors")]
    [InlineData("layers.0.mlp/sae.safetensors layers.0.mlp/cfg.json layers.1.mlp/ae.pt", "layers.0.mlp/sae.safetensors layers.1.mlp/ae.pt")]
    [InlineData("a/layer_1.safetensors layer_10.safetensors a/layer_0.safetensors", "a/layer_0.safetensors a/layer_1.safetensors")]
    [InlineData("layer_0/w/params.npz layer_1/w/params.npz layer_1/notes.txt", "layer_0/w/params.npz layer_1/w/params.npz")]
    [InlineData("layer_0.safetensors layer_2.safetensors", null)]
    [InlineData("model.safetensors", null)]
    public void Files_of_layers_are_found_by_their_names(string names, string? chosen) =>
        Assert.Equal(chosen?.Split(' '), TranscoderFiles.Choose(names.Split(' '), 2, new(), "here"));

    private static void Refused(string reason, Func<object> call) =>
        Assert.Contains(reason, Assert.Throws<CheckpointException>(call).Message, StringComparison.Ordinal);

    private static void Same(Sae expected, Sae actual)
    {
        Assert.Equal(expected.Config, actual.Config);
        Assert.Equal(expected.Weights.Named.Select(pair => pair.Name), actual.Weights.Named.Select(pair => pair.Name));
        Assert.All(expected.Weights.Named.Zip(actual.Weights.Named), pair => Assert.True(pair.First.Value.Equals(pair.Second.Value)));
    }

    /// <summary>Writes arrays as numpy does.</summary>
    private static void WriteNpz(string path, Sae sae)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach ((string name, Tensor value) in sae.Weights.Named)
        {
            string shape = string.Join(", ", value.shape.Select(size => size.ToString(CultureInfo.InvariantCulture)));
            string header = $"{{'descr': '<f8', 'fortran_order': False, 'shape': ({shape}{(value.dim() == 1 ? "," : "")}), }}";
            header = header.PadRight(117) + "\n";
            using Stream stream = zip.CreateEntry($"{name}.npy").Open();
            stream.Write([0x93, .. "NUMPY"u8, 1, 0, .. BitConverter.GetBytes((ushort)header.Length), .. Encoding.ASCII.GetBytes(header)]);
            foreach (double number in value.contiguous().data<double>().ToArray())
                stream.Write(BitConverter.GetBytes(number));
        }
    }
}
