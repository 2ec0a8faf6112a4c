using System.Text.Json.Nodes;
using Interventions.Models.Decoder;

namespace Interventions.Models.Tests.Checkpoints;

/// <summary>Damaged configurations: each is refused with the key, its value and what could stand there.</summary>
public sealed class ConfigMutationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ConfigMutationTests()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.LlamaConfig);
        model.Save(_folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    public static TheoryData<string, string, string> Values
    {
        get
        {
            TheoryData<string, string, string> rows = [];
            string[] sizes = ["hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "vocab_size"];
            foreach (string size in sizes)
            {
                rows.Add(size, "null", $"'{size}' is missing.");
                foreach (string value in (string[])["0", "-1", "1.5", "\"32\"", "[]", "2147483648", "1e999", "true"])
                    rows.Add(size, value, $"'{size}' must be an integer of at least 1, and is {value}.");
            }
            rows.Add("hidden_size", "2147483647", "holds 'model.embed_tokens.weight' of shape [61, 32]; its configuration asks");
            rows.Add("hidden_size", "33", "holds 'model.embed_tokens.weight' of shape [61, 32]; its configuration asks");
            rows.Add("num_attention_heads", "2147483647", "'num_key_value_heads' is 2, which does not divide 2147483647 query heads.");
            rows.Add("num_attention_heads", "3", "'num_key_value_heads' is 2, which does not divide 3 query heads.");
            rows.Add("num_hidden_layers", "2147483647", "holds 30 tensors, too few for the 2147483647 layers of its configuration.");
            rows.Add("num_hidden_layers", "4", "has no tensor 'model.layers.3.input_layernorm.weight', which its");
            rows.Add("num_hidden_layers", "2", "holds 9 tensors that a llama of this configuration does not have:");
            rows.Add("intermediate_size", "2147483647", "holds 'model.layers.0.mlp.gate_proj.weight' of shape [40, 32]; its");
            rows.Add("vocab_size", "2147483647", "holds 'model.embed_tokens.weight' of shape [61, 32]; its configuration asks");
            rows.Add("vocab_size", "60", "holds 'model.embed_tokens.weight' of shape [61, 32]; its configuration asks");
            rows.Add("num_key_value_heads", "3", "'num_key_value_heads' is 3, which does not divide 4 query heads.");
            rows.Add("num_key_value_heads", "8", "'num_key_value_heads' is 8, which does not divide 4 query heads.");
            rows.Add("head_dim", "7", "'head_dim' is 7, and rotary positions need an even number.");
            rows.Add("head_dim", "16", "holds 'model.layers.0.self_attn.q_proj.weight' of shape [32, 32]; its");
            rows.Add("max_position_embeddings", "0", "'max_position_embeddings' must be an integer of at least 1, and is 0.");
            rows.Add("rms_norm_eps", "\"small\"", "'rms_norm_eps' must be a number, and is \"small\".");
            rows.Add("rms_norm_eps", "1e999", "'rms_norm_eps' must be a number, and is 1e999.");
            rows.Add("rms_norm_eps", "[1]", "'rms_norm_eps' must be a number, and is [1].");
            rows.Add("hidden_act", "\"mish\"", "'hidden_act' is 'mish'; supported are gelu_new, gelu_pytorch_tanh, gelu_fast,");
            rows.Add("hidden_act", "3", "'hidden_act' must be text, and is 3.");
            rows.Add("tie_word_embeddings", "\"yes\"", "'tie_word_embeddings' must be true or false, and is \"yes\".");
            rows.Add("attention_bias", "true", "has no tensor 'model.layers.0.self_attn.q_proj.bias', which its configuration");
            rows.Add("mlp_bias", "1", "'mlp_bias' must be true or false, and is 1.");
            rows.Add("mlp_bias", "true", "has no tensor 'model.layers.0.mlp.gate_proj.bias', which its configuration");
            rows.Add("model_type", "\"mamba\"", "describes a model of type 'mamba'; supported are gpt2, llama, mistral,");
            rows.Add("model_type", "null", "'model_type' is missing.");
            rows.Add("model_type", "3", "'model_type' must be text, and is 3.");
            rows.Add("model_type", "\"opt\"", "'ffn_dim' is missing.");
            rows.Add("rope_parameters", "3", "'rope_parameters' must be an object, and is 3.");
            rows.Add("rope_parameters", "[]", "'rope_parameters' must be an object, and is [].");
            rows.Add("rope_parameters", """{"rope_type": "spiral"}""",
                "'rope_parameters.rope_type' is 'spiral'; supported are default, linear");
            rows.Add("rope_parameters", """{"rope_type": "linear"}""", "'rope_parameters.factor' is missing.");
            rows.Add("rope_parameters", """{"rope_type": "llama3", "factor": 8}""", "'rope_parameters.low_freq_factor' is missing.");
            rows.Add("rope_parameters", """{"rope_theta": "10000"}""", "'rope_parameters.rope_theta' must be a number, and is \"10000\".");
            rows.Add("rope_parameters", """{"rope_theta": 1e999}""", "'rope_parameters.rope_theta' must be a number, and is 1e999.");
            rows.Add("rope_parameters", """{"partial_rotary_factor": 0.1}""",
                "'partial_rotary_factor' makes 0 of a head's 8 coordinates turn; an even");
            rows.Add("rope_scaling", """{"type": "linear", "factor": 2}""",
                "'rope_scaling' is there beside 'rope_parameters', which is the same thing:");
            rows.Add("rope_theta", "500", "'rope_theta' is 500, and the rotary parameters say 10000: leave one out.");
            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_that_cannot_be_is_refused_with_the_reason(string key, string value, string reason)
    {
        // The text is put in as it is: a node would refuse 1e999.
        string text = Replaced(JsonNode.Parse(File.ReadAllText(_folder["config.json"]))!.AsObject(), key);
        File.WriteAllText(_folder["config.json"], text.Replace("\"VALUE\"", value, StringComparison.Ordinal));
        Check(reason, $"{key}|{value}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("3")]
    [InlineData("{\"model_type\": \"\\ud800\"}")]
    [InlineData("{\"\\udfff\": 1}")]
    [InlineData("{\"model_type\": \"llama\"} {}")]
    [InlineData("{\"model_type\": \"llama\", \"vocab_size\": NaN}")]
    [InlineData("// a comment\n{\"model_type\": \"llama\"}")]
    [InlineData("{\"model_type\": \"llama\"")]
    [InlineData("{'model_type': 'llama'}")]
    public void A_text_that_is_no_object_is_refused(string text)
    {
        File.WriteAllText(_folder["config.json"], text);
        Check("JSON", text);
        File.WriteAllBytes(_folder["config.json"], [.. "{\"model_type\": \""u8, 0xFF, .. "\"}"u8]);
        Check("is not JSON: it is not text in UTF-8.", "");
        File.WriteAllText(_folder["config.json"], string.Concat(Enumerable.Repeat("{\"a\":", 1000)));
        Check("The maximum configured depth of 64 has been exceeded.", "");
    }

    private static string Replaced(JsonObject json, string key)
    {
        json[key] = "VALUE";
        return json.ToJsonString();
    }

    private void Check(string reason, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Assert.Throws<CheckpointException>(() => DecoderModel.Load(_folder.Path)).Message;
        Assert.StartsWith($"'{_folder.Path}", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
        Assert.InRange(message.Length, 1, 1000);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }
}
