using System.Runtime.InteropServices;
using System.Text.Json;

namespace Interventions.PackageTests;

/// <summary>The tool as a user installs it: into an empty folder, from the packed packages alone.</summary>
[Collection(nameof(Packages))]
public sealed class ToolTests(Packages packages)
{
    private const string Text = "When Mary and Tom went to the store, Tom gave a drink to";

    /// <summary>The package for any platform has no libtorch, so what works here touches none.</summary>
    [Fact]
    public void Without_libtorch_all_commands_work_but_the_one_that_computes()
    {
        string tool = Install("tool-any", packages.Version);
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(tool)!, "*torch_cpu*", SearchOption.AllDirectories));
        Assert.Empty(Directory.EnumerateFiles(Path.GetDirectoryName(tool)!, "*LibTorchSharp*", SearchOption.AllDirectories));

        Assert.Contains("blocks.[0..3].attn.z ", Answer(tool, "hooks", Packages.Model));
        Assert.Contains("blocks.3.attn.z ", Answer(tool, "hooks", "--config", Path.Combine(Packages.Model, "config.json"), "blocks.3.*"));
        Assert.Contains(" numbers, ", Answer(tool, "inspect", Path.Combine(Packages.Model, "model.safetensors")));
        Assert.StartsWith("tokenizer: ", Answer(tool, "inspect", Path.Combine(Packages.Model, "tokenizer.json")));
        Assert.Equal(Text, Json(tool, "tokenize", Packages.Model, Text, "--json").GetProperty("text").GetString());
        Assert.EndsWith("partial class NamesModel : Gpt2Model;\n", Answer(tool, "schema", Packages.Model, "--name", "NamesModel"));

        (int code, string output) = Packages.Run(packages.NewFolder("elsewhere-run"), tool, ["generate", Packages.Model, Text]);
        Assert.Equal(1, code);
        string sentence = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.StartsWith("interventions: generate needs libtorch, and there is none for ", sentence);
    }

    /// <summary>The package of this platform has it.</summary>
    [Fact]
    [Trait("Duration", "long")]
    public void With_libtorch_a_text_goes_on()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64)
            return; // Only this platform's libtorch is restored by default.
        string version = $"{packages.Version}.torch";
        packages.Pack(
            Path.Combine(Packages.Repository, "src/Interventions.Tool"), version, $"-p:ScratchOutput={packages.NewFolder("tool-build")}",
            "-p:RunAnalyzers=false");
        string tool = Install("tool-linux", version);
        JsonElement json = Json(tool, "generate", Packages.Model, Text, "--tokens", "1", "--json");
        Assert.Equal(" Mary", json.GetProperty("text").GetString());
        Assert.StartsWith(Text + " Mary", Answer(tool, "generate", Packages.Model, Text, "--tokens", "2"));
    }

    /// <summary>The command in an empty folder.</summary>
    private string Install(string name, string version)
    {
        string folder = packages.NewFolder(name);
        (int code, string output) = Packages.Dotnet(
            folder, "tool", "install", "Interventions.Tool", "--tool-path", "tools", "--version", version);
        Assert.True(code == 0, output);
        return Path.Combine(folder, "tools", OperatingSystem.IsWindows() ? "interventions.exe" : "interventions");
    }

    private string Answer(string tool, params string[] arguments)
    {
        (int code, string output) = Packages.Run(packages.NewFolder("elsewhere-run"), tool, arguments);
        Assert.True(code == 0, output);
        return output.ReplaceLineEndings("\n").TrimEnd('\n') + "\n";
    }

    private JsonElement Json(string tool, params string[] arguments)
    {
        using JsonDocument document = JsonDocument.Parse(Answer(tool, arguments));
        return document.RootElement.Clone();
    }
}
