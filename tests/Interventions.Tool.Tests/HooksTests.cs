using System.Globalization;
using System.Text.Json;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Testing.Support;

namespace Interventions.Tool.Tests;

public sealed class HooksTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Equal_layers_are_one_line() => Snapshot.Verify(ToolRun.Answer("hooks", ToolRun.Model));

    /// <summary>What it names is what a declaration may name: each line is a path of the model.</summary>
    [Fact]
    public void Every_line_is_a_path_of_the_model()
    {
        using DecoderModel model = DecoderModel.Load(ToolRun.Model);
        string[] lines = [.. ToolRun.Answer("hooks", ToolRun.Model).Split('\n').Where(line => line.Contains(" batch, "))];
        Assert.Equal(model.Schema.Sites.Count, lines.Length);
        foreach (string line in lines)
            Intervention.On(model).Capture("Value", line.Split(' ')[0]); // A path that the model lacks is refused here.
    }

    [Theory]
    [InlineData("blocks.3.*", "blocks.3.resid_pre", 23)]
    [InlineData("blocks.{layer}.attn.z", "blocks.[0..3].attn.z", 1)]
    [InlineData("blocks.[1..2].attn.*", "blocks.[1..2].attn.q_input", 10)]
    [InlineData("*.mlp_in", "blocks.[0..3].mlp_in", 1)]
    [InlineData("blocks.[!=0,1].mlp_in", "blocks.[2..3].mlp_in", 1)]
    [InlineData("blocks.-1.mlp_in", "blocks.3.mlp_in", 1)]
    [InlineData("logits", "logits", 1)]
    public void A_pattern_filters(string pattern, string first, int count)
    {
        string[] sites = [.. ToolRun.Answer("hooks", ToolRun.Model, pattern).Split('\n').Where(line => line.Contains(" batch, "))];
        Assert.StartsWith(first + " ", sites[0], StringComparison.Ordinal);
        Assert.Equal(count, sites.Length);
    }

    /// <summary>Selectors stand behind the sites that have their axes, and the shape is what they select.</summary>
    [Theory]
    [InlineData("blocks.0.attn.z[head=3]", "blocks.0.attn.z[head=3]", "batch, pos, head 1, d_head 24", 1)]
    [InlineData("*.attn.z[head!=3; pos=end,1..2]", "blocks.[0..3].attn.z[head!=3; pos=end,1..2]", "batch, pos 3, head 3, d_head 24", 1)]
    [InlineData("blocks.[1..2].attn.*[head={head}]", "blocks.[1..2].attn.q_input[head={head}]", "batch, pos, head 1, d_model 96", 8)]
    [InlineData("blocks.2.attn.pattern[query=-1; key=1..]", "blocks.2.attn.pattern[query=-1; key=1..]", "batch, head 4, query 1, key", 1)]
    [InlineData("blocks.2.mlp.*[neuron=5,7; pos=named]", "blocks.2.mlp.pre[neuron=5,7; pos=named]", "batch, pos, neuron 2", 2)]
    public void Selectors_give_the_shape_that_they_select(string pattern, string path, string axes, int count)
    {
        string[] lines = [.. ToolRun.Answer("hooks", ToolRun.Model, pattern).Split('\n').Where(line => line.Contains(" batch, "))];
        const StringSplitOptions cells = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        Assert.Equal([path, axes], lines[0].Split("  ", cells)[..2]);
        Assert.Equal(count, lines.Length);
        JsonElement site = ToolRun.Json("hooks", ToolRun.Model, pattern).GetProperty("sites").EnumerateArray().First();
        Assert.EndsWith(pattern[pattern.LastIndexOf('[')..], site.GetProperty("path").GetString(), StringComparison.Ordinal);
        Assert.Equal(
            axes.Split(", ").Select(axis => axis.Split(' ').ElementAtOrDefault(1)),
            site.GetProperty("shape").EnumerateArray().Select(size => size.ValueKind == JsonValueKind.Null ? null : $"{size}"));
    }

    /// <summary>A path is shown whole, so that it can be copied; long selectors are said once.</summary>
    [Fact]
    public void Long_selectors_stand_above()
    {
        string answer = ToolRun.Answer("hooks", ToolRun.Model, "*.attn.*[head={head}; pos=end,1..3]");
        Assert.Contains("\nwith [head={head}; pos=end,1..3] behind each site:\n", answer, StringComparison.Ordinal);
        Assert.Contains("\nblocks.[0..3].attn.z        batch, pos 4, head 1, d_head 24\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("…", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("blocks.1.attn.zz", "No site is like 'blocks.1.attn.zz': GPT-2 has no site 'blocks.1.attn.zz'; did you mean 'blocks.1.attn.z'?")]
    [InlineData("blocks.1.attn.hook_z", "here the site is called 'blocks.1.attn.z'.")]
    [InlineData("blocks.9.mlp_out", "layer 9 of 'blocks.9.mlp_out' is out of range: GPT-2 has 4 layers (0 to 3).")]
    [InlineData("blocks.9.mlp.out", "No site is like 'blocks.9.mlp.out': layer 9 of 'blocks.9.mlp.out' is out of range: GPT-2 has 4 layers")]
    [InlineData("blocks.[2..9].*", "layer 9 of 'blocks.[2..9].*' is out of range: GPT-2 has 4 layers (0 to 3).")]
    [InlineData("*.attn.z[head=9]", "head 9 of 'blocks.0.attn.z[head=9]' is out of range: GPT-2 has 4 heads (0 to 3).")]
    [InlineData("blocks.0.attn.z[heads=0]", "'blocks.0.attn.z' has no axis 'heads'; did you mean 'head'?")]
    [InlineData("blocks.0.attn.zz[head=0]", "did you mean 'blocks.0.attn.z'?")]
    [InlineData("blocks.0.attn.z[head", "is missing.")]
    [InlineData("blocks.3.mpl.*", "No site is like 'blocks.3.mpl.*': in blocks.[0..3] of this GPT-2 they begin with resid_pre, attn_in, attn, ln1, ")]
    public void A_pattern_of_no_site_is_refused(string pattern, string message) =>
        Assert.Contains(message, ToolRun.Refusal("hooks", ToolRun.Model, pattern), StringComparison.Ordinal);

    /// <summary>Seven billion parameters, of which not one is allocated: 27 GB of float32 would not fit here.</summary>
    [Fact]
    public void A_configuration_alone_is_enough()
    {
        string config = _folder["config.json"];
        File.WriteAllText(config, """
            {
              "model_type": "llama", "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336, "num_hidden_layers": 32,
              "num_attention_heads": 32, "num_key_value_heads": 8, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05,
              "hidden_act": "silu", "rope_theta": 500000.0, "tie_word_embeddings": false, "bos_token_id": 128000, "my_key": 1,
              "rope_scaling": { "rope_type": "linear", "factor": 2.0, "low_freq_factor": 1.0 }
            }
            """);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Snapshot.Verify(ToolRun.Answer("hooks", "--config", config, "blocks.31.*"));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 100_000_000);
        JsonElement json = ToolRun.Json("hooks", "--config", config);
        Assert.Equal(8_030_261_248, json.GetProperty("parameters").GetInt64());
        Assert.Equal(128, json.GetProperty("axes").GetProperty("d_head").GetInt32());
        // Keys of sections are named as model.Warnings names them.
        Assert.Equal(
            ["my_key", "rope_scaling.low_freq_factor"], json.GetProperty("unexplained").EnumerateArray().Select(key => key.GetString()));

        // What a run needs is what the plan says.
        JsonElement run = json.GetProperty("plainRun");
        Assert.Equal((1024, 4 * 8_030_261_248), (run.GetProperty("tokens").GetInt32(), run.GetProperty("weightBytes").GetInt64()));
        using DecoderModel model = DecoderModel.WithoutWeights(DecoderCheckpoint.ReadConfig(config));
        string plan = Intervention.On(model).Capture("Logits", "logits[pos=end]").Explain(Texts.FromTokens([new long[1024]]));
        string mebibytes = (run.GetProperty("valueBytes").GetInt64() / 1048576.0).ToString("0.0", CultureInfo.InvariantCulture);
        Assert.Contains($"at most about {mebibytes} MiB of rows alive", plan, StringComparison.Ordinal);
    }

    [Fact]
    public void A_document_has_what_the_lines_have()
    {
        JsonElement json = ToolRun.Json("hooks", ToolRun.Model, "*.attn.*");
        string[] names = ["model", "family", "parameters", "contextLength", "plainRun", "axes", "sites", "absent", "unexplained"];
        Assert.Equal(names, json.EnumerateObject().Select(property => property.Name));
        JsonElement port = json.GetProperty("sites").EnumerateArray().First();
        Assert.Equal(
            """{"path":"blocks.{layer}.attn.q_input","axes":["batch","pos","head","d_model"],"shape":[null,null,4,96],"layers":[0,1,2,3],"""
                + "\"port\":true,\"beside\":true,\"wholeNumbers\":false}",
            JsonSerializer.Serialize(port));
        Assert.Contains("no rotary positions", json.GetProperty("absent").EnumerateArray()
            .Single(site => site.GetProperty("path").GetString() == "blocks.{layer}.attn.rot_q").GetProperty("reason").GetString());
    }

    /// <summary>The usual decoder of each family, so that no name of a site is too long for a line.</summary>
    [Fact]
    public void Every_family_is_listed()
    {
        foreach (DecoderFamily family in DecoderFamily.All)
        {
            using MemoryStream stream = new();
            using (Utf8JsonWriter json = new(stream))
            {
                json.WriteStartObject();
                json.WriteString("model_type", family.ModelType);
                family.Write(family.Usual, json);
                json.WriteEndObject();
            }
            string config = _folder[$"{family.ModelType}.json"];
            File.WriteAllBytes(config, stream.ToArray());
            string answer = ToolRun.Answer("hooks", "--config", config);
            Assert.StartsWith(family.Title + ": ", answer, StringComparison.Ordinal);
            Assert.DoesNotContain("…", answer, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void One_of_model_and_configuration_is_given()
    {
        Assert.Equal("Give a MODEL, or a configuration with --config FILE.", ToolRun.Refusal("hooks"));
        Assert.Equal(
            "Give either a MODEL or --config FILE, not both.",
            ToolRun.Refusal("hooks", ToolRun.Model, "logits", "--config", "config.json"));
        Assert.Equal("'nowhere/config.json' does not exist.", ToolRun.Refusal("hooks", "--config", "nowhere/config.json"));
    }
}
