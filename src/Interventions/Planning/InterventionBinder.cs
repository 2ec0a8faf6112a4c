using System.Collections.Immutable;
using Interventions.Graphs;
using Interventions.Sites;

namespace Interventions.Planning;

/// <summary>
/// Finds every name of an intervention graph in a model's schema and a prompt set's vocabulary. What the analyzers would have said in the editor is
/// said here again, for code that was compiled without them or against another version of the model.
/// </summary>
internal sealed class InterventionBinder
{
    private readonly InterventionGraph _graph;
    private readonly ModelSchema _schema;
    private readonly IPromptSet _prompts;
    private readonly List<SiteResolution> _resolved = [];

    private InterventionBinder(InterventionGraph graph, ModelSchema schema, IPromptSet prompts)
    {
        _graph = graph;
        _schema = schema;
        _prompts = prompts;
    }

    /// <summary>The bound intervention.</summary>
    /// <exception cref="InterventionException">A name is unknown, or a placeholder has no range.</exception>
    public static BoundIntervention Bind(InterventionGraph graph, ModelSchema schema, IPromptSet prompts) => new InterventionBinder(graph, schema, prompts).Bind();

    private BoundIntervention Bind()
    {
        SchemaSkew.Check(_graph, _schema);
        ImmutableArray<BoundWrite> writes = [.. _graph.Writes.Select(write => new BoundWrite(write, Site(write.Site, write.Name), Reads(write.Reads, write.Name)))];
        string[] swept = [.. writes.SelectMany(write => write.Site.Placeholders).Distinct()];
        ImmutableArray<BoundCapture> captures = [.. _graph.Captures.Select(capture => new BoundCapture(capture, Site(capture.Site, capture.Name), Reads(capture.Reads, capture.Name)))];
        ImmutableArray<BoundMetric> metrics = [.. _graph.Metrics.Select(metric => new BoundMetric(metric, Reads(metric.Reads, metric.Name)))];

        // Writes sweep; whatever else uses a placeholder can only narrow its range.
        IReadOnlyList<PlaceholderRange> ranges = SiteExpansion.Placeholders(_resolved, _schema);
        ImmutableArray<SweepAxis> sweep = [.. swept.Select(name => Axis(ranges.Single(range => range.Name == name)))];
        foreach (BoundWrite write in writes)
            CheckPlaceholders(write.Node.Name, write.Site, write.Reads);
        foreach (BoundCapture capture in captures)
            CheckPlaceholders(capture.Node.Name, capture.Site, capture.Reads);
        foreach (BoundMetric metric in metrics)
            CheckPlaceholders(metric.Node.Name, null, metric.Reads);
        return new BoundIntervention(_graph.Name, sweep, writes, captures, metrics);

        void CheckPlaceholders(string method, BoundSite? own, ImmutableArray<BoundRead> reads)
        {
            foreach (BoundSite site in reads.OfType<BoundRead.From>().Select(from => from.Site).Prepend(own).OfType<BoundSite>())
                foreach (string placeholder in site.Placeholders)
                    if (!swept.Contains(placeholder))
                        throw Wrong(method, $"placeholder '{{{placeholder}}}' of '{site.Text}' is not swept: no patch has it in its site path");
        }
    }

    private ImmutableArray<BoundRead> Reads(ImmutableArray<Read> reads, string method) =>
        [.. reads.Select(read => read switch
        {
            Read.Value => (BoundRead)new BoundRead.Value(),
            Read.From from => new BoundRead.From(Run(from.Run, method), from.Site is null ? null : Single(Site(from.Site, method), method)),
            Read.Logit logit => new BoundRead.Logit(Answer(logit.Answer, method), LogitsAt(logit.At, method)),
            _ => throw new InvalidOperationException($"Unknown read {read}."),
        })];

    private BoundSite Site(string text, string method)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(text, _schema, _prompts.Vocabulary);
        if (resolution is null || problems.Count > 0)
            throw Wrong(method, string.Join("; ", problems.Select(problem => problem.Message)));
        _resolved.Add(resolution);
        SiteDefinition site = resolution.Site!;
        return new BoundSite(
            text,
            site,
            resolution.Layer,
            _schema.SizeOf("layer") ?? 0,
            [.. site.Axes.Select(axis => resolution.Axes.LastOrDefault(selection => selection.Axis == axis)?.Selection ?? Selection.All)],
            _prompts.Vocabulary);
    }

    /// <summary>A read of another site is one value, so its path must name one.</summary>
    private BoundSite Single(BoundSite site, string method) =>
        site.IsStacked ? throw Wrong(method, $"[From] reads one site, but '{site.Text}' names several") : site;

    private BoundSite LogitsAt(string at, string method) =>
        VocabularyResolver.TryPosition(at, _prompts.Vocabulary, out _, out SiteProblem? problem)
            ? Site($"logits[pos={at}]", method)
            : throw Wrong(method, problem.Message);

    private int Run(string name, string method) => Find(name, _prompts.Vocabulary.Runs, VocabularyResolver.UnknownRun(name, _prompts.Vocabulary), method);

    private int Answer(string name, string method) => Find(name, _prompts.Vocabulary.Answers, VocabularyResolver.UnknownAnswer(name, _prompts.Vocabulary), method);

    private int Find(string name, EquatableArray<string> names, SiteProblem? problem, string method) =>
        problem is null ? names.ToList().IndexOf(name) : throw Wrong(method, problem.Message);

    private SweepAxis Axis(PlaceholderRange range)
    {
        // A bare {pos} runs through all positions.
        ImmutableArray<SelectionItem> items = [.. (range.Items ?? EquatableArray.Of(new SelectionItem(null, 0, -1))).SelectMany(item => Singles(item, range)).Distinct()];
        return items.IsEmpty
            ? throw new InterventionException($"{_graph.Name}: placeholder '{{{range.Name}}}' ranges over nothing: its uses have no index in common.")
            : new SweepAxis(range.Name, items);
    }

    /// <summary>A range that ends at a place counted from the end is a list only if all prompts are equally long.</summary>
    private IEnumerable<SelectionItem> Singles(SelectionItem item, PlaceholderRange range)
    {
        if (item.Name is not null || item.First == item.Last)
            return [item];
        int[] lengths = [.. _prompts.Prompts.Select(prompt => prompt.Runs[0].Ids.Count).Distinct().Order()];
        string what = range.Items is null ? "all positions" : $"positions {item.First}..{item.Last}";
        if (lengths.Length > 1)
            throw new InterventionException(
                $"{_graph.Name}: placeholder '{{{range.Name}}}' sweeps {what}, but the prompts have {lengths[0]} to {lengths[^1]} tokens. Name them, as in {{{range.Name}=0..{lengths[0] - 1}}} or {{{range.Name}=end}}.");
        IReadOnlyList<int> indices = SiteExpansion.Indices(new Selection(null, EquatableArray.Of(item)), lengths[0]);
        return indices.Count > 0
            ? indices.Select(i => new SelectionItem(null, i, i))
            : throw new InterventionException($"{_graph.Name}: placeholder '{{{range.Name}}}' sweeps {what}, which is nothing in prompts of {lengths[0]} tokens.");
    }

    private InterventionException Wrong(string method, string problem) =>
        new($"{_graph.Name}.{method}: {problem}{SchemaSkew.Hint(_graph, _schema, _prompts.Vocabulary)}");
}
