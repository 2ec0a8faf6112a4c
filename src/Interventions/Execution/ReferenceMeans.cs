using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Means over prompts, of the unchanged model. All means over one run of one prompt set are taken in one stream over it, at the latest when the first is asked for, computing only as
/// deep as the deepest needs; only sums are kept.
/// </summary>
internal sealed class ReferenceMeans(BoundIntervention intervention, HookedModel model, RunOptions options, DisposeScope owner)
{
    private readonly HashSet<(IPromptSet Over, int Run)> _streamed = [];
    private readonly Dictionary<(Wanted What, int Template), RunningMean> _means = [];

    /// <summary>How many forward passes all of them take.</summary>
    public int Passes => Streams().Sum(stream => PromptBatch.Of(stream.Over, options.BatchSize, model.Graph).Count());

    /// <summary>Takes all of them, where they are not taken yet.</summary>
    /// <param name="report">Told after every forward pass.</param>
    /// <param name="cancellationToken">Looked at between nodes.</param>
    public void Compute(Action report, CancellationToken cancellationToken)
    {
        foreach ((IPromptSet over, int run) in Streams())
            if (_streamed.Add((over, run)))
                Stream(over, run, report, cancellationToken);
    }

    /// <summary>For each prompt the mean over those of its template that have the position, or over all: <c>[1 or rows, …]</c>.</summary>
    public Tensor Of(BoundRead.Mean read, BoundSite site, string node, SweepPoint point, PromptBatch chunk, int[] rows)
    {
        int run = read.Run.At(point);
        if (_streamed.Add((read.Over, run)))
            Stream(read.Over, run, () => { }, CancellationToken.None);
        Wanted what = Wanted.Of(read, run, site, node, point);
        int[] templates = [.. rows.Select(row => Template(read, chunk.Prompt(row)))];
        // Rows that are called together select equally many positions, so one row of a template stands for all.
        Dictionary<int, Tensor> means = templates.Distinct().ToDictionary(template => template, template => OfRow(rows[Array.IndexOf(templates, template)], template));
        return means.Count == 1 ? means.Values.Single() : cat([.. templates.Select(template => means[template])]);

        Tensor OfRow(int row, int template)
        {
            if (!_means.TryGetValue((what, template), out RunningMean? mean))
                throw new InterventionException(
                    $"{site.Where}: prompt {chunk.Numbers[row]} has template {template}, of which {read.Over.Vocabulary.PromptSet} has no prompt to take a mean over.");
            Tensor value = mean.Value;
            if (read.Pooled)
                return value;
            for (int axis = 1; axis < value.shape.Length; axis++)
                if (site.IsRagged && site.IsPositional(axis))
                    value = AsLong(value, axis, row);
            return site.Narrowing?[(int)value.shape[site.PositionAxis]] is { } some
                ? value.Pick(site.PositionAxis, tensor(some.Select(i => (long)i).ToArray(), device: value.device))
                : value;
        }

        Tensor AsLong(Tensor value, int axis, int row)
        {
            int count = (site with { Narrowing = null }).PositionIndices(axis, point, chunk.Tokens(0, row), chunk.Describe(0, row)).Count;
            return count <= value.shape[axis]
                ? value.narrow(axis, 0, count)
                : throw new InterventionException(
                    $"{site.Where}: '{site.Text}' selects {count} positions of prompt {chunk.Numbers[row]}; the prompts of {read.Over.Vocabulary.PromptSet} over which the mean is taken have {value.shape[axis]} at most.");
        }
    }

    private static int Template(BoundRead.Mean read, PromptTokens prompt) => read.Pooled || read.AcrossTemplates ? 0 : prompt.Template;

    private IEnumerable<(IPromptSet Over, int Run)> Streams() =>
        Wanted.All(intervention).Select(one => (one.What.Read.Over, one.What.Run)).Distinct();

    private void Stream(IPromptSet over, int run, Action report, CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        ILookup<string, (Wanted What, BoundSite Site, SweepPoint Point)> wanted = Wanted.All(intervention)
            .Where(one => one.What.Read.Over == over && one.What.Run == run).DistinctBy(one => one.What).ToLookup(one => one.What.Node);
        foreach (PromptBatch chunk in PromptBatch.Of(over, options.BatchSize, model.Graph))
        {
            using DisposeScope scope = NewDisposeScope();
            GraphEvaluator.Visit(model.Graph, chunk.Ids([run], model.Device), wanted.Select(node => node.Key), AddNode, cancellationToken);
            report();

            void AddNode(string node, Tensor value)
            {
                using DisposeScope nodeScope = NewDisposeScope();
                WholeValues values = new(chunk, run, new Dictionary<string, Tensor> { [node] = value });
                foreach ((Wanted what, BoundSite declared, SweepPoint point) in wanted[node])
                {
                    BoundSite site = what.Read.In(declared).OfPrompt(point);
                    foreach (int[] rows in chunk.RowGroups(site))
                        foreach (IGrouping<int, int> group in rows.GroupBy(row => Template(what.Read, chunk.Prompt(row))))
                            Add(what, site, group.Key, values.Select(site, node, point, [.. group]));
                }
            }
        }
    }

    private void Add(Wanted what, BoundSite site, int template, Tensor selected)
    {
        long[] over = [0, .. what.Read.Pooled ? Enumerable.Range(1, selected.shape.Length - 1).Where(site.IsPositional).Select(axis => (long)axis) : []];
        if (!_means.TryGetValue((what, template), out RunningMean? mean))
            _means[(what, template)] = mean = new RunningMean(owner, selected.dtype);
        mean.Add(selected.to(ScalarType.Float64).sum(over, keepdim: true), ones_like(selected, ScalarType.Float64).sum(over, keepdim: true));
    }

    /// <summary>One mean: a node's selected values at a point of the sweep.</summary>
    private sealed record Wanted(BoundRead.Mean Read, int Run, string Site, string Node, string Selected)
    {
        public static Wanted Of(BoundRead.Mean read, int run, BoundSite site, string node, SweepPoint point) =>
            // The node says the layer; of the point only what selects within it matters.
            new(read, run, site.Text, node, string.Join(";", site.Axes.Where(axis => axis.IsSweep).Select(axis => point[axis.Placeholder!])));

        public static IEnumerable<(Wanted What, BoundSite Site, SweepPoint Point)> All(BoundIntervention intervention) =>
            intervention.References<BoundRead.Mean>().Select(one => (Of(one.Read, one.Read.Run.At(one.Point), one.Site, one.Node, one.Point), one.Site, one.Point));
    }
}
