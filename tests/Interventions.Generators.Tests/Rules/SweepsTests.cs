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
    [InlineData("INV231", "'layer' is a placeholder of a site path", """[Sweep("[|layer|]", 1), Zero("blocks.{layer}.mlp_out")]""", "")]
    [InlineData(
        "INV232", "'{alpha}' has no values: add [Sweep(\"alpha\", 0.5, 1, 2)] to 'Probe'", "",
        """[Add("embed", "[|{alpha}|]")] required public Tensor D { get; init; }""")]
    [InlineData("INV232", "'{a}' goes through runs, and here stands a number", """[Sweep("a", "clean"), Scale("embed", "[|{a}|]")]""", "")]
    [InlineData(
        "INV232", "'{a}' goes through numbers, and here stands a run", """[Sweep("a", 1), Freeze("embed", From = "[|{a}|]")]""", "")]
    [InlineData("INV232", "'alpha' is no strength", """[Scale("embed", "[|alpha|]")]""", "")]
    public Task A_sweep_that_does_not_fit_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
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
