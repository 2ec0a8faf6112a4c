using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Interventions.PackageTests;

/// <summary>The packages, packed once from this source with a version of their own, and folders outside the repository that consume nothing else.</summary>
public sealed class Packages : IDisposable
{
    private static readonly string[] Projects =
        ["src/TorchSharp.Compat", "src/Tokenizers.Compat", "src/Interventions", "src/Interventions.Models"];

    private readonly string _root = Directory.CreateTempSubdirectory("interventions-packages-").FullName;

    public Packages()
    {
        Version = string.Create(CultureInfo.InvariantCulture, $"0.0.1-test.{DateTime.UtcNow:yyyyMMddHHmmss}.{Environment.ProcessId}");
        foreach (string project in Projects)
        {
            (int code, string output) = Dotnet(
                Repository, "pack", project, "--configuration", "Release", "-nologo", "--verbosity", "quiet",
                $"-p:Version={Version}", $"-p:ScratchOutput={_root}/build", "--output", Feed);
            if (code != 0)
                throw new InvalidOperationException($"{project} does not pack:\n{output}");
        }
    }

    public static string Repository { get; } = FindRepository();

    public string Version { get; }

    private string Feed => Path.Combine(_root, "feed");

    /// <summary>An empty folder that sees only the packed packages, with a console project that references Interventions.Models.</summary>
    public string NewFolder(string name, string program, string properties = "")
    {
        string folder = Directory.CreateDirectory(Path.Combine(_root, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <config><add key="globalPackagesFolder" value="{_root}/packages" /></config>
              <packageSources><clear /><add key="packed" value="{Feed}" /></packageSources>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(folder, "study.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <Nullable>enable</Nullable>
                <ImplicitUsings>enable</ImplicitUsings>
                {properties}
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Interventions.Models" Version="{Version}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(folder, "Program.cs"), program);
        return folder;
    }

    /// <summary>Runs the SDK; everything that it printed.</summary>
    public static (int Code, string Output) Dotnet(string folder, params string[] arguments)
    {
        ProcessStartInfo start = new("dotnet", arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment.Remove("RestoreLockedMode");
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

    private static string FindRepository()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Interventions.sln")))
                return folder.FullName;
        throw new InvalidOperationException($"No Interventions.sln above {AppContext.BaseDirectory}.");
    }
}
