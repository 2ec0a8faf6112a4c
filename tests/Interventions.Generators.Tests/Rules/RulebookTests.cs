using System.Runtime.CompilerServices;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Tests.Rules;

/// <summary>Every rule is documented, released, and configurable exactly where it should be.</summary>
public sealed class RulebookTests
{
    private static readonly List<DiagnosticDescriptor> Rules =
        [.. Analysis.Analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics).OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    [Fact]
    public void EachAnalyzerHasOneRuleOfItsOwn()
    {
        Assert.All(Analysis.Analyzers, analyzer => Assert.Single(analyzer.SupportedDiagnostics));
        Assert.Equal(Rules.Count, Rules.Select(rule => rule.Id).Distinct().Count());
    }

    [Fact]
    public void EachRuleHasAPageThatItLinksTo()
    {
        Assert.All(Rules, rule =>
        {
            string page = Path.Combine(Generators, "rules", rule.Id + ".md");
            Assert.True(File.Exists(page), $"{page} is missing.");
            Assert.StartsWith($"# {rule.Id}: {rule.Title}", File.ReadAllText(page), StringComparison.Ordinal);
            Assert.Equal($"generators/rules/{rule.Id}.md", rule.HelpLinkUri);
        });
        Assert.Equal(Rules.Select(rule => rule.Id + ".md").Append("README.md").Order(), Directory.GetFiles(Path.Combine(Generators, "rules")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void EachRuleIsInTheIndex()
    {
        string index = File.ReadAllText(Path.Combine(Generators, "rules", "README.md"));
        Assert.All(Rules, rule => Assert.Contains($"| [{rule.Id}]({rule.Id}.md) | {rule.Title} |", index, StringComparison.Ordinal));
        Assert.Equal(Rules.Count, index.Split('\n').Count(line => line.StartsWith("| [INV", StringComparison.Ordinal)));
    }

    [Fact]
    public void EachRuleIsInTheReleaseNotes()
    {
        string releases = File.ReadAllText(Path.Combine(Generators, "Interventions.Generators", "AnalyzerReleases.Unshipped.md"))
            + File.ReadAllText(Path.Combine(Generators, "Interventions.Generators", "AnalyzerReleases.Shipped.md"));
        Assert.All(Rules, rule => Assert.Contains($"{rule.Id} | {rule.Category} | {rule.DefaultSeverity} | {rule.Title}\n", releases, StringComparison.Ordinal));
    }

    [Fact]
    public void NamesCannotBeSwitchedOff() =>
        Assert.All(Rules, rule => Assert.Equal(
            rule.Id.StartsWith("INV0", StringComparison.Ordinal), rule.CustomTags.Contains(WellKnownDiagnosticTags.NotConfigurable)));

    [Fact]
    public void EachRuleFiresInATest()
    {
        string tests = string.Concat(Directory.GetFiles(Here(), "*RuleTests.cs").Select(File.ReadAllText));
        Assert.All(Rules, rule => Assert.Contains($"\"{rule.Id}\"", tests, StringComparison.Ordinal));
    }

    private static string Generators => Path.Combine(Here(), "..", "..", "..", "generators");

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
