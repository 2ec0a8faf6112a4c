using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Values of a site in the first run of some prompts, a row each.</summary>
/// <param name="Site">The path, without placeholders.</param>
/// <param name="Point">What stood for the placeholders, in their order: a layer, a head, a position.</param>
/// <param name="Rows">The values, <c>[row, d]</c>: prompt by prompt, position by position; several heads behind each other.</param>
/// <param name="Prompts">The number of each row's prompt.</param>
internal sealed record SiteRows(string Site, ImmutableArray<(string Name, string Value)> Point, Tensor Rows, ImmutableArray<int> Prompts)
    : IDisposable
{
    /// <summary>The values at all sites of a path, of one run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="site">The path; placeholders go through sites.</param>
    /// <param name="options">How to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass.</param>
    /// <exception cref="InterventionException">The path is none of the model's, or does not select rows of values.</exception>
    public static ImmutableArray<SiteRows> Of(
        HookedModel model, IPromptSet prompts, string site, RunOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ImmutableArray<(string Path, ImmutableArray<(string, string)> Point)> paths = Expanded(model, prompts, site);
        InterventionGraph graph = new()
        {
            Name = nameof(Probe),
            Captures = [.. paths.Select((path, i) => new CaptureNode(Name(i), path.Path, [new Read.Value()], x => x[0]))],
            IsUnanalyzed = true,
        };
        using DisposeScope scope = NewDisposeScope();
        // Of the changed run, which nothing changes here; of others nothing is kept.
        using RunResult run = graph.Run(model, prompts, options with { KeptRuns = [] }, cancellationToken);
        return [.. paths.Select((path, i) => Flattened(path.Path, path.Point, run.Changed(Name(i))))];

        static string Name(int i) => $"Site{i.ToString(CultureInfo.InvariantCulture)}";
    }

    /// <summary>The paths of single sites, one for each combination of what placeholders go through.</summary>
    public static ImmutableArray<(string Path, ImmutableArray<(string Name, string Value)> Point)> Expanded(
        HookedModel model, IPromptSet prompts, string site)
    {
        ArgumentException.ThrowIfNullOrEmpty(site);
        (SiteResolution? found, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(site, model.Schema, prompts.Vocabulary);
        if (problems.Count > 0)
            throw new InterventionException($"{nameof(Probe)}: {problems[0].Message}");
        ImmutableArray<(string Path, ImmutableArray<(string, string)> Point)> paths = [(site, [])];
        foreach (PlaceholderRange range in SiteExpansion.Placeholders([found!], model.Schema))
        {
            string[] values = range.Items is { Count: > 0 } items && items.All(item => item.First == item.Last)
                ? [.. items.Select(Text)]
                : throw new InterventionException(
                    $"{nameof(Probe)}: '{{{range.Name}}}' of '{site}' needs a list of what it goes through, {{{range.Name}=…}}.");
            Regex placeholder = new($$"""\{{{Regex.Escape(range.Name)}}(!?=[^}]*)?\}""");
            paths = [.. paths.SelectMany(path => values.Select(value =>
                (placeholder.Replace(path.Path, value), path.Point.Add((range.Name, value)))))];
        }
        return paths;

        static string Text(SelectionItem item)
        {
            string number = item.First.ToString(CultureInfo.InvariantCulture);
            return item.Name is null ? number : item.First == 0 ? item.Name : $"{item.Name}{(item.First > 0 ? "+" : "")}{number}";
        }
    }

    /// <summary>Frees the values.</summary>
    public void Dispose() => Rows.Dispose();

    private static SiteRows Flattened(string site, ImmutableArray<(string, string)> point, SweptTensor kept)
    {
        string[] axes = [.. kept.Axes];
        if (axes[0] != "batch" || axes.Any(axis => axis is "query" or "key"))
            throw new InterventionException(
                $"{nameof(Probe)}: '{site}' selects [{string.Join(", ", axes)}]; needed are values of one layer that stand at positions. "
                + "A placeholder, {layer}, goes through layers.");
        using DisposeScope scope = NewDisposeScope();
        Tensor values = kept.Values;
        (long batch, long positions) = (values.shape[0], axes.Length > 1 && axes[1] == "pos" ? values.shape[1] : 1);
        Tensor rows = values.reshape(batch * positions, -1).to(ScalarType.Float64).cpu();
        bool[] real = kept.Mask is { } mask && positions > 1
            ? [.. mask.reshape(batch, -1).expand(batch, positions).cpu().contiguous().data<bool>()]
            : [.. Enumerable.Repeat(true, (int)(batch * positions))];
        long[] places = [.. real.Index().Where(row => row.Item).Select(row => (long)row.Index)];
        return new SiteRows(
            site, point, rows.index_select(0, tensor(places)).DetachFromDisposeScope(),
            [.. places.Select(place => (int)(place / positions))]);
    }
}
