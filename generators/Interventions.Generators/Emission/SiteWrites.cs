using Interventions.Generators.Infrastructure;
using Interventions.Generators.Model;
using Interventions.Sites;

namespace Interventions.Generators.Emission;

/// <summary>Writes that happen together: all those to one site path in one run, where nothing that may write the same site stands between them.</summary>
/// <param name="Method">The generated method that makes them one; null for a single write.</param>
/// <param name="Writes">The writes, in the order of the text.</param>
internal sealed record SiteWrites(string? Method, IReadOnlyList<WriteModel> Writes)
{
    /// <summary>The first one: it says where and what is written.</summary>
    public WriteModel First => Writes[0];

    /// <summary>The writes of a declaration, in the order of the text, each site's at the place of its first.</summary>
    /// <param name="model">The declaration.</param>
    public static IReadOnlyList<SiteWrites> Of(InterventionModel model)
    {
        var groups = new List<List<WriteModel>>();
        foreach (WriteModel write in model.Writes)
        {
            List<WriteModel>? earlier = Joins(groups, write);
            if (earlier is null)
                groups.Add([write]);
            else
                earlier.Add(write);
        }
        var taken = new HashSet<string>(model.TakenNames, StringComparer.Ordinal);
        return groups.Select(group => new SiteWrites(group.Count == 1 ? null : Name(group[0], taken), group)).ToList();
    }

    /// <summary>The group that a write can join without passing one that may write the same values.</summary>
    private static List<WriteModel>? Joins(List<List<WriteModel>> groups, WriteModel write)
    {
        if (Place(write) is not var (site, run))
            return null;
        for (int i = groups.Count - 1; i >= 0; i--)
        {
            if (Place(groups[i][0]) is not var (other, otherRun))
                return null;
            // A sweep's axes stand in the order of the text: a write that brings one stays where it is.
            if (i < groups.Count - 1 && Sweeps(write))
                return null;
            if (run != otherRun)
                continue;
            if (site == other)
                return groups[i];
            if (ParsedPath.Of(site).Path is { } path && ParsedPath.Of(other).Path is { } before && MayMeet(path, before))
                return null;
        }
        return null;
    }

    /// <summary>Where a write goes; null for a path patch, which writes several places, and for a splice, past which nothing moves.</summary>
    private static (string Site, string? Run)? Place(WriteModel write) => write switch
    {
        WriteModel.Method { Node: var node } => (node.Site, node.Run),
        WriteModel.BuiltIn builtIn => (builtIn.Site, builtIn.Run),
        _ => null,
    };

    /// <summary>Whether a write has a placeholder outside its site path.</summary>
    private static bool Sweeps(WriteModel write) => write switch
    {
        WriteModel.Method { Node.Reads: var reads } => reads.Any(read => read.Kind == ReadKind.Swept || (read.Kind == ReadKind.From && BracedName.Read(read.Name) is not null)),
        WriteModel.BuiltIn builtIn => builtIn.AmountSweep is not null || BracedName.Read(builtIn.Donor) is not null,
        _ => false,
    };

    /// <summary>Whether two paths may name one site: what is in brackets is not looked at.</summary>
    private static bool MayMeet(SitePath left, SitePath right)
    {
        if (left.Segments.Count != right.Segments.Count)
            return false;
        for (int i = 0; i < left.Segments.Count; i++)
            if (left.Segments[i].Name != right.Segments[i].Name || AreDifferentLayers(left.Segments[i].Indices, right.Segments[i].Indices))
                return false;
        return true;
    }

    private static bool AreDifferentLayers(PathIndices? left, PathIndices? right) =>
        Layer(left) is { } first && Layer(right) is { } second && first != second;

    /// <summary>The index, where there is one that says which layer it is without the model.</summary>
    private static int? Layer(PathIndices? indices) =>
        indices?.Selection is { IsSweep: false, Items: { Count: 1 } items } && items[0] is { Name: null, First: >= 0 and var layer } && items[0].Last == layer ? layer : null;

    private static string Name(WriteModel write, HashSet<string> taken)
    {
        string name = "Write" + Literals.Pascal(Place(write)!.Value.Site), distinct = name;
        for (int i = 2; !taken.Add(distinct); i++)
            distinct = name + Literals.Number(i);
        return distinct;
    }
}
