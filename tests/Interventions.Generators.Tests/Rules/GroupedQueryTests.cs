using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>
/// Where several query heads share a key head: <c>head</c> and <c>kv_head</c> are two axes, and each is checked by its own length.
/// </summary>
public sealed class GroupedQueryTests
{
    private const string Config = """
        { "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 172, "vocab_size": 512 }
        """;

    private const string Kept = "[Metric] static Tensor M([Logit(\"correct\")] Tensor x) => x;";

    [Theory]
    [InlineData(
        "INV006", "kv_head 2 of 'blocks.0.attn.k[kv_head=2]' is out of range: Mine has 2 kv_heads (0 to 1)",
        "blocks.0.attn.k[kv_head=[|2|]]")]
    [InlineData("INV006", "kv_head -3", "blocks.0.attn.v[kv_head=0,[|-3|]]")]
    [InlineData("INV006", "the range 1..-2 of 'blocks.0.attn.v[kv_head=1..-2]' is empty", "blocks.0.attn.v[kv_head=[|1..-2|]]")]
    [InlineData("INV006", "kv_head 3", "blocks.0.attn.rot_k[kv_head={h=0,[|3|]}]")]
    [InlineData(
        "INV005",
        "'blocks.0.attn.k' has no axis 'head': head 3 shares kv_head 1 with others; select 'kv_head=1', or write "
            + "'blocks.0.attn.k_input[head=3]', which gives that head a private key",
        "blocks.0.attn.k[[|head|]=3]")]
    [InlineData(
        "INV005", "several heads share one kv_head; select 'kv_head', or write 'blocks.*.attn.v_input[head=0..1; pos=end]', which gives",
        "blocks.*.attn.v[[|head|]=0..1; pos=end]")]
    [InlineData("INV005", "write 'blocks.0.attn.k_input[head=1]', which gives that head a private key", "blocks.0.attn.rot_k[[|head|]=1]")]
    [InlineData("INV005", "'blocks.0.attn.q' has no axis 'kv_head'", "blocks.0.attn.q[[|kv_head|]=1]")]
    [InlineData("INV005", "'blocks.0.attn.k_input' has no axis 'kv_head'", "blocks.0.attn.k_input[[|kv_head|]=1]")]
    public Task A_selection_that_matches_nothing_is_refused(string id, string message, string path) =>
        Fires(id, message, $"[Zero(\"{path}\")]");

    [Theory]
    [InlineData(
        "INV204", "'{h}' ranges over nothing", """[Zero("blocks.0.attn.k[kv_head={h=0}]"), Zero("blocks.1.attn.k[kv_head=[|{h=1}|]]")]""")]
    [InlineData("INV203", "kv_head", """[Zero("blocks.0.attn.z[head={h}]"), Zero("blocks.1.attn.k[kv_head=[|{h}|]]")]""")]
    public Task A_placeholder_that_fits_no_axis_is_refused(string id, string message, string writes) => Fires(id, message, writes);

    [Theory]
    [InlineData("""[Zero("blocks.*.attn.k[kv_head=-2,1]"), Zero("blocks.0.attn.q[head=3]")]""")]
    [InlineData("""[Zero("blocks.{layer}.attn.v[kv_head={h}]"), Zero("blocks.1.attn.k[kv_head={h=1}]")]""")]
    [InlineData("""[PathPatch("blocks.0.attn.z[head=3]", "blocks.1.attn.k_input[head=3]")]""")]
    public Task A_selection_that_matches_is_silent(string writes) => Analysis.Check([("/p/config.json", Config)], Study(writes));

    private static Task Fires(string id, string message, string writes) =>
        Analysis.Fires(id, message, [("/p/config.json", Config)], Study(writes));

    private static string Study(string writes) => $$"""
        [HookedModel("config.json")] public sealed partial class Mine;
        [Intervention<Mine>] {{writes}} public sealed partial class Probe { {{Kept}} }
        """;
}
