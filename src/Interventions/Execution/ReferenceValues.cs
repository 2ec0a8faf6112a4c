using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Sites;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Values of prompts beyond the batch, of the unchanged model: means over a run's prompts, and other prompts' values.</summary>
internal sealed class ReferenceValues(
    BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options, DisposeScope owner)
{
    /// <summary>Means over prompts.</summary>
    public ReferenceMeans Means { get; } = new(intervention, model, options, owner);

    /// <summary>Values of other prompts.</summary>
    public PartnerValues Partners { get; } = new(intervention, model, prompts, owner);
}

/// <summary>
/// Values of partners: for each prompt of a batch another prompt, drawn at random. One pass a batch and draw computes every value that is
/// read of the partners; the values are held until the next batch.
/// </summary>
internal sealed class PartnerValues
{
    private readonly BoundIntervention _intervention;
    private readonly HookedModel _model;
    private readonly IPromptSet _prompts;
    private readonly DisposeScope _owner;
    private readonly ILookup<Draw, string> _nodes;
    private readonly Dictionary<Draw, (int[] Rows, WholeValues Values)[]> _values = [];
    private int[]? _batch;

    public PartnerValues(BoundIntervention intervention, HookedModel model, IPromptSet prompts, DisposeScope owner)
    {
        _intervention = intervention;
        _model = model;
        _prompts = prompts;
        _owner = owner;
        _nodes = intervention.References<BoundRead.Partner>()
            .ToLookup(one => Draw.Of(one.Read, one.Site, one.Point), one => one.Node);
    }

    /// <summary>The values that each row's partner has, <c>[rows, …]</c>.</summary>
    public Tensor Of(BoundRead.Partner read, BoundSite site, string node, SweepPoint point, PromptBatch batch, int[] rows)
    {
        // The steps of a generation are batches of their own, with the numbers of one array.
        if (!ReferenceEquals(_batch, batch.Numbers))
            Begin(batch);
        Draw draw = Draw.Of(read, site, point);
        if (!_values.TryGetValue(draw, out (int[] Rows, WholeValues Values)[]? parts))
            _values[draw] = parts = Compute(draw, batch);
        List<(int[] Rows, Tensor Values)> selected = [];
        foreach ((int[] held, WholeValues values) in parts)
        {
            int[] within = [.. Enumerable.Range(0, held.Length).Where(i => rows.Contains(held[i]))];
            if (within.Length > 0)
                selected.Add(([.. within.Select(i => Array.IndexOf(rows, held[i]))], values.Select(site, node, point, within)));
        }
        return RaggedBatch.Combine(selected);
    }

    /// <summary>Frees the values of the batch before.</summary>
    private void Begin(PromptBatch batch)
    {
        foreach (Tensor value in _values.Values.SelectMany(parts => parts).SelectMany(part => part.Values.Values.Values))
            value.Dispose();
        _values.Clear();
        _batch = batch.Numbers;
    }

    /// <summary>One pass, or one for each length of the partners if the model looks ahead: then padding would be seen.</summary>
    private (int[] Rows, WholeValues Values)[] Compute(Draw draw, PromptBatch batch)
    {
        int[] partners = [.. batch.Numbers.Select(number => PartnerOf(number, draw.Seed, draw.EquallyLong))];
        IEnumerable<int[]> passes = _model.Graph.LooksAhead
            ? batch.Rows.GroupBy(row => Length(partners[row])).Select(alike => alike.ToArray())
            : [batch.Rows];
        return [.. passes.Select(rows => (rows, Pass(draw, new PromptBatch(_prompts, [.. rows.Select(row => partners[row])]))))];
    }

    private WholeValues Pass(Draw draw, PromptBatch partners)
    {
        using IDisposable mode = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
            _model.Graph, partners.Ids([draw.Run], _model.Device), _nodes[draw]);
        foreach (Tensor value in values.Values)
            value.moved_to(_owner);
        return new WholeValues(partners, draw.Run, values);
    }

    private int Length(int prompt) => _prompts.Prompts[prompt].Runs[0].Ids.Count;

    /// <summary>Another prompt, drawn by the seed and the prompt's number alone, so that batches of every size draw the same.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="equallyLong">Whether the other prompt must have the same length, because the length decides what is selected.</param>
    private int PartnerOf(int prompt, int seed, bool equallyLong)
    {
        int[] others = [.. Enumerable.Range(0, _prompts.Prompts.Count)
            .Where(other => other != prompt && (!equallyLong || Length(other) == Length(prompt)))];
        return others.Length > 0
            ? others[new Random(Hash(seed, prompt)).Next(others.Length)]
            : throw new InterventionException(
                $"{_intervention.Name}: resampling prompt {prompt} of {_prompts.Vocabulary.PromptSet} needs another prompt"
                + $"{(equallyLong ? $" of {TextTable.Count(Length(prompt), "token")}" : "")}, and there is none.");
    }

    /// <summary>A hash that is the same on every machine and in every process.</summary>
    private static int Hash(int seed, int number)
    {
        uint hash = unchecked(((uint)seed * 0x9E3779B9u) ^ ((uint)number * 0x85EBCA6Bu));
        hash ^= hash >> 16;
        return unchecked((int)(hash * 0xC2B2AE35u));
    }

    /// <summary>A choice of partners, in one of their runs; they are equally long if the length decides what is selected.</summary>
    private sealed record Draw(int Run, int Seed, bool EquallyLong)
    {
        public static Draw Of(BoundRead.Partner read, BoundSite site, SweepPoint point) =>
            new(read.Run.At(point), read.Seed, site.IsRagged);
    }
}

/// <summary>
/// Means over prompts, of the unchanged model. All means over one run of one prompt set are taken in one stream of batches, at the latest
/// when the first of them is read. A stream computes only as deep as its deepest mean, and keeps only sums.
/// </summary>
internal sealed class ReferenceMeans(BoundIntervention intervention, HookedModel model, RunOptions options, DisposeScope owner)
{
    private readonly HashSet<(IPromptSet Over, int Run)> _streamed = [];
    private readonly Dictionary<(MeanKey Key, int Template), RunningMean> _means = [];

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
    public Tensor Of(BoundRead.Mean read, BoundSite site, string node, SweepPoint point, PromptBatch batch, int[] rows)
    {
        int run = read.Run.At(point);
        if (_streamed.Add((read.Over, run)))
            Stream(read.Over, run, () => { }, CancellationToken.None);
        MeanKey key = MeanKey.Of(read, run, site, node, point);
        int[] templates = [.. rows.Select(row => Template(read, batch.Prompt(row)))];
        // Rows that are called together select equally many positions, so one row of a template stands for all.
        Dictionary<int, Tensor> means = templates.Distinct()
            .ToDictionary(template => template, template => OfRow(rows[Array.IndexOf(templates, template)], template));
        return means.Count == 1 ? means.Values.Single() : cat([.. templates.Select(template => means[template])]);

        Tensor OfRow(int row, int template)
        {
            if (!_means.TryGetValue((key, template), out RunningMean? mean))
                throw new InterventionException(
                    $"{site.Where}: prompt {batch.Numbers[row]} has template {template}, of which {read.Over.Vocabulary.PromptSet} "
                    + "has no prompt to take a mean over.");
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
            int count = (site with { Narrowing = null })
                .PositionIndices(axis, point, batch.Tokens(0, row), batch.Describe(0, row)).Count;
            return count <= value.shape[axis]
                ? value.narrow(axis, 0, count)
                : throw new InterventionException(
                    $"{site.Where}: '{site.Text}' selects {count} positions of prompt {batch.Numbers[row]}; the prompts of "
                    + $"{read.Over.Vocabulary.PromptSet} over which the mean is taken have {value.shape[axis]} at most.");
        }
    }

    private static int Template(BoundRead.Mean read, PromptTokens prompt) => read.Pooled || read.AcrossTemplates ? 0 : prompt.Template;

    private IEnumerable<(IPromptSet Over, int Run)> Streams() =>
        MeanKey.All(intervention).Select(one => (one.Key.Read.Over, one.Key.Run)).Distinct();

    private void Stream(IPromptSet over, int run, Action report, CancellationToken cancellationToken)
    {
        using IDisposable mode = no_grad();
        ILookup<string, (MeanKey Key, BoundSite Site, SweepPoint Point)> means = MeanKey.All(intervention)
            .Where(one => one.Key.Read.Over == over && one.Key.Run == run).DistinctBy(one => one.Key).ToLookup(one => one.Key.Node);
        foreach (PromptBatch batch in PromptBatch.Of(over, options.BatchSize, model.Graph))
        {
            using DisposeScope scope = NewDisposeScope();
            GraphEvaluator.Visit(model.Graph, batch.Ids([run], model.Device), means.Select(node => node.Key), AddNode, cancellationToken);
            report();

            void AddNode(string node, Tensor value)
            {
                using DisposeScope nodeScope = NewDisposeScope();
                WholeValues values = new(batch, run, new Dictionary<string, Tensor> { [node] = value });
                foreach ((MeanKey key, BoundSite declared, SweepPoint point) in means[node])
                {
                    BoundSite site = key.Read.In(declared).OfPrompt(point);
                    foreach (int[] rows in batch.RowGroups(site))
                        foreach (IGrouping<int, int> alike in rows.GroupBy(row => Template(key.Read, batch.Prompt(row))))
                            Add(key, site, alike.Key, values.Select(site, node, point, [.. alike]));
                }
            }
        }
    }

    private void Add(MeanKey key, BoundSite site, int template, Tensor selected)
    {
        IEnumerable<int> pooled = key.Read.Pooled ? Enumerable.Range(1, selected.shape.Length - 1).Where(site.IsPositional) : [];
        long[] over = [0, .. pooled.Select(axis => (long)axis)];
        if (!_means.TryGetValue((key, template), out RunningMean? mean))
            _means[(key, template)] = mean = new RunningMean(owner, selected.dtype);
        mean.Add(
            selected.to(ScalarType.Float64).sum(over, keepdim: true),
            ones_like(selected, ScalarType.Float64).sum(over, keepdim: true));
    }

    /// <summary>Identifies one mean: a node's selected values in a run. Points of the sweep that select the same share it.</summary>
    private sealed record MeanKey(BoundRead.Mean Read, int Run, string Site, string Node, string Selected)
    {
        public static MeanKey Of(BoundRead.Mean read, int run, BoundSite site, string node, SweepPoint point)
        {
            // The node says the layer; of the point only the placeholders of the site's axes matter.
            IEnumerable<SweepCoordinate> selected = site.Axes.Where(axis => axis.IsSweep).Select(axis => point[axis.Placeholder!]);
            return new MeanKey(read, run, site.Text, node, string.Join(";", selected));
        }

        public static IEnumerable<(MeanKey Key, BoundSite Site, SweepPoint Point)> All(BoundIntervention intervention) =>
            intervention.References<BoundRead.Mean>()
                .Select(one => (Of(one.Read, one.Read.Run.At(one.Point), one.Site, one.Node, one.Point), one.Site, one.Point));
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
