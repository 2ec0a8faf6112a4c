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
