using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Interventions.PackageTests;

/// <summary>
/// What the README says first, with an empty package cache. The packed packages are one more source; those of others come from the sources
/// of this machine.
/// </summary>
[Collection(nameof(Packages))]
public sealed partial class FromNothingTests(Packages packages, FromNothingTests.Nothing nothing) : IClassFixture<FromNothingTests.Nothing>
{
    private const string ReadMe = "README.md";

    private static readonly string[] s_lines = Document.Commands(ReadMe, "dotnet new install");

    /// <summary>The three that are typed.</summary>
    private static string[] Commands => [.. s_lines.TakeWhile(line => line[0] != '#')];

    /// <summary>What the last of them prints first.</summary>
    private static string[] Promised => [.. s_lines[Commands.Length..].Select(line => line["# ".Length..])];

    [SourcesTheory]
    [InlineData("first")]
    public void Three_commands_print_a_result_and_one_file_prints_the_same(string name)
    {
        string folder = nothing.NewFolder(name);
        Assert.Equal(3, Commands.Length);
        Says(Promised, Array.ConvertAll(Commands, command => Type(folder, command))[^1]);

        File.WriteAllLines(Path.Combine(folder, "study.cs"),
        [
            .. Document.Directives(ReadMe).Select(line => line.Replace("@*", $"@{packages.Version}")), Document.FirstBlock(ReadMe),
        ]);
        Says(Promised, Type(folder, "dotnet run study.cs -- Heads/model"));
    }

    /// <summary>The template references the one libtorch that is needed; <c>Interventions.Cpu</c> brings it among others.</summary>
    [SourcesTheory]
    [InlineData("win-x64", "torch_cpu.dll")]
    [InlineData("osx-arm64", "libtorch_cpu.dylib")]
    public void A_program_is_restored_for_another_platform(string platform, string library)
    {
        string folder = nothing.NewFolder(platform), heads = Path.Combine(folder, "Heads");
        foreach (string command in Commands[..2])
            Type(folder, command);
        Assert.Equal(library, Restored());

        string project = Path.Combine(heads, "Heads.csproj"), text = File.ReadAllText(project);
        string reference = $"<PackageReference Include=\"Interventions.Cpu\" Version=\"{packages.Version}\" />";
        File.WriteAllText(project, text.Replace(TwoReferences().Match(text).Value, reference));
        Assert.Equal(library, Restored());

        // libtorch among the native files of the program.
        string Restored()
        {
            // The packs of the runtime that a published program takes along are no matter of ours.
            Type(folder, $"dotnet restore Heads -r {platform} -p:UseAppHost=false -p:EnableRuntimePackDownload=false");
            using var assets = JsonDocument.Parse(File.ReadAllText(Path.Combine(heads, "obj", "project.assets.json")));
            IEnumerable<string> natives =
                from package in assets.RootElement.GetProperty("targets").GetProperty($"net10.0/{platform}").EnumerateObject()
                where package.Value.TryGetProperty("native", out _)
                from file in package.Value.GetProperty("native").EnumerateObject()
                select file.Name;
            return Path.GetFileName(Assert.Single(natives, name => name.Contains("torch_cpu.", StringComparison.Ordinal)));
        }
    }

    /// <summary>Types a command. The template is not installed on the machine, and a version for tests must be named.</summary>
    private string Type(string folder, string command)
    {
        string[] words = command.Replace("Interventions.Templates", $"Interventions.Templates@{packages.Version}").Split(' ');
        Assert.Equal("dotnet", words[0]);
        string[] hive = words[1] == "new" ? ["--debug:custom-hive", Path.Combine(folder, "hive")] : [];
        (int code, string output) = Packages.Dotnet(folder, [("NUGET_PACKAGES", nothing.Cache)], [.. words[1..], .. hive]);
        Assert.True(code == 0, output);
        Assert.DoesNotContain("warning", output);
        return output;
    }

    /// <summary>An output begins with some lines; another processor may round the last digits otherwise.</summary>
    private static void Says(string[] lines, string output)
    {
        string[] said = output.Split('\n')[..lines.Length];
        Assert.Equal(lines.Select(line => Numbers().Replace(line, "#")), said.Select(line => Numbers().Replace(line, "#")));
        foreach ((double promised, double number) in lines.SelectMany(Values).Zip(said.SelectMany(Values)))
            Assert.Equal(promised, number, 0.001);

        static IEnumerable<double> Values(string line) =>
            Numbers().Matches(line).Select(number => double.Parse(number.Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"-?\d+\.\d+")]
    private static partial Regex Numbers();

    [GeneratedRegex(@"<PackageReference.*/>\s*<PackageReference.*/>")]
    private static partial Regex TwoReferences();

    /// <summary>A package cache that is empty at first.</summary>
    public sealed class Nothing : IDisposable
    {
        private readonly string _root = Directory.CreateTempSubdirectory("interventions-nothing-").FullName;

        public Nothing(Packages packages) => File.WriteAllText(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="packed" value="{packages.Feed}" /></packageSources>
            </configuration>
            """);

        public string Cache => Path.Combine(_root, "packages");

        public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

        public void Dispose() => Directory.Delete(_root, recursive: true);
    }
}
