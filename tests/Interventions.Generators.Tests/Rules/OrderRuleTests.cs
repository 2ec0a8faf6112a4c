using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>What happens when, and who sees it: readers of writes, and the order of writes to one place.</summary>
public sealed class OrderRuleTests
{
    private const string M = """[Metric] static Tensor M([Logit("S")] Tensor s) => s;""";

    [Theory]
    [InlineData("INV221", "'blocks.1.mlp_out'", "", """[Patch("[|blocks.1.mlp_out|]")] static Tensor P(Tensor x) => x; [Capture("blocks.*.attn.z")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV221", "'blocks.0.attn.z'", """[Zero("[|blocks.0.attn.z[head=1]|]")]""", """[Capture("blocks.0.attn.z", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV221", "'embed'", "", """[Patch("[|embed|]")] static Tensor P(Tensor x) => x; [Metric] static Tensor N([Logit("S", In = "clean")] Tensor s) => s;""")]
    [InlineData("INV221", "'blocks.{l}.mlp_out'", "", """[Patch("[|blocks.{l}.mlp_out|]")] static Tensor P(Tensor x) => x; [Capture("blocks.{l}.mlp_in")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV221", "'logits'", "", """[Patch("[|logits|]")] static Tensor P(Tensor x) => x; [Metric] static Tensor N([ValueOf("blocks.1.mlp_out")] Tensor s) => s;""")]
    [InlineData("INV221", "'blocks.1.mlp_in' in run 'a'", """[Run("a"), Zero("[|blocks.1.mlp_in|]", In = "a"), Freeze("blocks.0.mlp_out", From = "a")]""", M)]
    // A write that nothing reads takes along what feeds it.
    [InlineData("INV221", "'embed' in run 'a'", """[Run("a"), Zero("[|embed|]", In = "a")]""", """[Patch("[|blocks.1.mlp_out|]")] static Tensor P([From("a")] Tensor x) => x; [Capture("embed")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV221", "'blocks.1.mlp_in'", """[PathPatch("blocks.0.attn.z", "[|blocks.1.mlp_in|]", "blocks.1.attn.q_input")]""", """[Capture("blocks.0.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV223", "Nothing writes 'embed' in the changed run", """[Run("a"), Zero("embed", In = "a"), Freeze("blocks.0.mlp_out", From = "a")]""", M + """[Capture("[|embed|]", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV223", "Nothing writes 'blocks.0.attn.z[head=2]'", """[Zero("blocks.*.attn.z[head=0,1]")]""", M + """[Capture("[|blocks.0.attn.z[head=2]|]", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV224", "'Clean' would hide", "", """[Metric] static Tensor [|Clean|]([Logit("S")] Tensor s) => s;""")]
    [InlineData("INV224", "'Dispose' would hide", "", """[Capture("embed")] static Tensor [|Dispose|](Tensor s) => s;""")]
    [InlineData("INV225", "'N' only picks columns", "", """[Metric] static Tensor N([Logits] Tensor [|all|], [Answer("S")] Tensor s) => all.gather(1, s.unsqueeze(1)).squeeze(1);""")]
    [InlineData("INV225", "'N' only picks columns", "", """[Metric] static Tensor N([Logits] Tensor [|all|]) => all[.., 3];""")]
    [InlineData("INV225", "'N' only picks columns", "", """[Metric] static Tensor N([Logits] Tensor [|all|]) { Tensor column = all[.., 3]; return column; }""")]
    public Task Fires(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("", """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("", """[Patch("blocks.1.mlp_out")] static Tensor P(Tensor x) => x; [Capture("blocks.*.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("", """[Patch("blocks.{l}.mlp_out")] static Tensor P(Tensor x) => x; [Capture("blocks.{l}.mlp_out")] static Tensor C(Tensor x) => x;""")]
    [InlineData("", """[Patch("blocks.0.mlp_out")] static Tensor P(Tensor x) => x; [Capture("embed")] static Tensor C(Tensor x, [ValueOf("blocks.1.mlp_in")] Tensor y) => x + y;""")]
    [InlineData("", """[Patch("blocks.*.mlp_out")] static Tensor P(Tensor x) => x; [Capture("blocks.*.mlp_out", BeforeWrites = true)] static Tensor C(Tensor x) => x;""")]
    [InlineData("", """[Patch("logits")] static Tensor P(Tensor x) => x;""" + M)]
    [InlineData("""[Run("a"), Run("b"), Zero("embed", In = "a"), Freeze("blocks.0.mlp_out", From = "a", In = "b"), Freeze("blocks.1.mlp_out", From = "b")]""", M)]
    [InlineData("""[PathPatch("blocks.0.attn.z", "blocks.1.attn.q_input", "logits")]""", """[Metric] static Tensor N([ValueOf("logits[pos=end]")] Tensor s) => s.sum([1, 2]);""")]
    [InlineData("", """[Metric] static Tensor Cleaner([Logits] Tensor all, [Answer("S")] Tensor s) => all.log_softmax(-1).gather(1, s.unsqueeze(1)).squeeze(1);""")]
    [InlineData("", """[Patch("embed")] static Tensor Clean(Tensor x) => x;""")]
    public Task IsSilent(string attributes, string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("""[Zero("blocks.1.mlp_out")]""", "", """[Include] public required Inner [|It|] { get; init; } [Capture("blocks.0.mlp_out")] static Tensor C(Tensor x) => x;""", "INV221")]
    [InlineData("""[Zero("embed[pos=end]")]""", "", """[Include] public required Inner It { get; init; } [Patch("[|embed|]")] static Tensor P(Tensor x) => x * 2;""", "INV222")]
    [InlineData("""[Scale("blocks.*.attn.z[head=0,1]", 2)]""", """[Mean("[|blocks.1.attn.z[head=-2]|]")]""", """[Include] public required Inner It { get; init; }""", "INV222")]
    [InlineData("""[Freeze("embed", From = "corrupted")]""", """[Freeze("[|embed|]", From = "clean")]""", """[Include] public required Inner It { get; init; }""", "INV222")]
    [InlineData("""[Freeze("embed")]""", "", """[Include(Order = 3)] public required Inner It { get; init; } [Patch("[|embed|]", Order = 3)] static Tensor P(Tensor x) => x;""", "INV222")]
    public Task IncludesFire(string inner, string attributes, string members, string id) => Analysis.Fires(id, "", Sources.Model, Sources.Prompts, Inner(inner, attributes, members));

    [Fact]
    public Task TwoIncludesFire() => Analysis.Fires("INV222", "'embed' is also written by include 'A'", Sources.Model, Sources.Prompts, Inner(
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
    public Task IncludesThatGoTogetherAreSilent(string inner, string attributes, string members) => Analysis.Check(
        Sources.Model, Sources.Prompts, Inner(inner, attributes, members + """[Include] public required Inner It { get; init; }"""));

    [Fact]
    public Task FilesFire() => Analysis.Fires("INV222", "'embed' is also written by another file", Sources.Model, Sources.Prompts,
        Sources.Intervention("""[Patch("embed")] static Tensor P(Tensor x) => x;"""),
        """namespace Study; public sealed partial class Probe { [Patch("[|embed|]")] static Tensor Q(Tensor x) => x + 1; }""");

    [Theory]
    [InlineData("""[Patch("embed", Order = 1)] static Tensor Q(Tensor x) => x + 1;""")]
    [InlineData("""[Patch("blocks.0.mlp_out")] static Tensor Q(Tensor x) => x + 1;""")]
    public Task FilesThatSayTheirOrderAreSilent(string second) => Analysis.Check(Sources.Model, Sources.Prompts,
        Sources.Intervention("""[Patch("embed")] static Tensor P(Tensor x) => x;"""), "namespace Study; public sealed partial class Probe { " + second + " }");

    private static string Inner(string inner, string attributes, string members) => $$"""
        namespace Study;
        [Intervention<Toy, IoiPrompts>] {{inner}} public sealed partial class Inner;
        [Intervention<Toy, IoiPrompts>] {{attributes}} public sealed partial class Probe { {{members}} }
        """;
}
