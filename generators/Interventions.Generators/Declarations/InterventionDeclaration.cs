using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Interventions.Generators.Declarations;

/// <summary>
/// An <c>[Intervention]</c> class as symbols: the common start of the generator's parser and of the rules. It never enters a pipeline.
/// Facts that several rules need are computed when the first one asks.
/// </summary>
internal sealed class InterventionDeclaration
{
    private static readonly ConditionalWeakTable<Compilation, ConcurrentDictionary<INamedTypeSymbol, InterventionDeclaration?>> s_known =
        new();

    private readonly Compilation _compilation;

    private InterventionDeclaration(
        INamedTypeSymbol type, AttributeData attribute, DeclaredSubject said, InterventionDeclaration? inherited, Compilation compilation)
    {
        (Type, Attribute, Said, Base, _compilation) = (type, attribute, said, inherited, compilation);
        Subject = inherited?.Subject ?? said;
        var methods = new List<DeclaredMethod>();
        var writes = new List<DeclaredWrite>(DeclaredWrite.Read(type));
        var properties = new List<DeclaredProperty>();
        foreach (ISymbol member in type.GetMembers())
        {
            if (member is IMethodSymbol method && DeclaredMethod.Read(method) is { } declared)
            {
                methods.Add(declared);
                if (declared.Kind == NodeKind.Patch)
                    writes.Add(DeclaredWrite.Of(declared));
            }
            else if (member is IPropertySymbol property)
            {
                writes.AddRange(DeclaredWrite.Read(property));
                properties.AddRange(DeclaredProperty.Read(property));
            }
        }
        IEnumerable<DeclaredProperty> includes = properties.Where(property => property.IsInclude);
        Steps =
        [
            .. inherited?.Steps ?? [],
            .. includes.Select(include => new DeclaredStep(type, include.Order, include, null))
                .Concat(writes.OrderBy(write => write.Order).Select(write => new DeclaredStep(type, write.Order, null, write)))
                .OrderBy(step => step.Order),
        ];
        Methods = [.. inherited?.Methods ?? [], .. methods];
        Writes = [.. Steps.Select(step => step.Write).OfType<DeclaredWrite>()];
        Includes = [.. inherited?.Includes ?? [], .. includes];
        Parameters = [.. inherited?.Parameters ?? [], .. properties.Where(property => !property.IsInclude)];
        Sweeps = [.. inherited?.Sweeps ?? [], .. DeclaredSweep.Read(type)];
        Runs = [.. inherited?.Runs ?? [], .. type.GetAttributes().Where(run => run.Is(KnownNames.Run)).Select(DeclaredRun.Read)];
        OwnChanges = type.Attribute(KnownNames.Changes) is { } changes ? DeclaredText.Argument(changes, 0) : null;
    }

    /// <summary>The class.</summary>
    public INamedTypeSymbol Type { get; }

    /// <summary>Its <c>[Intervention]</c>, or that of its base.</summary>
    public AttributeData Attribute { get; }

    /// <summary>The intervention whose members it inherits, which is abstract; null when it has none.</summary>
    public InterventionDeclaration? Base { get; }

    /// <summary>The class without what it inherits.</summary>
    public InterventionDeclaration Own => Base is null ? this : (field ??= new(Type, Attribute, Subject, null, _compilation));

    /// <summary>
    /// Whether all of it is seen here: what an abstract class lacks, a derived one adds; and private members of another assembly are not
    /// seen.
    /// </summary>
    public bool IsWhole => !Type.IsAbstract && Base is not { IsCompiled: true };

    /// <summary>The model and the prompts; those of the base, where there is one.</summary>
    public DeclaredSubject Subject { get; }

    /// <summary>The model and the prompts as the class says them; those of the base, where it does not.</summary>
    public DeclaredSubject Said { get; }

    /// <summary>The model type; the constraint, where a type parameter stands for the model.</summary>
    public INamedTypeSymbol Model => Subject.Model;

    /// <summary>The prompt set; null when the default one is not referenced.</summary>
    public INamedTypeSymbol? Prompts => Subject.Prompts;

    /// <summary>The declared methods, in textual order. Here and below, those of the base stand first.</summary>
    public IReadOnlyList<DeclaredMethod> Methods { get; }

    /// <summary>The metrics.</summary>
    public IEnumerable<DeclaredMethod> Metrics => Methods.Where(method => method.Kind == NodeKind.Metric);

    /// <summary>
    /// The writes, in the graph's order: by explicit order; else the class's attributes, then the members, each in textual order.
    /// </summary>
    public IReadOnlyList<DeclaredWrite> Writes { get; }

    /// <summary>The properties that hold included interventions, in textual order.</summary>
    public IReadOnlyList<DeclaredProperty> Includes { get; }

    /// <summary>The properties that hold trained values, in textual order.</summary>
    public IReadOnlyList<DeclaredProperty> Parameters { get; }

    /// <summary>The lists that placeholders go through, in textual order.</summary>
    public IReadOnlyList<DeclaredSweep> Sweeps { get; }

    /// <summary>The same, with those of included interventions.</summary>
    public IReadOnlyList<DeclaredSweep> Lists => field ??= [.. Declarations.Includes.Lists(this)];

    /// <summary>The placeholders of site paths, those that included interventions write among them.</summary>
    public IReadOnlyCollection<string> PathPlaceholders => field ??= new HashSet<string>(
        Paths.SelectMany(path => path.Placeholders).Concat(PlacedWrites.SelectMany(write => write.Declared.Placeholders)));

    /// <summary>What placeholders of site paths range over by the paths alone; none without a schema.</summary>
    public IReadOnlyList<PlaceholderRange> Ranges => field ??= [.. RangesOfPaths()];

    /// <summary>The derived runs, in textual order.</summary>
    public IReadOnlyList<DeclaredRun> Runs { get; }

    /// <summary>The run that is changed; null is the first.</summary>
    public DeclaredText? Changes => OwnChanges ?? Base?.Changes;

    /// <summary>The run that the class itself says is changed; null when it says none.</summary>
    public DeclaredText? OwnChanges { get; }

    /// <summary>
    /// The writes step by step: the base's; then by explicit order; else includes, the class's attributes, then members, each in textual
    /// order.
    /// </summary>
    public IReadOnlyList<DeclaredStep> Steps { get; }

    /// <summary>The kept values. Of a base in another assembly its attribute has them.</summary>
    public IReadOnlyList<KeptSpec> Kept => field ??=
        IsCompiled && Type.Attribute(KnownNames.Inherited) is { } inherited
            ? [.. inherited.Items(0).Select(KeptSpec.Parse)]
            :
            [
                .. Base?.Kept ?? [],
                .. Own.Methods.Where(method => method.IsKept)
                    .Select(method => new KeptSpec(method.Name, method.IsStacked, method.IsSwept)),
            ];

    /// <summary>The paths: for each write the written and the read ones, then those of the kept methods.</summary>
    public IReadOnlyList<DeclaredPath> Paths => field ??= [.. AllPaths()];

    /// <summary>The model's names without those inside splices; null when it declares none.</summary>
    public ModelSchema? ModelSchema => field ??= SchemaReader.Of(Subject);

    /// <summary>The model's names, and those inside the declaration's splices; null when the model declares none.</summary>
    public ModelSchema? Schema =>
        field ??= ModelSchema is { } schema ? schema.With(Splices.Select(splice => splice.Names.Resolve(schema))) : null;

    /// <summary>The prompt set's names; null when it declares none.</summary>
    public PromptVocabulary? Vocabulary => field ??= Prompts is null ? null : VocabularyReader.TryRead(Prompts);

    /// <summary>The splices, those of included interventions first.</summary>
    public IReadOnlyList<DeclaredSplice> Splices => field ??= DeclaredSplice.All(this);

    /// <summary>The places where a run is named.</summary>
    public IReadOnlyList<DeclaredRunName> RunNames => field ??= DeclaredRunName.All(this);

    /// <summary>The placeholders outside site paths.</summary>
    public IReadOnlyList<DeclaredSweepUse> SweepUses => field ??= [.. DeclaredSweepUse.All(this)];

    /// <summary>The placeholders of all writes, included ones too, in the graph's order.</summary>
    public IReadOnlyList<PlaceholderSpec> Placeholders => field ??= SweptPlaceholders.All(this);

    /// <summary>The written places, included ones too, in the graph's order.</summary>
    public IReadOnlyList<PlacedWrite> PlacedWrites => field ??= [.. PlacedWrite.All(this)];

    /// <summary>Whether the class is of another assembly, so that its private members are not seen.</summary>
    private bool IsCompiled => Type.DeclaringSyntaxReferences.IsEmpty;

    /// <summary>The attribute that makes a class an intervention; null when it has none. A derived class needs none.</summary>
    public static AttributeData? AttributeOf(INamedTypeSymbol type)
    {
        foreach (AttributeData attribute in type.GetAttributes())
            if (attribute.Is(KnownNames.InterventionOverModelAndPrompts) || attribute.Is(KnownNames.InterventionOverModel)
                || attribute.Is(KnownNames.Intervention))
                return attribute;
        return null;
    }

    /// <summary>Reads a class, once a compilation; null when it is no intervention.</summary>
    public static InterventionDeclaration? Of(INamedTypeSymbol type, Compilation compilation)
    {
        ConcurrentDictionary<INamedTypeSymbol, InterventionDeclaration?> known =
            s_known.GetValue(compilation, static _ => new(SymbolEqualityComparer.Default));
        return known.TryGetValue(type, out InterventionDeclaration? declaration)
            ? declaration
            : known.GetOrAdd(type, Read(type, compilation));
    }

    private static InterventionDeclaration? Read(INamedTypeSymbol type, Compilation compilation)
    {
        InterventionDeclaration? inherited = type.BaseType is { SpecialType: SpecialType.None } known ? Of(known, compilation) : null;
        AttributeData? attribute = AttributeOf(type);
        // What derives from an intervention that is run itself is any class, as long as it does not say otherwise.
        if (attribute is null && inherited is not { Type.IsAbstract: true })
            return null;
        DeclaredSubject? subject = attribute is null ? null : DeclaredSubject.Read(type, attribute, inherited, compilation);
        return (subject ?? inherited?.Subject) is { } found
            ? new InterventionDeclaration(type, attribute ?? inherited!.Attribute, found, inherited, compilation)
            : null;
    }

    /// <summary>Whether a place is in the class itself, not in a base.</summary>
    public bool IsAt(Location location) => Type.DeclaringSyntaxReferences.Any(
        part => part.SyntaxTree == location.SourceTree && part.Span.Contains(location.SourceSpan));

    /// <summary>The intervention that a property holds; null when its type is none.</summary>
    public InterventionDeclaration? Included(DeclaredProperty include) =>
        include.Symbol.Type is INamedTypeSymbol type ? Of(type, _compilation) : null;

    /// <summary>Where the attribute names its model (0) or its prompt set (1); the whole attribute where it names none.</summary>
    public Location TypeArgument(int index)
    {
        SyntaxNode? syntax = Attribute.ApplicationSyntaxReference?.GetSyntax();
        TypeSyntax? argument = (syntax as AttributeSyntax)?.Name.DescendantNodesAndSelf().OfType<GenericNameSyntax>().FirstOrDefault()
            ?.TypeArgumentList.Arguments.ElementAtOrDefault(index);
        return (argument ?? syntax)?.GetLocation() ?? Type.Locations[0];
    }

    private IReadOnlyList<PlaceholderRange> RangesOfPaths()
    {
        if (Schema is not { } schema)
            return [];
        IEnumerable<SitePath> included = PlacedWrites.Where(write => write.Include is not null).Select(write => write.Path);
        return SiteExpansion.Placeholders(
            included.Concat(Paths.Select(path => path.Path).OfType<SitePath>())
                .Select(path => ResolvedPath.Of(path, schema, Vocabulary)).Where(resolution => resolution.IsSuccess),
            schema);
    }

    private IEnumerable<DeclaredPath> AllPaths()
    {
        IEnumerable<DeclaredPath?> ofWrites =
            Writes.SelectMany(write => write.Written.Concat(Read(write.Parameters)).Append(write.Encoded));
        IEnumerable<DeclaredPath?> ofKept =
            Methods.Where(method => method.IsKept).SelectMany(method => Read(method.Parameters).Prepend(method.Path));
        return ofWrites.Concat(ofKept).OfType<DeclaredPath>();

        static IEnumerable<DeclaredPath?> Read(IEnumerable<DeclaredParameter> parameters) => parameters.Select(parameter => parameter.Path);
    }
}

/// <summary>The model and the prompts of a declaration.</summary>
/// <param name="Model">The model type; the constraint, where a type parameter stands for the model.</param>
/// <param name="ModelParameter">The type parameter that stands for the model of an open generic intervention; otherwise null.</param>
/// <param name="Prompts">The prompt set; null when the default one is not referenced.</param>
internal sealed record DeclaredSubject(INamedTypeSymbol Model, ITypeParameterSymbol? ModelParameter, INamedTypeSymbol? Prompts)
{
    /// <summary>Reads the type arguments of the attribute; null when they name no model.</summary>
    public static DeclaredSubject? Read(
        INamedTypeSymbol type, AttributeData attribute, InterventionDeclaration? inherited, Compilation compilation)
    {
        var arguments = attribute.AttributeClass!.TypeArguments;
        ITypeSymbol? argument =
            !arguments.IsEmpty ? arguments[0] :
            GenericInterventions.ModelArgument(type) ?? (ITypeSymbol?)inherited?.Subject.ModelParameter ?? inherited?.Model;
        var parameter = argument as ITypeParameterSymbol;
        if ((parameter is null ? argument as INamedTypeSymbol : GenericInterventions.Constraint(parameter)) is not { } model)
            return null;
        INamedTypeSymbol? prompts =
            arguments.Length > 1 ? arguments[1] as INamedTypeSymbol :
            attribute.NamedArguments.FirstOrDefault(named => named.Key == "Prompts").Value.Value as INamedTypeSymbol
            ?? (inherited is null ? compilation.GetTypeByMetadataName(KnownNames.DefaultPrompts) : inherited.Prompts);
        return new DeclaredSubject(model, parameter, prompts);
    }
}
