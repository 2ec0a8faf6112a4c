using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Declarations;

/// <summary>A <c>[Sweep]</c> of a class: a list of numbers or of runs.</summary>
/// <param name="Placeholder">The placeholder.</param>
/// <param name="Numbers">The numbers; empty where runs are swept.</param>
/// <param name="Runs">The runs; empty where numbers are swept.</param>
internal sealed record DeclaredSweep(DeclaredText Placeholder, EquatableArray<double> Numbers, IReadOnlyList<DeclaredText> Runs)
{
    /// <summary>The placeholder's name.</summary>
    public string Name => Placeholder.Value;

    /// <summary>The number of its values.</summary>
    public int Count => Numbers.Count + Runs.Count;

    /// <summary>The sweeps that a class lists, in textual order.</summary>
    public static IEnumerable<DeclaredSweep> Read(INamedTypeSymbol type)
    {
        foreach (AttributeData attribute in type.GetAttributes())
        {
            if (!attribute.Is(KnownNames.Sweep))
                continue;
            var name = DeclaredText.Argument(attribute, 0);
            // A sweep of runs has its first run as a parameter of its own, which tells the two constructors apart.
            yield return attribute.ConstructorArguments.Length == 3
                ? new DeclaredSweep(name, default, [DeclaredText.Argument(attribute, 1), .. DeclaredText.Items(attribute, 2)])
                : new DeclaredSweep(name, ReadNumbers(attribute).ToEquatableArray(), []);
        }
    }

    private static IEnumerable<double> ReadNumbers(AttributeData attribute) =>
        attribute.ConstructorArguments is { Length: 2 } arguments && arguments[1] is { Kind: TypedConstantKind.Array, IsNull: false } values
            ? values.Values.Select(value => value.Value).OfType<double>()
            : [];
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
        return all.GroupBy(placeholder => placeholder.Name).Select(uses => new PlaceholderSpec(uses.Key, Common(uses))).ToList();
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
        var numbers = new HashSet<string>(declaration.Sweeps.Where(sweep => sweep.Runs.Count == 0).Select(sweep => sweep.Name));
        var names = new HashSet<string>(declaration.Sweeps.Where(sweep => sweep.Runs.Count > 0).Select(sweep => sweep.Name));
        names.UnionWith(declaration.SweepUses.Where(use => use.IsRun).Select(use => use.Name));
        names.UnionWith(declaration.Paths.SelectMany(OfNames));
        return name =>
            numbers.Contains(name) ? PlaceholderKind.Number :
            names.Contains(name) ? PlaceholderKind.Name :
            PlaceholderKind.Index;
    }

    /// <summary>The placeholders of a path that go through named positions.</summary>
    private static IEnumerable<string> OfNames(DeclaredPath path) =>
        path.Path?.Selectors.Select(selector => selector.Indices.Selection)
            .Where(selection => selection.IsSweep && selection.Items.Any(item => item.Name is not null))
            .Select(selection => selection.Placeholder!) ?? [];

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
