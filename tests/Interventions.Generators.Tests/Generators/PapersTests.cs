using System.Runtime.CompilerServices;
using Interventions.Generators.Tests.Testing;
using Interventions.Testing;
using Interventions.Testing.Support;

namespace Interventions.Generators.Tests.Generators;

/// <summary>The interventions of papers are short, and so is what is generated for them.</summary>
public sealed class PapersTests
{
    private static readonly string[] s_shared = ["Vocabulary", "Studies", "Program"];

    public static TheoryData<string> Papers =>
        [.. Directory.GetFiles(Folder(), "*.cs").Select(file => Path.GetFileNameWithoutExtension(file)).Except(s_shared).Order(
            StringComparer.Ordinal)];

    [Fact]
    public void There_are_enough_of_them() => Assert.InRange(Papers.Count, 12, 100);

    [Theory]
    [MemberData(nameof(Papers))]
    public void Generated_code_reads_like_written_code(string paper)
    {
        string source = Source(paper);
        string[] type = [.. source.Split('\n').SkipWhile(line => !line.StartsWith('['))];
        Assert.InRange(type.Length, 5, 40);

        string generated = Compilations.GeneratedText(Source("Vocabulary"), source).Split("// =====").Single(
            text => text.Contains($"{paper}.g.cs", StringComparison.Ordinal));
        Assert.InRange(generated.Split('\n').Length, 40, 130);
        Snapshot.Verify(generated, method: paper);
    }

    /// <summary>The README's first declaration, with a gradient.</summary>
    [Fact]
    public void The_first_example_stays_short()
    {
        string source = Sources.HeadSweep.Replace("""
            [Metric]
        """, """
            [Gradient("blocks.*.attn.z")]
            static Tensor Attribution(Tensor gradient, Tensor z, [From("corrupted")] Tensor corrupted) => (gradient * (corrupted - z)).sum(-1);

            [Metric]
        """, StringComparison.Ordinal);
        Assert.Contains("[Gradient", source, StringComparison.Ordinal);
        string generated = Compilations.GeneratedText(Sources.Model, Sources.Prompts, source).Split("// =====").Single(
            text => text.Contains("HeadSweep.g.cs", StringComparison.Ordinal));
        Assert.InRange(generated.Trim().Split('\n').Length, 40, 119);
    }

    private static string Source(string name) => File.ReadAllText(Path.Combine(Folder(), name + ".cs"));

    private static string Folder([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "../../../examples/Papers"));
}
