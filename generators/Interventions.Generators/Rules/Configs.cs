using Interventions.Generators.Configs;
using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Models.Families;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Rules;

/// <summary>Checks <c>[HookedModel]</c> classes and the files that they name: a class at its attribute, a file inside the file.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Configs() : RuleAnalyzer(MissingConfig, ConfigSyntax, InvalidConfig, UnfitClass)
{
    public static readonly DiagnosticDescriptor MissingConfig = Rule.Name("INV014", "The configuration is missing");

    public static readonly DiagnosticDescriptor ConfigSyntax = Rule.Name("INV015", "The configuration is not JSON");

    public static readonly DiagnosticDescriptor InvalidConfig = Rule.Name("INV016", "The configuration describes no supported model");

    public static readonly DiagnosticDescriptor UnfitClass = Rule.Name("INV017", "The class does not fit its configuration");

    protected override void Register(AnalysisContext context)
    {
        context.RegisterSymbolAction(Class, SymbolKind.NamedType);
        context.RegisterCompilationStartAction(static start =>
        {
            // Most JSON files of a project are no configurations, and most projects have none: the classes are looked for when a JSON file
            // comes.
            var names = new Lazy<IReadOnlyList<string>>(() => Names(start.Compilation, start.CancellationToken));
            start.RegisterAdditionalFileAction(file => File(file, names));
        });
    }

    private static void Class(SymbolAnalysisContext context)
    {
        var type = (INamedTypeSymbol)context.Symbol;
        if (type.Attribute(KnownNames.HookedModel) is not { } attribute)
            return;
        var name = DeclaredText.Argument(attribute, 0);
        List<ConfigSpec> named = context.Options.AdditionalFiles
            .Where(file => ConfigParser.IsCandidate(file) && ConfigPath.IsNamed(file.Path, name.Value))
            .Select(file => ConfigParser.Parse(file, context.CancellationToken)).ToList();
        if (Missing(name.Value, named) is { } missing)
            context.ReportDiagnostic(new Problem(MissingConfig, name.Location, missing).ToDiagnostic(context.Options));
        if (Unfit(type, name.Value, named) is { } unfit)
            context.ReportDiagnostic(new Problem(UnfitClass, name.Location, unfit).ToDiagnostic(context.Options));
    }

    private static string? Missing(string name, List<ConfigSpec> named)
    {
        string paths = string.Join(", ", named.Select(config => config.Path).OrderBy(path => path, StringComparer.Ordinal));
        return named.Count switch
        {
            0 => $"no file '{name}' among the project's AdditionalFiles: <AdditionalFiles Include=\"{name}\" /> is missing",
            1 => null,
            _ => $"'{name}' is the end of several files' paths ({paths}); write more of the path",
        };
    }

    private static string? Unfit(INamedTypeSymbol type, string name, List<ConfigSpec> named)
    {
        if (type.Attribute(KnownNames.ModelSchema) is { ApplicationSyntaxReference.SyntaxTree: var tree } && !tree.IsGenerated())
            return $"'{type.Name}' has [ModelSchema] too; its sizes come from one of the two";
        if (named.Count != 1 || named[0].ModelType is not { } modelType)
            return null;
        if (ModelSchemaParser.FamilyClass(type) is (string own, DecoderFamily family))
        {
            return family.ModelType != modelType
                    ? $"'{type.Name}' is a {Last(own)}, and '{name}' describes a model of type '{modelType}'"
                : named[0].ModelClass is { } described && described != own
                    ? $"'{type.Name}' is a {Last(own)}, and '{name}' describes a model with the sites of a {Last(described)}"
                : null;
        }
        // The generator writes the base of a class that has none, where it finds it.
        return type.BaseType is { SpecialType: SpecialType.System_Object }
            ? $"'{type.Name}' has no base, and Interventions.Models is not referenced"
            : null;
    }

    private static void File(AdditionalFileAnalysisContext context, Lazy<IReadOnlyList<string>> names)
    {
        AdditionalText file = context.AdditionalFile;
        // The compiler itself says that a file is not there.
        if (ConfigParser.IsCandidate(file) && names.Value.Any(name => ConfigPath.IsNamed(file.Path, name))
            && file.GetText(context.CancellationToken) is not null
            && ConfigParser.Parse(file, context.CancellationToken).Problem is { } problem)
            context.ReportDiagnostic(
                new Problem(
                    problem.IsSyntax ? ConfigSyntax : InvalidConfig, At(file, problem, context.CancellationToken), problem.Message)
                    .ToDiagnostic(context.Options));
    }

    private static Location At(AdditionalText file, ConfigProblem problem, CancellationToken cancellation)
    {
        var span = new TextSpan(problem.Start, problem.Length);
        return file.GetText(cancellation) is { } text
            ? Location.Create(file.Path, span, text.Lines.GetLinePositionSpan(span))
            : Location.None;
    }

    /// <summary>The files that the classes of a project name as configurations.</summary>
    private static IReadOnlyList<string> Names(Compilation compilation, CancellationToken cancellation)
    {
        var names = new List<string>();
        Visit(compilation.Assembly.GlobalNamespace);
        return names;

        void Visit(INamespaceOrTypeSymbol within)
        {
            cancellation.ThrowIfCancellationRequested();
            if (within is INamedTypeSymbol && within.Attribute(KnownNames.HookedModel) is { } attribute)
                names.Add(attribute.Text(0));
            foreach (ISymbol member in within.GetMembers())
                if (member is INamespaceOrTypeSymbol inner)
                    Visit(inner);
        }
    }

    private static string Last(string name) => name.Substring(name.LastIndexOf('.') + 1);
}
