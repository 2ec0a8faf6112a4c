using System.Text.RegularExpressions;

namespace Interventions.PackageTests;

/// <summary>A model, an intervention on it and an application, three packages; no author writes more than her references.</summary>
[Collection(nameof(Packages))]
public sealed class ThreePackagesTests(Packages packages) : IClassFixture<ThreePackagesTests.Libraries>
{
    private const string Sizes =
        """Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24), Axis("d_model", 96), Axis("neuron", 384), Axis("vocab", 347)""";

    /// <summary>The application: theirs is in the intervention package, ours is declared here on the same model.</summary>
    private const string Application = """
        using Interventions;
        using Names;
        using static TorchSharp.torch;

        using NamesModel model = NamesModel.Load(args[0]);
        IoiPrompts prompts = IoiPrompts.Create(model.Tokenizer,
        [
            new()
            {
                Clean = "When[IO| Mary] and[S1| Tom] went to the store,[S2| Tom] gave a drink to",
                Corrupted = "When[IO| Anna] and[S1| Paul] went to the store,[S2| Ruth] gave a drink to",
                IO = " Mary",
                S = " Tom",
            },
        ]);
        using var ours = new Residual().Run(model, prompts);
        Console.WriteLine($"ours: {ours.LogitDifference.Top(1)[0]}");
        try
        {
            using var theirs = new LastLayer().Run(model, prompts);
            Console.WriteLine($"theirs: {theirs.LogitDifference.Top(1)[0]}");
        }
        catch (InterventionException refused)
        {
            Console.WriteLine($"refused: {refused.Message}");
        }

        [Intervention<NamesModel, IoiPrompts>]
        sealed partial class Residual
        {
            [Patch("blocks.{layer}.resid_post[pos=S2]")]
            static Tensor FromCorrupted(Tensor residual, [From("corrupted")] Tensor corrupted) => corrupted;

            [Metric]
            static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
        }
        """;

    [Fact]
    public void An_application_runs_an_intervention_from_a_package_and_declares_its_own()
    {
        string output = Run("application", Application.Replace("using var ours", """
            using var closed = new HeadKnockout<NamesModel>().Run(model, prompts);
            Console.WriteLine($"closed: {closed.LogitDifference.Top(1)[0]}");
            using var ours
            """));
        Assert.Contains("ours: layer=", output);
        Assert.Contains("theirs: head=", output);
        Assert.Contains("closed: head=", output);
    }

    [Fact]
    public void A_generic_intervention_from_a_package_is_checked_where_the_application_closes_it()
    {
        string folder = NewApplication("closed-use", $$"""
            using Interventions;
            using Interventions.Models;
            using Names;

            Console.WriteLine(new HeadKnockout<Shallow>());

            [ModelSchema]
            [Axis("layer", 3), {{Sizes}}]
            sealed partial class Shallow : Gpt2Model;
            """);
        (int code, string output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("error INV019", output);
        Assert.Contains("layer 3 of 'blocks.3.attn.z' is out of range: Shallow has 3 layers (0 to 2)", output);
        // The message links to the rule's page in the package.
        Match link = Regex.Match(output, @"\((file://[^)]*/INV019\.md)\)");
        Assert.True(link.Success && File.Exists(new Uri(link.Groups[1].Value).LocalPath), output);
    }

    [Fact]
    public void A_typo_in_the_application_is_found_in_the_referenced_schema()
    {
        string folder = NewApplication("application-typo", Application.Replace("resid_post", "resid_pots"));
        (int code, string output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("NamesModel has no site 'blocks.{layer}.resid_pots'; did you mean 'blocks.{layer}.resid_post'?", output);
    }

    [Fact]
    public void A_model_that_gained_a_site_and_an_axis_breaks_nobody()
    {
        string output = Run("gained", Application, ("Names.Model", "2.0.0-gained"));
        Assert.Contains("ours: layer=", output);
        Assert.Contains("theirs: head=", output);
    }

    [Theory]
    [InlineData("shallow", "NamesModel has 3 layers (0 to 2); layer 3 of 'blocks.3.mlp_out' is out of range")]
    [InlineData("renamed", "NamesModel has no site 'blocks.3.attn.z'")]
    public void A_model_that_lost_a_site_refuses_before_the_pass_and_says_that_versions_differ(string version, string missing)
    {
        string output = Run(version, Application, ("Names.Model", $"2.0.0-{version}"));
        Assert.Contains("ours: layer=", output);
        Assert.Contains("refused: LastLayer was compiled against another version of NamesModel, which differs from this one:", output);
        Assert.Contains(missing, output);
    }

    private string NewApplication(string name, string program, params (string Id, string Version)[] pinned) =>
        packages.NewProject(
            name, program, "<OutputType>Exe</OutputType>", [("Names.Interventions", "1.0.0-test"), Packages.Natives, .. pinned]);

    private string Run(string name, string program, params (string Id, string Version)[] pinned)
    {
        (int code, string output) = Packages.Dotnet(NewApplication(name, program, pinned), "run", "--", Packages.Model);
        Assert.True(code == 0, output);
        return output;
    }

    /// <summary>The model in four versions, and the intervention that was compiled against the first.</summary>
    public sealed class Libraries
    {
        private const string Exactly = "\n{\n    public override ModelSchema Schema => DeclaredSchema;\n}";

        public Libraries(Packages packages)
        {
            Model(packages, "1.0.0-test", $"[Axis(\"layer\", 4), {Sizes}]", "Gpt2Model;");
            packages.Pack(packages.NewProject("Names.Interventions", """
                using Interventions;
                using Interventions.Models;
                using static TorchSharp.torch;

                namespace Names;

                [PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
                public sealed partial class IoiPrompts : PromptSet;

                [Intervention<NamesModel, IoiPrompts>]
                public sealed partial class LastLayer
                {
                    [Patch("blocks.3.attn.z[head={head}; pos=end]")]
                    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

                    [Capture("blocks.3.mlp_out[pos=end]")]
                    static Tensor MlpOut(Tensor value) => value;

                    [Metric]
                    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
                }

                [Intervention(Prompts = typeof(IoiPrompts))]
                [Zero("blocks.3.attn.z[head={head}; pos=end]")]
                public sealed partial class HeadKnockout<TModel>
                    where TModel : Gpt2Model
                {
                    [Metric]
                    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
                }
                """, "", ("Names.Model", "1.0.0-test")), "1.0.0-test");

            // These say of themselves exactly what they declare, so that one checkpoint serves them all.
            Model(packages, "2.0.0-gained", $"""
                [Axis("layer", 4), {Sizes}, Axis("expert", 2)]
                [Site("router", "batch", "pos", "expert")]
                """, $"Gpt2Model{Exactly}");
            Model(packages, "2.0.0-shallow", $"[Axis(\"layer\", 3), {Sizes}]", $"Gpt2Model{Exactly}");
            Model(packages, "2.0.0-renamed", $"""
                [Axis("layer", 4), {Sizes}]
                [Site("blocks.*.attn.mixed", "batch", "pos", "head", "d_head")]
                [Site("blocks.*.mlp_out", "batch", "pos", "d_model")]
                [Site("blocks.*.resid_post", "batch", "pos", "d_model")]
                [Site("logits", "batch", "pos", "vocab")]
                """.Replace("*", "{layer}"), $"Interventions.Models.Decoder.DecoderModel{Exactly}");
        }

        private static void Model(Packages packages, string version, string schema, string rest) =>
            packages.Pack(packages.NewProject("Names.Model", $"""
                using Interventions;
                using Interventions.Models;

                namespace Names;

                [ModelSchema]
                {schema}
                public sealed partial class NamesModel : {rest}
                """, "", ("Interventions.Models", packages.Version)), version);
    }
}
