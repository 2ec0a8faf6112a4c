using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

public sealed class SignaturesTests
{
    [Theory]
    [InlineData("'IO' is an answer of IoiPrompts, and a list of words here", """
        static string[] IO => ["a"]; [Metric] static Tensor M([Logit("[|IO|]")] Tensor x) => x.sum(-1);
        """)]
    [InlineData("'Colours' is no list of words", """
        static Tensor Colours => zeros(1); [Metric] static Tensor M([Logit([|nameof(Colours)|])] Tensor x) => x.sum(-1);
        """)]
    [InlineData("'Colours' is no list of words", """
        static string Colours => "red"; [Metric] static Tensor M([Logit([|nameof(Colours)|])] Tensor x) => x.sum(-1);
        """)]
    public Task A_logit_of_two_things_or_of_none_is_refused(string message, string members) =>
        Analysis.Fires("INV117", message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""
        required public IReadOnlyList<string> Colours { get; init; }
        [Metric] static Tensor M([Logit(nameof(Colours), At = "S1")] Tensor x) => x.sum(-1);
        """)]
    [InlineData("""
        private static readonly string[] s_colours = ["red"];
        [Metric] static Tensor M([Logit(nameof(s_colours), In = "clean")] [Shape("batch", "word")] Tensor x) => x.sum(-1);
        """)]
    public Task A_logit_of_words_is_silent(string members) => Analysis.Check(
        Sources.Model, Sources.Prompts, "global using System.Collections.Generic;", Sources.Intervention(members));

    private const string Add = """[Add("embed", "{alpha}")] required public Tensor D { get; init; }""";

    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    [Theory]
    [InlineData("INV101", "'P' must return Tensor: what it returns is written", """[Patch("embed")] static void [|P|](Tensor x) { }""")]
    [InlineData("INV101", "what it returns is kept", """[Metric] static double [|M|]([Logit("S")] Tensor x) => 1;""")]
    [InlineData("INV102", "Parameter 'k' must be a Tensor", """[Patch("embed")] static Tensor P(Tensor x, int [|k|]) => x;""")]
    [InlineData("INV102", "passed by value", """[Patch("embed")] static Tensor P(ref Tensor [|x|]) => x;""")]
    [InlineData(
        "INV103", "'P' already has the selected value as 'x'; say what 'y' reads",
        """[Patch("embed")] static Tensor P(Tensor x, Tensor [|y|]) => x;""")]
    [InlineData(
        "INV104", "[Logit] belongs to a [Metric]", """[Capture("embed")] static Tensor P(Tensor x, [Logit("S")] Tensor [|y|]) => x;""")]
    [InlineData("INV105", "Metric 'M' has no site of its own; say what 'x' reads", """[Metric] static Tensor M(Tensor [|x|]) => x;""")]
    [InlineData("INV105", "Metric 'M' has no site of its own", """[Metric] static Tensor M([From("clean")] Tensor [|x|]) => x;""")]
    [InlineData(
        "INV103", "'G' already has the selected value as 'x'",
        M + """[Gradient("embed")] static Tensor G(Tensor g, Tensor x, Tensor [|y|]) => x;""")]
    [InlineData("INV104", "[Logits] belongs to a [Metric]", """[Patch("embed")] static Tensor P(Tensor x, [Logits] Tensor [|y|]) => x;""")]
    [InlineData("INV107", "'P' must not have type parameters", """[Patch("embed")] static Tensor [|P|]<T>(Tensor x) => x;""")]
    [InlineData(
        "INV108", "'P' has several of [Patch], [Capture], [Gradient] and [Metric]",
        """[Patch("embed"), Capture("embed")] static Tensor [|P|](Tensor x) => x;""")]
    [InlineData(
        "INV108", "'x' has several of [From], [ValueOf], [Logit], [Logits], [Answer] and [Swept]",
        """[Metric] static Tensor M([From("clean", "embed"), Logit("S")] Tensor [|x|]) => x;""")]
    [InlineData("INV111", "'D' must be a Tensor that can be read: [Add] says", """[Add("embed")] public double [|D|] => 1;""")]
    [InlineData("INV111", "[Parameter] says", M + """[Parameter] public Tensor [|D|] { init { } }""")]
    public Task A_signature_that_cannot_be_called_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Patch("embed")] static Tensor P() => zeros(1);""")]
    [InlineData("""[Patch("embed")] Tensor P([From("clean")] Tensor a, Tensor x, [From("corrupted")] Tensor b) => x + a - b;""")]
    [InlineData("""[Metric] static Tensor M([From("clean", "embed")] Tensor x, [Logit("S")] Tensor s) => s + x.sum();""")]
    [InlineData(
        M + """[Gradient("embed")] static Tensor G(Tensor g, [From("clean")] Tensor c, Tensor x, [ValueOf("blocks.0.mlp_out")] Tensor y) => g;""")]
    [InlineData("""[Metric] static Tensor M([Logits] Tensor l, [Answer("IO")] Tensor a, [ValueOf("embed")] Tensor x) => l;""")]
    [InlineData("""[Add("embed"), ProjectOut("embed")] public required Tensor D { get; init; }""")]
    [InlineData("""static int Helper<T>(ref T x) => 1;""")]
    public Task Correct_signatures_are_silent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    // The analyzers' errors are the only ones: code that runs the declaration compiles.
    [Fact]
    public Task An_error_of_signatures_leaves_the_use_intact() => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention("""
        [Patch("blocks.{layer}.mlp_out")] static int {|INV101:P|}(int {|INV102:x|}) => x;
        [Metric] static Tensor M([Logit("S")] Tensor x) => x;
        public static Tensor Use(Toy model, IoiPrompts prompts) => new Probe().Run(model, prompts).M[layer: 1] + new Probe().Run(model, prompts).Clean.M;
        """));

    [Theory]
    [InlineData(
        "INV102", "Parameter 'alpha' must be a double", """[Sweep("alpha", 1, 2)]""",
        """[Patch("embed")] static Tensor P(Tensor x, [Swept("alpha")] Tensor [|alpha|]) => x;""")]
    [InlineData(
        "INV108", "'x' has several of", """[Sweep("alpha", 1, 2)]""",
        Add + """[Patch("embed")] static Tensor P([Swept("alpha"), From("clean")] Tensor [|x|]) => x;""")]
    public Task A_swept_parameter_that_cannot_be_passed_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData(
        "'C' is a [Capture], which always gets all that it selects",
        """[Capture("embed"), [|Pointwise|]] static Tensor C(Tensor x) => x;""")]
    [InlineData("'M' is a [Metric]", """[Metric] [[|Pointwise|]] static Tensor M([Logit("S")] Tensor s) => s;""")]
    [InlineData("'Help' is no declared method, so nobody runs it for positions", """[[|Pointwise|]] static Tensor Help(Tensor x) => x;""")]
    [InlineData("'Help' is no declared method, so nobody runs it for prompts", """[[|AcrossBatch|]] static Tensor Help(Tensor x) => x;""")]
    [InlineData(
        "'P' reads 'y' of another site",
        """[Patch("blocks.0.mlp_out"), [|Pointwise|]] static Tensor P(Tensor x, [From("clean", "embed")] Tensor y) => x + y;""")]
    [InlineData(
        "'P' reads 'y' of another site",
        """[Patch("blocks.0.mlp_out"), [|Pointwise|]] static Tensor P(Tensor x, [ValueOf("embed")] Tensor y) => x + y;""")]
    public Task A_promise_that_means_nothing_is_refused(string message, string members) =>
        Analysis.Fires("INV116", message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Patch("embed"), Pointwise] static Tensor P(Tensor x, [From("corrupted")] Tensor y) => x + y;""")]
    [InlineData("""[Patch("embed[pos=end]"), AcrossBatch] static Tensor P(Tensor x) => x - x.mean([0L], keepdim: true);""")]
    [InlineData("""[Patch("embed"), Pointwise, AcrossBatch] static Tensor P(Tensor x, [From("corrupted")] Tensor y) => x + """
        + """y.mean([0L], keepdim: true);""")]
    [InlineData("""[Capture("embed"), AcrossBatch] static Tensor C(Tensor x) => x - x.mean([0L], keepdim: true);""")]
    [InlineData("""[Metric, AcrossBatch] static Tensor M([Logit("S")] Tensor s) => s - s.mean();""")]
    public Task A_promise_that_means_something_is_silent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public void Promises_reach_the_graph()
    {
        string text = Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Intervention("""
            [Patch("embed"), Pointwise] [return: Shape("d_model")] static Tensor P(Tensor x) => x[0, 0];
            [Patch("blocks.0.mlp_out"), AcrossBatch] static Tensor Q(Tensor x) => x;
            [Capture("embed"), AcrossBatch] static Tensor C(Tensor x) => x;
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
            """));
        Assert.Contains("static x => P(x[0])) { Shape = [\"d_model\"], Pointwise = true }", text, StringComparison.Ordinal);
        Assert.Contains("static x => Q(x[0])) { AcrossBatch = true }", text, StringComparison.Ordinal);
        Assert.Contains("static x => C(x[0])) { AcrossBatch = true }", text, StringComparison.Ordinal);
        Assert.DoesNotContain("static x => M(x[0])) {", text, StringComparison.Ordinal);
    }
}
