namespace Interventions.PackageTests;

/// <summary><c>dotnet new intervention</c>.</summary>
[Collection(nameof(Packages))]
public sealed class TemplateTests(Packages packages)
{
    [Fact]
    public void A_new_application_builds_without_warnings_and_runs()
    {
        string folder = packages.NewFolder("template");
        string[] hive = ["--debug:custom-hive", Path.Combine(folder, "hive")]; // nothing is installed on the machine
        Sdk(["new", "install", $"Interventions.Templates@{packages.Version}", .. hive]);
        Sdk([
            "new", "intervention", "--name", "Heads", "--layers", "4", "--heads", "4", "--head-size", "24", "--width", "96",
            "--neurons", "384", "--vocabulary", "347", .. hive]);
        string output = Sdk("run", "--project", "Heads", "-p:TreatWarningsAsErrors=true", "--", Packages.Model);
        Assert.Contains("clean logit difference", output);
        Assert.Contains("layer=", output);

        string Sdk(params string[] arguments)
        {
            (int code, string output) = Packages.Dotnet(folder, arguments);
            Assert.True(code == 0, output);
            return output;
        }
    }
}
