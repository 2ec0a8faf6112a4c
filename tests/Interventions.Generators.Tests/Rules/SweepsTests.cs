using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>The rules of swept strengths and runs.</summary>
public sealed class SweepsTests
{
    private const string Add = """[Add("embed", "{alpha}")] required public Tensor D { get; init; }""";

    [Fact]
    public Task An_included_sweep_is_swept_outside() => Analysis.Check(Sources.Model, Sources.Prompts, """
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

    [Theory]
    [InlineData("INV231", "No write uses 'alpha'", """[Sweep("[|alpha|]", 1, 2)]""", "")]
    [InlineData("INV231", "'alpha' is swept twice", """[Sweep("alpha", 1), Sweep("[|alpha|]", 2)]""", Add)]
    [InlineData(
        "INV231", "'alpha' goes through no values", """[Sweep("[|alpha|]")]""",
        """[Patch("embed")] static Tensor P(Tensor x, [Swept("alpha")] double a) => x;""")]
    [InlineData("INV231", "'alpha' goes through a value twice", """[Sweep("[|alpha|]", 1, 2, 1.0)]""", Add)]
    [InlineData("INV231", "'al-pha' is no name of a placeholder", """[Sweep("[|al-pha|]", 1)]""", "")]
    [InlineData("INV231", "No write uses 'head'", """[Sweep("[|layer, head|]", "0.1"), Zero("blocks.{layer}.mlp_out")]""", "")]
    [InlineData(
        "INV231", "'0' is no point of layer, head: it has one coordinate for each, as in '3.4'",
        """[Sweep("[|layer, head|]", "0.1", "0"), Zero("blocks.{layer}.attn.z[head={head}]")]""", "")]
    [InlineData(
        "INV231", "'layer, head' go through points, which are texts",
        """[Sweep("[|layer, head|]", 0.1), Zero("blocks.{layer}.attn.z[head={head}]")]""", "")]
    [InlineData(
        "INV231", "'layer, head' goes through a value twice",
        """[Sweep("[|layer, head|]", "0.1", "0, 1"), Zero("blocks.{layer}.attn.z[head={head}]")]""", "")]
    [InlineData(
        "INV231", "'layer' is swept twice",
        """[Sweep("layer", 0), Sweep("[|layer, head|]", "0.1"), Zero("blocks.{layer}.attn.z[head={head}]")]""", "")]
    [InlineData(
        "INV231", "'Heads' lists nothing that 'layer, head' can go through: it needs a list of (int, int)",
        """[Zero("blocks.{layer}.attn.z[head={head}]")]""",
        """[Sweep("[|layer, head|]")] public required System.Collections.Generic.List<int> Heads { get; init; }""")]
    [InlineData(
        "INV231", "it needs a list of int, double or string", """[Zero("blocks.{layer}.mlp_out")]""",
        """[Sweep("[|layer|]")] public required string Layers { get; init; }""")]
    [InlineData(
        "INV231", "'Layers' lists what 'layer' goes through: leave the values of the attribute out", """[Zero("blocks.{layer}.mlp_out")]""",
        """[Sweep("[|layer|]", 1)] public required int[] Layers { get; init; }""")]
    [InlineData(
        "INV238", "'layer, head' cannot go through 2.1: layer 2 of '{layer}' is out of range: Toy has 2 layers (0 to 1)",
        """[Sweep("layer, head", "1.1", "[|2.1|]"), Zero("blocks.{layer}.attn.z[head={head}]")]""", "")]
    [InlineData(
        "INV238", "head 2 is not among those that '{head}' goes through in a site path",
        """[Sweep("layer, head", "[|1.2|]"), Zero("blocks.{layer}.attn.z[head={head=0..1}]")]""", "")]
    [InlineData(
        "INV238", "IoiPrompts has no position 'S3'; did you mean 'S1'?",
        """[Sweep("layer, pos", "[|1.S3|]"), Zero("blocks.{layer}.mlp_out[pos={pos}]")]""", "")]
    [InlineData(
        "INV238", "'layer' cannot go through 0.5: '0.5' is no number of a layer",
        """[Sweep("[|layer|]", 0, 0.5), Zero("blocks.{layer}.mlp_out")]""", "")]
    [InlineData("INV238", "'S3'", """[Sweep("pos", "IO", "[|S3|]"), Zero("embed[pos={pos}]")]""", "")]
    [InlineData(
        "INV238", "IoiPrompts has no run 'cleam'; did you mean 'clean'?",
        """[Sweep("layer, run", "[|1.cleam|]"), Freeze("blocks.{layer}.mlp_out", From = "{run}")]""", "")]
    [InlineData(
        "INV232", "'{alpha}' has no values: add [Sweep(\"alpha\", 0.5, 1, 2)] to 'Probe'", "",
        """[Add("embed", "[|{alpha}|]")] required public Tensor D { get; init; }""")]
    [InlineData("INV232", "'{a}' goes through runs, and here stands a number", """[Sweep("a", "clean"), Scale("embed", "[|{a}|]")]""", "")]
    [InlineData(
        "INV232", "'{a}' goes through numbers, and here stands a run", """[Sweep("a", 1), Freeze("embed", From = "[|{a}|]")]""", "")]
    [InlineData("INV232", "'alpha' is no strength", """[Scale("embed", "[|alpha|]")]""", "")]
    public Task A_sweep_that_does_not_fit_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Fact]
    public Task Included_points_are_one_axis_outside() => Analysis.Check(Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>, Sweep("layer, head", "0.1", "1.2"), Zero("blocks.{layer}.attn.z[head={head}]")]
        public sealed partial class Heads;
        [Intervention<Toy, IoiPrompts>, Zero("blocks.{layer}.mlp_out[pos={pos=IO,end}]", Order = -1)]
        public sealed partial class Probe
        {
            [Include] public required Heads Inner { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
            public static Tensor Use(Result run) => run.M[layer: 1, head: 2, pos: "end"];
        }
        """);

    [Theory]
    [InlineData(
        """[Sweep("layer, head", "1.2", "0.0", "-1.0"), Zero("blocks.{layer}.attn.z[head={head}; pos={pos=named}]")]""",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => """
            + """run.M[layer: 1, head: 2, pos: "end"] + run.M.Top(1)[0]["head"];""")]
    [InlineData(
        """[Sweep("layer", 1, 0), Zero("blocks.{layer}.mlp_out")]""",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M[layer: 1];""")]
    [InlineData(
        """[Sweep("pos, layer, alpha, run", "S1+1, 0, 0.5, clean", "-1, 1, 2, corrupted"), """
            + """Scale("blocks.{layer}.mlp_out[pos={pos}]", "{alpha}"), Freeze("embed", From = "{run}")]""",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => """
            + """run.M[layer: 1, alpha: 0.5, run: "clean", pos: "S1+1"];""")]
    [InlineData(
        """[Zero("blocks.{layer}.attn.z[head={head}; pos={pos}]")]""",
        """[Sweep("head, layer")] public required System.Collections.Generic.IReadOnlyList<(int Head, int Layer)> Heads { get; init; } """
            + """[Sweep("pos")] public required string[] Places { get; init; } """
            + """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => """
            + """run.M[layer: 1, head: 2, pos: "end"];""")]
    [InlineData(
        "",
        """[Sweep("alpha")] public required System.Collections.Generic.IEnumerable<double> Strengths { get; init; }"""
            + Add + """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M[alpha: 0.5];""")]
    [InlineData(
        "",
        """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x, """
            + """[From("corrupted", "blocks.{source}.attn.z[head={h}; pos={p=IO,end}]")] Tensor z) => x + z.sum([2L, 3L]).unsqueeze(-1); """
            + """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => """
            + """run.M[source: 1, h: 2, p: "IO"];""")]
    [InlineData(
        """[Sweep("alpha", -1, 0.5, 2)]""",
        Add + """[Metric] static Tensor M([Logit("S")] Tensor s, [Swept("alpha")] double alpha) => s * alpha; public static Tensor Use(Result run) => run.M[alpha: 0.5];""")]
    [InlineData(
        """[Sweep("factor", 1, 2), Scale("blocks.{layer}.mlp_out", "{factor}")]""",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M[layer: 1, factor: 2];""")]
    [InlineData(
        """[Sweep("donor", "corrupted", "clean"), Freeze("embed", From = "{donor}")]""",
        """[Capture("embed")] static Tensor C(Tensor x, [From("{donor}")] Tensor y) => x - y; public static Tensor Use(Result run) => """
            + """run.C[donor: "clean"];""")]
    [InlineData(
        """[Mean("embed", From = "{run}"), Resample("blocks.0.mlp_out", From = "{run}")]""",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M["corrupted"];""")]
    [InlineData(
        """[Zero("embed[pos={p=S1,IO+1,0}]")]""",
        """[Metric] static Tensor M([Logit("S")] Tensor s) => s; public static Tensor Use(Result run) => run.M[p: "S1"];""")]
    [InlineData(
        """[Freeze("embed", From = "{donor}")]""",
        """[Metric] static Tensor M([Logits] Tensor s, [From("{donor}", "logits[pos=end]")] Tensor other) => s.sum(-1) - """
            + """other.sum([1L, 2L]);""")]
    public Task Sweeps_that_fit_are_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));
}
