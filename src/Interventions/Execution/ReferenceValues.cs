using Interventions.Graphs;
using Interventions.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>Values of prompts beyond the batch: means over a run's prompts, and other prompts' values. Computed when first asked for, with the unchanged model.</summary>
internal sealed class ReferenceValues(BoundIntervention intervention, HookedModel model, IPromptSet prompts, RunOptions options, DisposeScope owner)
{
    private readonly ReferenceMeans _means = new(intervention, model, options, owner);

    /// <summary>The mean over prompts of a run, see <see cref="ReferenceMeans"/>.</summary>
    public Tensor Mean(BoundRead.Mean read, BoundSite site, string node, SweepPoint point, PromptChunk chunk, int[] rows) => _means.Of(read, site, node, point, chunk, rows);

    /// <summary>The values that each prompt's partner has, <c>[batch, …]</c>.</summary>
    public Tensor Partner(BoundRead.Partner read, BoundSite site, string node, SweepPoint point, PromptChunk chunk, int[] rows)
    {
        using DisposeScope scope = NewDisposeScope();
        int[] partners = [.. rows.Select(row => PartnerOf(chunk.Numbers[row], read.Seed, site.IsRagged))];
        List<(int[] Rows, Tensor Values)> parts = [];
        foreach (PromptChunk alike in PromptChunk.Of(prompts, partners.Distinct(), partners.Length, model.Graph))
        {
            int[] places = [.. Enumerable.Range(0, partners.Length).Where(i => alike.Numbers.Contains(partners[i]))];
            PromptChunk them = new(prompts, [.. places.Select(i => partners[i])]);
            parts.Add((places, Values(them, read.Run.At(point), [node]).Select(site, node, point, them.Rows)));
        }
        return RaggedBatch.Combine(parts).alias().MoveToOuterDisposeScope();
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
