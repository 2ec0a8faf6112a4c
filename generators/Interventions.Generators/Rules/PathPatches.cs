using Interventions.Generators.Declarations;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Specs;
using Interventions.Runtime;
using Interventions.Sites;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Interventions.Generators.Rules;

/// <summary>Checks path patches: each has senders, and receivers that come after them, at every point of a sweep.</summary>
[DiagnosticAnalyzer(LanguageNames.CSharp)]
internal sealed class PathPatches() : InterventionAnalyzer(UpstreamReceiver, UnreachedPoints)
{
    public static readonly DiagnosticDescriptor UpstreamReceiver = Rule.Composition("INV212", "Receivers are downstream of the sender");

    public static readonly DiagnosticDescriptor UnreachedPoints = Rule.Composition(
        "INV218", "Points of a sweep that reach no receiver",
        "'{{{0}}}' goes through {1}, and at {2} no receiver is downstream of a sender, so nothing changes there: write '{{{0}={3}}}'",
        DiagnosticSeverity.Warning);

    /// <summary>More points than a sweep of two layers of a large model has are left to the run, which names them too.</summary>
    private const int MostPoints = 20_000;

    /// <summary>Checks the path patches of a declaration.</summary>
    public static IEnumerable<Problem> Check(InterventionDeclaration declaration)
    {
        foreach (DeclaredWrite write in declaration.Writes)
        {
            if (write.Kind != WriteKind.PathPatch)
                continue;
            List<Problem> receivers = Receivers(write, declaration.ModelSchema).ToList();
            IEnumerable<Problem> points =
                receivers.Count == 0 && declaration.ModelSchema is { } schema ? Points(write, declaration, schema) : [];
            foreach (Problem problem in receivers.Concat(points))
                yield return problem;
        }
    }

    protected override IEnumerable<Problem> Problems(InterventionDeclaration declaration) => Check(declaration);

    private static IEnumerable<Problem> Receivers(DeclaredWrite write, ModelSchema? schema)
    {
        if (write.Senders.Count == 0)
        {
            yield return new Problem(UpstreamReceiver, write.Site.Text.Location, Sentences.NoSender);
            yield break;
        }
        if (write.Receivers.Count == 0)
            yield return new Problem(
                UpstreamReceiver, write.Site.Text.Location, Sentences.Of(Sentences.NoReceiver, write.Site.Value));
        foreach (DeclaredPath receiver in write.Receivers)
            if (schema is not null && receiver.Path is { } path
                && write.Senders.All(sender => sender.Path is not null && SiteOrder.IsNotAfter(path, sender.Path, schema)))
                yield return Upstream(write, receiver, path);
    }

    /// <summary>Finds the layers of a sweep at which no receiver is downstream of any sender.</summary>
    private static IEnumerable<Problem> Points(DeclaredWrite write, InterventionDeclaration declaration, ModelSchema schema)
    {
        List<DeclaredPath> paths = write.Senders.Concat(write.Receivers).ToList();
        if (!paths.TrueForAll(path => path.Path is not null && ResolvedPath.Of(path.Path, schema).IsSuccess))
            yield break;
        HashSet<string> names = new(paths.SelectMany(path => path.Placeholders));
        List<PlaceholderRange> layers = Placeholders.Ranges(declaration, schema)
            .Where(range => range.Axis == "layer" && names.Contains(range.Name)).ToList();
        // One point would be a layer that is written out; without sizes there are none.
        // Listed points are no rectangle, and those of a property are not known here.
        if (layers.Count == 0 || layers.Exists(range => range.Items is not { Count: > 0 })
            || declaration.Lists.Any(list => layers.Exists(range => list.Placeholders.Contains(range.Name)))
            || layers.Aggregate(1L, (count, range) => count * range.Items!.Value.Count) > MostPoints)
            yield break;
        List<Dictionary<string, int>> reached = Combinations(layers).Where(point => write.Receivers.Any(receiver =>
            write.Senders.Any(sender => !SiteOrder.IsNotAfter(receiver.Path!, sender.Path!, point, schema)))).ToList();
        if (reached.Count == 0)
        {
            yield return Upstream(write, write.Receivers[0], write.Receivers[0].Path!);
            yield break;
        }
        foreach (PlaceholderRange range in layers)
        {
            List<int> all = range.Items!.Value.Select(item => item.First).ToList();
            List<int> live = all.FindAll(layer => reached.Exists(point => point[range.Name] == layer));
            if (live.Count == all.Count)
                continue;
            (DeclaredPath path, PlaceholderUse use) = paths
                .SelectMany(path => path.Path!.Placeholders.Select(use => (path, use))).First(pair => pair.use.Name == range.Name);
            yield return new Problem(
                UnreachedPoints, path.At(use.Span), range.Name, Listed(all), Listed(all.Except(live).ToList()),
                IsRange(live) ? $"{live[0]}..{live[live.Count - 1]}" : string.Join(",", live));
        }
    }

    /// <summary>Every combination of layers.</summary>
    private static IEnumerable<Dictionary<string, int>> Combinations(IEnumerable<PlaceholderRange> layers)
    {
        IEnumerable<Dictionary<string, int>> points = [[]];
        foreach (PlaceholderRange range in layers)
            points = points.SelectMany(point =>
                range.Items!.Value.Select(item => new Dictionary<string, int>(point) { [range.Name] = item.First }));
        return points;
    }

    private static Problem Upstream(DeclaredWrite write, DeclaredPath receiver, SitePath path)
    {
        string senders = Spelling.List(write.Senders.Select(sender => $"'{sender.Path!.Site}'").ToList());
        return new Problem(
            UpstreamReceiver, receiver.Text.At(0, path.Site.Length),
            Sentences.Of(Sentences.UpstreamReceiver, path.Site, senders));
    }

    private static string Listed(IReadOnlyList<int> layers) =>
        IsRange(layers) ? $"{layers[0]} to {layers[layers.Count - 1]}" : Spelling.List(layers.Select(Literals.Number).ToList());

    private static bool IsRange(IReadOnlyList<int> layers) =>
        layers.Count > 2 && layers[layers.Count - 1] - layers[0] == layers.Count - 1;
}
