using System.Globalization;
using Interventions.Execution;
using Interventions.Graphs;
using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>Sweeps by a plan against the naive run, which is as many full forward passes as there are variants, and one for each run of the prompts.</summary>
internal static class EngineTable
{
    private static readonly MetricNode s_logitDifference = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    /// <summary>Prints the rows whose name contains a text.</summary>
    public static void Print(DecoderModel model, int repeats, string only)
    {
        RandomPairs from0 = new(8, 16, 0), from4 = new(8, 16, 4), single = new(8, 16, 0, runs: 1);
        Sweep("144 heads' z at end", "blocks.{layer}.attn.z[head={head}; pos=end]", from0);
        Sweep("144 heads' z, from token 0", "blocks.{layer}.attn.z[head={head}]", from0);
        Sweep("144 heads' z, from token 4", "blocks.{layer}.attn.z[head={head}]", from4);
        Sweep("resid_pre at 192 places, from token 0", "blocks.{layer}.resid_pre[pos={p}]", from0);
        Sweep("resid_pre at 192 places, from token 4", "blocks.{layer}.resid_pre[pos={p}]", from4);
        Compare("144 senders at end to the logits", "naive run", Metric("Path").PathPatch("blocks.{layer}.attn.z[head={head}; pos=end]", ["logits[pos=end]"], "corrupted"), from0);
        // 26 of the naive run's 2,306 passes, and what all of them would take.
        Sweep("2,304 heads at positions", "blocks.{layer}.attn.z[head={head}; pos={p}]", from0, sample: "blocks.{layer}.attn.z[head=0; pos={p=0..1}]", scale: 2306 / 26.0);
        if (Wanted("gradients of 36 ports and 12 inputs"))
            Interleaved.Compare(
                "gradients of 36 ports and 12 inputs", "forward and backward to the embedding",
                () => InterventionRunner.Run(Gradients(), model, single).Dispose(), () => ForwardAndBackward(model, single), repeats);
        Capture("capture of resid_post of layer 0", "blocks.0.resid_post");
        Capture("capture of resid_post of layer 11", "blocks.11.resid_post");

        void Sweep(string name, string site, IPromptSet prompts, string? sample = null, double scale = 1) =>
            Compare(name, "naive run", Patch(site), prompts, sample is null ? null : Patch(sample), scale);

        void Compare(string name, string rival, InterventionGraph graph, IPromptSet prompts, InterventionGraph? sample = null, double scale = 1)
        {
            if (!Wanted(name))
                return;
            Interleaved.Compare(
                name, rival, () => InterventionRunner.Run(graph, model, prompts).Dispose(),
                () => InterventionRunner.Run(sample ?? graph, model, prompts, new RunOptions { Naive = true }).Dispose(), repeats, scale);
            Console.WriteLine(InterventionRunner.Explain(graph, model, prompts).Split('\n').First(line => line.Contains("fewer operations", StringComparison.Ordinal)));
        }

        void Capture(string name, string site)
        {
            if (Wanted(name))
                Interleaved.Compare(
                    name, "full forward pass",
                    () => InterventionRunner.Run(new() { Name = "Capture", Captures = [new CaptureNode("Kept", site, [new Read.Value()], x => x[0])] }, model, single).Dispose(),
                    () => model.Forward(Ids(single)), repeats);
        }

        bool Wanted(string name) => name.Contains(only, StringComparison.Ordinal);
    }

    private static InterventionGraph Metric(string name) => new() { Name = name, Metrics = [s_logitDifference] };

    private static InterventionGraph Patch(string site) => Metric("Patch") with { Writes = [BuiltInWrites.Freeze(site, "corrupted")] };

    private static InterventionGraph Gradients() => Metric("Gradients") with
    {
        Gradients =
        [
            .. new[] { "attn.q_input", "attn.k_input", "attn.v_input", "mlp_in" }.Select(site => new GradientNode(
                site.Replace("attn.", "", StringComparison.Ordinal), $"blocks.*.{site}", [new Read.Gradient(), new Read.Value()], x => (x[0] * x[1]).sum(-1))),
        ],
    };

    private static Tensor Ids(RandomPairs prompts) => tensor(prompts.Prompts.SelectMany(prompt => prompt.Runs[0].Ids).ToArray()).view(prompts.Prompts.Count, -1);

    private static void ForwardAndBackward(DecoderModel model, RandomPairs prompts)
    {
        using var grad = enable_grad();
        Tensor? embed = null;
        Tensor logits = GraphEvaluator.Evaluate(model.Graph, Ids(prompts), ["logits"], new Dictionary<string, Func<Tensor, Tensor>>
        {
            ["embed"] = x => embed = x.detach().requires_grad_().MoveToOuterDisposeScope().MoveToOuterDisposeScope(),
        })["logits"];
        Tensor end = logits[.., -1];
        Tensor answers = tensor(prompts.Prompts.SelectMany(prompt => prompt.Answers).ToArray()).view(prompts.Prompts.Count, -1), read = end.gather(1, answers);
        _ = autograd.grad([(read[.., 0] - read[.., 1]).sum()], [embed!]);
    }
}
