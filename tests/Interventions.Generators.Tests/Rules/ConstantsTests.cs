using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Arguments made from generated constants.</summary>
public sealed class ConstantsTests
{
    [Theory]
    [InlineData("""const string Path = Toy.Sites.Embed; [Patch([|Path|])] static Tensor P(Tensor x) => x;""")]
    [InlineData("""const string Inner = Toy.Sites.Embed; const string Path = Inner + ""; [Capture([|Path + "[pos=end]"|])] static """
        + """Tensor P(Tensor x) => x;""")]
    public Task A_constant_that_the_generator_cannot_read_is_refused(string members) => Analysis.Fires(
        "INV018", "The generator does not see generated constants", Sources.Model, Sources.Prompts, Sources.Intervention(members));

    [Theory]
    [InlineData("""[Add(Toy.Sites.Embed, Strength = [|Half|])] public required Tensor D { get; init; }""", "0.5")]
    [InlineData("""[Add(Toy.Sites.Embed, Strength = [|1.0 / 4|])] public required Tensor D { get; init; }""", "0.25")]
    [InlineData("""[Patch("embed")] static Tensor P([From([|Donor|], Toy.Sites.Embed)] Tensor x) => x;""", "\"clean\"")]
    [InlineData("""[Capture(Toy.Sites.Embed, BeforeWrites = [|Yes|])] static Tensor C(Tensor x) => x; [Patch("embed")] static Tensor """
        + """P(Tensor x) => x; [Metric] static Tensor M([Logit("S")] Tensor s) => s;""", "true")]
    public Task Beside_a_generated_constant_only_literals_are_read(string member, string value) => Analysis.Fires(
        "INV020", "the generator reads only what is written here: write " + value, Sources.Model, Sources.Prompts,
        Sources.Intervention("const double Half = 0.5; const string Donor = \"clean\"; const bool Yes = true; " + member));

    [Theory]
    [InlineData("""[Add(Toy.Sites.Embed, Strength = -0.5)] public required Tensor D { get; init; }""")]
    [InlineData("""[Add("embed", Strength = Half)] public required Tensor D { get; init; }""")]
    [InlineData("""[Gradient(Toy.Sites.Embed, Of = nameof(M))] static Tensor G(Tensor x) => x; [Metric] static Tensor M([Logit("S")] """
        + """Tensor s) => s; [Metric] static Tensor N([Logit("S")] Tensor s) => s;""")]
    public Task Beside_a_generated_constant_a_literal_is_silent(string member) =>
        Analysis.Check(
            Sources.Model, Sources.Prompts, Sources.Intervention("const double Half = 0.5; static double Use => Half; " + member));

    [Theory]
    [InlineData("""[Patch(Toy.Sites.Blocks.All.Attn.Z + "[head=0]")] static Tensor P(Tensor z, [From("corrupted", Toy.Sites.Embed)] """
        + """Tensor e) => z;""")]
    [InlineData("""const string Path = "embed"; [Patch(Path)] static Tensor P(Tensor x) => x;""")]
    [InlineData("""const string Path = Toy.Sites.Embed; [Obsolete(Path)] static Tensor P(Tensor x) => x;""")]
    public Task Constants_that_the_generator_can_read_are_silent(string members) =>
        Analysis.Check(Sources.Model, Sources.Prompts, Sources.Intervention(members));
}
