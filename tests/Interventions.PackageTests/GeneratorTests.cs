namespace Interventions.PackageTests;

/// <summary>A build that runs no generator of ours says so.</summary>
[Collection(nameof(Packages))]
public sealed class GeneratorTests(Packages packages)
{
    [Fact]
    public void A_project_that_removes_analyzers_is_told_what_it_loses()
    {
        string folder = packages.NewProject(
            "no-generator", "public sealed class Nothing;", "", ("Interventions", packages.Version));
        Assert.Empty(Warnings(folder));
        string project = Path.Combine(folder, "no-generator.csproj");
        File.WriteAllText(project, File.ReadAllText(project).Replace("</Project>", """
              <Target Name="NoAnalyzers" BeforeTargets="CoreCompile">
                <ItemGroup><Analyzer Remove="@(Analyzer)" /></ItemGroup>
              </Target>
            </Project>
            """));
        string warning = Assert.Single(Warnings(folder));
        Assert.Contains("warning INV402: no-generator is compiled without the generator", warning, StringComparison.Ordinal);
        Assert.Contains("keep Interventions.Generators among its Analyzer items", warning, StringComparison.Ordinal);
        Assert.Empty(Warnings(folder, "-p:NoWarn=INV402"));
    }

    private static string[] Warnings(string folder, params string[] arguments)
    {
        (int code, string output) = Packages.Dotnet(folder, ["build", "-nologo", "--verbosity", "quiet", .. arguments]);
        Assert.True(code == 0, output);
        return [.. output.Split('\n').Where(line => line.Contains("warning ", StringComparison.Ordinal)).Distinct()];
    }
}
