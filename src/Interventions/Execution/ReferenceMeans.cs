using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Means over prompts, of the unchanged model. All means over one run of one prompt set are taken in one stream of batches, at the latest
/// when the first of them is read. A stream computes only as deep as its deepest mean, and keeps only sums. Means that an earlier run took
/// are not taken again where the runs share a cache.
/// </summary>
internal sealed class ReferenceMeans(BoundIntervention intervention, HookedModel model, RunOptions options, DisposeScope owner)
{
    private readonly HashSet<(IPromptSet Over, int Run)> _streamed = [];
    private readonly Dictionary<(MeanKey Key, int Template), Tensor> _means = [];

    /// <summary>How many forward passes all of them take.</summary>
    public int Passes => Streams().Sum(stream => PromptBatch.Of(stream.Over, options.BatchSize, model.Graph).Count());

    /// <summary>Takes all means that are not taken yet.</summary>
    /// <param name="report">Called after every forward pass.</param>
    /// <param name="cancellationToken">Checked between nodes.</param>
    public void Compute(Action report, CancellationToken cancellationToken)
    {
        foreach ((IPromptSet over, int run) in Streams())
            if (_streamed.Add((over, run)))
                Stream(over, run, report, cancellationToken);
    }

    /// <summary>For each prompt the mean over those of its template that have the position, or over all: <c>[1 or rows, …]</c>.</summary>
    /// <param name="read">What is read.</param>
    /// <param name="site">The site: the method's own, or the other one that is read.</param>
    /// <param name="node">The node of the site.</param>
    /// <param name="point">The point of the sweep.</param>
    /// <param name="batch">The prompts.</param>
    /// <param name="run">The run of the prompt set whose positions count.</param>
    /// <param name="rows">Which prompts of the batch.</param>
    public Tensor Of(BoundRead.Mean read, BoundSite site, string node, SweepPoint point, PromptBatch batch, int run, int[] rows)
    {
        MeanKey key = MeanKey.Of(read, site, node, point);
        if (!IsCached(key) && _streamed.Add((key.Over, key.Run)))
            Stream(key.Over, key.Run, () => { }, CancellationToken.None);
        // Rows that are called together select equally many positions, so one stands for all of its template and of its indices.
        (int Template, string Indices)[] places = [.. rows.Select(row => (
            read.TemplateOf(batch.Prompt(row)),
            read is { AtIndices: true, Pooled: false }
                ? string.Join(',', site.PositionalAxes.SelectMany(axis => Indices(axis, row)))
                : ""))];
        Dictionary<(int, string), Tensor> means = places.Distinct()
            .ToDictionary(place => place, place => OfRow(rows[Array.IndexOf(places, place)], place.Template));
        return means.Count == 1 ? means.Values.Single() : cat([.. places.Select(place => means[place])]);

        Tensor OfRow(int row, int template)
        {
            Tensor value = Find(key, template)?.alias() ?? throw new InterventionException(
                $"{site.Where}: prompt {batch.Numbers[row]} has template {template}, of which {read.Over.Vocabulary.PromptSet} "
                + "has no prompt to take a mean over.");
            if (read.Pooled)
                return value;
            foreach (int axis in site.PositionalAxes)
                if (read.AtIndices)
                    value = At(value, axis, Checked(axis, row, value.shape[axis]));
                else if (site.IsRagged)
                    value = AsLong(value, axis, row);
            return !read.AtIndices && site.Narrowing?[(int)value.shape[site.PositionAxis]] is { } some
                ? value.Pick(site.PositionAxis, tensor(some.Select(i => (long)i).ToArray(), device: value.device))
                : value;
        }

        IReadOnlyList<int> Indices(int axis, int row) =>
            site.PositionIndices(axis, point, batch.Tokens(run, row), batch.Describe(run, row));

        long[] Checked(int axis, int row, long length)
        {
            long[] indices = [.. Indices(axis, row).Select(index => (long)index)];
            return indices.Max() < length ? indices : throw new InterventionException(
                $"{site.Where}: '{site.Text}' selects position {indices.Max()} of prompt {batch.Numbers[row]}; the prompts of "
                + $"{read.Over.Vocabulary.PromptSet} over which the mean is taken have {length} tokens at most.");
        }

        static Tensor At(Tensor value, int axis, long[] indices) => indices.Index().All(one => one.Item == indices[0] + one.Index)
            ? value.narrow(axis, indices[0], indices.Length)
            : value.Pick(axis, tensor(indices, device: value.device));

        Tensor AsLong(Tensor value, int axis, int row)
        {
            int count = (site with { Narrowing = null })
                .PositionIndices(axis, point, batch.Tokens(0, row), batch.Describe(0, row)).Count;
            return count <= value.shape[axis]
                ? value.narrow(axis, 0, count)
                : throw new InterventionException(
                    $"{site.Where}: '{site.Text}' selects {count} positions of prompt {batch.Numbers[row]}; the prompts of "
                    + $"{read.Over.Vocabulary.PromptSet} over which the mean is taken have {value.shape[axis]} at most.");
        }
    }

    private IEnumerable<(IPromptSet Over, int Run)> Streams() => Missing().Select(one => (one.Key.Over, one.Key.Run)).Distinct();

    private IEnumerable<(MeanKey Key, ReferenceRead<BoundRead.Mean> Read)> Missing() => intervention.References<BoundRead.Mean>()
        .Select(one => (Key: MeanKey.Of(one.Read, one.Site, one.Node, one.Point), one)).Where(one => !IsCached(one.Key));

    private bool IsCached(MeanKey key) => options.Means?.Has(model, key) == true;

    /// <summary>A mean that this run took, or one that it shares; null where there is no prompt of the template.</summary>
    private Tensor? Find(MeanKey key, int template)
    {
        if (_means.TryGetValue((key, template), out Tensor? known) || options.Means?.Find(model, key, template) is not { } stored)
            return known;
        using DisposeScope scope = NewDisposeScope();
        return _means[(key, template)] = stored.ToTensor(model.Device).moved_to(owner);
    }

    private void Stream(IPromptSet over, int run, Action report, CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        ILookup<string, (MeanKey Key, ReferenceRead<BoundRead.Mean> Read)> means = Missing()
            .Where(one => one.Key.Over == over && one.Key.Run == run).DistinctBy(one => one.Key).ToLookup(one => one.Key.Node);
        using DisposeScope sums = NewDisposeScope();
        Dictionary<(MeanKey Key, int Template), RunningMean> running = [];
        foreach (PromptBatch batch in PromptBatch.Of(over, options.BatchSize, model.Graph))
        {
            using DisposeScope scope = NewDisposeScope();
            GraphEvaluator.Visit(model.Graph, batch.Ids([run], model.Device), means.Select(node => node.Key), AddNode, cancellationToken);
            report();

            void AddNode(string node, Tensor value)
            {
                using DisposeScope nodeScope = NewDisposeScope();
                WholeValues values = new(batch, run, new Dictionary<string, Tensor> { [node] = value });
                foreach ((MeanKey key, ReferenceRead<BoundRead.Mean> one) in means[node])
                {
                    BoundSite site = one.Read.In(one.Site).OfPrompt(one.Point);
                    foreach (int[] rows in batch.RowGroups(site))
                        foreach (IGrouping<int, int> alike in rows.GroupBy(row => one.Read.TemplateOf(batch.Prompt(row))))
                            Add(key, alike.Key, site, values.Select(site, node, one.Point, [.. alike]));
                }
            }
        }
        foreach (((MeanKey, int) place, RunningMean mean) in running)
            _means[place] = mean.Value.moved_to(owner);
        foreach (IGrouping<MeanKey, int> taken in running.Keys.GroupBy(place => place.Key, place => place.Template))
            options.Means?.Add(model, taken.Key, taken.ToDictionary(
                template => template, template => StoredMean.Of(_means[(taken.Key, template)])));

        void Add(MeanKey key, int template, BoundSite site, Tensor selected)
        {
            IEnumerable<int> pooled = key.Pooled ? Enumerable.Range(1, selected.shape.Length - 1).Where(site.IsPositional) : [];
            long[] axes = [0, .. pooled.Select(axis => (long)axis)];
            if (!running.TryGetValue((key, template), out RunningMean? mean))
                running[(key, template)] = mean = new RunningMean(sums, selected.dtype);
            mean.Add(
                selected.to(ScalarType.Float64).sum(axes, keepdim: true),
                ones_like(selected, ScalarType.Float64).sum(axes, keepdim: true));
        }
    }

    /// <summary>A mean that grows, position by position. Sums have double precision, so that many prompts cost no precision.</summary>
    /// <param name="owner">Owns the sums.</param>
    /// <param name="type">The type of the values.</param>
    private sealed class RunningMean(DisposeScope owner, ScalarType type)
    {
        private Tensor? _sum, _count;

        /// <summary>The mean so far: <c>[1, …]</c>.</summary>
        public Tensor Value => (_sum! / _count!).to(type);

        /// <summary>Adds a sum <c>[1, …]</c> and the number of its terms. Prompts without a position add 0 to both there.</summary>
        public void Add(Tensor sum, Tensor count)
        {
            _sum = Plus(_sum, sum);
            _count = Plus(_count, count);
        }

        private Tensor Plus(Tensor? total, Tensor more)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor sum = total is null ? more.clone() : RaggedBatch.Combine([([0], total), ([1], more)]).sum([0L], keepdim: true);
            total?.Dispose();
            return sum.moved_to(owner);
        }
    }
}

/// <summary>Identifies one mean: a node's selected values in a run. Points of the sweep that select the same share it.</summary>
/// <param name="Over">The prompts.</param>
/// <param name="Run">Their run.</param>
/// <param name="Pooled">Whether positions are averaged too.</param>
/// <param name="AcrossTemplates">Whether templates count for nothing.</param>
/// <param name="AtIndices">Whether there is a mean at every position, whatever is selected.</param>
/// <param name="Site">The path.</param>
/// <param name="Node">The node.</param>
/// <param name="Selected">What the sweep's point selects.</param>
internal sealed record MeanKey(
    IPromptSet Over, int Run, bool Pooled, bool AcrossTemplates, bool AtIndices, string Site, string Node, string Selected)
{
    /// <summary>The mean that a method reads.</summary>
    public static MeanKey Of(BoundRead.Mean read, BoundSite site, string node, SweepPoint point)
    {
        // The node says the layer; of the point only the placeholders of the site's axes matter.
        IEnumerable<SweepCoordinate> selected = read.In(site).Axes.Where(axis => axis.IsSweep).Select(axis => point[axis.Placeholder!]);
        return new MeanKey(
            read.Over, read.Run.At(point), read.Pooled, read.AcrossTemplates, read.AtIndices, site.Text, node, string.Join(";", selected));
    }
}
