using Interventions.Generators.Infrastructure;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Tests.Generators;

/// <summary>The constants of <c>Sites</c>: every one is a name of the model, and its name alone says its value.</summary>
public sealed class SitesTests
{
    private const string Odd = """
        [ModelSchema, Axis("layer", 2)]
        [Site("embed.embed", "batch"), Site("mlp", "batch"), Site("mlp.post", "batch"), Site("dIn", "batch"), Site("MLP.x_", "batch"), Site("sites", "batch")]
        [Site("all.each", "batch"), Site("inside", "batch"), Site("tower.{layer}", "batch"), Site("encoder.layers.{layer}.a2_b", "batch"), Site("x1_2", "batch")]
        public abstract partial class Odd : Study.Decoder;
        """;

    [Theory]
    [InlineData("Sources", "Study.Toy")]
    [InlineData("Odd", "Odd")]
    public void Each_constant_is_what_its_name_says(string source, string model)
    {
        var compilation = Compilations.Generate(source == "Odd" ? Compilations.Of(Sources.Model, Odd) : Compilations.Of(Sources.Model));
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden));

        List<(string Path, string Value)> constants = [.. Constants(compilation.GetTypeByMetadataName(model + "+Sites")!, [])];

        Assert.NotEmpty(constants);
        Assert.All(constants, constant => Assert.Equal(constant.Value, constant.Path));
    }

    [Theory]
    [InlineData("""[Patch(Toy.Sites.Blocks.Each.Attn.Z + "[head={head}; pos=end]")]""")]
    [InlineData("""[Patch(site: Study.Toy.Sites.Blocks.Each.Attn.Z + ("[head={head}" + "; pos=end]"))]""")]
    [InlineData("""[Patch($"{Toy.Sites.Blocks.Each.Attn.Z}[head={{head}}; pos=end]")]""")]
    [InlineData("""[Patch("blocks.{layer}." + Toy.Sites.Blocks.Inside.Attn.Z + @"[head={head}; pos=end]")]""")]
    public void A_constant_of_the_same_project_is_read(string patch)
    {
        const string literal = """[Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]""";

        Assert.Equal(
            Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.HeadSweep),
            Compilations.GeneratedText(
                Sources.Model, Sources.Prompts, Sources.HeadSweep.Replace(literal, patch, StringComparison.Ordinal)));
    }

    [Fact]
    public void A_donor_can_be_a_constant() => Assert.Contains(
        "new global::Interventions.Runtime.Read.From(\"corrupted\", \"embed\")",
        Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Intervention(
            "[Patch(Toy.Sites.Embed)] static Tensor P([From(\"corrupted\", Toy.Sites.Embed)] Tensor x) => x;")), StringComparison.Ordinal);

    [Fact]
    public void Numbers_beside_a_constant_are_read()
    {
        string text = Compilations.GeneratedText(Sources.Model, Sources.Prompts, """
            namespace Study;
            [Intervention<Toy, IoiPrompts>]
            [Scale(Toy.Sites.Embed, -0.5)]
            [Resample(Toy.Sites.Embed, Seed = 7)]
            public sealed partial class Numbers
            {
                [Add(Toy.Sites.Embed, Strength = 3)]
                public required Tensor Direction { get; init; }
            }
            """);
        Assert.Contains("Scale(\"embed\", -0.5", text, StringComparison.Ordinal);
        Assert.Contains("7", text[text.IndexOf("Resample(", StringComparison.Ordinal)..].Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("Direction, strength: 3", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_of_a_referenced_assembly_has_them_too()
    {
        var compilation = Compilations.Generate(Compilations.Of("""
            using static Interventions.Models.Gpt2Small.Sites;
            [Intervention<Gpt2Small>]
            public sealed partial class A
            {
                private const string Heads = Blocks.Each.Attn.Z;
                [Patch(Heads + "[head={head}]")] static Tensor P(Tensor z) => z;
                [Metric] static Tensor M([Logit("correct")] Tensor x) => x;
                public static Tensor At(Result result) => result.M[layer: 1, head: 2];
            }
            """));
        Assert.Empty(compilation.GetDiagnostics().Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden));
    }

    [Fact]
    public void A_member_called_sites_is_left_alone() => Assert.DoesNotContain("class Sites", Compilations.GeneratedText(
        Sources.Model.Replace("class Toy : Decoder;", "class Toy : Decoder { public int Sites => 3; }", StringComparison.Ordinal)),
        StringComparison.Ordinal);

    private static IEnumerable<(string Path, string Value)> Constants(INamedTypeSymbol type, List<string> names)
    {
        foreach (ISymbol member in type.GetMembers())
        {
            List<string> path = [.. names, member.Name];
            if (member is IFieldSymbol { ConstantValue: string value })
                yield return (SiteNames.Path(path), value);
            else if (member is INamedTypeSymbol inner)
                foreach ((string Path, string Value) constant in Constants(inner, path))
                    yield return constant;
        }
    }
}
