using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Tests.Rules;

/// <summary>A rule id is one descriptor, one page, one row of index and release notes each, and tests that fire and do not.</summary>
public sealed class RulebookTests
{
    private static readonly List<DiagnosticDescriptor> s_rules =
        [.. Analysis.Analyzers.SelectMany(analyzer => analyzer.SupportedDiagnostics).OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    private static readonly string[] s_ids = [.. s_rules.Select(rule => rule.Id)];

    /// <summary>What no analyzer says, but the package's part of a build.</summary>
    private static readonly string[] s_buildIds =
    [
        .. Regex.Matches(Targets, "Code=\"(INV4[0-9]+)\"").Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal),
    ];

    [Fact]
    public void A_rule_is_one_descriptor_of_one_analyzer()
    {
        Assert.InRange(s_ids.Length, 60, 999);
        Assert.Equal(s_ids.Distinct(), s_ids);
        Assert.Equal(s_rules.Count, s_rules.Select(rule => rule.Title.ToString(null)).Distinct().Count());
    }

    [Fact]
    public void A_rule_has_a_page_whose_gist_is_its_description()
    {
        Assert.All(s_rules, rule =>
        {
            string page = Path.Combine(Generators, "rules", rule.Id + ".md");
            Assert.True(File.Exists(page), $"{page} is missing.");
            Assert.StartsWith($"# {rule.Id}: {rule.Title}\n", File.ReadAllText(page), StringComparison.Ordinal);
            // Its first paragraph is the description, in one line.
            string gist = File.ReadAllText(page).Split("\n\n")[1].Replace('\n', ' ');
            Assert.Equal(gist, rule.Description.ToString(null));
            Assert.DoesNotContain("```", gist, StringComparison.Ordinal);
            Assert.Empty(rule.HelpLinkUri);
        });
        Assert.Equal(
            s_ids.Concat(s_buildIds).Select(id => id + ".md").Append("README.md").Order(),
            Directory.GetFiles(Path.Combine(Generators, "rules")).Select(Path.GetFileName).Order());
    }

    /// <summary>A page says what and why in its first paragraphs, and shows how to mend it.</summary>
    [Fact]
    public void A_page_shows_what_is_right() => Assert.All(s_ids, id =>
    {
        string page = File.ReadAllText(Path.Combine(Generators, "rules", id + ".md"));
        Assert.Matches("```(csharp|json|xml)\n", page);
        Assert.Matches("(//|<!--) (wrong|slow)", page);
    });

    /// <summary>The package says in which folder its pages lie.</summary>
    [Theory]
    [InlineData("/packages/rules/", "file:///packages/rules/INV003.md")]
    [InlineData(null, "")]
    public async Task A_diagnostic_links_to_the_page_in_the_package(string? folder, string link)
    {
        Compilation study = Compilations.Generate(Compilations.Of(
            Sources.Model, Sources.Prompts, Sources.Intervention("""[Patch("blocks.7.mlp_out")] static Tensor P(Tensor x) => x;""")));
        ImmutableArray<Diagnostic> found = await study
            .WithAnalyzers(Analysis.Analyzers, new AnalyzerOptions([], new PackageOptions(folder))).GetAnalyzerDiagnosticsAsync();
        Assert.Equal(("INV003", link), (Assert.Single(found).Id, found[0].Descriptor.HelpLinkUri));
    }

    /// <summary>
    /// A compiler stops before all analyzers where a declaration is in error. So our own mistakes must leave none behind: what is generated
    /// is complete, whatever an analyzer says.
    /// </summary>
    [Theory]
    [InlineData("""[Patch("blocks.7.mlp_out")] static Tensor P(Tensor x) => x;""", "")]
    [InlineData("""[Patch("embed")] static int P(Tensor x, int y) => y;""", "")]
    [InlineData("""[Add("embed")] public required double D { get; init; }""", "")]
    [InlineData("""[Include] public required string It { get; init; }""", "")]
    [InlineData("""[Capture("embed")] static Tensor Clean(Tensor x) => x; [Metric] static Tensor Clean() => zeros(1);""", "")]
    [InlineData("", """[PathPatch("x", "y", In = "z"), Mean("embed", Over = "Nobody")]""")]
    [InlineData("""[Splice("embed[pos=end]")] public required Tensor Sae { get; init; }""", "")]
    public void A_mistake_leaves_no_error_that_hides_others(string members, string attributes)
    {
        Compilation generated = Compilations.Generate(Compilations.Of(
            Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes),
            "namespace Study; public static class User { public static Probe.Result? Kept; public static Probe.Generation? Text; }"));
        Assert.Empty(generated.GetDeclarationDiagnostics().Where(found => found.Severity == DiagnosticSeverity.Error));
    }

    [Fact]
    public void A_rule_is_one_row_of_the_index()
    {
        IEnumerable<string> rows = File.ReadAllLines(Path.Combine(Generators, "rules", "README.md"))
            .Where(line => line.StartsWith("| [INV", StringComparison.Ordinal));
        Assert.Equal(
            s_rules.Select(rule => $"[{rule.Id}]({rule.Id}.md) | {rule.Title}")
                .Concat(s_buildIds.Select(id => $"[{id}]({id}.md) | {PageTitle(id)}")),
            rows.Select(row => string.Join('|', row.Split('|')[1..3]).Trim()));
    }

    [Fact]
    public void A_rule_is_one_row_of_the_release_notes()
    {
        IEnumerable<string> rows = new[] { "AnalyzerReleases.Shipped.md", "AnalyzerReleases.Unshipped.md" }
            .SelectMany(file => File.ReadAllLines(Path.Combine(Generators, "Interventions.Generators", file)))
            .Where(line => line.StartsWith("INV", StringComparison.Ordinal));
        Assert.Equal(
            s_rules.Select(rule => $"{rule.Id} | {rule.Category} | {rule.DefaultSeverity} | {rule.Title}"),
            rows.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Only_rules_of_names_cannot_be_switched_off() =>
        Assert.All(s_rules, rule => Assert.Equal(
            rule.Category == "Interventions.Names", rule.CustomTags.Contains(WellKnownDiagnosticTags.NotConfigurable)));

    /// <summary>One analyzer reports several rules; each of them has a severity of its own.</summary>
    [Theory]
    [InlineData(
        "INV103",
        """[Patch("embed")] static Tensor P(Tensor x, Tensor y) => x; [Patch("embed")] static Tensor {|INV107:Q|}<T>(Tensor x) => x;""")]
    [InlineData(
        "INV107",
        """[Patch("embed")] static Tensor P(Tensor x, Tensor {|INV103:y|}) => x; [Patch("embed")] static Tensor Q<T>(Tensor x) => x;""")]
    public Task A_rule_is_switched_off_alone(string id, string members) =>
        new Analysis(Sources.Model, Sources.Prompts, Sources.Intervention(members)) { DisabledDiagnostics = { id } }.RunAsync();

    [Theory]
    [InlineData("0", "Interventions.Names")]
    [InlineData("1", "Interventions.Signatures")]
    [InlineData("2", "Interventions.Composition")]
    [InlineData("3", "Interventions.Memory")]
    public void A_rule_is_numbered_by_its_category(string digit, string category) =>
        Assert.Equal(s_ids.Where(id => id[3..4] == digit), s_rules.Where(rule => rule.Category == category).Select(rule => rule.Id));

    /// <summary>A test class per topic: its tests that fire name the rule, and others assert that correct code is silent.</summary>
    [Fact]
    public void A_rule_has_tests_that_fire_and_tests_that_do_not()
    {
        Dictionary<string, string> texts = Directory.GetFiles(Here(), "*Tests.cs")
            .Where(file => Path.GetFileName(file) is not ("RulebookTests.cs" or "CodeFixTests.cs"))
            .ToDictionary(file => Path.GetFileName(file), File.ReadAllText);
        Assert.All(s_ids, id =>
        {
            string[] firing = [.. texts.Where(file => Regex.IsMatch(file.Value, $"\"{id}\"")).Select(file => file.Key)];
            Assert.NotEmpty(firing);
            Assert.Contains(firing, file => texts[file].Contains("Analysis.Check(", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void A_warning_of_the_build_links_to_its_page()
    {
        Assert.NotEmpty(s_buildIds);
        Assert.All(s_buildIds, id => Assert.Contains($"HelpLink=\"$(InterventionsRules){id}.md\"", Targets, StringComparison.Ordinal));
    }

    private static string PageTitle(string id) =>
        File.ReadLines(Path.Combine(Generators, "rules", id + ".md")).First()[$"# {id}: ".Length..];

    private static string Targets => File.ReadAllText(Path.Combine(Generators, "..", "src", "Interventions", "Interventions.targets"));

    private static string Generators => Path.Combine(Here(), "..", "..", "..", "generators");

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    /// <summary>What a package's targets say to analyzers.</summary>
    private sealed class PackageOptions(string? folder) : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions { get; } = new Properties(folder);

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => GlobalOptions;

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) => GlobalOptions;

        private sealed class Properties(string? folder) : AnalyzerConfigOptions
        {
            public override bool TryGetValue(string key, out string value)
            {
                value = folder!;
                return folder is not null && key == "build_property.InterventionsRules";
            }
        }
    }
}
