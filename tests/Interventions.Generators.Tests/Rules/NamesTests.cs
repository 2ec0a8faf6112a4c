using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Tests.Rules;

public sealed class NamesTests
{
    [Theory]
    [InlineData(
        "INV001", "has no site 'blocks.1.mlp_outt'; did you mean 'blocks.1.mlp_out'?",
        """[Patch("blocks.1.[|mlp_outt|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", "has no site 'embedd'", """[Capture("[|embedd|][pos=end]")] static Tensor C(Tensor x) => x;""")]
    [InlineData(
        "INV001", "did you mean 'embed'?",
        """[Patch("blocks.1.mlp_out")] static Tensor P([From("corrupted", "[|embad|]")] Tensor x) => x;""")]
    [InlineData(
        "INV002", "a layer is missing in 'blocks.mlp_out': write 'blocks.0.mlp_out' … 'blocks.1.mlp_out'",
        """[Patch("blocks.[|mlp_out|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV003", "layer 2 of 'blocks.2.mlp_out' is out of range: Toy has 2 layers (0 to 1)",
        """[Patch("blocks.[|2|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV003", "layer 12", """[Patch(@"blocks.{layer=0,[|12|]}.mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV004", "here the site is called 'blocks.1.attn.z'",
        """[Patch("blocks.1.attn.[|hook_z|][head=1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV004", "is pyvene's spelling; here the site is called 'blocks.1.attn.z'",
        """[Patch("blocks.1.[|attention_value_output|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV004", "is TransformerLens's name of a value that no site has: it is what queries alone are made of",
        """[Patch("blocks.1.attn.q.[|hook_in|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV005", "'blocks.1.mlp_out' has no axis 'head'; its axes are pos",
        """[Patch("blocks.1.mlp_out[[|head|]=0]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV006", "head 3 of 'blocks.1.attn.z[head=0,3]' is out of range: Toy has 3 heads (0 to 2)",
        """[Patch("blocks.1.attn.z[head=0,[|3|]]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV006", "neuron 8", """[Patch("blocks.1.mlp.post[neuron=[|0..8|]]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV007", "']', which closes the selectors, is missing", """[Patch("embed[pos=en[|d|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV007", "a path starts with a name", """[Patch([|""|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV007", "does not belong to a position", """[Metric] static Tensor M([Logit("S", At = "end[| now|]")] Tensor x) => x;""")]
    [InlineData(
        "INV008", "IoiPrompts has no position 'ned'; did you mean 'end'? Its positions are IO, S1 and end",
        """[Patch("embed[pos=[|ned|]]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV008", "has no position 'S2'; did you mean 'S1'?", """[Metric] static Tensor M([Logit("S", At = "[|S2|]+1")] Tensor x) => x;""")]
    [InlineData(
        "INV009", "IoiPrompts has no run 'corrupt'; did you mean 'corrupted'? Its runs are clean and corrupted",
        """[Patch("embed")] static Tensor P([From("[|corrupt|]")] Tensor x) => x;""")]
    [InlineData(
        "INV010", "IoiPrompts has no answer 'correct'. Its answers are IO and S",
        """[Metric] static Tensor M([Logit("[|correct|]")] Tensor x) => x;""")]
    public Task A_wrong_name_is_refused(string id, string message, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("INV001", "did you mean 'embed'?", """[Zero("[|embad|]")]""", "")]
    [InlineData("INV001", "did you mean 'blocks.1.mlp_in'?", """[PathPatch("blocks.0.attn.z", "logits", "blocks.1.[|mlp_im|]")]""", "")]
    [InlineData("INV001", "did you mean 'logits'?", """[PathPatch("blocks.0.attn.z", ["[|logit|]"])]""", "")]
    [InlineData("INV003", "layer 2", """[PathPatch("blocks.[|2|].attn.z", "logits")]""", "")]
    [InlineData("INV001", "did you mean 'embed'?", "", """[Add("[|embad|]")] public required Tensor D { get; init; }""")]
    [InlineData("INV001", "did you mean 'embed'?", "", """[Metric] static Tensor M([ValueOf("[|embad|]")] Tensor x) => x;""")]
    [InlineData("INV008", "no position 'S2'", "", """[Metric] static Tensor M([Logits(At = "[|S2|]")] Tensor x) => x;""")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[Changes("[|clear|]")]""", "")]
    [InlineData(
        "INV009", "no run 'clear'; did you mean 'clean'?",
        """[Run("a", From = "[|clear|]"), Zero("embed", In = "a"), Freeze("embed", From = "a")]""", "")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[Freeze("embed", From = "[|clear|]")]""", "")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[PathPatch("blocks.0.attn.z", "logits", From = "[|clear|]")]""", "")]
    [InlineData(
        "INV009", "There is no run 'dirct'; did you mean 'direct'?",
        """[Run("direct"), Zero("embed", In = "direct"), Freeze("blocks.0.mlp_out", From = "direct"), Freeze("embed", From """
            + """= "[|dirct|]")]""",
        "")]
    [InlineData("INV009", "'Probe' derives no run 'a': [Run(\"a\")] is missing", """[Zero("embed", In = "[|a|]")]""", "")]
    [InlineData(
        "INV009", "'clean' is a run of IoiPrompts, which stays unchanged", "",
        """[Patch("embed", In = "[|clean|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData(
        "INV009", "'a' is derived, and read by writes only; here stands a run of IoiPrompts: clean and corrupted",
        """[Run("a"), Zero("embed", In = "a"), Freeze("embed", From = "a")]""",
        """[Metric] static Tensor M([Logit("S", In = "[|a|]")] Tensor x, [Logit("S")] Tensor y) => x - y;""")]
    [InlineData("INV010", "no answer 'X'", "", """[Metric] static Tensor M([Answer("[|X|]")] Tensor x) => x;""")]
    public Task A_wrong_name_is_refused_in_every_attribute(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("INV001", """const string Path = "embad"; [Patch([|Path|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", """[Patch([|"emb\u0061d"|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", """[Patch([|"em" + "bad"|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", """"[Patch(site: """[|embad|]""")] static Tensor P(Tensor x) => x;"""")]
    [InlineData("INV001", """[Patch("blocks.1.mlp_out")] static Tensor P([From(site: "[|embad|]", run: "clean")] Tensor x) => x;""")]
    public Task A_wrong_name_is_refused_in_every_spelling_of_the_text(string id, string members) =>
        Analysis.Fires(id, "did you mean 'embed'?", Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public Task A_selector_on_a_site_without_selectable_axes_is_refused() =>
        Analysis.Fires("INV005", "'bias' has no axis 'pos'; nothing of it can be selected", Sources.Model, Sources.Prompts, """
        namespace Study;
        [ModelSchema, Axis("layer", 2), Site("bias", "batch", "d_model")] public sealed partial class Biased : Decoder;
        [Intervention<Biased, IoiPrompts>] public sealed partial class A { [Capture("bias[[|pos|]=end]")] static Tensor C(Tensor x) => x; }
        """);

    [Fact]
    public Task A_correct_declaration_is_silent() => Analysis.Check(Sources.Model, Sources.Prompts, Sources.HeadSweep);

    [Theory]
    [InlineData("""[Patch("blocks.-1.mlp_out[pos=-1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.[0..1].attn.z[head=0,2; pos=S1+1,end]")] static Tensor P(Tensor x, [From("clean", "embed")] Tensor """
        + """e) => x + e;""")]
    [InlineData("""[Metric] static Tensor M([Logit("S")] Tensor s, [Logit("IO", At = "S1-1")] Tensor io) => s - io;""")]
    [InlineData("""[Capture("blocks.*.mlp.post[neuron=-8..7]")] static Tensor C(Tensor x) => x;""")]
    public Task Correct_names_are_silent(string members) => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public Task A_model_without_schema_is_refused() => Analysis.Fires(
        "INV011", "'Bare' has no [ModelSchema]", Sources.Model, Sources.Prompts, """
        namespace Study;
        public class Bare : Decoder;
        [Intervention<[|Bare|], IoiPrompts>] partial class A { [Patch("whatever")] static Tensor P(Tensor x) => x; }
        """);

    /// <summary>What a prompt set does not name, it does not have: the message says how to name it.</summary>
    [Fact]
    public Task Answers_that_are_not_named_are_missing() => Analysis.Fires(
        "INV010", "Mine has no answer 'correct'. It names none: write [PromptSchema(Answers = [\"correct\"])]", Sources.Model, """
        namespace Study;
        [PromptSchema] public sealed partial class Mine : PromptSet;
        [Intervention<Toy, Mine>] public sealed partial class A { [Metric] static Tensor M([Logit("[|correct|]")] Tensor x) => x; }
        [Intervention<Toy>] public sealed partial class B { [Metric] static Tensor M([Logit("correct")] Tensor x) => x; }
        """);

    [Fact]
    public Task Prompts_without_schema_are_refused() => Analysis.Fires(
        "INV012", "'Bare' has no [PromptSchema]", Sources.Model, """
        namespace Study;
        public class Bare() : PromptSet(new("Bare", default, default, default), []);
        [Intervention<Toy, [|Bare|]>] partial class A { [Patch("embed")] static Tensor P([From("any")] Tensor x) => x; [Metric] static Tensor M([Logit("any")] Tensor x) => x; }
        """);

    [Fact]
    public Task Names_of_a_referenced_assembly_are_checked()
    {
        MetadataReference library = Compilations.Generate(Compilations.Of(Sources.Model, Sources.Prompts)).ToMetadataReference();
        string use = Sources.Intervention("""
            [Patch("blocks.{|INV003:2|}.mlp_out")] static Tensor P([From("{|INV009:x|}")] Tensor x) => x;
            """);
        return new Analysis(use) { TestState = { AdditionalReferences = { library } } }.RunAsync();
    }

    [Theory]
    [InlineData("blocks.[1..[|-2|]].mlp_out", "INV003")]
    [InlineData("blocks.0.attn.z[head=[|2..-3|]]", "INV006")]
    [InlineData("blocks.0.mlp.post[neuron=[|7..-2|]]", "INV006")]
    [InlineData("blocks.0.attn.z[pos=[|5..2|]]", "INV007")]
    [InlineData("blocks.0.attn.pattern[query=[|-1..-3|]]", "INV007")]
    [InlineData("blocks.0.attn.pattern[key=[|1..0|]]", "INV007")]
    public Task A_selection_of_nothing_is_refused(string path, string id) => Analysis.Fires(
        id, "is empty", Sources.Model, Sources.Prompts,
        Sources.Intervention($$"""[Patch("{{path}}")] static Tensor P(Tensor x) => x;""").Replace(
            "[1..[|-2|]]", "[[|1..-2|]]", StringComparison.Ordinal));

    [Theory]
    [InlineData(
        "INV009", "no run 'corupted'; did you mean 'corrupted'?",
        """[Sweep("run", "clean", "[|corupted|]"), Freeze("embed", From = "{run}")]""", "")]
    [InlineData("INV009", "no run 'cleam'", """[Sweep("run", "[|cleam|]"), Freeze("embed", From = "{run}")]""", "")]
    [InlineData(
        "INV009", "'{donor}' goes through several runs, and here stands one of IoiPrompts: clean and corrupted",
        """[Freeze("embed", From = "{donor}")]""",
        """[Metric] static Tensor M([Logit("IO")] Tensor io, [Logit("S", In = "[|{donor}|]")] Tensor s) => io - s;""")]
    [InlineData(
        "INV009", "'direct' is derived, and read by writes only",
        """[Run("direct"), Sweep("donor", "[|direct|]"), Freeze("embed", From = "{donor}"), Zero("embed", In = "direct")]""", "")]
    [InlineData("INV001", "nbed", """[PathPatch(["blocks.0.attn.z", "[|nbed|]"], "blocks.1.mlp_in")]""", "")]
    [InlineData("INV003", "layer 7", """[PathPatch("blocks.0.attn.z", "blocks.1.mlp_in", Freeze = ["blocks.[|7|].attn.z"])]""", "")]
    public Task A_wrong_name_is_refused_where_runs_and_senders_stand(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    /// <summary>The members of a declaration are those that the repaired one has, so the path's mistake is the only error.</summary>
    [Theory]
    [InlineData("""blocks.{layer}.attn.z[head={head}[|,|] pos=end]""", "run.M[layer: 1, head: 2]")]
    [InlineData("""blocks.{layer=[|0:1|]}.mlp_out[pos=end]""", "run.M.Top(1)[0].Value * run.M[layer: 1]")]
    [InlineData("""embed[pos={p=IO[|;|]end}]""", "run.M[p: \"IO\"]")]
    public Task A_broken_path_is_the_only_error(string path, string use) => Analysis.Fires(
        "INV007", "is not a path", Sources.Model, Sources.Prompts, Sources.Intervention($$"""
        [Patch("{{path}}")] static Tensor P(Tensor x, [From("clean")] Tensor clean) => clean;
        [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        public static Tensor Use(Result run) => {{use}};
        """));
}
