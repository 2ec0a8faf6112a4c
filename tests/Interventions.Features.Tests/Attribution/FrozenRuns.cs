using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>The local replacement model as an intervention in the language: what attribution graphs are compared with.</summary>
internal sealed class FrozenRuns(DecoderModel model, TranscoderSet set, long[] tokens)
{
    private readonly ToyPrompts _prompts = Prompts(tokens);

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
        using RunResult clean = Read(Intervention.On(model), options), moved = Read(Written(Frozen(), source, share), options);
        Dictionary<AttributionNode, double> changes = [];
        foreach (AttributionNode target in graph.Terms.Select(terms => terms.Target))
        {
            bool isLogit = target.Kind == AttributionNodeKind.Logit;
            string name = isLogit ? "Final" : $"Read{target.Layer}";
            Tensor change = (moved.Changed(name).Values - clean.Run("clean")[name])[0, target.Position];
            Tensor direction = isLogit
                ? (model.Weights["W_U"].t()[target.Index] - model.Weights["W_U"].mean([1L])) / model.Config.LogitDivisor
                : set[target.Layer].Weights.Encoder![.., target.Index];
            changes[target] = (change * direction).sum().item<double>();
        }
        return changes;
    }

    private Intervention Frozen()
    {
        HashSet<string> sites = [.. model.Schema.Sites.Select(site => site.Path)];
        Intervention frozen = Intervention.On(model);
        for (int layer = 0; layer < set.Count; layer++)
        {
            foreach (string site in new[] { "ln1.scale", "attn.pattern", "ln1_post.scale", "ln2.scale" })
                if (sites.Contains("blocks.{layer}." + site))
                    frozen = frozen.Freeze($"blocks.{layer}.{site}", from: "clean");
            string read = $"blocks.{layer}.{set.Reads}", written = $"blocks.{layer}.mlp_out";
            Tensor? skip = set[layer].Weights.Skip;
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
        Sae sae = set[source.Layer];
        using RunResult clean = Intervention.On(model).Capture("Read", $"blocks.{source.Layer}.{set.Reads}").Capture("Written", site)
            .Run(_prompts);
        Tensor read = clean.Run("clean")["Read"], written = clean.Run("clean")["Written"];
        Tensor vector = source.Kind == AttributionNodeKind.Error
            ? (written - sae.Reconstruct(read))[0, source.Position]
            : sae.Weights.Decoder[source.Index] * source.Activation;
        return frozen.Add(site + at, vector * share);
    }

    private RunResult Read(Intervention intervention, RunOptions options)
    {
        for (int layer = 0; layer < set.Count; layer++)
            intervention = intervention.Capture($"Read{layer}", $"blocks.{layer}.{set.Reads}");
        string final = model.Config.FinalNorm ? "ln_final.normalized" : $"blocks.{set.Count - 1}.resid_post";
        return intervention.Capture("Final", final).Run(_prompts, options);
    }
}
