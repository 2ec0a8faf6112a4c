using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class CompositionRuleTests
{
    private const string Sweep = """[Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor S(Tensor x) => x;""";

    [Theory]
    [InlineData("INV201", "The result already has a 'C'", """[Capture("embed")] static Tensor C(Tensor x) => x; [Metric] static Tensor [|C|]([Logit("S")] Tensor x, [Logit("IO")] Tensor y) => x;""")]
    [InlineData("INV202", "No write sweeps '{layer}'", """[Capture("blocks.[|{layer}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV202", "No write sweeps '{h}'", Sweep + """[Capture("blocks.{layer}.attn.z[head=[|{h=0..1}|]]")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV203", "'{head}' counts heads elsewhere and layers here", Sweep + """[Patch("blocks.[|{head}|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV204", "'{layer}' ranges over nothing", Sweep + """[Capture("blocks.[|{layer=1}|].mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV205", "'Result' is a name that the generator adds to 'Probe'", """static int [|Result|] => 1;""")]
    [InlineData("INV206", "[From] reads one site, but 'blocks.*.mlp_out' names several layers", """[Patch("embed")] static Tensor P([From("clean", "blocks.[|*|].mlp_out")] Tensor x) => x;""")]
    public Task Fires(string id, string message, string members) => Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Patch("embed")] static Tensor P(Tensor x) => x; [Patch("blocks.0.mlp_out")] static Tensor P([From("clean")] Tensor x, Tensor y) => x; [Capture("embed")] static Tensor C(Tensor x) => x;""")]
    [InlineData(Sweep + """[Capture("blocks.{layer}.attn.z[head={head=0,1}]")] static Tensor C(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.0.attn.pattern[query={t}; key={t}]")] static Tensor P(Tensor x) => x; [Capture("embed[pos={t}]")] static Tensor C(Tensor x) => x;""")]
    [InlineData(Sweep + """[Patch("embed")] static Tensor P([From("clean", "blocks.{layer}.mlp_out")] Tensor x, [From("clean", "blocks.1.mlp_out")] Tensor y) => x;""")]
    public async Task CorrectCompositionsAreSilent(string members) =>
        Assert.Empty(await Analysis.Diagnose(Sources.Model, Sources.Prompts, Sources.Intervention(members)));
}
