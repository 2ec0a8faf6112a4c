using System.Text.RegularExpressions;

namespace Interventions.PackageTests;

/// <summary>What the README promises, from an empty folder with nothing but the packages.</summary>
[Collection(nameof(Packages))]
public sealed partial class ReadmeTests(Packages packages)
{
    private static string FirstExample =>
        FirstCodeBlock().Match(File.ReadAllText(Path.Combine(Packages.Repository, "README.md"))).Groups[1].Value;

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
        File.WriteAllText(Path.Combine(folder, "study.cs"), $"#:package Interventions.Models@{packages.Version}\n#:package {Packages.Natives.Id}@{Packages.Natives.Version}\n{FirstExample}");
        (int code, string output) = Packages.Dotnet(
            folder, "run", "-p:PublishAot=false", "-p:DynamicCodeSupport=false", "-p:JsonSerializerIsReflectionEnabledByDefault=false",
            "study.cs", "--", Packages.Model);
        Assert.True(code == 0, output);
        Assert.Contains("layer=", output);
        Assert.DoesNotContain("warning", output);
    }

    /// <summary>Every block of the tour, in the first example's program: statements where it has its own, types at the end.</summary>
    [Fact]
    public void The_tour_builds_without_warnings_and_runs()
    {
        string readme = File.ReadAllText(Path.Combine(Packages.Repository, "README.md"));
        string tour = readme.Split("\n## ").Single(section => section.StartsWith("Fifteen minutes", StringComparison.Ordinal));
        string[] blocks = [.. FirstCodeBlock().Matches(tour).Select(block => block.Groups[1].Value)];
        string[] types = [.. blocks.Where(block => block.StartsWith('['))];
        // The trace has no type of its own.
        Assert.True(types.Length >= 4 && blocks.Length == (2 * types.Length) + 1, $"{blocks.Length} blocks, {types.Length} of them types");

        int end = FirstExample.IndexOf("\n[ModelSchema]", StringComparison.Ordinal);
        string program = $"{FirstExample[..end]}\n{string.Concat(blocks.Except(types))}{FirstExample[end..]}\n{string.Join('\n', types)}";
        (int code, string output) = Packages.Dotnet(packages.NewFolder("tour", program, "<TreatWarningsAsErrors>true</TreatWarningsAsErrors>"), "run", "--", Packages.Model);
        Assert.True(code == 0, output);
        Assert.Contains("looked at 4 layers of 1 prompts", output);
        Assert.Contains("estimated effects: [4, 1, 4]", output);
        Assert.Contains("Steering changes the first run", output);
        Assert.Contains("the same: True", output);
        Assert.Contains("kept [4, 1, ", output);
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

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex FirstCodeBlock();

    [GeneratedRegex(@"error \w+: [^\n]*")]
    private static partial Regex ErrorLines();
}
