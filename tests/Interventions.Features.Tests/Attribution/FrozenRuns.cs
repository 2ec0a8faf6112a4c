using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>The local replacement model as an intervention in the language: what attribution graphs are compared with.</summary>
internal sealed class FrozenRuns
{
    private readonly DecoderModel _model;
    private readonly TranscoderSet _set;
    private readonly ToyPrompts _prompts;
    private readonly IReadOnlyDictionary<string, Tensor> _clean;

    public FrozenRuns(DecoderModel model, TranscoderSet set, long[] tokens)
    {
        (_model, _set, _prompts) = (model, set, Prompts(tokens));
        Intervention all = Enumerable.Range(0, set.Count).Aggregate(
            Intervention.On(model), (on, layer) => on.Capture($"Written{layer}", $"blocks.{layer}.mlp_out"));
        using RunResult run = Read(all, new RunOptions());
        _clean = run.Run("clean").ToDictionary(pair => pair.Key, pair => pair.Value.alias());
    }

    /// <summary>A prompt, in both runs alike.</summary>
    public static ToyPrompts Prompts(long[] tokens)
    {
        RunTokens run = new(tokens, [0, tokens.Length - 1]);
        return new ToyPrompts(new PromptTokens([run, run], [0, 1]));
    }

    /// <summary>How much each target's value moves where a source writes more by a share.</summary>
    public Dictionary<AttributionNode, double> Moved(AttributionGraph graph, AttributionNode source, double share, RunOptions options)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult moved = Read(Written(Frozen(), source, share), options);
        Dictionary<AttributionNode, double> changes = [];
        foreach (AttributionNode target in graph.Terms.Select(terms => terms.Target))
        {
            bool isLogit = target.Kind == AttributionNodeKind.Logit;
            string name = isLogit ? "Final" : $"Read{target.Layer}";
            Tensor change = (moved.Changed(name).Values - _clean[name])[0, target.Position];
            Tensor direction = isLogit
                ? (_model.Weights["W_U"].t()[target.Index] - _model.Weights["W_U"].mean([1L])) / _model.Config.LogitDivisor
                : _set[target.Layer].Weights.Encoder![.., target.Index];
            changes[target] = (change * direction).sum().item<double>();
        }
        return changes;
    }

    private Intervention Frozen()
    {
        HashSet<string> sites = [.. _model.Schema.Sites.Select(site => site.Path)];
        Intervention frozen = Intervention.On(_model);
        for (int layer = 0; layer < _set.Count; layer++)
        {
            foreach (string site in new[] { "ln1.scale", "attn.pattern", "ln1_post.scale", "ln2.scale" })
                if (sites.Contains("blocks.{layer}." + site))
                    frozen = frozen.Freeze($"blocks.{layer}.{site}", from: "clean");
            string read = $"blocks.{layer}.{_set.Reads}", written = $"blocks.{layer}.mlp_out";
            Tensor? skip = _set[layer].Weights.Skip;
            frozen = skip is null ? frozen.Freeze(written, from: "clean") : frozen.Patch(
                written, (now, then, value) => value + (now - then).matmul(skip.t()),
                from: [Reads.ValueOf(read), Reads.From("clean", read), Reads.From("clean")]);
        }
        return sites.Contains("ln_final.scale") ? frozen.Freeze("ln_final.scale", from: "clean") : frozen;
    }

    private Intervention Written(Intervention frozen, AttributionNode source, double share)
    {
        string at = $"[pos={source.Position}]";
        if (source.Kind == AttributionNodeKind.Token)
            return frozen.Scale($"blocks.0.resid_pre{at}", 1 + share);
        string site = $"blocks.{source.Layer}.mlp_out";
        Sae sae = _set[source.Layer];
        Tensor read = _clean[$"Read{source.Layer}"], written = _clean[$"Written{source.Layer}"];
        Tensor vector = source.Kind == AttributionNodeKind.Error
            ? (written - sae.Reconstruct(read))[0, source.Position]
            : sae.Weights.Decoder[source.Index] * source.Activation;
        return frozen.Add(site + at, vector * share);
    }

    private RunResult Read(Intervention intervention, RunOptions options)
    {
        for (int layer = 0; layer < _set.Count; layer++)
            intervention = intervention.Capture($"Read{layer}", $"blocks.{layer}.{_set.Reads}");
        string final = _model.Config.FinalNorm ? "ln_final.normalized" : $"blocks.{_set.Count - 1}.resid_post";
        return intervention.Capture("Final", final).Run(_prompts, options);
    }
}
