using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class ConfigsTests
{
    private const string Model = """[HookedModel("config.json")] public sealed partial class Mine;""";

    private const string GptJ =
        """{ "model_type": "gptj", "n_layer": 2, "n_head": 3, "n_embd": 48, "rotary_dim": 8, "vocab_size": 61 }""";

    private const string StableLm = """
        {
          "model_type": "stablelm", "num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 32, "intermediate_size": 40,
          "vocab_size": 61, "use_parallel_residual": true
        }
        """;

    private const string Gpt2 = """{ "model_type": "gpt2", "n_layer": 2, "n_head": 3, "n_embd": 48 }""";

    [Theory]
    [InlineData("""{ "model_type": "gpt2" """, "',' or '}', which closes the object, is missing", "[||]")]
    [InlineData("{\n  \"model_type\": \"gpt2\",\n  \"n_layer\": 12,\n", "a member's name, in double quotes, is missing", "[||]")]
    [InlineData("{ \"model_type\": \"gpt2\",\n  \"n_layer\": 12, [|}|] // no comments", "a member's name", "")]
    [InlineData("""{ "model_type" [|"|]gpt2" }""", "':' is missing after \"model_type\"", "")]
    [InlineData("""{ "model_type": [|g|]pt2 }""", "a value is missing", "")]
    [InlineData("""{ "model_type": [|nul|] }""", "'nul' is no value", "")]
    [InlineData("{ \"model_type\": \"gpt2[|\n|]\" }", "which closes the text, is missing", "")]
    [InlineData("""{ "model_type": "\[|x|]" }""", "this is no escape", "")]
    [InlineData("""{ "a": -[|x|] }""", "a digit is missing", "")]
    [InlineData("""{ "a": [1, 2[|}|] }""", "']', which closes the array, is missing", "")]
    [InlineData("""{ "a": 0[|1|] }""", "',' or '}'", "")]
    [InlineData("""{} [|{|]}""", "nothing can follow the value", "")]
    [InlineData("", "a value is missing", "[||]")]
    public Task A_file_that_is_not_json_is_refused(string json, string message, string end) =>
        Analysis.Fires("INV015", message, [("/p/config.json", json + end)], Model);

    [Fact]
    public Task Values_that_are_nested_too_deep_are_refused() => Analysis.Fires(
        "INV015", "values are nested deeper than 64", [("/p/config.json", $"{{ \"a\": {new string('[', 64)}[|1|]")], Model);

    [Theory]
    [InlineData("""[|[1]|]""", "a configuration is an object")]
    [InlineData("""[|{|] "n_layer": 2 }""", "'model_type' is missing")]
    [InlineData("""{ "model_type": [|"bert"|] }""", "'model_type' is 'bert'; supported are gpt2, llama")]
    [InlineData("""{ "model_type": [|3|] }""", "'model_type' must be text, and is 3")]
    [InlineData("{ \"model_type\": \"gpt2\",\n  \"n_layer\": [|\"12\"|] }", "'n_layer' must be an integer of at least 1, and is \"12\"")]
    [InlineData("""{ "model_type": "gpt2", "n_layer": [|0|] }""", "and is 0")]
    [InlineData("""{ "model_type": "gpt2", "n_layer": [|12.0|] }""", "and is 12.0")]
    [InlineData("""{ "model_type": "gpt2", "vocab_size": [|99999999999|] }""", "'vocab_size' must be")]
    [InlineData("""{ "model_type": "gpt2", "n_embd": [|100|], "n_head": 12 }""", "'n_embd' is 100, which 12 heads do not divide")]
    [InlineData("""{ "model_type": "gpt2", "add_cross_attention": [|true|] }""", "cross attention is not supported")]
    [InlineData("""{ "model_type": "gpt2", "add_cross_attention": [|[]|] }""", "must be true or false, and is an array")]
    [InlineData("""[|{|] "model_type": "llama" }""", "'hidden_size' is missing")]
    [InlineData("""[|{|] "model_type": "llama", "hidden_size": null, "num_hidden_layers": 2, "num_attention_heads": 4 }""", "'hidden_size' is missing")]
    [InlineData(
        """{ "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": [|3|] }""",
        "does not divide 4 query heads")]
    [InlineData(
        """{ "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "head_dim": [|15|] }""",
        "need an even number")]
    [InlineData(
        """[|{|] "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2 }""",
        "'intermediate_size' is missing")]
    public Task A_file_that_is_no_configuration_is_refused(string json, string message) =>
        Analysis.Fires("INV016", message, [("/p/config.json", json)], Model);

    [Theory]
    [InlineData("", "{{|INV015:|}")]
    [InlineData(" : Gpt2Model", "{{|INV015:|}")]
    [InlineData(" : Gpt2Model", "{ \"model_type\": \"gpt2\", \"n_layer\": {|INV016:\"x\"|} }")]
    public Task An_error_in_the_file_is_the_only_error(string baseType, string json) => Analysis.Check(
        [("/p/config.json", json)], $"[HookedModel(\"config.json\")] public sealed partial class Mine{baseType};", """
        [Intervention<Mine>]
        public sealed partial class Probe
        {
            [Patch("blocks.1.attn.z[head=2]")] static Tensor P(Tensor z) => z;
            [Metric] static Tensor M([Logit("correct")] Tensor x) => x;
            public static Tensor Use(string path, PromptPairs prompts)
            {
                using var model = Mine.Load(path, device: CPU);
                return new Probe().Run(model, prompts).M;
            }
        }
        """);

    [Fact]
    public Task A_missing_file_is_refused() => Analysis.Fires(
        "INV014", "no file 'config.json' among the project's AdditionalFiles", [("/p/myconfig.json", Gpt2)],
        """[HookedModel("[|config.json|]")] public sealed partial class Mine;""");

    [Fact]
    public Task A_name_of_several_files_is_refused() => Analysis.Fires(
        "INV014", "'config.json' is the end of several files' paths (/p/a/config.json, /p/b/config.json)",
        [("/p/a/config.json", Gpt2), ("/p/b/config.json", Gpt2)],
        """[HookedModel("[|config.json|]")] public sealed partial class Mine;""");

    [Fact]
    public Task A_class_of_another_family_is_refused() => Analysis.Fires(
        "INV017", "'Mine' is a LlamaModel, and 'config.json' describes a model of type 'gpt2'", [("/p/config.json", Gpt2)],
        """[HookedModel("[|config.json|]")] public sealed partial class Mine : LlamaModel;""");

    /// <summary>A configuration whose blocks stand side by side has another class, with other sites.</summary>
    [Fact]
    public Task A_class_with_other_sites_is_refused() => Analysis.Fires(
        "INV017", "'Mine' is a StableLmModel, and 'config.json' describes a model with the sites of a ParallelStableLmModel",
        [("/p/config.json", StableLm)], """[HookedModel("[|config.json|]")] public sealed partial class Mine : StableLmModel;""");

    [Theory]
    [InlineData(GptJ, "Mine has no site 'blocks.1.resid_mid': GPT-J's block adds attention and feed-forward to the same stream", "resid_mid")]
    [InlineData(GptJ, "GPT-J's attention and feed-forward share one norm, ln1", "ln2.normalized")]
    [InlineData(StableLm, "StableLM's block adds attention and feed-forward to the same stream", "hook_resid_mid")]
    [InlineData(Gpt2, "GPT-2 has no experts", "mlp.router_probs[expert=0]")]
    public Task A_site_that_the_family_lacks_is_refused_with_the_reason(string config, string message, string site) => Analysis.Fires(
        "INV001", message, [("/p/config.json", config)], Model,
        $$"""
        [Intervention<Mine>]
        public sealed partial class Probe { [Patch("[|blocks.1.{{site.Split('[')[0]}}|]{{site[site.Split('[')[0].Length..]}}")] static Tensor P(Tensor z) => z; }
        """);

    [Fact]
    public Task A_class_with_two_schemas_is_refused() => Analysis.Fires(
        "INV017", "'Mine' has [ModelSchema] too", [("/p/config.json", Gpt2)],
        """[ModelSchema, Axis("layer", 1), HookedModel("[|config.json|]")] public sealed partial class Mine : Gpt2Model;""");

    [Fact]
    public Task A_hooked_model_must_be_partial() => Analysis.Fires(
        "INV106", "'Mine' must be partial", [("/p/config.json", Gpt2)],
        """[HookedModel("config.json")] public abstract class [|Mine|](Interventions.Models.Decoder.DecoderCheckpoint c) : """
            + """Gpt2Model(c, null!);""");

    [Theory]
    [InlineData("config.json", "/p/gpt2/config.json")]
    [InlineData("gpt2/config.json", "/p/gpt2/config.json")]
    [InlineData("./gpt2/config.json", "C:\\p\\gpt2\\config.json")]
    [InlineData("gpt2\\\\config.json", "gpt2/config.json")]
    public Task A_correct_model_is_silent(string name, string path) => Analysis.Check(
        [(path, Gpt2), ("/p/appsettings.json", "{ nobody's configuration"), ("/p/a.txt", "")],
        $$"""[HookedModel("{{name}}")] public sealed partial class Mine;""");

    [Theory]
    [InlineData("INV003", "layer 2 of 'blocks.2.attn.z' is out of range: Mine has 2 layers (0 to 1)", "blocks.[|2|].attn.z")]
    [InlineData("INV006", "head 3 of 'blocks.1.attn.z[head=3]' is out of range: Mine has 3 heads (0 to 2)", "blocks.1.attn.z[head=[|3|]]")]
    [InlineData("INV001", "did you mean 'blocks.1.attn.z'?", "blocks.1.attn.[|zz|]")]
    public Task Names_of_the_model_are_checked(string id, string message, string path) => Analysis.Fires(
        id, message, [("/p/config.json", Gpt2)], Model,
        $$"""[Intervention<Mine>] public sealed partial class Probe { [Patch("{{path}}")] static Tensor P(Tensor z) => z; }""");

    [Theory]
    [InlineData("", "")]
    [InlineData(" : Gpt2Model", "")]
    [InlineData("", "[Axis(\"vocab\", 64)] ")]
    public Task Interventions_on_the_model_compile(string baseType, string attributes) => Analysis.Check(
        [("/p/config.json", Gpt2)], $"{attributes}[HookedModel(\"config.json\")] public sealed partial class Mine{baseType};", """
        [Intervention<Mine>]
        public sealed partial class Probe
        {
            [Patch(Mine.Sites.Blocks.Each.Attn.Z + "[head={head}; pos=end]")] static Tensor P(Tensor z) => z;
            [Capture(Mine.Sites.Blocks.All.Attn.Pattern)] static Tensor C(Tensor pattern) => pattern;
            [Capture("blocks.1." + Mine.Sites.Blocks.Inside.MlpOut)] static Tensor D(Tensor x) => x;
            [Metric] static Tensor M([Logit("correct")] Tensor x) => x;
            public static Tensor Use(string path, PromptPairs prompts)
            {
                using var model = Mine.Load(path, device: CPU);
                return new Probe().Run(model, prompts).M[layer: 1, head: 2];
            }
        }
        """);
}
