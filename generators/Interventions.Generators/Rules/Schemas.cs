using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Runtime;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks the names that a schema declares: a path must be able to spell each, and each is declared once.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Schemas() : RuleAnalyzer(InvalidSchema)
{
    public static readonly DiagnosticDescriptor InvalidSchema = Rule.Name("INV013", "Not a schema");

    protected override void Register(AnalysisContext context) => context.RegisterSymbolAction(
        static symbol =>
        {
            foreach (Problem problem in Check((INamedTypeSymbol)symbol.Symbol))
                symbol.ReportDiagnostic(problem.ToDiagnostic(symbol.Options));
        },
        SymbolKind.NamedType);

    private static IEnumerable<Problem> Check(INamedTypeSymbol type)
    {
        var sites = new HashSet<string>();
        var axes = new HashSet<string>();
        AttributeData? elsewhere = SchemaReader.SiteOfAnotherPart(type);
        foreach (AttributeData attribute in type.GetAttributes())
        {
            string? message =
                attribute.Is(KnownNames.Site) ? Site(attribute.Text(0), sites) ?? (attribute == elsewhere ? Parts(type) : null) :
                attribute.Is(KnownNames.Axis) ? Axis(attribute, axes) :
                attribute.Is(KnownNames.PromptSchema) ? Prompts(VocabularyReader.Read(type, attribute)) :
                attribute.Is(KnownNames.ModelSchema) ? Layers(SchemaReader.Read(type)) :
                null;
            if (message is not null)
                yield return new Problem(InvalidSchema, attribute.Location() ?? Location.None, message);
        }
    }

    private static string? Site(string path, HashSet<string> known)
    {
        if (!SitePath.TryParse(path, out SitePath? site, out SiteProblem? problem))
            return problem.Message;
        if (site.Selectors.Count > 0)
            return $"'{path}' has a selector; a site is named whole";
        foreach (PathSegment segment in site.Segments)
            if (segment.Indices is { Selection: var indices } && (indices.Placeholder != "layer" || indices.Items.Count > 0))
                return $"'{path}' has other indices than '{{layer}}'";
        if (site.Segments.Count(segment => segment.Indices is not null) > 1)
            return $"'{path}' has two layers";
        return known.Add(path) ? null : $"site '{path}' is declared twice";
    }

    private static string Parts(INamedTypeSymbol type) =>
        $"the sites of '{type.Name}' stand at several parts of the type, which have no order among each other; "
        + "list them at one part, in the order of computation";

    private static string? Axis(AttributeData attribute, HashSet<string> known) =>
        !IsName(attribute.Text(0)) ? $"'{attribute.Text(0)}' is not a name that a path can have" :
        attribute.ConstructorArguments.Length > 1 && attribute.ConstructorArguments[1].Value is int and < 1
            ? $"axis '{attribute.Text(0)}' needs at least one index" :
        known.Add(attribute.Text(0)) ? null : $"axis '{attribute.Text(0)}' is declared twice";

    private static string? Layers(ModelSchema schema) =>
        schema.SizeOf("layer") is null && schema.Sites.FirstOrDefault(site => site.Path.Contains("{layer}")) is { } layered
            ? $"'{layered.Path}' has a layer, and nothing says how many there are: [Axis(\"layer\", …)] is missing"
            : null;

    private static string? Prompts(PromptVocabulary vocabulary) =>
        vocabulary.Runs.Count == 0 ? $"'{vocabulary.PromptSet}' needs at least one run" :
        vocabulary.Positions.FirstOrDefault(Sites.NewTokens.IsReserved) is { } reserved
            ? $"'{reserved}' is a position of every prompt set; choose another name" :
        Listed("run", vocabulary.Runs) ?? Listed("position", vocabulary.Positions) ?? Listed("answer", vocabulary.Answers);

    private static string? Listed(string what, EquatableArray<string> names)
    {
        var known = new HashSet<string>();
        foreach (string name in names)
            if (!IsName(name))
                return $"{what} '{name}' is not a name that a path can have: letters, digits and '_', a letter first";
            else if (!known.Add(name))
                return $"{what} '{name}' is declared twice";
        return null;
    }

    private static bool IsName(string text) =>
        SitePath.TryParse(text, out SitePath? path, out _) && path.Segments.Count == 1 && path.Segments[0].Name == text;
}
