using System.Globalization;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Interventions.Sites;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A <c>[Sweep]</c>: a list of numbers, of names, or of points that several placeholders go through together.</summary>
/// <param name="Names">The placeholders.</param>
/// <param name="Numbers">The numbers; empty where texts are listed.</param>
/// <param name="Texts">The names or points; empty where numbers are listed.</param>
/// <param name="Property">The property that holds the list; null where the attribute lists it.</param>
internal sealed record DeclaredSweep(
    DeclaredText Names, EquatableArray<double> Numbers, IReadOnlyList<DeclaredText> Texts, IPropertySymbol? Property)
{
    private static readonly SpecialType[] s_coordinates =
        [SpecialType.System_Int32, SpecialType.System_Double, SpecialType.System_String];

    /// <summary>The placeholders.</summary>
    public IReadOnlyList<string> Placeholders { get; } = ListedPoints.Placeholders(Names.Value);

    /// <summary>Whether several placeholders go through points.</summary>
    public bool IsOfPoints => Placeholders.Count > 1;

    /// <summary>How many values the attribute lists.</summary>
    public int Count => Numbers.Count + Texts.Count;

    /// <summary>The types of a point's coordinates that the property holds; null where it holds no points of the placeholders.</summary>
    public IReadOnlyList<SpecialType>? Types { get; } = Property is null ? null : TypesOf(Property, Names.Value);

    /// <summary>The values that the attribute lists, each as one text for each placeholder.</summary>
    public IEnumerable<(Location Location, string Text, IReadOnlyList<string> Coordinates)> Points =>
        Numbers.Select(number => number.ToString("R", CultureInfo.InvariantCulture))
            .Select(text => (Names.Location, text, (IReadOnlyList<string>)[text]))
            .Concat(Texts.Select(text => (
                text.Location, text.Value, IsOfPoints ? ListedPoints.Coordinates(text.Value) : (IReadOnlyList<string>)[text.Value])));

    /// <summary>The sweeps of a class, in textual order: those of its attributes, then those of its properties.</summary>
    public static IEnumerable<DeclaredSweep> Read(INamedTypeSymbol type) =>
        Read(type, null).Concat(type.GetMembers().OfType<IPropertySymbol>().SelectMany(property => Read(property, property)));

    /// <summary>The type of a placeholder's coordinates.</summary>
    /// <param name="placeholder">One of the placeholders.</param>
    /// <param name="isInPath">Whether it stands in a site path, where it selects indices or positions.</param>
    public PlaceholderKind Kind(string placeholder, bool isInPath)
    {
        int place = Placeholders.ToList().IndexOf(placeholder);
        PlaceholderKind number = isInPath ? PlaceholderKind.Index : PlaceholderKind.Number;
        if (Property is not null)
            return Types?[place] switch
            {
                SpecialType.System_String => PlaceholderKind.Name,
                SpecialType.System_Double => PlaceholderKind.Number,
                _ => number,
            };
        return Points.All(point => point.Coordinates.Count > place && IsNumber(point.Coordinates[place])) ? number : PlaceholderKind.Name;
    }

    /// <summary>Whether a coordinate is a number.</summary>
    public static bool IsNumber(string coordinate) =>
        double.TryParse(coordinate, NumberStyles.Float, CultureInfo.InvariantCulture, out _);

    private static IEnumerable<DeclaredSweep> Read(ISymbol symbol, IPropertySymbol? property)
    {
        foreach (AttributeData attribute in symbol.GetAttributes())
        {
            if (!attribute.Is(KnownNames.Sweep))
                continue;
            var names = DeclaredText.Argument(attribute, 0);
            // A sweep of texts has its first one as a parameter of its own, which tells the two constructors apart.
            yield return attribute.ConstructorArguments.Length == 3
                ? new DeclaredSweep(names, default, [DeclaredText.Argument(attribute, 1), .. DeclaredText.Items(attribute, 2)], property)
                : new DeclaredSweep(names, ReadNumbers(attribute).ToEquatableArray(), [], property);
        }
    }

    private static IEnumerable<double> ReadNumbers(AttributeData attribute) =>
        attribute.ConstructorArguments is { Length: 2 } arguments && arguments[1] is { Kind: TypedConstantKind.Array, IsNull: false } values
            ? values.Values.Select(value => value.Value).OfType<double>()
            : [];

    private static IReadOnlyList<SpecialType>? TypesOf(IPropertySymbol property, string names)
    {
        ITypeSymbol? element = property.IsIndexer || property.GetMethod is null ? null : property.Type.AllInterfaces.Cast<ITypeSymbol>()
            .Prepend(property.Type).OfType<INamedTypeSymbol>()
            .FirstOrDefault(type => type.OriginalDefinition.SpecialType == SpecialType.System_Collections_Generic_IEnumerable_T)
            ?.TypeArguments[0];
        int count = ListedPoints.Placeholders(names).Count;
        SpecialType[] types =
            count == 1 ? [element?.SpecialType ?? SpecialType.None] :
            element is INamedTypeSymbol { IsTupleType: true } tuple ? [.. tuple.TupleElements.Select(part => part.Type.SpecialType)] :
            [];
        return types.Length == count && types.All(s_coordinates.Contains) ? types : null;
    }
}

/// <summary>A placeholder that stands for a run or for a strength.</summary>
/// <param name="Name">The placeholder.</param>
/// <param name="IsRun">Whether it stands for a run; otherwise for a number.</param>
/// <param name="Text">The text that it is.</param>
internal sealed record DeclaredSweepUse(string Name, bool IsRun, DeclaredText Text)
{
    /// <summary>All of a declaration: those of its writes, then those of its methods' parameters.</summary>
    public static IEnumerable<DeclaredSweepUse> All(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.AmountSweep is { } amount)
                yield return new(amount, false, DeclaredText.Argument(write.Attribute, 1));
            if (write is { DonorSweep: { } run, Donor: { } donor })
                yield return new(run, true, donor);
        }
        foreach (DeclaredParameter parameter in declaration.Methods.SelectMany(method => method.Parameters))
            if (parameter.Sweep is { } name)
                yield return new(name, parameter.Kind == ReadKind.From, DeclaredText.Argument(parameter.Attribute, 0));
    }
}

/// <summary>Finds the placeholders that a declaration sweeps: those of its writes, included ones too, in the graph's order.</summary>
internal static class SweptPlaceholders
{
    /// <summary>The placeholders, in order of first appearance.</summary>
    public static IReadOnlyList<PlaceholderSpec> All(InterventionDeclaration declaration)
    {
        var all = new List<PlaceholderSpec>();
        Collect(declaration, all, []);
        List<PlaceholderSpec> placeholders =
            all.GroupBy(placeholder => placeholder.Name).Select(uses => new PlaceholderSpec(uses.Key, Common(uses))).ToList();
        return placeholders.SelectMany(Together).Distinct().ToList();

        // Those that go through points together are one axis of the result.
        IEnumerable<PlaceholderSpec> Together(PlaceholderSpec first) =>
            declaration.Lists.FirstOrDefault(list => list.IsOfPoints && list.Placeholders.Contains(first.Name)) is { } list
                ? list.Placeholders.Select(name => placeholders.Find(other => other.Name == name)).OfType<PlaceholderSpec>()
                : [first];
    }

    /// <summary>The kind of a placeholder by all of its uses: a number wins over a name, and a name over an index.</summary>
    private static PlaceholderKind Common(IEnumerable<PlaceholderSpec> uses)
    {
        var kinds = new HashSet<PlaceholderKind>(uses.Select(use => use.Kind));
        return
            kinds.Contains(PlaceholderKind.Number) ? PlaceholderKind.Number :
            kinds.Contains(PlaceholderKind.Name) ? PlaceholderKind.Name :
            PlaceholderKind.Index;
    }

    /// <summary>
    /// Adds the placeholders of a declaration. A circle of includes, which is an error of its own, ends where it meets itself.
    /// </summary>
    private static void Collect(InterventionDeclaration declaration, List<PlaceholderSpec> all, HashSet<ISymbol> seen)
    {
        if (!seen.Add(declaration.Type.OriginalDefinition))
            return;
        if (declaration.Type.BaseTypes().FirstOrDefault(type => type.DeclaringSyntaxReferences.IsEmpty) is { } compiled)
            all.AddRange(OfCompiledBase(compiled));
        Func<string, PlaceholderKind> kind = Kinds(declaration);
        foreach (DeclaredStep step in declaration.Steps)
        {
            if (step.Write is { } write)
                all.AddRange(write.Placeholders.Select(name => new PlaceholderSpec(name, kind(name))));
            else if (step.Include!.Symbol.Type.DeclaringSyntaxReferences.IsEmpty)
                all.AddRange(OfCompiled(step.Include.Symbol.Type));
            else if (declaration.Included(step.Include) is { } included)
                Collect(included, all, seen);
        }
        seen.Remove(declaration.Type.OriginalDefinition);
    }

    /// <summary>The kinds of the placeholders of a declaration's own writes.</summary>
    private static Func<string, PlaceholderKind> Kinds(InterventionDeclaration declaration)
    {
        var kinds = new Dictionary<string, PlaceholderKind>();
        foreach (DeclaredSweep list in declaration.Sweeps)
            foreach (string name in list.Placeholders)
                kinds[name] = list.Kind(name, declaration.PathPlaceholders.Contains(name));
        var names = new HashSet<string>(declaration.SweepUses.Where(use => use.IsRun).Select(use => use.Name));
        names.UnionWith(declaration.Paths.SelectMany(path => path.PlaceholdersOfNames));
        return name =>
            kinds.TryGetValue(name, out PlaceholderKind kind) ? kind :
            names.Contains(name) ? PlaceholderKind.Name :
            PlaceholderKind.Index;
    }

    /// <summary>Reads the attribute of an abstract intervention, which lists an indexer's parameters: <c>int layer</c>.</summary>
    private static IEnumerable<PlaceholderSpec> OfCompiledBase(INamedTypeSymbol type) =>
        type.Attribute(KnownNames.Inherited)?.Items(1).Select(text => text.Split(' '))
            .Select(parts => new PlaceholderSpec(parts[1], parts[0] switch
            {
                "double" => PlaceholderKind.Number,
                "string" => PlaceholderKind.Name,
                _ => PlaceholderKind.Index,
            })) ?? [];

    /// <summary>
    /// Reads the generated indexer, whose parameters are the placeholders: private methods of a referenced assembly are not seen.
    /// </summary>
    private static IEnumerable<PlaceholderSpec> OfCompiled(ITypeSymbol intervention) =>
        intervention.GetTypeMembers("Swept").SelectMany(swept => swept.GetMembers()).OfType<IPropertySymbol>()
            .Where(property => property.IsIndexer).SelectMany(indexer => indexer.Parameters)
            .Select(parameter => new PlaceholderSpec(parameter.Name, parameter.Type.SpecialType switch
            {
                SpecialType.System_Double => PlaceholderKind.Number,
                SpecialType.System_String => PlaceholderKind.Name,
                _ => PlaceholderKind.Index,
            }));
}
