using Interventions.Graphs;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Values of prompts beyond the batch: means over a run's prompts, and other prompts' values. Computed when first asked for, with the unchanged model.</summary>
internal sealed class ReferenceValues(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options, DisposeScope owner)
{
    private readonly Dictionary<(BoundRead.Mean Read, BoundSite Site, string Node, SweepPoint Point), Tensor> _means = [];

    /// <summary>The mean over all prompts of a run, <c>[1, …]</c>: for each selected position over the prompts that have it, or pooled.</summary>
    public Tensor Mean(BoundRead.Mean read, BoundSite site, string node, SweepPoint point, PromptChunk chunk, int[] rows)
    {
        if (!_means.TryGetValue((read, site, node, point), out Tensor? mean))
            _means[(read, site, node, point)] = mean = ComputeMean(read, site.OfPrompt(point), node, point).MoveToOtherDisposeScope(owner);
        if (!site.IsRagged || read.Pooled)
            return mean.alias();
        // As long as these prompts are.
        for (int axis = 1; axis < mean.shape.Length; axis++)
            if (site.IsPositional(axis))
                mean = mean.narrow(axis, 0, site.PositionIndices(axis, point, chunk.Tokens(read.Run.At(point), rows[0]), chunk.Describe(read.Run.At(point), rows[0])).Count);
        return mean.alias();
    }

    /// <summary>The values that each prompt's partner has, <c>[batch, …]</c>.</summary>
    public Tensor Partner(BoundRead.Partner read, BoundSite site, string node, SweepPoint point, PromptChunk chunk, int[] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        PromptChunk partners = new(prompts, [.. rows.Select(row => PartnerOf(chunk.Numbers[row], read.Seed, site.IsRagged))]);
        return Values(partners, read.Run.At(point), [node]).Select(site, node, point, partners.Rows).alias().MoveToOuterDisposeScope();
    }

    /// <summary>Another prompt, drawn by the seed and the prompt's number alone; equally long where the length decides what is selected.</summary>
    private int PartnerOf(int prompt, int seed, bool equallyLong)
    {
        int Length(int number) => prompts.Prompts[number].Runs[0].Ids.Count;
        int[] others = [.. Enumerable.Range(0, prompts.Prompts.Count).Where(other => other != prompt && (!equallyLong || Length(other) == Length(prompt)))];
        return others.Length > 0
            ? others[new Random(HashCode.Of(seed, prompt)).Next(others.Length)]
            : throw new InterventionException(
                $"{intervention.Name}: resampling prompt {prompt} of {prompts.Vocabulary.PromptSet} needs another prompt{(equallyLong ? $" of {Length(prompt)} tokens" : "")}, and there is none.");
    }

    private Tensor ComputeMean(BoundRead.Mean read, BoundSite site, string node, SweepPoint point)
    {
        using DisposeScope scope = NewDisposeScope();
        List<(int[] Rows, Tensor Values)> sums = [], counts = [];
        foreach (PromptChunk chunk in PromptChunk.Of(prompts, options.BatchSize))
        {
            using DisposeScope chunkScope = NewDisposeScope();
            RunValues values = Values(chunk, read.Run.At(point), [node]);
            foreach (int[] rows in chunk.RowGroups(site))
            {
                Tensor selected = values.Select(site, node, point, rows);
                long[] positional = read.Pooled ? [.. Enumerable.Range(1, selected.shape.Length - 1).Where(site.IsPositional).Select(axis => (long)axis)] : [];
                long[] over = [0, .. positional];
                sums.Add(([sums.Count], selected.sum(over, keepdim: true).MoveToOtherDisposeScope(scope)));
                counts.Add(([counts.Count], ones_like(selected).sum(over, keepdim: true).MoveToOtherDisposeScope(scope)));
            }
        }
        // Shorter prompts are padded with zeros in sums and counts alike.
        return (RaggedBatch.Combine(sums).sum([0L], keepdim: true) / RaggedBatch.Combine(counts).sum([0L], keepdim: true)).MoveToOuterDisposeScope();
    }

    private WholeValues Values(PromptChunk chunk, int run, string[] nodes) =>
        new(chunk, run, GraphEvaluator.Evaluate(model.Graph, chunk.Ids([run], model.Device), nodes));

    /// <summary>A hash that is the same on every machine and in every process.</summary>
    private static class HashCode
    {
        public static int Of(int seed, int number)
        {
            uint hash = unchecked(((uint)seed * 0x9E3779B9u) ^ ((uint)number * 0x85EBCA6Bu));
            hash ^= hash >> 16;
            return unchecked((int)(hash * 0xC2B2AE35u));
        }
    }
}
