using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Kept values: their names, and the metrics of gradients.</summary>
public sealed class ResultsTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    private const string G = """[Gradient("embed")] static Tensor [|G|](Tensor g) => g;""";

    private const string Included = """
        namespace Study;
        [Intervention<Toy, IoiPrompts>] public sealed partial class Inner { [Patch("blocks.{layer=0}.attn.z[head={head}]")] static Tensor P(Tensor x) => x; }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Other { [Patch("blocks.1.attn.z[head={layer=0}]")] static Tensor P(Tensor x) => x; }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Trained
        {
            [Add("embed"), Parameter] public required Tensor D { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        """;

    [Theory]
    [InlineData(
        "INV201", "The result already has a 'C'",
        """[Capture("embed")] static Tensor C(Tensor x) => x; [Metric] static Tensor [|C|]([Logit("S")] Tensor x, [Logit("IO")] Tensor """
            + """y) => x;""")]
    [InlineData(
        "INV201", "already has a 'DGradient'",
        M + """[Add("embed"), Parameter] required public Tensor [|D|] { get; init; } [Capture("embed")] static Tensor DGradient(Tensor x) => x;""")]
    [InlineData(
        "INV201", "already has a 'CMask'",
        """[Capture("embed[pos=0..-1]")] static Tensor [|C|](Tensor x) => x; [Capture("embed[pos=end]")] static Tensor CMask(Tensor x) """
            + """=> x;""")]
    [InlineData("INV207", "'G' is a gradient, and there is no [Metric]", G)]
    [InlineData(
        "INV207", "'G' is a gradient, and there are several metrics; say Of = nameof(M), or another",
        M + """[Metric] static Tensor N([Logit("IO")] Tensor s) => s;""" + G)]
    [InlineData("INV207", "'D' is a gradient, and there is no [Metric]", """[Parameter] required public Tensor [|D|] { get; init; }""")]
    [InlineData(
        "INV208", "'Probe' has no metric 'Looss'; did you mean 'Loss'?",
        """[Metric] static Tensor Loss([Logit("S")] Tensor s) => s; [Gradient("embed", Of = "[|Looss|]")] static Tensor G(Tensor g) => """
            + """g;""")]
    [InlineData(
        "INV208", "'Probe' has no metric 'L'; it has Loss",
        """[Metric] static Tensor Loss([Logit("S")] Tensor s) => s; [Add("embed"), Parameter(Of = "[|L|]")] required public Tensor D { get; init; }""")]
    public Task A_result_that_does_not_fit_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    private static readonly string s_chosen = Sources.Model
        .Replace("""[Site("blocks.{layer}.mlp_in",""", """
            [Site("blocks.{layer}.chosen", "batch", "pos", "choice", WholeNumbers = true), Site("blocks.{layer}.mlp_in",
            """.Trim(), StringComparison.Ordinal)
        .Replace("Axis(\"neuron\", 8)", "Axis(\"neuron\", 8), Axis(\"choice\", 2)", StringComparison.Ordinal);

    [Theory]
    [InlineData("blocks.*.chosen")]
    [InlineData("blocks.0.chosen[choice=0; pos=end]")]
    public Task A_gradient_of_whole_numbers_is_refused(string path) => Analysis.Fires(
        "INV243", $"'{path}' holds whole numbers, which have no gradient", s_chosen, Sources.Prompts, Sources.Intervention(
            $"""{M} [Gradient("[|{path}|]")] static Tensor G(Tensor g) => g;"""));

    [Fact]
    public Task Whole_numbers_are_captured_and_gradients_are_of_other_sites() => Analysis.Check(
        s_chosen, Sources.Prompts, Sources.Intervention(
            $$"""
            {{M}} [Gradient("blocks.*.mlp.post")] static Tensor G(Tensor g) => g;
            [Capture("blocks.*.chosen")] static Tensor C(Tensor x) => x;
            """));

    [Theory]
    [InlineData("INV224", "'Clean' would hide", "", """[Metric] static Tensor [|Clean|]([Logit("S")] Tensor s) => s;""")]
    [InlineData("INV224", "'Dispose' would hide", "", """[Capture("embed")] static Tensor [|Dispose|](Tensor s) => s;""")]
    [InlineData(
        "INV225", "'N' only picks columns", "",
        """[Metric] static Tensor N([Logits] Tensor [|all|], [Answer("S")] Tensor s) => all.gather(1, s.unsqueeze(1)).squeeze(1);""")]
    [InlineData("INV225", "'N' only picks columns", "", """[Metric] static Tensor N([Logits] Tensor [|all|]) => all[.., 3];""")]
    [InlineData(
        "INV225", "'N' only picks columns", "",
        """[Metric] static Tensor N([Logits] Tensor [|all|]) { Tensor column = all[.., 3]; return column; }""")]
    public Task A_result_that_hides_or_wastes_is_reported(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData(
        "INV201", "already has a 'ItDGradient'",
        """[Include] public required Trained [|It|] { get; init; } [Metric] static Tensor ItDGradient([Logit("S")] Tensor s) => s;""")]
    public Task A_result_of_an_include_is_seen(string id, string message, string members) => Analysis.Fires(
        id, message, Sources.Model, Sources.Prompts, Included, Sources.Intervention(members));

    [Fact]
    public Task Included_parameters_need_a_metric() =>
        Analysis.Fires("INV207", "'Inner.D' is a gradient, and there is no [Metric]", Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention<Toy, IoiPrompts>]
        public sealed partial class Trained
        {
            [Add("embed"), Parameter] public required Tensor D { get; init; }
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        [Intervention<Toy, IoiPrompts>] public sealed partial class Probe { [Include] public required Trained [|Inner|] { get; init; } }
        """);

    [Fact]
    public Task A_result_that_hides_the_effects_is_refused() => Analysis.Fires(
        "INV224", "'Effects' would hide", Sources.Model, Sources.Prompts,
        Sources.Intervention("""[Capture("embed")] static Tensor [|Effects|](Tensor x) => x;"""));

    [Theory]
    [InlineData("""[Capture("embed[pos=end,0]")] static Tensor C(Tensor x) => x; [Capture("embed")] static Tensor CMask(Tensor x) => """
        + """x; public static Tensor Use(Result run) => run.CMaskMask;""")]
    public Task Results_of_different_names_are_silent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData(
        "",
        """[Metric] static Tensor A([Logit("S")] Tensor s) => s; [Metric] static Tensor B([Logit("S")] Tensor s) => s; """
            + """[Gradient("embed", Of = nameof(B))] static Tensor G(Tensor g) => g;""")]
    public Task A_gradient_that_names_its_metric_is_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData(
        "",
        """[Metric] static Tensor Cleaner([Logits] Tensor all, [Answer("S")] Tensor s) => all.log_softmax(-1).gather(1, """
            + """s.unsqueeze(1)).squeeze(1);""")]
    [InlineData("", """[Patch("embed")] static Tensor Clean(Tensor x) => x;""")]
    public Task A_result_that_hides_nothing_is_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Fact]
    public Task A_trained_value_that_nothing_reads_is_reported() => Analysis.Fires(
        "INV242", "Nothing reads 'D', so its gradient is 0", Sources.Model, Sources.Prompts, Sources.Intervention(
        """[Parameter] public required Tensor [|D|] { get; init; } [Metric] static Tensor L([Logit("S")] Tensor s) => s;"""));

    [Theory]
    [InlineData("""[Add("embed"), Parameter] public required Tensor D { get; init; } [Metric] static Tensor L([Logit("S")] Tensor s) => s;""")]
    [InlineData("""[Parameter] public required Tensor D { get; init; } [Metric] Tensor L([Logit("S")] Tensor s) => s * D.sum();""")]
    [InlineData(
        """[Parameter] public required Tensor D { get; init; } Tensor Twice() => D * 2; [Patch("embed")] Tensor P(Tensor x) => x + Twice();"""
            + """[Metric] static Tensor L([Logit("S")] Tensor s) => s;""")]
    public Task A_trained_value_that_something_reads_is_silent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));
}
