using System.Text.RegularExpressions;

namespace Interventions.PackageTests;

/// <summary>What the README promises, from an empty folder with nothing but the packages.</summary>
[Collection(nameof(Packages))]
public sealed partial class ReadmeTests(Packages packages)
{
    private static string FirstExample => Document.FirstBlock("README.md");

    /// <summary>Under every rule of the SDK, warnings as errors.</summary>
    [Fact]
    public void The_first_example_builds_without_warnings_and_runs()
    {
        string folder = packages.NewFolder(
            "first", FirstExample, "<AnalysisLevel>latest-all</AnalysisLevel><EnforceCodeStyleInBuild>true</EnforceCodeStyleInBuild>");
        (int code, string output) = Packages.Dotnet(folder, "run", "--", Packages.Model);
        Assert.True(code == 0, output);
        // As the README prints it; another processor may round the last digits otherwise.
        Assert.Contains("clean logit difference 21.85", output);
        Assert.Contains("layer=0 head=3: -0.76", output);
    }

    /// <summary>
    /// One-file programs are made for ahead-of-time compilation. Its packs would come from the same feed as everything else, and this one
    /// has only ours: of the SDK's defaults, the test keeps the switches.
    /// </summary>
    [Fact]
    public void The_first_example_is_a_program_of_one_file()
    {
        string folder = packages.NewFolder("one-file");
        File.WriteAllText(
            Path.Combine(folder, "study.cs"),
            $"#:package Interventions.Models@{packages.Version}\n#:package "
                + $"{Packages.Natives.Id}@{Packages.Natives.Version}\n{FirstExample}");
        (int code, string output) = Packages.Dotnet(
            folder, "run", "-p:PublishAot=false", "-p:DynamicCodeSupport=false", "-p:JsonSerializerIsReflectionEnabledByDefault=false",
            "study.cs", "--", Packages.Model);
        Assert.True(code == 0, output);
        Assert.Contains("layer=", output);
        Assert.DoesNotContain("warning", output);
    }

    [Fact]
    public void All_of_the_readme_is_one_program()
    {
        string output = Run("readme", Document.Of("README.md"));
        Assert.Contains("looked at 4 layers of 1 prompts", output);
        Assert.Contains("without head 0.3: ", output);
        Assert.Contains("blocks.3.mlp_out ", output);
    }

    [Fact]
    public void The_language_is_one_program()
    {
        string output = Run("language", Document.Of("src/Interventions/README.md", FirstExample));
        Assert.Contains("head 0.3 silent: ", output);
        Assert.Contains("direct effects: [3, 4, 1]", output);
        Assert.Contains("layer=3 pos=end: ", output);
        Assert.Contains("paths: 12", output);
        Assert.Contains("streams [4, 1, 3, 96]", output);
        Assert.Contains("8 points, 1 prompt", output);
        Assert.Contains("0 writes, 0 warnings", output);
        Assert.Contains("trained: True", output);
        Assert.Contains("residual [3, 1, 1, 96]", output);
        Assert.Contains("times fewer operations than the naive run", output);
        Assert.Contains("active: ", output);
        Assert.Contains("kept [4, 1, ", output);
        Assert.Contains("the same: True", output);
        Assert.Contains("-0.8, clean 21.", output);
        Assert.Equal(4, output.Split("layer=0 head=3: -0.76").Length - 2);
    }

    [Fact]
    public void Models_sites_and_prompts_are_one_program()
    {
        string output = Run("models", Document.Of("src/Interventions.Models/README.md"));
        Assert.Contains("4 layers of 4 heads, 347 tokens", output);
        Assert.Contains("logits [1, 3, 100], added [1, 4]", output);
        Assert.Contains("equal tokens: True", output);
        Assert.Contains("IO is token ", output);
        Assert.Contains("most towards the name: head ", output);
    }

    [Fact]
    public void Circuits_are_one_program()
    {
        string output = RunWith("Interventions.Circuits");
        Assert.Contains("faithfulness ", output);
        Assert.Contains("flowchart BT", output);
        Assert.Contains("479 edges, 23 are 5 %; shared: ", output);
        Assert.Contains("the logit difference needs ", output);
        Assert.Contains("circuit alone: ", output);
        Assert.Contains("head  previous  rank  duplicate  rank  induction  rank", output);
        Assert.Contains("they add up to ", output);
        Assert.Contains("matters most; two prompts correlate by ", output);
        Assert.Contains("directions [2, 96]", output);
        Assert.Contains("; threshold 0.05, metric ", output);
        Assert.Contains("EAP-IG: ", output);
        Assert.Contains("ACDC: ", output);
        Assert.Contains("induction found: True", output);
        Assert.Contains("reversed, a c b begins with b: 1.00", output);
    }

    [Fact]
    public void Features_are_one_program()
    {
        string output = RunWith("Interventions.Features");
        Assert.Contains("TopK dictionary of 64 features, 8 active, 96 wide, at blocks.2.resid_post", output);
        Assert.Contains("the same after loading: True", output);
        Assert.Contains("L0 ", output);
        Assert.Contains("without feature 3: ", output);
        Assert.Contains("error after 8 atoms: 0.", output);
        Assert.Contains("difference of means at blocks.2.resid_post, norm ", output);
        Assert.Contains("steered: ", output);
        Assert.Contains(" points are on the front", output);
        Assert.Contains("weights and activations agree: True", output);
        Assert.Contains("blocks.{layer}.resid_post[pos=end]: ", output);
        Assert.Contains("random ones, mean", output);
        Assert.Contains("Logit lens at ", output);
        Assert.Contains("Tuned lens of 4 layers", output);
        Assert.Contains("blocks.1.mlp.post[neuron=17]: fires on ", output);
        Assert.Contains(" tokens; 2 predictions", output);
        Assert.Contains("batch [8, 96]", output);
        Assert.Contains("loss recovered: ", output);
        Assert.Contains("trained: TopK dictionary of 32 features, 4 active, 96 wide, at blocks.2.resid_post", output);
        Assert.Contains("each has 0.4 dimensions", output);
        Assert.Contains("excluded 1.95", output);
    }

    [Theory]
    [InlineData("attn.z[", "attn.zz[", "did you mean 'blocks.{layer}.attn.z")]
    [InlineData("pos=end", "pos=ennd", "did you mean 'end'")]
    [InlineData("From(\"corrupted\")", "From(\"corupted\")", "did you mean 'corrupted'")]
    public void A_typo_fails_the_build_with_a_suggestion(string right, string typo, string suggestion)
    {
        Assert.Contains(right, FirstExample);
        string folder = packages.NewFolder("typo-" + Guid.NewGuid().ToString("N"), FirstExample.Replace(right, typo));
        (int code, string output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains(suggestion, output);
        Assert.Single(ErrorLines().Matches(output).Select(match => match.Value).Distinct());
    }

    /// <summary>Runs a package's document, which goes on from the first example.</summary>
    private string RunWith(string package)
    {
        string folder = packages.NewProject(
            package.Split('.')[^1], Document.Of($"src/{package}/README.md", FirstExample).ToString(), "<OutputType>Exe</OutputType>",
            (package, packages.Version), Packages.Natives);
        (int code, string output) = Packages.Dotnet(folder, "run", "--", Packages.Model);
        Assert.True(code == 0, output);
        return output;
    }

    private string Run(string name, Document document)
    {
        string folder = packages.NewFolder(name, document.ToString(), "<TreatWarningsAsErrors>true</TreatWarningsAsErrors>");
        (int code, string output) = Packages.Dotnet(folder, "run", "--", Packages.Model);
        Assert.True(code == 0, output);
        return output;
    }

    [GeneratedRegex(@"error \w+: [^\n]*")]
    private static partial Regex ErrorLines();
}
