using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Compares every name in an intervention with the schemas of its model and its prompt set.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Names() : InterventionAnalyzer(
    UnknownSite, MissingSegment, LayerOutOfRange, ForeignSpelling, UnknownAxis, IndexOutOfRange, PathSyntax, UnknownPosition,
    UnknownRun, UnknownAnswer, ModelWithoutSchema, PromptsWithoutSchema)
{
    public static readonly DiagnosticDescriptor UnknownSite = Rule.Name("INV001", "Unknown site");

    public static readonly DiagnosticDescriptor MissingSegment = Rule.Name("INV002", "A segment of the path is missing");

    public static readonly DiagnosticDescriptor LayerOutOfRange = Rule.Name("INV003", "Layer out of range");

    public static readonly DiagnosticDescriptor ForeignSpelling = Rule.Name("INV004", "Another library's name of a site");

    public static readonly DiagnosticDescriptor UnknownAxis = Rule.Name("INV005", "The site lacks this axis");

    public static readonly DiagnosticDescriptor IndexOutOfRange = Rule.Name("INV006", "Index out of range");

    public static readonly DiagnosticDescriptor PathSyntax = Rule.Name("INV007", "Not a site path");

    public static readonly DiagnosticDescriptor UnknownPosition = Rule.Name("INV008", "Unknown position");

    public static readonly DiagnosticDescriptor UnknownRun = Rule.Name("INV009", "Unknown run");

    public static readonly DiagnosticDescriptor UnknownAnswer = Rule.Name("INV010", "Unknown answer");

    public static readonly DiagnosticDescriptor ModelWithoutSchema = Rule.Name(
        "INV011", "The model declares no sites", "'{0}' has no [ModelSchema], so no site of it can be checked");

    public static readonly DiagnosticDescriptor PromptsWithoutSchema = Rule.Name(
        "INV012", "The prompt set declares no names", "'{0}' has no [PromptSchema], so no run, position or answer of it can be checked");

    /// <summary>The resolvers of names make the messages, at run time too; each sort of problem is a rule.</summary>
    private static readonly Dictionary<SiteProblemKind, DiagnosticDescriptor> s_ruleOf = new()
    {
        [SiteProblemKind.UnknownSite] = UnknownSite,
        [SiteProblemKind.MissingSegment] = MissingSegment,
        [SiteProblemKind.LayerOutOfRange] = LayerOutOfRange,
        [SiteProblemKind.ForeignSpelling] = ForeignSpelling,
        [SiteProblemKind.UnknownAxis] = UnknownAxis,
        [SiteProblemKind.IndexOutOfRange] = IndexOutOfRange,
        [SiteProblemKind.Syntax] = PathSyntax,
        [SiteProblemKind.UnknownPosition] = UnknownPosition,
        [SiteProblemKind.UnknownRun] = UnknownRun,
        [SiteProblemKind.UnknownAnswer] = UnknownAnswer,
    };

    /// <summary>Checks the names of a declaration.</summary>
    public static IEnumerable<Problem> Check(InterventionDeclaration declaration) =>
        Paths(declaration).Concat(RunNames(declaration)).Concat(OfLogits(declaration));

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) =>
        WithoutSchema(declaration).Concat(Check(declaration));

    private static IEnumerable<Problem> WithoutSchema(InterventionDeclaration declaration)
    {
        if (declaration.Subject is { ModelParameter: null, Model: var model } && model.TypeKind != TypeKind.Error
            && !SchemaReader.IsDeclared(model))
            yield return new Problem(ModelWithoutSchema, declaration.TypeArgument(0), model.Name);
        if (declaration.Prompts is not { } prompts)
            yield return new Problem(PromptsWithoutSchema, declaration.TypeArgument(1), KnownNames.DefaultPrompts);
        else if (prompts.TypeKind != TypeKind.Error && prompts.Attribute(KnownNames.PromptSchema) is null)
            yield return new Problem(PromptsWithoutSchema, declaration.TypeArgument(1), prompts.Name);
    }

    private static IEnumerable<Problem> Paths(InterventionDeclaration declaration)
    {
        foreach (DeclaredPath path in declaration.Paths)
        {
            // Without a schema only the grammar can be checked.
            IEnumerable<SiteProblem> problems =
                path.Path is null ? [path.Problem!] :
                declaration.Schema is { } schema ? ResolvedPath.Of(path.Path, schema, declaration.Vocabulary).Problems :
                [];
            foreach (SiteProblem problem in problems)
                yield return At(path.Text, problem);
        }
    }

    private static IEnumerable<Problem> RunNames(InterventionDeclaration declaration)
    {
        if (declaration.Vocabulary is not { } prompts)
            yield break;
        EquatableArray<string> derived = declaration.Runs.Select(run => run.Name).ToEquatableArray();
        foreach (DeclaredRunName run in declaration.RunNames)
            if (RunName(run, declaration.Type.Name, derived, prompts) is { } problem)
                yield return At(run.Text, problem);
    }

    /// <summary>The answers and positions whose logits are read.</summary>
    private static IEnumerable<Problem> OfLogits(InterventionDeclaration declaration)
    {
        PromptVocabulary? prompts = declaration.Vocabulary;
        foreach (DeclaredParameter parameter in declaration.Methods.SelectMany(method => method.Parameters))
        {
            if (parameter.Kind is ReadKind.Logit or ReadKind.Answer && prompts is not null)
            {
                var answer = DeclaredText.Argument(parameter.Attribute, 0);
                bool isMember = parameter.Kind == ReadKind.Logit
                    && WordLists.Member(parameter.Symbol.ContainingSymbol.ContainingType, answer.Value) is not null;
                if (!isMember && VocabularyResolver.UnknownAnswer(answer.Value, prompts) is { } problem)
                    yield return At(answer, problem);
            }
            if (parameter.IsOfLogits && DeclaredText.Named(parameter.Attribute, "At") is { } position
                && !VocabularyResolver.TryPosition(position.Value, prompts, out _, out SiteProblem? wrong))
                yield return At(position, wrong);
        }
    }

    /// <summary>Compares the name of a run with the prompt set and with the runs that the declaration derives.</summary>
    private static SiteProblem? RunName(DeclaredRunName name, string declaration, EquatableArray<string> derived, PromptVocabulary prompts)
    {
        string text = name.Text.Value;
        return name.Which switch
        {
            RunSort.Derived => DerivedRunName(text, declaration, derived, prompts),
            RunSort.Any when derived.Contains(text) => null,
            RunSort.OfPrompts when derived.Contains(text) && !prompts.Runs.Contains(text) => new SiteProblem(
                SiteProblemKind.UnknownRun,
                $"'{text}' is derived, and read by writes only; here stands a run of {prompts.PromptSet}: {Spelling.List(prompts.Runs)}",
                0, text.Length, null),
            // A slip may be one of either sort of name.
            RunSort.Any when VocabularyResolver.UnknownRun(text, prompts) is { } problem =>
                problem.Suggestion is null && Spelling.Nearest(text, derived) is { } nearest
                    ? new SiteProblem(problem.Kind, $"There is no run '{text}'; did you mean '{nearest}'?", 0, text.Length, nearest)
                    : problem,
            _ => VocabularyResolver.UnknownRun(text, prompts),
        };
    }

    private static SiteProblem? DerivedRunName(string text, string declaration, EquatableArray<string> derived, PromptVocabulary prompts)
    {
        if (derived.Contains(text))
            return null;
        string? nearest = Spelling.Nearest(text, derived);
        string message =
            prompts.Runs.Contains(text)
                ? $"'{text}' is a run of {prompts.PromptSet}, which stays unchanged; "
                    + "[Changes] says which one is written, [Run] derives another" :
            nearest is not null ? $"'{declaration}' derives no run '{text}'; did you mean '{nearest}'?" :
            $"'{declaration}' derives no run '{text}': [Run(\"{text}\")] is missing";
        return new SiteProblem(SiteProblemKind.UnknownRun, message, 0, text.Length, nearest);
    }

    private static Problem At(DeclaredText text, SiteProblem problem) =>
        new(s_ruleOf[problem.Kind], text.At(problem.Start, problem.Length), problem.Message)
        {
            Suggestion = problem.Suggestion,
            Remark = problem.Remark,
        };
}
