using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Parsing;

/// <summary>What a declaration sweeps: the placeholders of its writes, included ones too, in the graph's order.</summary>
internal static class SweptPlaceholders
{
    /// <summary>The placeholders, in order of first appearance.</summary>
    public static IReadOnlyList<PlaceholderModel> Of(InterventionDeclaration declaration, CancellationToken cancellation) =>
        declaration.Once<IReadOnlyList<PlaceholderModel>>(() => All(declaration, cancellation));

    private static List<PlaceholderModel> All(InterventionDeclaration declaration, CancellationToken cancellation)
    {
        var all = new List<PlaceholderModel>();
        Collect(declaration, all, [], cancellation);
        // One that is a name somewhere is a name everywhere.
        return all.GroupBy(placeholder => placeholder.Name).Select(uses => uses.OrderByDescending(use => use.Kind).First()).ToList();
    }

    /// <summary>A cycle of includes, which is an error of its own, ends where it meets itself.</summary>
    private static void Collect(InterventionDeclaration declaration, List<PlaceholderModel> all, HashSet<ISymbol> seen, CancellationToken cancellation)
    {
        if (!seen.Add(declaration.Type.OriginalDefinition))
            return;
        Func<string, PlaceholderKind> kind = Kinds(declaration);
        foreach (DeclaredStep step in declaration.Steps)
        {
            cancellation.ThrowIfCancellationRequested();
            if (step.Write is { } write)
                all.AddRange(write.Placeholders.Select(name => new PlaceholderModel(name, kind(name))));
            else if (step.Include!.Symbol.Type.DeclaringSyntaxReferences.IsEmpty)
                all.AddRange(OfCompiled(step.Include.Symbol.Type));
            else if (declaration.Included(step.Include, cancellation) is { } included)
                Collect(included, all, seen, cancellation);
        }
        seen.Remove(declaration.Type.OriginalDefinition);
    }

    /// <summary>What the placeholders of a declaration's own writes go through.</summary>
    private static Func<string, PlaceholderKind> Kinds(InterventionDeclaration declaration)
    {
        var numbers = new HashSet<string>(declaration.Sweeps.Where(sweep => !sweep.IsOfRuns).Select(sweep => sweep.Name));
        var names = new HashSet<string>(declaration.Sweeps.Where(sweep => sweep.IsOfRuns).Select(sweep => sweep.Name));
        names.UnionWith(declaration.Writes.Select(write => write.DonorSweep).OfType<string>());
        names.UnionWith(Parameters(declaration).Where(parameter => parameter.Kind == ReadKind.From).Select(parameter => parameter.Sweep).OfType<string>());
        names.UnionWith(Paths(declaration).SelectMany(Named));
        return name => numbers.Contains(name) ? PlaceholderKind.Number : names.Contains(name) ? PlaceholderKind.Name : PlaceholderKind.Index;
    }

    private static IEnumerable<DeclaredParameter> Parameters(InterventionDeclaration declaration) => declaration.Methods.SelectMany(method => method.Parameters);

    private static IEnumerable<string> Paths(InterventionDeclaration declaration) =>
        declaration.Writes.SelectMany(write => write.Sites)
            .Concat(declaration.Methods.Select(method => method.Site))
            .Concat(Parameters(declaration).Where(parameter => parameter.Kind is ReadKind.From or ReadKind.ValueOf)
                .Select(parameter => parameter.Attribute.Text(parameter.Kind == ReadKind.From ? 1 : 0)));

    /// <summary>The placeholders that go through named positions.</summary>
    private static IEnumerable<string> Named(string site) =>
        ParsedPath.Of(site).Path is { } path
            ? path.Selectors.Select(selector => selector.Indices.Selection)
                .Where(selection => selection.IsSweep && selection.Items.Any(item => item.Name is not null)).Select(selection => selection.Placeholder!)
            : [];

    /// <summary>Private methods of a referenced assembly are not seen; the generated indexer, named by the placeholders, is.</summary>
    private static IEnumerable<PlaceholderModel> OfCompiled(ITypeSymbol intervention) =>
        intervention.GetTypeMembers("Swept").SelectMany(swept => swept.GetMembers()).OfType<IPropertySymbol>()
            .Where(property => property.IsIndexer).SelectMany(indexer => indexer.Parameters)
            .Select(parameter => new PlaceholderModel(parameter.Name, parameter.Type.SpecialType switch
            {
                SpecialType.System_Double => PlaceholderKind.Number,
                SpecialType.System_String => PlaceholderKind.Name,
                _ => PlaceholderKind.Index,
            }));
}
