using System.Text.Json;

namespace Interventions.PackageTests;

/// <summary>TorchSharp as the package brings it.</summary>
[Collection(nameof(Packages))]
public sealed class TorchTests(Packages packages)
{
    private const string Sum = "using TorchSharp;\n\nConsole.WriteLine(torch.ones(3).sum().item<float>());";

    /// <summary>Nothing of ours is touched, and yet torch loads, on a system whose libstdc++ is too old for it too.</summary>
    [Fact]
    public void A_program_whose_only_line_is_a_torch_call_runs()
    {
        string folder = packages.NewProject(
            "three-lines", Sum, "<OutputType>Exe</OutputType>", ("Interventions", packages.Version), Packages.Natives);
        (int code, string output) = Packages.Dotnet(folder, "run");
        Assert.True(code == 0, output);
        Assert.Equal("3", output.Trim());
        // As much of a program as is published or copied elsewhere.
        Assert.Contains(
            "\"System.GC.Concurrent\": false", File.ReadAllText(Path.Combine(folder, "bin/Debug/net10.0/three-lines.runtimeconfig.json")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_test_project_whose_first_line_is_a_torch_call_runs()
    {
        string folder = packages.NewProject("tested", """
            using TorchSharp;
            using Xunit;

            public sealed class Tests
            {
                [Fact]
                public void Adds() => Assert.Equal(3, torch.ones(3).sum().item<float>());
            }
            """, "<IsPackable>false</IsPackable>", ("Interventions", packages.Version), Packages.Natives,
            ("Microsoft.NET.Test.Sdk", "18.0.1"),
            ("xunit", "2.9.3"), ("xunit.runner.visualstudio", "3.1.5"));
        (int code, string output) = Packages.Dotnet(folder, "test", "-nologo");
        Assert.True(code == 0, output);
    }

    /// <summary>One sentence that says what to do, before TorchSharp's own page of text.</summary>
    [Fact]
    public void Without_libtorch_the_build_and_the_program_say_what_to_reference()
    {
        string folder = packages.NewProject("no-libtorch", Sum, "<OutputType>Exe</OutputType>", ("Interventions", packages.Version));
        string warning = Assert.Single(Warnings(folder));
        Assert.Contains("no-libtorch.csproj : warning INV401: no-libtorch has no libtorch for ", warning, StringComparison.Ordinal);
        Assert.Contains("Add the package Interventions.Cpu ", warning, StringComparison.Ordinal);
        Assert.Contains($"{Packages.VersionOf("libtorch-cpu-linux-x64")} alone", warning, StringComparison.Ordinal);
        if (!OperatingSystem.IsLinux())
            return; // Elsewhere TorchSharp's own message is all that the program says.
        // TorchSharp looks into the package folder of the user, and copies what it finds there beside the program.
        (int code, string output) = Packages.Dotnet(folder, [("NUGET_PACKAGES", folder)], "bin/Debug/net10.0/no-libtorch.dll");
        Assert.NotEqual(0, code);
        string sentence = Assert.Single(
            output.Split('\n'), line => line.StartsWith("TorchSharp does not load: ", StringComparison.Ordinal));
        Assert.StartsWith(
            "TorchSharp does not load: libc10.so is missing. Reference the package Interventions.Cpu, or libtorch-cpu-linux-x64 ", sentence,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_and_a_program_that_declines_are_not_warned_of_a_missing_libtorch()
    {
        string folder = packages.NewProject(
            "no-libtorch-library", "public sealed class Nothing;", "", ("Interventions", packages.Version));
        Assert.Empty(Warnings(folder));
        File.WriteAllText(Path.Combine(folder, "Program.cs"), Sum);
        Assert.Single(Warnings(folder, "-p:OutputType=Exe"));
        Assert.Empty(Warnings(folder, "-p:OutputType=Exe", "-p:NoWarn=INV401"));
    }

    /// <summary>libtorch is there, but for the machine that builds and not for the one that runs.</summary>
    [Fact]
    public void A_program_for_another_platform_than_that_of_its_libtorch_is_warned()
    {
        string folder = packages.NewProject(
            "elsewhere", Sum, "<OutputType>Exe</OutputType>", ("Interventions", packages.Version), Packages.Natives);
        Assert.Empty(Warnings(folder));
        // Built for that platform, and built for all on a machine of that platform.
        foreach (string property in new[] { "RuntimeIdentifier", "NETCoreSdkPortableRuntimeIdentifier" })
        {
            string warning = Assert.Single(Warnings(folder, $"-p:{property}=linux-arm64", "-p:UseAppHost=false"));
            Assert.Contains("elsewhere has no libtorch for linux-arm64", warning, StringComparison.Ordinal);
        }
    }

    private static string[] Warnings(string folder, params string[] arguments)
    {
        (int code, string output) = Packages.Dotnet(folder, ["build", "-nologo", "--verbosity", "quiet", .. arguments]);
        Assert.True(code == 0, output);
        return [.. output.Split('\n').Where(line => line.Contains("warning ", StringComparison.Ordinal)).Distinct()];
    }

    /// <summary>What a program and a library of this repository reference, for each choice of torch and kind of machine.</summary>
    [Theory]
    [InlineData("cpu", "linux-x64", "libtorch-cpu-linux-x64")]
    [InlineData("cpu", "other", "TorchSharp-cpu")]
    [InlineData("cuda-linux", "linux-x64", "TorchSharp-cuda-linux")]
    public void A_program_references_the_natives_of_its_platform_and_a_library_none(string torch, string platform, string natives)
    {
        string[] all = ["libtorch-cpu-linux-x64", "TorchSharp-cpu", "TorchSharp-cuda-linux"];
        foreach (string program in new[] { "examples/IndirectObject", "tests/Interventions.Tests", "tests/Interventions.Benchmarks" })
        {
            Assert.Equal([natives], References(program).Intersect(all));
            Assert.Contains("TorchSharp", References(program));
        }
        Assert.Empty(References("src/Interventions").Intersect(all));
        Assert.Contains("TorchSharp", References("src/Interventions"));
        Assert.All(all, package => Packages.VersionOf(package));

        string[] References(string project)
        {
            (int code, string output) = Packages.Dotnet(
                Packages.Repository, "msbuild", Path.Combine(project, $"{Path.GetFileName(project)}.csproj"), "-nologo",
                "-getItem:PackageReference", $"-p:Torch={torch}", $"-p:TorchPlatform={platform}");
            Assert.True(code == 0, output);
            return [.. JsonDocument.Parse(output).RootElement.GetProperty("Items").GetProperty("PackageReference").EnumerateArray().Select(
                item => item.GetProperty("Identity").GetString()!)];
        }
    }
}
