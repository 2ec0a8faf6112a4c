using Interventions;
using Interventions.ModelGraphs;
using Interventions.Models;
using static TorchSharp.torch;

namespace Consumer;

/// <summary>A grouped-query model whose sizes its checkpoint's configuration says.</summary>
[HookedModel("llama/config.json")]
public sealed partial class Configured;

/// <summary>The same on a base of its author's choice, with one site more.</summary>
[HookedModel("llama/config.json"), Site("probe", "batch", "pos")]
public sealed partial class Probed : LlamaModel;

/// <summary>An intervention on names that only the configuration knows.</summary>
[Intervention<Configured, IoiPrompts>]
[Zero("blocks.1.attn.k[kv_head=1]"), Freeze(Configured.Sites.Blocks.All.Attn.Pattern)]
public sealed partial class KeySweep
{
    [Patch("blocks.{layer}.attn.z[head={head=0,3}; pos=end]")]
    static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

    [Capture(Configured.Sites.Blocks.All.Attn.V + "[kv_head=-1]")]
    static Tensor Values(Tensor v) => v;

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}

/// <summary>Runs it.</summary>
public static class ConfiguredStudy
{
    /// <summary>The effect of patching the last head of the second layer.</summary>
    /// <param name="path">A checkpoint.</param>
    /// <param name="prompts">The prompts.</param>
    public static Tensor Effect(string path, IoiPrompts prompts)
    {
        using var model = Configured.Load(path, device: CPU);
        using KeySweep.Result run = new KeySweep().Run(model, prompts);
        return run.LogitDifference[layer: 1, head: 3].clone();
    }
}
