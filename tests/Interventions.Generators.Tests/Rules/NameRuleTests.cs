using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Tests.Rules;

public sealed class NameRuleTests
{
    [Theory]
    [InlineData("INV001", "has no site 'blocks.1.mlp_outt'; did you mean 'blocks.1.mlp_out'?", """[Patch("blocks.1.[|mlp_outt|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", "has no site 'embedd'", """[Capture("[|embedd|][pos=end]")] static Tensor C(Tensor x) => x;""")]
    [InlineData("INV001", "did you mean 'embed'?", """[Patch("blocks.1.mlp_out")] static Tensor P([From("corrupted", "[|embad|]")] Tensor x) => x;""")]
    [InlineData("INV002", "a layer is missing in 'blocks.mlp_out': write 'blocks.0.mlp_out' … 'blocks.1.mlp_out'", """[Patch("blocks.[|mlp_out|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV003", "layer 2 of 'blocks.2.mlp_out' is out of range: Toy has 2 layers (0 to 1)", """[Patch("blocks.[|2|].mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV003", "layer 12", """[Patch(@"blocks.{layer=0,[|12|]}.mlp_out")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV004", "here the site is called 'blocks.1.attn.z'", """[Patch("blocks.1.attn.[|hook_z|][head=1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV005", "'blocks.1.mlp_out' has no axis 'head'; its axes are pos", """[Patch("blocks.1.mlp_out[[|head|]=0]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV006", "head 3 of 'blocks.1.attn.z[head=0,3]' is out of range: Toy has 3 heads (0 to 2)", """[Patch("blocks.1.attn.z[head=0,[|3|]]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV006", "neuron 8", """[Patch("blocks.1.mlp.post[neuron=[|0..8|]]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV007", "']', which closes the selectors, is missing", """[Patch("embed[pos=en[|d|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV007", "a path starts with a name", """[Patch([|""|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV007", "does not belong to a position", """[Metric] static Tensor M([Logit("S", At = "end[| now|]")] Tensor x) => x;""")]
    [InlineData("INV008", "IoiPrompts has no position 'ned'; did you mean 'end'? Its positions are IO, S1 and end", """[Patch("embed[pos=[|ned|]]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV008", "has no position 'S2'; did you mean 'S1'?", """[Metric] static Tensor M([Logit("S", At = "[|S2|]+1")] Tensor x) => x;""")]
    [InlineData("INV009", "IoiPrompts has no run 'corrupt'; did you mean 'corrupted'? Its runs are clean and corrupted", """[Patch("embed")] static Tensor P([From("[|corrupt|]")] Tensor x) => x;""")]
    [InlineData("INV010", "IoiPrompts has no answer 'correct'. Its answers are IO and S", """[Metric] static Tensor M([Logit("[|correct|]")] Tensor x) => x;""")]
    public Task Fires(string id, string message, string members) => Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("INV001", "did you mean 'embed'?", """[Zero("[|embad|]")]""", "")]
    [InlineData("INV001", "did you mean 'blocks.1.mlp_in'?", """[PathPatch("blocks.0.attn.z", "logits", "blocks.1.[|mlp_im|]")]""", "")]
    [InlineData("INV001", "did you mean 'logits'?", """[PathPatch("blocks.0.attn.z", ["[|logit|]"])]""", "")]
    [InlineData("INV003", "layer 2", """[PathPatch("blocks.[|2|].attn.z", "logits")]""", "")]
    [InlineData("INV001", "did you mean 'embed'?", "", """[Add("[|embad|]")] public required Tensor D { get; init; }""")]
    [InlineData("INV001", "did you mean 'embed'?", "", """[Metric] static Tensor M([ValueOf("[|embad|]")] Tensor x) => x;""")]
    [InlineData("INV008", "no position 'S2'", "", """[Metric] static Tensor M([Logits(At = "[|S2|]")] Tensor x) => x;""")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[Changes("[|clear|]")]""", "")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[Run("a", From = "[|clear|]"), Zero("embed", In = "a"), Freeze("embed", From = "a")]""", "")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[Freeze("embed", From = "[|clear|]")]""", "")]
    [InlineData("INV009", "no run 'clear'; did you mean 'clean'?", """[PathPatch("blocks.0.attn.z", "logits", From = "[|clear|]")]""", "")]
    [InlineData("INV009", "There is no run 'dirct'; did you mean 'direct'?", """[Run("direct"), Zero("embed", In = "direct"), Freeze("blocks.0.mlp_out", From = "direct"), Freeze("embed", From = "[|dirct|]")]""", "")]
    [InlineData("INV009", "'Probe' derives no run 'a': [Run(\"a\")] is missing", """[Zero("embed", In = "[|a|]")]""", "")]
    [InlineData("INV009", "'clean' is a run of IoiPrompts, which stays unchanged", "", """[Patch("embed", In = "[|clean|]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV009", "'a' is derived, and read by writes only; here stands a run of IoiPrompts: clean and corrupted", """[Run("a"), Zero("embed", In = "a"), Freeze("embed", From = "a")]""", """[Metric] static Tensor M([Logit("S", In = "[|a|]")] Tensor x, [Logit("S")] Tensor y) => x - y;""")]
    [InlineData("INV010", "no answer 'X'", "", """[Metric] static Tensor M([Answer("[|X|]")] Tensor x) => x;""")]
    public Task InEveryAttribute(string id, string message, string attributes, string members) =>
        Analysis.Fires(id, message, Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));

    [Theory]
    [InlineData("INV001", """const string Path = "embad"; [Patch([|Path|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", """[Patch([|"emb\u0061d"|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", """[Patch([|"em" + "bad"|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("INV001", """"[Patch(site: """[|embad|]""")] static Tensor P(Tensor x) => x;"""")]
    [InlineData("INV001", """[Patch("blocks.1.mlp_out")] static Tensor P([From(site: "[|embad|]", run: "clean")] Tensor x) => x;""")]
    public Task WhereverTheTextComesFrom(string id, string members) =>
        Analysis.Fires(id, "did you mean 'embed'?", Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public Task ASiteOfWhichNothingCanBeSelected() => Analysis.Fires("INV005", "'bias' has no axis 'pos'; nothing of it can be selected", Sources.Model, Sources.Prompts, """
        namespace Study;
        [ModelSchema, Axis("layer", 2), Site("bias", "batch", "d_model")] public sealed partial class Biased : Decoder;
        [Intervention<Biased, IoiPrompts>] public sealed partial class A { [Capture("bias[[|pos|]=end]")] static Tensor C(Tensor x) => x; }
        """);

    [Fact]
    public Task ACorrectDeclarationIsSilent() => Analysis.Check(Sources.Model, Sources.Prompts, Sources.HeadSweep);

    [Theory]
    [InlineData("""[Patch("blocks.-1.mlp_out[pos=-1]")] static Tensor P(Tensor x) => x;""")]
    [InlineData("""[Patch("blocks.[0..1].attn.z[head=0,2; pos=S1+1,end]")] static Tensor P(Tensor x, [From("clean", "embed")] Tensor e) => x + e;""")]
    [InlineData("""[Metric] static Tensor M([Logit("S")] Tensor s, [Logit("IO", At = "S1-1")] Tensor io) => s - io;""")]
    [InlineData("""[Capture("blocks.*.mlp.post[neuron=-8..7]")] static Tensor C(Tensor x) => x;""")]
    public Task CorrectNamesAreSilent(string members) => Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Fact]
    public Task AModelWithoutSchema() => Analysis.Fires(
        "INV011", "'Bare' has no [ModelSchema]", Sources.Model, Sources.Prompts, """
        namespace Study;
        public class Bare : Decoder;
        [Intervention<[|Bare|], IoiPrompts>] partial class A { [Patch("whatever")] static Tensor P(Tensor x) => x; }
        """);

    [Fact]
    public Task PromptsWithoutSchema() => Analysis.Fires(
        "INV012", "'Bare' has no [PromptSchema]", Sources.Model, """
        namespace Study;
        public class Bare() : PromptSet(new("Bare", default, default, default), []);
        [Intervention<Toy, [|Bare|]>] partial class A { [Patch("embed")] static Tensor P([From("any")] Tensor x) => x; [Metric] static Tensor M([Logit("any")] Tensor x) => x; }
        """);

    [Theory]
    [InlineData("""[[|Site("blocks.{l}.x", "batch")|]] abstract class A;""", "has other indices than '{layer}'")]
    [InlineData("""[[|Site("blocks.3.x", "batch")|]] abstract class A;""", "has other indices than '{layer}'")]
    [InlineData("""[[|Site("blocks.{layer}.x.{layer}", "batch")|]] abstract class A;""", "has two layers")]
    [InlineData("""[[|Site("x[pos=end]", "batch")|]] abstract class A;""", "has a selector")]
    [InlineData("""[[|Site("x y", "batch")|]] abstract class A;""", "is not a path")]
    [InlineData("""[Site("x", "batch"), [|Site("x", "pos")|]] abstract class A;""", "site 'x' is declared twice")]
    [InlineData("""[[|Axis("d model", 3)|]] abstract class A;""", "is not a name that a path can have")]
    [InlineData("""[[|Axis("head", 0)|]] abstract class A;""", "axis 'head' needs at least one index")]
    [InlineData("""[[|ModelSchema|]] abstract partial class A : Study.Decoder;""", "[Axis(\"layer\", …)] is missing")]
    [InlineData("""[[|PromptSchema(Runs = [])|]] partial class A : PromptSet;""", "needs at least one run")]
    [InlineData("""[[|PromptSchema(Runs = ["a", "a"])|]] partial class A : PromptSet;""", "run 'a' is declared twice")]
    [InlineData("""[[|PromptSchema(Positions = ["the end"])|]] partial class A : PromptSet;""", "position 'the end' is not a name")]
    [InlineData("""[[|PromptSchema(Answers = ["2nd"])|]] partial class A : PromptSet;""", "answer '2nd' is not a name")]
    public Task SchemasAreChecked(string source, string message) => Analysis.Fires("INV013", message, Sources.Model, source);

    [Fact]
    public Task NamesOfAReferencedAssemblyAreChecked()
    {
        MetadataReference library = Compilations.Generate(Compilations.Of(Sources.Model, Sources.Prompts)).ToMetadataReference();
        string use = Sources.Intervention("""
            [Patch("blocks.{|INV003:2|}.mlp_out")] static Tensor P([From("{|INV009:x|}")] Tensor x) => x;
            """);
        return new Analysis(use) { TestState = { AdditionalReferences = { library } } }.RunAsync();
    }

    [Theory]
    [InlineData("""const string Path = Toy.Sites.Embed; [Patch([|Path|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("""const string Inner = Toy.Sites.Embed; const string Path = Inner + ""; [Capture([|Path + "[pos=end]"|])] static Tensor P(Tensor x) => x;""")]
    public Task AConstantThatTheGeneratorCannotRead(string members) => Analysis.Fires(
        "INV018", "The generator does not see generated constants", Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Add(Toy.Sites.Embed, Strength = [|Half|])] public required Tensor D { get; init; }""", "0.5")]
    [InlineData("""[Add(Toy.Sites.Embed, Strength = [|1.0 / 4|])] public required Tensor D { get; init; }""", "0.25")]
    [InlineData("""[Patch("embed")] static Tensor P([From([|Donor|], Toy.Sites.Embed)] Tensor x) => x;""", "\"clean\"")]
    [InlineData("""[Capture(Toy.Sites.Embed, BeforeWrites = [|Yes|])] static Tensor C(Tensor x) => x; [Patch("embed")] static Tensor P(Tensor x) => x; [Metric] static Tensor M([Logit("S")] Tensor s) => s;""", "true")]
    public Task BesideGeneratedConstantsOnlyLiteralsAreRead(string member, string value) => Analysis.Fires(
        "INV020", "the generator reads only what is written here: write " + value, Sources.Model, Sources.Prompts,
        Sources.Intervention("const double Half = 0.5; const string Donor = \"clean\"; const bool Yes = true; " + member));

    [Theory]
    [InlineData("""[Add(Toy.Sites.Embed, Strength = -0.5)] public required Tensor D { get; init; }""")]
    [InlineData("""[Add("embed", Strength = Half)] public required Tensor D { get; init; }""")]
    [InlineData("""[Gradient(Toy.Sites.Embed, Of = nameof(M))] static Tensor G(Tensor x) => x; [Metric] static Tensor M([Logit("S")] Tensor s) => s; [Metric] static Tensor N([Logit("S")] Tensor s) => s;""")]
    public Task WhatCanBeReadBesideThemIsSilent(string member) =>
        Analysis.Check(
            Sources.Model, Sources.Prompts, Sources.Intervention("const double Half = 0.5; static double Use => Half; " + member));

    [Theory]
    [InlineData("blocks.[1..[|-2|]].mlp_out", "INV003")]
    [InlineData("blocks.0.attn.z[head=[|2..-3|]]", "INV006")]
    [InlineData("blocks.0.mlp.post[neuron=[|7..-2|]]", "INV006")]
    [InlineData("blocks.0.attn.z[pos=[|5..2|]]", "INV007")]
    [InlineData("blocks.0.attn.pattern[query=[|-1..-3|]]", "INV007")]
    [InlineData("blocks.0.attn.pattern[key=[|1..0|]]", "INV007")]
    public Task ASelectionOfNothingFires(string path, string id) => Analysis.Fires(
        id, "is empty", Sources.Model, Sources.Prompts, Sources.Intervention($$"""[Patch("{{path}}")] static Tensor P(Tensor x) => x;""").Replace("[1..[|-2|]]", "[[|1..-2|]]", StringComparison.Ordinal));


    [Theory]
    [InlineData("""[Patch(Toy.Sites.Blocks.All.Attn.Z + "[head=0]")] static Tensor P(Tensor z, [From("corrupted", Toy.Sites.Embed)] Tensor e) => z;""")]
    [InlineData("""const string Path = "embed"; [Patch(Path)] static Tensor P(Tensor x) => x;""")]
    [InlineData("""const string Path = Toy.Sites.Embed; [Obsolete(Path)] static Tensor P(Tensor x) => x;""")]
    public Task ConstantsThatTheGeneratorCanRead(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));
}
