using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Says why generated code cannot call a declared method, or use a property. The declarations find the faults.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class Signatures() : InterventionAnalyzer(
    MustReturnTensor, MustTakeTensors, OneSelectedValue, LogitsOutsideMetric, NoSiteOfMetric, GenericMethod, SeveralAttributes,
    MustBeTensor, MustBeSplice, EmptyPromise, OneSource)
{
    public static readonly DiagnosticDescriptor MustReturnTensor = Rule.Signature(
        "INV101", "A declared method returns a tensor", "'{0}' must return Tensor: what it returns is {1}");

    public static readonly DiagnosticDescriptor MustTakeTensors = Rule.Signature(
        "INV102", "A declared method takes tensors",
        "Parameter '{0}' must be a {1}, passed by value: parameters say what the method reads");

    public static readonly DiagnosticDescriptor OneSelectedValue = Rule.Signature(
        "INV103", "One parameter is the selected value", Sentences.SecondValue);

    public static readonly DiagnosticDescriptor LogitsOutsideMetric = Rule.Signature(
        "INV104", "Only metrics read logits of answers", Sentences.LogitsOutsideMetric);

    public static readonly DiagnosticDescriptor NoSiteOfMetric = Rule.Signature(
        "INV105", "A metric has no site of its own", Sentences.NoSiteOfMetric);

    public static readonly DiagnosticDescriptor GenericMethod = Rule.Signature(
        "INV107", "A declared method is not generic", "'{0}' must not have type parameters: nothing says what they would be");

    public static readonly DiagnosticDescriptor SeveralAttributes = Rule.Signature(
        "INV108", "One meaning a method, one a parameter", "'{0}' has several of {1}; it can have one");

    public static readonly DiagnosticDescriptor MustBeTensor = Rule.Signature(
        "INV111", "A written or trained property is a tensor",
        "'{0}' must be a Tensor that can be read: {1} says what becomes of its value");

    public static readonly DiagnosticDescriptor MustBeSplice = Rule.Signature(
        "INV115", "A spliced property is an encoder-decoder",
        "'{0}' must be an ISplice that can be read, or a list of them, IReadOnlyList<ISplice>, with one for each layer");

    public static readonly DiagnosticDescriptor EmptyPromise = Rule.Signature("INV116", "A promise that means something");

    public static readonly DiagnosticDescriptor OneSource = Rule.Signature("INV117", "A logit is of an answer or of words");

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) =>
        declaration.Methods.SelectMany(OfMethod).Concat(Sources(declaration)).Concat(Tensors(declaration))
            .Concat(Splices(declaration)).Concat(Promises(declaration));

    private static IEnumerable<Problem> OfMethod(DeclaredMethod method)
    {
        if (method.Attributes.Count > 1)
            yield return new Problem(SeveralAttributes, method.Location, method.Name, "[Patch], [Capture], [Gradient] and [Metric]");
        if (method.Symbol.IsGenericMethod)
            yield return new Problem(GenericMethod, method.Location, method.Name);
        if (!method.ReturnsTensor)
            yield return new Problem(MustReturnTensor, method.Location, method.Name, method.IsKept ? "kept" : "written");
        string? value = null;
        foreach (DeclaredParameter parameter in method.Parameters)
        {
            if (OfParameter(parameter, method, value) is { } problem)
                yield return problem;
            if (parameter.Kind == ReadKind.Value)
                value = parameter.Name;
        }
    }

    private static Problem? OfParameter(DeclaredParameter parameter, DeclaredMethod method, string? value) => parameter.Fault switch
    {
        ParameterFault.Type =>
            new(MustTakeTensors, parameter.Location, parameter.Name, parameter.Kind == ReadKind.Swept ? "double" : "Tensor"),
        ParameterFault.SeveralSources =>
            new(SeveralAttributes, parameter.Location, parameter.Name, "[From], [ValueOf], [Logit], [Logits], [Answer] and [Swept]"),
        ParameterFault.LogitsOutsideMetric => new(LogitsOutsideMetric, parameter.Location, method.Name, parameter.Attribute.ShortName()),
        ParameterFault.NothingSelected => new(
            NoSiteOfMetric, parameter.Location, method.Name, parameter.Name, "[Logit(\"…\")] or [From(\"…\", \"site\")]"),
        ParameterFault.SecondValue => new(
            OneSelectedValue, parameter.Location, method.Name, value!, parameter.Name, "[From(\"…\")]"),
        _ => null,
    };

    /// <summary>What <c>[Logit]</c> names is an answer, or a property that lists words: not both, and no other property.</summary>
    private static IEnumerable<Problem> Sources(InterventionDeclaration declaration)
    {
        foreach (DeclaredParameter parameter in declaration.Methods.SelectMany(method => method.Parameters))
        {
            if (parameter.Kind is not (ReadKind.Logit or ReadKind.WordLogits))
                continue;
            var named = DeclaredText.Argument(parameter.Attribute, 0);
            bool isAnswer = declaration.Vocabulary is not { } prompts || prompts.Answers.Contains(named.Value);
            if (parameter.Kind == ReadKind.WordLogits && isAnswer && declaration.Vocabulary is not null)
                yield return new Problem(
                    OneSource, named.Location,
                    $"'{named.Value}' is an answer of {declaration.Vocabulary!.PromptSet}, and a list of words here: rename the list");
            else if (!isAnswer && parameter.Kind == ReadKind.Logit
                && WordLists.Member(parameter.Symbol.ContainingSymbol.ContainingType, named.Value) is { } member)
                yield return new Problem(
                    OneSource, named.Location,
                    $"'{member.Name}' is no list of words: [Logit] reads those of an IReadOnlyList<string>, or an answer");
        }
    }

    private static IEnumerable<Problem> Tensors(InterventionDeclaration declaration)
    {
        IEnumerable<(IPropertySymbol? Property, AttributeData Attribute)> written =
            declaration.Writes.Where(write => write.Kind != WriteKind.Splice).Select(write => (write.Property, write.Attribute));
        foreach ((IPropertySymbol? property, AttributeData attribute) in
            written.Concat(declaration.Parameters.Select(parameter => ((IPropertySymbol?)parameter.Symbol, parameter.Attribute))))
            if (property is not null && !property.HoldsTensor())
                yield return new Problem(MustBeTensor, property.Locations[0], property.Name, attribute.ShortName());
    }

    private static IEnumerable<Problem> Splices(InterventionDeclaration declaration) =>
        declaration.Writes.Where(write => write.Kind == WriteKind.Splice).Select(write => write.Property!)
            .Distinct<IPropertySymbol>(SymbolEqualityComparer.Default)
            .Where(property => !DeclaredSplice.IsHeldBy(property))
            .Select(property => new Problem(MustBeSplice, property.Locations[0], property.Name));

    /// <summary>Finds promises where they mean nothing.</summary>
    private static IEnumerable<Problem> Promises(InterventionDeclaration declaration)
    {
        foreach (IMethodSymbol symbol in declaration.Type.GetMembers().OfType<IMethodSymbol>())
        {
            if (symbol.GetAttributes().IsEmpty)
                continue;
            DeclaredMethod? method = declaration.Methods.FirstOrDefault(method => method.Symbol.IsSame(symbol));
            if (symbol.Attribute(KnownNames.Pointwise) is { } pointwise && WhyNotPointwise(symbol, method) is { } why)
                yield return new Problem(EmptyPromise, pointwise.Location() ?? symbol.Locations[0], why);
            if (symbol.Attribute(KnownNames.AcrossBatch) is { } across && method is null)
                yield return new Problem(
                    EmptyPromise, across.Location() ?? symbol.Locations[0],
                    $"'{symbol.Name}' is no declared method, so nobody runs it for prompts: [AcrossBatch] says nothing here");
        }
    }

    private static string? WhyNotPointwise(IMethodSymbol symbol, DeclaredMethod? method) =>
        method is null ? $"'{symbol.Name}' is no declared method, so nobody runs it for positions: [Pointwise] says nothing here" :
        method.IsKept ? $"'{symbol.Name}' is a [{method.Kind}], which always gets all that it selects; only a [Patch] is [Pointwise]" :
        method.Parameters.FirstOrDefault(parameter => parameter.IsOfOtherSite) is { } other
            ? $"'{symbol.Name}' reads '{other.Name}' of another site, of which it gets every position, "
                + "so it cannot be called for some only: leave [Pointwise] out"
        : null;
}
