using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Interventions.Generators.Diagnostics;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Parsing;

/// <summary>An <c>[Intervention]</c> class as symbols: what the generator's parser and the analyzers both start from. It never enters a pipeline.</summary>
/// <param name="Type">The class.</param>
/// <param name="Attribute">Its <c>[Intervention]</c>.</param>
/// <param name="Model">The model type; where a type parameter says which, its constraint.</param>
/// <param name="ModelParameter">The type parameter that says which model, of a generic intervention that is not closed.</param>
/// <param name="Prompts">The prompt set; null when the default one is not referenced.</param>
/// <param name="Methods">The declared methods, in textual order.</param>
/// <param name="Writes">The writes, in the graph's order: by their explicit order; else attributes of the class, then members, each in textual order.</param>
/// <param name="Properties">The properties with <c>[Include]</c> or <c>[Parameter]</c>, in textual order.</param>
/// <param name="Compilation">What it was read from.</param>
internal sealed record InterventionDeclaration(
    INamedTypeSymbol Type, AttributeData Attribute, INamedTypeSymbol Model, ITypeParameterSymbol? ModelParameter, INamedTypeSymbol? Prompts,
    IReadOnlyList<DeclaredMethod> Methods, IReadOnlyList<DeclaredWrite> Writes, IReadOnlyList<DeclaredProperty> Properties, Compilation Compilation)
{
    private static readonly ConditionalWeakTable<Compilation, ConcurrentDictionary<INamedTypeSymbol, InterventionDeclaration?>> s_known = new();

    private readonly Memo _memo = new();

    /// <summary>The properties that hold included interventions.</summary>
    public IEnumerable<DeclaredProperty> Includes => Properties.Where(property => property.IsInclude);

    /// <summary>What is written, step by step: by explicit order; else includes, attributes of the class, then members, each in textual order.</summary>
    public IEnumerable<DeclaredStep> Steps =>
        Includes.Select(include => new DeclaredStep(include.Order, include, null))
            .Concat(Writes.Select(write => new DeclaredStep(write.Order, null, write)))
            .OrderBy(step => step.Order);

    /// <summary>The properties that hold trained values.</summary>
    public IEnumerable<DeclaredProperty> Parameters => Properties.Where(property => !property.IsInclude);

    /// <summary>The derived runs' attributes, in textual order.</summary>
    public IEnumerable<AttributeData> Runs =>
        Type.GetAttributes().Where(attribute => attribute.AttributeClass is { } type && type.Is(KnownNames.Run));

    /// <summary>What placeholders of strengths and runs go through, in textual order.</summary>
    public IEnumerable<DeclaredSweep> Sweeps => DeclaredSweep.Read(Type);

    /// <summary>Which run is changed; null is the first.</summary>
    public AttributeData? Changes => Type.Attribute(KnownNames.Changes);

    /// <summary>The metrics.</summary>
    public IEnumerable<DeclaredMethod> Metrics => Methods.Where(method => method.Kind == NodeKind.Metric);

    /// <summary>The attribute that makes a class an intervention; null when there is none.</summary>
    public static AttributeData? AttributeOf(INamedTypeSymbol type)
    {
        foreach (AttributeData attribute in type.GetAttributes())
            if (attribute.AttributeClass is { } known
                && (known.Is(KnownNames.InterventionOverModelAndPrompts) || known.Is(KnownNames.InterventionOverModel) || known.Is(KnownNames.Intervention)))
                return attribute;
        return null;
    }

    /// <summary>Reads a class, once a compilation; null when it is no intervention.</summary>
    public static InterventionDeclaration? Of(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation)
    {
        ConcurrentDictionary<INamedTypeSymbol, InterventionDeclaration?> known = s_known.GetValue(compilation, static _ => new(SymbolEqualityComparer.Default));
        return known.TryGetValue(type, out InterventionDeclaration? declaration) ? declaration : known.GetOrAdd(type, Read(type, compilation, cancellation));
    }

    private static InterventionDeclaration? Read(INamedTypeSymbol type, Compilation compilation, CancellationToken cancellation)
    {
        if (AttributeOf(type) is not { AttributeClass.TypeArguments: var arguments } attribute)
            return null;
        ITypeSymbol? argument = arguments.IsEmpty ? ModelParameters.Argument(type) : arguments[0];
        var parameter = argument as ITypeParameterSymbol;
        if ((parameter is null ? argument as INamedTypeSymbol : ModelParameters.Constraint(parameter)) is not { } model)
            return null;
        INamedTypeSymbol? prompts =
            arguments.Length > 1 ? arguments[1] as INamedTypeSymbol :
            attribute.NamedArguments.FirstOrDefault(named => named.Key == "Prompts").Value.Value as INamedTypeSymbol
            ?? compilation.GetTypeByMetadataName(KnownNames.DefaultPrompts);
        var methods = new List<DeclaredMethod>();
        var writes = new List<DeclaredWrite>(DeclaredWrite.Read(type));
        var properties = new List<DeclaredProperty>();
        foreach (ISymbol member in type.GetMembers())
        {
            cancellation.ThrowIfCancellationRequested();
            if (member is IMethodSymbol method && DeclaredMethod.Read(method) is { } declared)
            {
                methods.Add(declared);
                if (declared.Kind == NodeKind.Patch)
                    writes.Add(new DeclaredWrite(WriteKind.Patch, declared.Attribute, Method: declared));
            }
            else if (member is IPropertySymbol property)
            {
                writes.AddRange(DeclaredWrite.Read(property));
                properties.AddRange(DeclaredProperty.Read(property));
            }
        }
        return new InterventionDeclaration(type, attribute, model, parameter, prompts, methods, [.. writes.OrderBy(write => write.Order)], properties, compilation);
    }

    /// <summary>The intervention that a property holds; null when its type is none.</summary>
    public InterventionDeclaration? Included(DeclaredProperty include, CancellationToken cancellation) =>
        include.Symbol.Type is INamedTypeSymbol type ? Of(type, Compilation, cancellation) : null;

    /// <summary>What several checks want to know of it is worked out once: values of one type are one thing.</summary>
    public T Once<T>(Func<T> find)
        where T : class? => _memo.Get(typeof(T), find);

    /// <summary>What a check finds.</summary>
    public IReadOnlyList<Problem> Problems(Check check, CancellationToken cancellation) =>
        _memo.Get<IReadOnlyList<Problem>>(check.Method.DeclaringType!, () => check(this, cancellation).ToList());

    /// <summary>Where the attribute names its model (0) or its prompt set (1); the whole attribute where it does not.</summary>
    public Location TypeArgument(int index, CancellationToken cancellation)
    {
        SyntaxNode? syntax = Attribute.ApplicationSyntaxReference?.GetSyntax(cancellation);
        TypeSyntax? argument = (syntax as AttributeSyntax)?.Name.DescendantNodesAndSelf().OfType<GenericNameSyntax>().FirstOrDefault()
            ?.TypeArgumentList.Arguments.ElementAtOrDefault(index);
        return (argument ?? syntax)?.GetLocation() ?? Type.Locations[0];
    }
}
