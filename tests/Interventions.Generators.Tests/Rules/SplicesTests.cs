using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class SplicesTests
{
    private const string Sae = """[Splice("blocks.1.mlp_out", Features = 8)] required public ISplice Sae { get; init; }""";

    [Fact]
    public Task A_declaration_with_splices_is_silent() => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Spliced);

    [Theory]
    [InlineData("ISplice Sae")]
    [InlineData("Mine Sae")]
    [InlineData("ISplice[] Sae")]
    [InlineData("Mine[] Sae")]
    [InlineData("System.Collections.Generic.List<Mine> Sae")]
    [InlineData("System.Collections.Immutable.ImmutableArray<Mine> Sae")]
    public Task Splices_and_lists_of_them_are_silent(string property) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Mine, Sources.Intervention(
            $$"""[Splice("blocks.*.mlp_out")] required public {{property}} { get; init; }"""));

    [Theory]
    [InlineData(
        "takes no selectors; select inside it, as in 'blocks.1.mlp_out.sae.error[pos=end]'",
        """[Splice("blocks.1.mlp_out[|[pos=end]|]")]""")]
    [InlineData("a splice stands in every variant", """[Splice("blocks.[|{layer}|].mlp_out")]""")]
    [InlineData("has axes [batch, head, query, key]; a splice replaces vectors at positions", """[Splice("[|blocks.1.attn.pattern|]")]""")]
    [InlineData("names 2 layers and 'blocks.1.mlp_out' one site", """[Splice("blocks.1.mlp_out", Reads = "[|blocks.*.mlp_in|]")]""")]
    [InlineData(
        "'blocks.1.mlp_in' is computed after 'blocks.0.mlp_out'", """[Splice("blocks.0.mlp_out", Reads = "[|blocks.1.mlp_in|]")]""")]
    [InlineData("takes no selectors", """[Splice("blocks.1.mlp_out", Reads = "blocks.1.mlp_in[|[pos=end]|]")]""")]
    [InlineData("'Sae' has -1 features; it needs at least one", """[Splice("[|blocks.1.mlp_out|]", Features = -1)]""")]
    [InlineData("'blocks.1.mlp_out' is spliced twice", """[Splice("blocks.1.mlp_out"), Splice("[|blocks.*.mlp_out|]")]""")]
    [InlineData(
        "'blocks.1.mlp_out.sae.error' lies inside a splice", """[Splice("blocks.1.mlp_out"), Splice("[|blocks.1.mlp_out.sae.error|]")]""")]
    public Task A_misplaced_splice_is_refused(string message, string attribute) => Analysis.Fires(
        "INV230", message, Sources.Model, Sources.Prompts, Sources.Intervention(attribute + " required public ISplice Sae { get; init; }"));

    [Fact]
    public Task An_included_splice_takes_its_site() => Analysis.Fires(
        "INV230", "'blocks.1.mlp_out' is spliced twice", Sources.Model, Sources.Prompts, Sources.Spliced,
        Sources.Intervention(
            """[Include] required public Spliced Other { get; init; } [Splice("[|blocks.1.mlp_out|]")] required public ISplice Sae { """
                + """get; init; }"""));

    [Fact]
    public Task On_a_decoder_ports_cannot_be_spliced() => Analysis.Fires("INV230", "lies beside the model's ordinary path", """
        [Intervention<Gpt2Small>]
        public sealed partial class Probe { [Splice("[|blocks.3.attn.result|]")] required public ISplice Sae { get; init; } }
        """);

    [Theory]
    [InlineData("INV001", "did you mean 'blocks.1.mlp_out.sae.features'?", "blocks.1.mlp_out.sae.[|featurs|]")]
    [InlineData("INV001", "did you mean 'blocks.1.mlp_out.sae.error'?", "blocks.1.mlp_out.[|saee|].error")]
    [InlineData("INV002", "after it come original, features, reconstruction and error", "blocks.1.mlp_out.[|sae|]")]
    [InlineData(
        "INV003", "layer 0 has no 'blocks.0.mlp_out.sae.features': Sae is spliced into layer 1", "blocks.[|0|].mlp_out.sae.features")]
    [InlineData("INV003", "layer 0 has no", "blocks.[[|0..1|]].mlp_out.sae.features")]
    [InlineData("INV005", "has no axis 'features'; did you mean 'feature'?", "blocks.1.mlp_out.sae.features[[|features|]=1]")]
    [InlineData("INV005", "'blocks.1.mlp_out.sae.error' has no axis 'feature'", "blocks.1.mlp_out.sae.error[[|feature|]=1]")]
    [InlineData(
        "INV006", "feature 8 of 'blocks.1.mlp_out.sae.features[feature=8]' is out of range: Sae has 8 features (0 to 7)",
        "blocks.1.mlp_out.sae.features[feature=[|8|]]")]
    public Task Inner_sites_are_names(string id, string message, string path) => Analysis.Fires(
        id, message, Sources.Model, Sources.Prompts,
        Sources.Intervention(Sae + $$"""[Capture("{{path}}")] static Tensor C(Tensor x) => x;"""));

    [Fact]
    public async Task Inner_sites_of_included_splices_are_names()
    {
        string including = Sources.Intervention("""
            [Include] required public Spliced Other { get; init; }
            [Capture("blocks.*.mlp_out.transcoder.features[feature=0..15]")] static Tensor C(Tensor x) => x;
            """);
        await Analysis.Check(Sources.Model, Sources.Prompts, Sources.Spliced, including);
        await Analysis.Fires(
            "INV006", "Transcoder has 16 features", Sources.Model, Sources.Prompts, Sources.Spliced,
            including.Replace("0..15", "[|0..16|]", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("blocks.{layer}.mlp_out.sae.features[feature={f}]")]
    [InlineData("blocks.*.mlp_out.sae.features[feature=0..3,7; pos=S1+1]")]
    [InlineData("blocks.-1.mlp_out.sae.reconstruction[pos=end]")]
    public Task Inner_sites_can_be_selected_and_swept(string path) => Analysis.Check(
        Sources.Model, Sources.Prompts, Sources.Intervention(Sae + $$"""[Patch("{{path}}")] static Tensor P(Tensor x) => x;"""));

    private const string Mine = """
        namespace Study;
        public sealed class Mine : ISplice
        {
            public int Features => 8;
            public Tensor Encode(Tensor x) => x;
            public Tensor Decode(Tensor features, Tensor x) => features;
        }
        public readonly struct Inline : ISplice
        {
            public int Features => 8;
            public Tensor Encode(Tensor x) => x;
            public Tensor Decode(Tensor features, Tensor x) => features;
        }
        """;

    [Theory]
    [InlineData("required Tensor [|Sae|] { get; init; }")]
    [InlineData("required System.Collections.Generic.IEnumerable<ISplice> [|Sae|] { get; init; }")]
    [InlineData("required System.Collections.Generic.List<Inline> [|Sae|] { get; init; }")]
    [InlineData("ISplice [|Sae|] { set { } }")]
    public Task A_splice_in_another_property_is_refused(string property) => Analysis.Fires(
        "INV115", "'Sae' must be an ISplice that can be read, or a list of them", Sources.Model, Sources.Prompts, Mine,
        Sources.Intervention("""[Splice("blocks.1.mlp_out")] public """ + property));

    [Theory]
    [InlineData("""[Capture("blocks.1.mlp_out")] static Tensor C(Tensor x) => x;""", "[Splice(\"[|blocks.1.mlp_out|]\")]")]
    [InlineData("""[Capture("embed.sae.error")] static Tensor C(Tensor x) => x;""", "[Splice(\"[|blocks.1.mlp_out|]\"), Splice(\"embed\")]")]
    public Task A_splice_that_nobody_uses_is_reported(string members, string attribute) => Analysis.Fires(
        "INV241", "Nothing reads or writes inside 'Sae'", Sources.Model, Sources.Prompts,
        Sources.Intervention(members + attribute + " required public ISplice Sae { get; init; }"));

    [Theory]
    [InlineData("""[Capture("blocks.1.mlp_out")] static Tensor C(Tensor x) => x;""", """[Splice("blocks.1.mlp_out", ErrorTerm = false)]""")]
    [InlineData("""[Capture("blocks.1.mlp_out")] static Tensor C(Tensor x) => x;""", """[Splice("blocks.1.mlp_out", DetachError = true)]""")]
    [InlineData("""[Metric] static Tensor M([ValueOf("embed.sae.features[pos=end]")] Tensor x) => x.flatten(1).sum(1);""", """[Splice("embed")]""")]
    [InlineData("", """[Splice("embed")]""")]
    public Task A_splice_that_somebody_uses_is_silent(string members, string attribute) => Analysis.Check(
        Sources.Model, Sources.Prompts, Sources.Intervention(members + attribute + " required public ISplice Sae { get; init; }"));
}
