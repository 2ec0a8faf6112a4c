using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>What is timed: declarations, and what else gives the same.</summary>
internal static class Work
{
    private static readonly MetricNode s_logitDifference = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    /// <summary>No writes and no captures.</summary>
    public static InterventionGraph Measured { get; } = new() { Name = "Measured", Metrics = [s_logitDifference] };

    /// <summary>Patches one place after the other.</summary>
    public static InterventionGraph Patch(string site) =>
        Measured with { Name = "Patch", Writes = [BuiltInWrites.Freeze(site, "corrupted")] };

    /// <summary>Patches what one sender after the other sends to the logits.</summary>
    public static InterventionGraph Path(string site) =>
        (Measured with { Name = "Path" }).PathPatch(site, ["logits[pos=end]"], "corrupted");

    /// <summary>Keeps a site.</summary>
    public static InterventionGraph Capture(string site) =>
        new() { Name = "Capture", Captures = [new CaptureNode("Kept", site, [new Read.Value()], x => x[0])] };

    /// <summary>Reduces the gradients of every port and of every feed-forward block's input.</summary>
    public static InterventionGraph Gradients { get; } = Measured with
    {
        Name = "Gradients",
        Gradients =
        [
            .. new[] { "attn.q_input", "attn.k_input", "attn.v_input", "mlp_in" }.Select(site => new GradientNode(
                site.Replace("attn.", "", StringComparison.Ordinal), $"blocks.*.{site}", [new Read.Gradient(), new Read.Value()],
                x => (x[0] * x[1]).sum(-1))),
        ],
    };

    /// <summary>The first run's tokens.</summary>
    public static Tensor Ids(RandomPairs prompts) =>
        tensor(prompts.Prompts.SelectMany(prompt => prompt.Runs[0].Ids).ToArray()).view(prompts.Prompts.Count, -1);

    /// <summary>A plain forward pass, and back to the embeddings.</summary>
    public static void ForwardAndBackward(DecoderModel model, RandomPairs prompts)
    {
        using IDisposable grad = enable_grad();
        Tensor? leaf = null;
        Tensor end = StraightLine.Gpt2(model, Ids(prompts), embed => leaf = embed.detach().requires_grad_())[.., -1];
        Tensor answers = tensor(prompts.Prompts.SelectMany(prompt => prompt.Answers).ToArray()).view(prompts.Prompts.Count, -1);
        Tensor read = end.gather(1, answers);
        _ = autograd.grad([(read[.., 0] - read[.., 1]).sum()], [leaf!]);
    }

    /// <summary>Runs a declaration once.</summary>
    public static Action Run(InterventionGraph graph, HookedModel model, IPromptSet prompts, RunOptions? options = null) =>
        () => InterventionRunner.Run(graph, model, prompts, options).Dispose();
}
