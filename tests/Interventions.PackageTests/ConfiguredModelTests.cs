namespace Interventions.PackageTests;

/// <summary>
/// A model of which the application has nothing but the checkpoint: its sizes are those of the <c>config.json</c> in the project.
/// </summary>
[Collection(nameof(Packages))]
public sealed class ConfiguredModelTests(Packages packages)
{
    private const string Application = """
        using Interventions;
        using Interventions.Models;
        using static TorchSharp.torch;

        using Checkpoint model = Checkpoint.Load(args[0]);
        PromptPairs prompts = PromptPairs.Create(model.Tokenizer,
        [
            new() { Clean = "When Mary and Tom went to the store, Tom gave a drink to", Corrupted = "When Anna and Paul went to the store, Ruth gave a drink to", Correct = " Mary", Wrong = " Tom" },
        ]);
        using var run = new Heads().Run(model, prompts);
        Console.WriteLine($"strongest: {run.Difference.Top(1)[0]}");

        [HookedModel("model/config.json")]
        sealed partial class Checkpoint;

        [Intervention<Checkpoint>]
        sealed partial class Heads
        {
            [Patch("blocks.3.attn.z[head={head}]")]
            static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

            [Metric]
            static Tensor Difference([Logit("correct")] Tensor correct, [Logit("wrong")] Tensor wrong) => correct - wrong;
        }
        """;

    [Fact]
    public void It_is_loaded_and_intervened_on_by_its_own_names()
    {
        (int code, string output) = Packages.Dotnet(NewApplication("configured", Application), "run", "--", Packages.Model);
        Assert.True(code == 0, output);
        Assert.Contains("strongest: head=", output);
    }

    [Fact]
    public void A_layer_that_the_file_does_not_have_fails_the_build()
    {
        string folder = NewApplication("configured-deep", Application.Replace("blocks.3.", "blocks.4."));
        (int code, string output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("error INV003: layer 4 of 'blocks.4.attn.z' is out of range: Checkpoint has 4 layers (0 to 3)", output);
    }

    [Fact]
    public void An_error_in_the_file_is_shown_in_the_file()
    {
        string folder = NewApplication("configured-wrong", Application, json => json.Replace("\"n_layer\": 4", "\"n_layer\": \"four\""));
        (int code, string output) = Packages.Dotnet(folder, "build", "-nologo");
        Assert.NotEqual(0, code);
        Assert.Contains("config.json(11,14): error INV016: 'n_layer' must be an integer of at least 1, and is \"four\"", output);
    }

    private string NewApplication(string name, string program, Func<string, string>? edit = null)
    {
        string folder = packages.NewFolder(name, program);
        File.WriteAllText(
            Path.Combine(folder, "Directory.Build.props"),
            """<Project><ItemGroup><AdditionalFiles Include="model/config.json" /></ItemGroup></Project>""");
        Directory.CreateDirectory(Path.Combine(folder, "model"));
        string json = File.ReadAllText(Path.Combine(Packages.Model, "config.json"));
        File.WriteAllText(Path.Combine(folder, "model", "config.json"), edit is null ? json : edit(json));
        return folder;
    }
}
