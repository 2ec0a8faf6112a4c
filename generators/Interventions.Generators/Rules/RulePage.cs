using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>
/// The page of a rule. Its first paragraph is the description of the rule's diagnostics; it is read when somebody asks for it. The pages
/// travel in the package twice: in this assembly, and as files to which diagnostics link.
/// </summary>
internal sealed class RulePage(string id) : LocalizableString
{
    /// <summary>The property of a project that says in which folder the package's pages lie.</summary>
    private const string Folder = "build_property.InterventionsRules";

    /// <summary>The rule with a link to its page; the rule itself where no package says where the pages are.</summary>
    public static DiagnosticDescriptor Linked(DiagnosticDescriptor rule, AnalyzerOptions options) =>
        options.AnalyzerConfigOptionsProvider.GlobalOptions.TryGetValue(Folder, out string? folder)
        && Uri.TryCreate(folder + rule.Id + ".md", UriKind.Absolute, out Uri? page)
            ? new DiagnosticDescriptor(
                rule.Id, rule.Title, rule.MessageFormat, rule.Category, rule.DefaultSeverity, rule.IsEnabledByDefault, rule.Description,
                page.AbsoluteUri, [.. rule.CustomTags])
            : rule;

    /// <inheritdoc/>
    protected override string GetText(IFormatProvider? formatProvider)
    {
        using Stream? page = typeof(RulePage).GetTypeInfo().Assembly.GetManifestResourceStream(id + ".md");
        if (page is null)
            return "";
        using var reader = new StreamReader(page);
        string[] paragraphs = reader.ReadToEnd().Replace("\r", "").Split(["\n\n"], StringSplitOptions.None);
        return paragraphs.Length > 1 ? paragraphs[1].Replace('\n', ' ').Trim() : "";
    }

    /// <inheritdoc/>
    protected override int GetHash() => StringComparer.Ordinal.GetHashCode(id);

    /// <inheritdoc/>
    protected override bool AreEqual(object? other) => other is RulePage page && page.Id == id;

    private string Id => id;
}
