using System.Text.Json.Nodes;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>Dictionaries of one head, and of all heads at once.</summary>
public sealed class HeadSpliceTests
{
    private const string Site = "blocks.1.attn.z";

    [Fact]
    public void A_dictionary_of_one_head_leaves_the_others_alone()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = OfWidth(8, new SaeConfig { Head = 2 });
        ToyPrompts prompts = ToyPrompts.Random(5, 6, 4);
        using RunResult run = Intervention.On(model).Splice("Sae", Site, sae.OfHead(), errorTerm: false)
            .Capture("Z", Site).Capture("Features", $"{Site}.sae.features").Run(prompts);
        Tensor clean = run.Run("clean")["Z"], changed = run.Changed("Z").Values;
        SpliceCase.Close(sae.Encode(clean[.., .., 2])[0], run.Changed("Features").Values[0], 1e-12);
        SpliceCase.Close(sae.Reconstruct(clean[.., .., 2])[0], changed[0, .., 2], 1e-12);
        foreach (int head in new[] { 0, 1, 3 })
            Assert.True(clean[.., .., head].Equals(changed[.., .., head]));
    }

    [Fact]
    public void A_dictionary_of_all_heads_is_spliced_at_once()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = OfWidth(32, new SaeConfig { FlattensHeads = true });
        using RunResult run = Intervention.On(model).Splice("Sae", Site, sae, errorTerm: false).Capture("Z", Site)
            .Run(ToyPrompts.Random(5, 6));
        SpliceCase.Close(sae.Reconstruct(run.Run("clean")["Z"]), run.Changed("Z").Values, 1e-12);
    }

    [Fact]
    public void The_head_is_kept_in_files_and_others_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sae sae = OfWidth(8, new SaeConfig { Head = 0, Site = "blocks.1.attn.hook_z" }), of = OfWidth(8, new SaeConfig());
        using TemporaryFolder folder = new();
        sae.Save(folder.Path);
        using (Sae read = Sae.Load(folder.Path))
            Assert.Equal(sae.Config, read.Config);
        // An older file says it otherwise, and flattens nothing though its hook is attention's.
        JsonObject json = JsonNode.Parse(File.ReadAllText(folder["cfg.json"]))!.AsObject();
        json.Remove("metadata");
        json.Remove("reshape_activations");
        (json["hook_point"], json["hook_point_head_index"]) = ("blocks.1.attn.hook_z", 3);
        File.WriteAllText(folder["cfg.json"], json.ToJsonString());
        using (Sae old = Sae.Load(folder.Path))
            Assert.Equal((3, false), (old.Config.Head, old.Config.FlattensHeads));
        Refused("of head 0 by its file", () => sae.OfHead(1));
        Refused("names no head", () => of.OfHead());
        Assert.NotNull(of.OfHead(3));

        static void Refused(string reason, Func<object> call) =>
            Assert.Contains(reason, Assert.Throws<ArgumentException>(call).Message, StringComparison.Ordinal);
    }

    private static Sae OfWidth(long width, SaeConfig config)
    {
        using Generator generator = new(4, CPU);
        return new Sae(config, new SaeWeights
        {
            Encoder = randn(width, 12, ScalarType.Float64, generator: generator),
            Decoder = randn(12, width, ScalarType.Float64, generator: generator),
            DecoderBias = randn(width, ScalarType.Float64, generator: generator),
        });
    }
}
