using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>The rules of swept strengths and runs.</summary>
public sealed class SweepRuleTests
{
    private const string Add = """[Add("embed", "{alpha}")] required public Tensor D { get; init; }""";

    [Theory]
    [InlineData("INV102", "Parameter 'alpha' must be a double", """[Sweep("alpha", 1, 2)]""", """[Patch("embed")] static Tensor P(Tensor x, [Swept("alpha")] Tensor [|alpha|]) => x;""")]
    [InlineData("INV108", "'x' has several of", """[Sweep("alpha", 1, 2)]""", Add + """[Patch("embed")] static Tensor P([Swept("alpha"), From("clean")] Tensor [|x|]) => x;""")]
    [InlineData("INV202", "No write sweeps '{alpha}', so it has no value here", "", """[Metric] static Tensor M([Logit("S")] Tensor s, [Swept("[|alpha|]")] double alpha) => s;""")]
    [InlineData("INV202", "No write sweeps '{run}'", "", """[Capture("embed")] static Tensor C([From("[|{run}|]")] Tensor x) => x;""")]
    [InlineData("INV203", "'{a}' counts layers elsewhere and strengths here", """[Zero("blocks.{a}.mlp_out"), Scale("embed", "[|{a}|]")]""", "")]
    [InlineData("INV203", "'{a}' counts runs elsewhere and strengths here", """[Freeze("embed", From = "{a}")]""", """[Patch("embed")] static Tensor P(Tensor x, [Swept("[|a|]")] double a) => x;""")]
    [InlineData("INV009", "no run 'corupted'; did you mean 'corrupted'?", """[Sweep("run", "clean", "[|corupted|]"), Freeze("embed", From = "{run}")]""", "")]
    [InlineData("INV009", "no run 'cleam'", """[Sweep("run", "[|cleam|]"), Freeze("embed", From = "{run}")]""", "")]
    [InlineData("INV231", "No write uses 'alpha'", """[Sweep("[|alpha|]", 1, 2)]""", "")]
    [InlineData("INV231", "'alpha' is swept twice", """[Sweep("alpha", 1), Sweep("[|alpha|]", 2)]""", Add)]
    [InlineData("INV231", "'alpha' goes through no values", """[Sweep("[|alpha|]")]""", """[Patch("embed")] static Tensor P(Tensor x, [Swept("alpha")] double a) => x;""")]
    [InlineData("INV231", "'alpha' goes through a value twice", """[Sweep("[|alpha|]", 1, 2, 1.0)]""", Add)]
    [InlineData("INV231", "'al-pha' is no name of a placeholder", """[Sweep("[|al-pha|]", 1)]""", "")]
    [InlineData("INV231", "'layer' is a placeholder of a site path", """[Sweep("[|layer|]", 1), Zero("blocks.{layer}.mlp_out")]""", "")]
    [InlineData("INV232", "'{alpha}' has no values: add [Sweep(\"alpha\", 0.5, 1, 2)] to 'Probe'", "", """[Add("embed", "[|{alpha}|]")] required public Tensor D { get; init; }""")]
    [InlineData("INV232", "'{a}' goes through runs, and here stands a number", """[Sweep("a", "clean"), Scale("embed", "[|{a}|]")]""", "")]
    [InlineData("INV232", "'{a}' goes through numbers, and here stands a run", """[Sweep("a", 1), Freeze("embed", From = "[|{a}|]")]""", "")]
    [InlineData("INV232", "'alpha' is no strength", """[Scale("embed", "[|alpha|]")]""", "")]
    [InlineData("INV234", "has no property 'Abc' that holds prompts; did you mean 'Ab'?", """[Mean("embed", Over = "[|Abc|]")]""", "required public IoiPrompts Ab { get; init; }")]
    [InlineData("INV234", "has no property 'D' that holds prompts", """[Mean("embed", Over = "[|D|]")]""", "required public Tensor D { get; init; }")]
    [InlineData("INV234", "IoiPrompts has no run 'cleam'", """[Mean("embed", Over = "Ab", From = "[|cleam|]")]""", "required public IoiPrompts Ab { get; init; }")]
    [InlineData("INV009", "'{donor}' goes through several runs, and here stands one of IoiPrompts: clean and corrupted", """[Freeze("embed", From = "{donor}")]""", """[Metric] static Tensor M([Logit("IO")] Tensor io, [Logit("S", In = "[|{donor}|]")] Tensor s) => io - s;""")]
    [InlineData("INV009", "'direct' is derived, and read by writes only", """[Run("direct"), Sweep("donor", "[|direct|]"), Freeze("embed", From = "{donor}"), Zero("embed", In = "direct")]""", "")]
    [InlineData("INV235", "a mask for 'blocks.*.attn.z' has no axis 'heads'; its axes are layer, pos, head and d_head", "", """[Mix("blocks.*.attn.z", "layer", "[|heads|]")] required public Tensor M { get; init; }""")]
    [InlineData("INV235", "stand in the order layer, pos, head and d_head, each once", "", """[Mix("blocks.*.attn.z", "head", "[|layer|]")] required public Tensor M { get; init; }""")]
    [InlineData("INV235", "has no axis 'layer', since the path names one layer at a time", "", """[Mix("blocks.{l}.attn.z", "[|layer|]")] required public Tensor M { get; init; }""")]
    [InlineData("INV235", "has no axis 'batch'", "", """[Mix("embed", "[|batch|]")] required public Tensor M { get; init; }""")]
    [InlineData("INV233", "mask 'M' has shape [layer, head], not [head]", "", """[Mix("blocks.*.attn.z", "layer", "head"), [|Shape("head")|]] required public Tensor M { get; init; }""")]
    [InlineData("INV212", "'blocks.0.mlp_in' is not downstream of 'blocks.1.attn.z' and 'blocks.0.mlp_out'", """[PathPatch(["blocks.1.attn.z", "blocks.0.mlp_out"], "[|blocks.0.mlp_in|]")]""", "")]
    [InlineData("INV001", "nbed", """[PathPatch(["blocks.0.attn.z", "[|nbed|]"], "blocks.1.mlp_in")]""", "")]
    [InlineData("INV003", "layer 7", """[PathPatch("blocks.0.attn.z", "blocks.1.mlp_in", Freeze = ["blocks.[|7|].attn.z"])]""", "")]
    public Task Fires(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[Sweep("alpha", -1, 0.5, 2)]""", Add + """[Metric] static Tensor M([Logit("S")] Tensor s, [Swept("alpha")] double alpha) => s * alpha; public static Tensor Use(Result run) => run.M[alpha: 0.5];""")]
    [InlineData("""[Sweep("factor", 1, 2), Scale("blocks.{layer}.mlp_out", "{factor}")]""", """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M[layer: 1, factor: 2];""")]
    [InlineData("""[Sweep("donor", "corrupted", "clean"), Freeze("embed", From = "{donor}")]""", """[Capture("embed")] static Tensor C(Tensor x, [From("{donor}")] Tensor y) => x - y; public static Tensor Use(Result run) => run.C[donor: "clean"];""")]
    [InlineData("""[Mean("embed", From = "{run}"), Resample("blocks.0.mlp_out", From = "{run}")]""", """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M["corrupted"];""")]
    [InlineData("""[Zero("embed[pos={p=S1,IO+1,0}]")]""", """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M[p: "S1"];""")]
    [InlineData("""[Freeze("embed", From = "{donor}")]""", """[Metric] static Tensor M([Logits] Tensor s, [From("{donor}", "logits[pos=end]")] Tensor other) => s.sum(-1) - other.sum([1L, 2L]);""")]
    [InlineData("""[Mean("embed[pos=S1]", Over = nameof(Ab), From = "clean")]""", "required public IoiPrompts Ab { get; init; }")]
    [InlineData("""[PathPatch(["blocks.*.attn.z[head=1]", "blocks.0.mlp_out"], "blocks.1.mlp_in", "blocks.*.attn.q_input[head=0]", Freeze = [])]""", "")]
    [InlineData("", """[Mix("blocks.*.attn.z", "layer", "head"), Shape("layer", "head")] required public Tensor M { get; init; }""")]
    [InlineData("", """[Mix("blocks.{l}.attn.pattern[query=end]", "head", "key"), Mix("embed")] required public Tensor M { get; init; }""")]
    public Task CorrectSweepsAreSilent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Fact]
    public Task AnIncludedSweepIsSweptOutside() => Analysis.Check(Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>, Sweep("alpha", 1, 2)]
        public sealed partial class Steering { [Add("embed", "{alpha}")] public required Tensor D { get; init; } }
        [Intervention<Toy, IoiPrompts>]
        public sealed partial class Probe
        {
            [Include] public required Steering Inner { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s, [Swept("alpha")] double alpha) => s * alpha;
            public static Tensor Use(Result run) => run.M[alpha: 2];
        }
        """);
}
