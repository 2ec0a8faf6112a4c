using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml.Linq;

namespace Interventions.PackageTests;

/// <summary>
/// The packages, packed once from this source with a version of their own, and folders outside the repository that consume nothing else.
/// </summary>
public sealed class Packages : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("interventions-packages-").FullName;

    public Packages()
    {
        Version = string.Create(CultureInfo.InvariantCulture, $"0.0.1-test.{DateTime.UtcNow:yyyyMMddHHmmss}.{Environment.ProcessId}");
        // Of the tool the package without libtorch: the others are half a gigabyte each.
        Pack(
            Path.Combine(Repository, "Packages.slnf"), Version, $"-p:ScratchOutput={_root}/build", "-p:RunAnalyzers=false",
            "-p:ToolPlatforms=any");
        File.WriteAllText(Path.Combine(_root, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{_root}/packages" /></config>
              <packageSources><clear /><add key="packed" value="{Feed}" /><add key="restored" value="{Restored}" /></packageSources>
              <fallbackPackageFolders><clear /></fallbackPackageFolders>
            </configuration>
            """);
    }

    public static string Repository { get; } = FindRepository();

    /// <summary>A trained checkpoint.</summary>
    public static string Model { get; } = Path.Combine(Repository, "examples/TrainNames/model");

    public string Version { get; }

    /// <summary>The packed packages, and those that tests add.</summary>
    public string Feed => Path.Combine(_root, "feed");

    /// <summary>What a program that computes references beside our package: libtorch for this platform.</summary>
    public static (string Id, string Version) Natives { get; } = OperatingSystem.IsLinux()
        && RuntimeInformation.OSArchitecture == Architecture.X64
        ? ("libtorch-cpu-linux-x64", VersionOf("libtorch-cpu-linux-x64"))
        : ("TorchSharp-cpu", VersionOf("TorchSharp-cpu"));

    /// <summary>What the repository was restored from the feed: a source of the packages of others that needs no network.</summary>
    private static string Restored => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    /// <summary>An empty folder that sees only the packed packages and those of others.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    /// <summary>A folder with a console project that references Interventions.Models.</summary>
    public string NewFolder(string name, string program, string properties = "") =>
        NewProject(name, program, $"<OutputType>Exe</OutputType>{properties}", ("Interventions.Models", Version), Natives);

    /// <summary>A folder with a project of one file, as <c>dotnet new</c> makes it; warnings are errors.</summary>
    public string NewProject(string name, string source, string properties, params (string Id, string Version)[] references)
    {
        string folder = NewFolder(name);
        File.WriteAllText(Path.Combine(folder, $"{name}.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                {string.Concat(references.Select(Reference))}
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), source);
        return folder;

        static string Reference((string Id, string Version) package) =>
            $"<PackageReference Include=\"{package.Id}\" Version=\"{package.Version}\" />";
    }

    /// <summary>Packs a project into the feed.</summary>
    public void Pack(string project, string version, params string[] arguments)
    {
        (int code, string output) = Dotnet(_root,
        [
            "pack", project, "--configuration", "Release", "-nologo", "--verbosity", "quiet", $"-p:Version={version}", "--output", Feed,
            .. arguments,
        ]);
        if (code != 0)
            throw new InvalidOperationException($"{project} does not pack:\n{output}");
    }

    /// <summary>Runs the SDK; everything that it printed.</summary>
    public static (int Code, string Output) Dotnet(string folder, params string[] arguments) => Dotnet(folder, [], arguments);

    /// <summary>The same with variables of the environment.</summary>
    public static (int Code, string Output) Dotnet(string folder, (string Name, string Value)[] environment, params string[] arguments) =>
        Run(folder, "dotnet", arguments, environment);

    /// <summary>Runs a program; everything that it printed.</summary>
    public static (int Code, string Output) Run(
        string folder, string program, string[] arguments, params (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment.Remove("RestoreLockedMode");
        // Natives take 500 MB, and there are many programs.
        start.Environment["CreateSymbolicLinksForCopyLocalIfPossible"] = "true";
        foreach ((string name, string value) in environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        StringBuilder output = new();
        process.OutputDataReceived += (_, line) => Append(line.Data);
        process.ErrorDataReceived += (_, line) => Append(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.WaitForExit();
        return (process.ExitCode, output.ToString());

        void Append(string? line)
        {
            lock (output)
                output.AppendLine(line);
        }
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    public static string VersionOf(string package) =>
        XDocument.Load(Path.Combine(Repository, "Directory.Packages.props")).Descendants("PackageVersion")
        .Single(element => element.Attribute("Include")?.Value == package).Attribute("Version")!.Value;

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Interventions.sln")))
                return folder.FullName;
        throw new InvalidOperationException($"No Interventions.sln above {AppContext.BaseDirectory}.");
    }
}

/// <summary>All tests share one set of packages.</summary>
[CollectionDefinition(nameof(Packages))]
public sealed class PackagesCollection : ICollectionFixture<Packages>;
