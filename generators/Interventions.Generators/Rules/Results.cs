using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Operations;

namespace Interventions.Generators.Rules;

/// <summary>Checks the kept values: their names in the result, and the metrics that gradients are taken of.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Results() : InterventionAnalyzer(
    DuplicateResult, OneMetric, UnknownMetric, HiddenMember, UnreadParameter, NoGradient)
{
    public static readonly DiagnosticDescriptor DuplicateResult = Rule.Composition(
        "INV201", "Two results of one name", Sentences.DuplicateResult);

    public static readonly DiagnosticDescriptor OneMetric = Rule.Composition(
        "INV207", "A gradient is of one metric", "'{0}' is a gradient, and {1}");

    public static readonly DiagnosticDescriptor UnknownMetric = Rule.Composition(
        "INV208", "Unknown metric", "'{0}' has no metric '{1}'{2}");

    public static readonly DiagnosticDescriptor HiddenMember = Rule.Composition(
        "INV224", "A result that hides a run", "'{0}' would hide what every result has under that name: {1}; choose another");

    public static readonly DiagnosticDescriptor UnreadParameter = Rule.Composition(
        "INV242", "A trained value that nothing reads",
        "Nothing reads '{0}', so its gradient is 0 and no optimiser moves it: write it, as in [Add(\"…\")], or read it in a method",
        DiagnosticSeverity.Warning);

    public static readonly DiagnosticDescriptor NoGradient = Rule.Composition(
        "INV243", "A gradient of whole numbers", Sentences.WholeNumbers);

    /// <summary>Checks the sites of gradients.</summary>
    public static IEnumerable<Problem> Check(InterventionDeclaration declaration)
    {
        if (declaration.Schema is not { } schema)
            yield break;
        foreach (DeclaredMethod method in declaration.Methods.Where(method => method.Kind == NodeKind.Gradient))
            if (method.Path is { Path: { } path, Text: var text } && ResolvedPath.Of(path, schema).Site is { WholeNumbers: true })
                yield return new Problem(NoGradient, text.Location, text.Value);
    }

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) =>
        Duplicates(declaration).Concat(Hidden(declaration)).Concat(Metrics(declaration)).Concat(Unread(declaration))
            .Concat(Check(declaration));

    private static IEnumerable<Problem> Duplicates(InterventionDeclaration declaration)
    {
        var taken = new HashSet<string>((declaration.Base?.Kept ?? []).Select(kept => kept.Name));
        return Generated(declaration.Own).Where(result => !taken.Add(result.Name))
            .Select(result => new Problem(DuplicateResult, result.Location, result.Name));
    }

    /// <summary>The members of the result. A name that the user wrote is first, so that a derived name is reported.</summary>
    private static IEnumerable<(string Name, Location Location)> Generated(InterventionDeclaration declaration)
    {
        foreach (DeclaredMethod method in declaration.Methods.Where(method => method.IsKept))
            yield return (method.Name, method.Location);
        foreach (DeclaredMethod method in declaration.Methods.Where(method => method.IsMasked))
            yield return (ResultNames.Mask(method.Name), method.Location);
        foreach (DeclaredProperty parameter in declaration.Parameters)
            yield return (ResultNames.Gradient(parameter.Name), parameter.Location);
        foreach (string parameter in Includes.Parameters(declaration))
            yield return (
                ResultNames.Gradient(parameter),
                declaration.Includes.First(include => parameter.StartsWith(include.Name + ".", StringComparison.Ordinal)).Location);
    }

    private static IEnumerable<Problem> Hidden(InterventionDeclaration declaration)
    {
        List<string> runs = declaration.Vocabulary is { } prompts ? [.. PromptSchemaParser.RunProperties(prompts)] : [];
        foreach (DeclaredMethod method in declaration.Methods.Where(method => method.IsKept))
        {
            int run = runs.IndexOf(method.Name);
            string? hidden =
                run >= 0 ? $"the values in run {Literals.Quote(declaration.Vocabulary!.Runs[run])}" :
                !ResultNames.Inherited.Contains(method.Name) ? null :
                method.Name switch
                {
                    "Effects" or "Warnings" => "what its writes did",
                    "Prompts" => "which prompts it is of",
                    _ => $"{method.Name}()",
                };
            if (hidden is not null)
                yield return new Problem(HiddenMember, method.Location, method.Name, hidden);
        }
    }

    private static IEnumerable<Problem> Metrics(InterventionDeclaration declaration)
    {
        List<string> metrics = declaration.Metrics.Select(metric => metric.Name).Distinct().ToList();
        foreach ((ISymbol symbol, string name, AttributeData attribute) in Gradients(declaration))
        {
            var metric = DeclaredText.Named(attribute, "Of");
            // What a base has is of the base's one metric, whatever a derived class adds.
            if (metric is null && metrics.Count != 1 && BaseOf(symbol)?.Metrics.Count() != 1)
                yield return new Problem(
                    OneMetric, symbol.Locations[0], name,
                    metrics.Count == 0 ? "there is no [Metric]" : $"there are several metrics; say Of = nameof({metrics[0]}), or another")
                {
                    IsLack = metrics.Count == 0,
                };
            else if (metric is not null && !metrics.Contains(metric.Value)
                && declaration.Base?.Kept.Any(kept => kept.Name == metric.Value) != true)
                yield return Unknown(declaration, symbol, name, metric, metrics);
        }

        InterventionDeclaration? BaseOf(ISymbol symbol)
        {
            InterventionDeclaration? at = declaration.Base;
            while (at is not null && !at.Type.IsSame(symbol.ContainingType))
                at = at.Base;
            return at;
        }
    }

    /// <summary>
    /// A trained value is written by an attribute, or its name stands somewhere else in the class. A declaration that keeps nothing is made
    /// to be included, and the outer one may read the value.
    /// </summary>
    private static IEnumerable<Problem> Unread(InterventionDeclaration declaration)
    {
        if (!declaration.Methods.Any(method => method.IsKept))
            yield break;
        foreach (DeclaredProperty parameter in declaration.Parameters)
            if (parameter.Symbol.HoldsTensor() && !declaration.Writes.Any(write => parameter.Symbol.IsSame(write.Property))
                && !IsNamed(parameter, declaration.Type))
                yield return new Problem(UnreadParameter, parameter.Location, parameter.Name);
    }

    private static bool IsNamed(DeclaredProperty parameter, INamedTypeSymbol type) =>
        type.DeclaringSyntaxReferences.Where(part => !part.SyntaxTree.IsGenerated()).Select(part => part.GetSyntax())
            .SelectMany(part => part.DescendantNodes(node => node is not PropertyDeclarationSyntax property
                || property.Identifier.ValueText != parameter.Name))
            .Any(node => node is IdentifierNameSyntax name && name.Identifier.ValueText == parameter.Name);

    private static Problem Unknown(
        InterventionDeclaration declaration, ISymbol symbol, string name, DeclaredText metric, List<string> metrics)
    {
        string? nearest = Spelling.Nearest(metric.Value, metrics);
        string known =
            nearest is not null ? $"; did you mean '{nearest}'?" :
            metrics.Count == 0 ? ": it has none" :
            $"; it has {Spelling.List(metrics)}";
        // The metric of an included parameter is named in another class.
        bool isHere = symbol.Name == name;
        return new Problem(UnknownMetric, isHere ? metric.Location : symbol.Locations[0], declaration.Type.Name, metric.Value, known)
        {
            Suggestion = isHere ? nearest : null,
        };
    }

    /// <summary>Gradients and trained values. The trained values of included interventions need a metric of the outer one.</summary>
    private static IEnumerable<(ISymbol Symbol, string Name, AttributeData Attribute)> Gradients(InterventionDeclaration declaration)
    {
        foreach (DeclaredMethod method in declaration.Methods)
            if (method.Kind == NodeKind.Gradient)
                yield return (method.Symbol, method.Name, method.Attribute);
        foreach (DeclaredProperty parameter in declaration.Parameters)
            yield return (parameter.Symbol, parameter.Name, parameter.Attribute);
        foreach (DeclaredProperty include in declaration.Includes)
            foreach (DeclaredProperty parameter in declaration.Included(include)?.Parameters ?? [])
                yield return (include.Symbol, $"{include.Name}.{parameter.Name}", parameter.Attribute);
    }
}

/// <summary>Finds metrics that have all logits computed, and look at some columns only.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class AllLogits() : RuleAnalyzer(AllLogitsComputed)
{
    public static readonly DiagnosticDescriptor AllLogitsComputed = Rule.Composition(
        "INV225", "A metric that computes all logits",
        "'{0}' only picks columns of all logits; [Logit(\"…\")] computes just an answer's, or those of listed words",
        DiagnosticSeverity.Info);

    private static readonly HashSet<string> s_picks =
        new(StringComparer.Ordinal) { "gather", "index_select", "take", "take_along_dim", "this[]" };

    protected override void Register(AnalysisContext context) => context.RegisterSyntaxNodeAction(Analyze, SyntaxKind.MethodDeclaration);

    private static void Analyze(SyntaxNodeAnalysisContext context)
    {
        // Nearly every method has no parameter with an attribute: the syntax is asked first.
        if (!((MethodDeclarationSyntax)context.Node).ParameterList.Parameters.Any(parameter => parameter.AttributeLists.Count > 0)
            || context.ContainingSymbol is not IMethodSymbol method || DeclaredMethod.KindOf(method) != NodeKind.Metric)
            return;
        foreach (IParameterSymbol parameter in method.Parameters)
        {
            if (parameter.Attribute(KnownNames.Logits) is null
                || context.SemanticModel.GetOperation(context.Node, context.CancellationToken) is not { } body)
                continue;
            List<IParameterReferenceOperation> uses =
                body.Descendants().OfType<IParameterReferenceOperation>().Where(use => use.Parameter.IsSame(parameter)).ToList();
            if (uses.Count > 0 && uses.TrueForAll(IsPicked))
                context.ReportDiagnostic(new Problem(AllLogitsComputed, parameter.Locations[0], method.Name).ToDiagnostic(context.Options));
        }
    }

    private static bool IsPicked(IParameterReferenceOperation use) => use.Parent switch
    {
        IInvocationOperation call => call.Instance == use && s_picks.Contains(call.TargetMethod.Name),
        IPropertyReferenceOperation property => property.Instance == use && s_picks.Contains(property.Property.Name),
        _ => false,
    };
}
