using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>What happens when, and who sees it: readers of writes, and the order of writes to one place.</summary>
public sealed class OrderTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    [Theory]
    [InlineData(
        """[Zero("blocks.1.mlp_out")]""", "",
        """[Include] public required Inner [|It|] { get; init; } [Capture("blocks.0.mlp_out")] static Tensor C(Tensor x) => x;""",
        "INV221")]
    [InlineData(
        """[Zero("embed[pos=end]")]""", "",
        """[Include] public required Inner It { get; init; } [Patch("[|embed|]")] static Tensor P(Tensor x) => x * 2;""", "INV222")]
    [InlineData(
        """[Scale("blocks.*.attn.z[head=0,1]", 2)]""", """[Mean("[|blocks.1.attn.z[head=-2]|]")]""",
        """[Include] public required Inner It { get; init; }""", "INV222")]
    [InlineData(
        """[Freeze("embed", From = "corrupted")]""", """[Freeze("[|embed|]", From = "clean")]""",
        """[Include] public required Inner It { get; init; }""", "INV222")]
    [InlineData(
        """[Freeze("embed")]""", "",
        """[Include(Order = 3)] public required Inner It { get; init; } [Patch("[|embed|]", Order = 3)] static Tensor P(Tensor x) => x;""",
        "INV222")]
    public Task A_write_that_meets_an_include_is_refused(string inner, string attributes, string members, string id) =>
        Analysis.Fires(id, "", Sources.Model, Sources.Prompts, Inner(inner, attributes, members));

    [Fact]
    public Task Two_includes_that_meet_are_refused() =>
        Analysis.Fires("INV222", "'embed' is also written by include 'A'", Sources.Model, Sources.Prompts, Inner(
        """[Freeze("embed", From = "corrupted")]""", "", """[Include] public required Inner A { get; init; } [Include] public required Other [|B|] { get; init; }"""), """
        namespace Study; [Intervention<Toy, IoiPrompts>, Scale("embed", 2)] public sealed partial class Other;
        """);

    [Theory]
    [InlineData("""[Zero("embed")]""", """[Scale("embed", 2)]""", "")]
    [InlineData("""[Freeze("embed", From = "clean")]""", """[Freeze("embed", From = "clean")]""", "")]
    [InlineData("""[Freeze("embed")]""", "", """[Patch("embed", Order = 1)] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Freeze("embed")]""", "", """[Patch("embed", Order = -1)] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Freeze("embed[pos=IO]")]""", "", """[Patch("embed[pos=S1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Freeze("blocks.{l}.attn.z[head=0..1]")]""", """[Mean("blocks.{l}.attn.z[head=2]")]""", "")]
    [InlineData("""[Freeze("blocks.0.mlp_out")]""", """[Mean("blocks.-1.mlp_out")]""", "")]
    [InlineData("""[Freeze("blocks.0.mlp_out")]""", """[Mean("blocks.0.mlp_in")]""", "")]
    [InlineData("""[Freeze("embed")]""", """[Run("a"), Scale("embed", 2, In = "a"), Freeze("blocks.0.mlp_out", From = "a")]""", "")]
    public Task Includes_that_go_together_are_silent(string inner, string attributes, string members) => Analysis.Check(
        Sources.Model, Sources.Prompts, Inner(inner, attributes, members + """[Include] public required Inner It { get; init; }"""));

    [Fact]
    public Task Writes_of_two_files_that_meet_are_refused() =>
        Analysis.Fires("INV222", "'embed' is also written by another file", Sources.Model, Sources.Prompts,
        Sources.Intervention("""[Patch("embed")] static Tensor P(Tensor x) => x;"""),
        """namespace Study; public sealed partial class Probe { [Patch("[|embed|]")] static Tensor Q(Tensor x) => x + 1; }""");

    [Theory]
    [InlineData("""[Patch("embed", Order = 1)] static Tensor Q(Tensor x) => x + 1;""")]
    [InlineData("""[Patch("blocks.0.mlp_out")] static Tensor Q(Tensor x) => x + 1;""")]
    public Task Writes_of_two_files_with_an_order_are_silent(string second) => Analysis.Check(Sources.Model, Sources.Prompts,
        Sources.Intervention("""[Patch("embed")] static Tensor P(Tensor x) => x;"""),
        "namespace Study; public sealed partial class Probe { " + second + " }");

    private static string Inner(string inner, string attributes, string members) => $$"""
        namespace Study;
        [Intervention<Toy, IoiPrompts>] {{inner}} public sealed partial class Inner;
        [Intervention<Toy, IoiPrompts>] {{attributes}} public sealed partial class Probe { {{members}} }
        """;

    [Theory]
    [InlineData(
        "INV213", "'blocks.0.mlp_out' is written before 'blocks.1.mlp_out', which it reads, exists in the same run",
        """[Patch("blocks.0.mlp_out")] static Tensor P([ValueOf("[|blocks.1.mlp_out|]")] Tensor x) => x;""")]
    [InlineData(
        "INV213", "'blocks.*.mlp_out' is written before 'blocks.1.mlp_in'",
        """[Patch("blocks.*.mlp_out")] static Tensor P([ValueOf("[|blocks.1.mlp_in|]")] Tensor x) => x;""")]
    [InlineData(
        "INV213", "'blocks.{l}.attn.z' is written before 'blocks.{l}.mlp_in'",
        """[Patch("blocks.{l}.attn.z")] static Tensor P([ValueOf("[|blocks.{l}.mlp_in|]")] Tensor x) => x;""")]
    [InlineData(
        "INV213", "'blocks.1.mlp_in' is written before 'blocks.1.mlp_out'",
        """[Patch("blocks.1.mlp_in")] static Tensor P([ValueOf("[|blocks.1.mlp_out|][pos=end]")] Tensor x) => x;""")]
    public Task A_write_before_a_value_that_it_reads_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData(
        "INV212", "'blocks.0.attn.q_input' is not downstream of 'blocks.0.attn.z'",
        """[PathPatch("blocks.0.attn.z[head=1]", "logits", "[|blocks.0.attn.q_input|][head=1]")]""", "")]
    [InlineData(
        "INV212", "'blocks.0.mlp_in' is not downstream of 'blocks.-1.attn.z'",
        """[PathPatch("blocks.-1.attn.z", receivers: ["[|blocks.0.mlp_in|]"])]""", "")]
    [InlineData("INV212", "'embed' is not downstream", """[PathPatch("blocks.0.attn.z", new[] { "logits", "[|embed|]" })]""", "")]
    [InlineData("INV212", "'blocks.0.attn.z' has no receivers, so nothing is patched", """[PathPatch("[|blocks.0.attn.z|]")]""", "")]
    [InlineData("INV212", "There is no sender, so nothing is patched", """[PathPatch([|new string[0]|], "logits")]""", "")]
    [InlineData(
        "INV213", "its own run 'a', which it reads, is complete",
        """[Run("a"), PathPatch("blocks.0.attn.z", "blocks.1.mlp_in", From = "[|a|]", In = "a"), Freeze("blocks.1.mlp_out", From = "a")]""",
        "")]
    [InlineData(
        "INV213", "its own run 'a', which it reads, is complete", """[Run("a"), Freeze("embed", From = "a")]""",
        """[Patch("embed", In = "a")] static Tensor P([From("[|a|]")] Tensor x) => x;""")]
    [InlineData(
        "INV212", "'blocks.0.mlp_in' is not downstream of 'blocks.1.attn.z' and 'blocks.0.mlp_out'",
        """[PathPatch(["blocks.1.attn.z", "blocks.0.mlp_out"], "[|blocks.0.mlp_in|]")]""", "")]
    [InlineData(
        "INV221", "'blocks.1.mlp_out'", "",
        """[Patch("[|blocks.1.mlp_out|]")] static Tensor P(Tensor x) => x; [Capture("blocks.*.attn.z")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV221", "'blocks.0.attn.z'", """[Zero("[|blocks.0.attn.z[head=1]|]")]""",
        """[Capture("blocks.0.attn.z", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV221", "'embed'", "",
        """[Patch("[|embed|]")] static Tensor P(Tensor x) => x; [Metric] static Tensor N([Logit("S", In = "clean")] Tensor s) => s;""")]
    [InlineData(
        "INV221", "'blocks.{l}.mlp_out'", "",
        """[Patch("[|blocks.{l}.mlp_out|]")] static Tensor P(Tensor x) => x; [Capture("blocks.{l}.mlp_in")] static Tensor C(Tensor x) """
            + """=> x;""")]
    [InlineData(
        "INV221", "'logits'", "",
        """[Patch("[|logits|]")] static Tensor P(Tensor x) => x; [Metric] static Tensor N([ValueOf("blocks.1.mlp_out")] Tensor s) => s;""")]
    [InlineData(
        "INV221", "'blocks.1.mlp_in' in run 'a'",
        """[Run("a"), Zero("[|blocks.1.mlp_in|]", In = "a"), Freeze("blocks.0.mlp_out", From = "a")]""", M)]
    // A write that nothing reads takes along what feeds it.
    [InlineData(
        "INV221", "'embed' in run 'a'", """[Run("a"), Zero("[|embed|]", In = "a")]""",
        """[Patch("[|blocks.1.mlp_out|]")] static Tensor P([From("a")] Tensor x) => x; [Capture("embed")] static Tensor C(Tensor x) => """
            + """x;""")]
    [InlineData(
        "INV221", "'blocks.1.mlp_in'", """[PathPatch("blocks.0.attn.z", "[|blocks.1.mlp_in|]", "blocks.1.attn.q_input")]""",
        """[Capture("blocks.0.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV223", "Nothing writes 'embed' in the changed run",
        """[Run("a"), Zero("embed", In = "a"), Freeze("blocks.0.mlp_out", From = "a")]""",
        M + """[Capture("[|embed|]", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV223", "Nothing writes 'blocks.0.attn.z[head=2]'", """[Zero("blocks.*.attn.z[head=0,1]")]""",
        M + """[Capture("[|blocks.0.attn.z[head=2]|]", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    public Task A_write_or_receiver_at_the_wrong_place_is_refused(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[PathPatch("blocks.0.attn.z", "blocks.0.mlp_in", "blocks.1.attn.q_input", "logits"), """
        + """PathPatch("blocks.{l=0}.attn.z", "blocks.0.mlp_in")]""", "")]
    [InlineData(
        "",
        """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x, [ValueOf("blocks.1.mlp_in")] Tensor y, [ValueOf("blocks.0.mlp_out")] """
            + """Tensor z) => x + y + z;""")]
    [InlineData(
        "",
        """[Patch("blocks.{l}.mlp_out")] static Tensor P([ValueOf("blocks.{l}.mlp_in")] Tensor x) => x; [Patch("blocks.*.mlp_in")] """
            + """static Tensor Q(Tensor x, [ValueOf("embed")] Tensor y) => x + y;""")]
    public Task Writes_and_receivers_in_the_order_of_the_pass_are_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("", """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "",
        """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x) => x; [Capture("blocks.*.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "",
        """[Patch("blocks.{l}.mlp_out")] static Tensor P(Tensor x) => x; [Capture("blocks.{l}.mlp_out")] static Tensor C(Tensor x) => """
            + """x;""")]
    [InlineData(
        "",
        """[Patch("blocks.0.mlp_out")] static Tensor P(Tensor x) => x; [Capture("embed")] static Tensor C(Tensor x, """
            + """[ValueOf("blocks.1.mlp_in")] Tensor y) => x + y;""")]
    [InlineData(
        "",
        """[Patch("blocks.*.mlp_out")] static Tensor P(Tensor x) => x; [Capture("blocks.*.mlp_out", BeforeWrites = true)] static """
            + """Tensor C(Tensor x) => x;""")]
    [InlineData("", """[Patch("logits")] static Tensor P(Tensor x) => x;""" + M)]
    [InlineData("""[Run("a"), Run("b"), Zero("embed", In = "a"), Freeze("blocks.0.mlp_out", From = "a", In = "b"), """
        + """Freeze("blocks.1.mlp_out", From = "b")]""", M)]
    [InlineData(
        """[PathPatch("blocks.0.attn.z", "blocks.1.attn.q_input", "logits")]""",
        """[Metric] static Tensor N([ValueOf("logits[pos=end]")] Tensor s) => s.sum([1, 2]);""")]
    public Task A_write_that_is_read_is_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[PathPatch(["blocks.*.attn.z[head=1]", "blocks.0.mlp_out"], "blocks.1.mlp_in", "blocks.*.attn.q_input[head=0]", """
        + """Freeze = [])]""", "")]
    public Task A_path_patch_with_several_senders_is_silent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    /// <summary>What a write reads in its own run is there at every point of the sweep, as far as the text says the points.</summary>
    [Theory]
    [InlineData("""[Patch("blocks.0.mlp_out")] static Tensor P([ValueOf("[|blocks.{source}.mlp_in|]")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.{target}.mlp_out")] static Tensor P([ValueOf("[|blocks.{source=1}.mlp_in|]")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.{layer}.mlp_in")] static Tensor P([ValueOf("[|blocks.{layer}.mlp_out|]")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.{a}.mlp_out")] static Tensor P([ValueOf("[|blocks.{b}.mlp_in|]")] Tensor x) => x;""", "a, b", "1.0", "0.1")]
    [InlineData("""[Patch("blocks.0.mlp_out")] static Tensor P([ValueOf("[|blocks.{b}.mlp_in|]")] Tensor x) => x;""", "b", "0", "1")]
    public Task A_swept_value_that_comes_later_is_refused(string member, params string[] sweep) => Analysis.Fires(
        "INV213", "which it reads, exists in the same run", Sources.Model, Sources.Prompts, Sources.Intervention(member + M, Sweep(sweep)));

    [Theory]
    [InlineData("""[Patch("blocks.1.mlp_out")] static Tensor P([ValueOf("blocks.{source}.mlp_in")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.{target=1}.mlp_out")] static Tensor P([ValueOf("blocks.{source}.mlp_in")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.{layer}.mlp_out")] static Tensor P([ValueOf("blocks.{layer}.mlp_in")] Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.{a}.mlp_out")] static Tensor P([ValueOf("blocks.{b}.mlp_in")] Tensor x) => x;""", "a, b", "0.0", "-1.0")]
    [InlineData("""[Patch("blocks.0.mlp_out")] static Tensor P([ValueOf("blocks.{b}.mlp_in")] Tensor x) => x;""", "b", "0")]
    [InlineData(
        """[Patch("blocks.0.mlp_out")] static Tensor P([ValueOf("blocks.{b}.mlp_in")] Tensor x) => x; """
            + """[Sweep("b")] public required int[] Layers { get; init; }""")]
    [InlineData("""[Patch("blocks.0.mlp_out")] static Tensor P([From("clean", "blocks.{b}.mlp_out")] Tensor x) => x;""")]
    public Task A_swept_value_that_is_there_before_is_silent(string member, params string[] sweep) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(member + M, Sweep(sweep)));

    private static string Sweep(string[] sweep) =>
        sweep.Length == 0 ? "" : $"[Sweep({string.Join(", ", sweep.Select(text => $"\"{text}\""))})]";
}
