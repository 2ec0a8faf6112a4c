using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Activation patching against golden values, the naive run, and what must hold.</summary>
public sealed class ActivationPatchingTests
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Sweeps_agree(string name)
    {
        using CircuitCase circuit = new(name);
        bool shares = circuit.Model.Schema.SizeOf("kv_head") < circuit.Model.Schema.SizeOf("head");
        foreach (PatchDirection direction in Enum.GetValues<PatchDirection>())
        {
            foreach ((string stored, NodeKind kind) in ((string, NodeKind)[])
                [("resid_pre", NodeKind.ResidPre), ("attn_out", NodeKind.AttnOut), ("mlp_out", NodeKind.MlpOut), ("z", NodeKind.Z),
                ("q", NodeKind.Query), ("k", NodeKind.Key), ("v", NodeKind.Value), ("pattern", NodeKind.Pattern)])
                Agree(stored, kind);
            foreach ((string stored, NodeKind kind) in ((string, NodeKind)[])
                [("z", NodeKind.Z), ("q", NodeKind.Query), ("k", NodeKind.Key), ("v", NodeKind.Value)])
                Agree($"{stored}_by_position", new NodeSweep(kind) { Unit = PatchUnit.Position });
            Agree("pattern_by_query", new NodeSweep(NodeKind.Pattern) { Unit = PatchUnit.Position });
            Agree("pattern_by_entry", new NodeSweep(NodeKind.Pattern) { Unit = PatchUnit.Entry });
            if (shares)
            {
                Agree("k_grouped", NodeKind.KeyGroup);
                Agree("v_grouped", NodeKind.ValueGroup);
            }

            void Agree(string stored, NodeSweep nodes)
            {
                using DisposeScope scope = NewDisposeScope();
                string key = $"{(direction == PatchDirection.Denoising ? "denoise" : "noise")}.{stored}";
                if (!circuit.Has("activation_patching", key))
                    return;
                NodeScores scores = ActivationPatching.Of(circuit.Model, circuit, Golden.LogitDifference, nodes, direction);
                double[] unchanged = [.. direction == PatchDirection.Denoising ? scores.Corrupted : scores.Clean];
                Golden.Close(
                    Support.Changes(scores) + tensor(unchanged), circuit["activation_patching", $"{key}.per_example"], $"{name} {key}");
                // Where every prompt has every place, means are the reference's too.
                if (name.EndsWith("equal", StringComparison.Ordinal))
                    Golden.Close(
                        tensor(scores.Values.ToArray()), circuit["activation_patching", key].flatten(), $"{name} {key}, mean");
            }
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Metrics_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase circuit = new(name);
        Intervention on = Intervention.On(circuit.Model);
        NodeSweep whole = new(NodeKind.ResidPre) { Unit = PatchUnit.AllPositions, Layers = [0] };
        NodeScores ld = Of(on.LogitDifference("correct", "wrong")), kl = Of(on.KullbackLeibler("clean"));
        NodeScores probability = Of(on.LogProbability("correct"));
        Agree("ld_clean", ld.Clean);
        Agree("ld_corrupted", ld.Corrupted);
        Agree("kl_clean_to_corrupted", kl.Corrupted);
        Agree("logprob_correct_clean", probability.Clean);
        Agree("logprob_correct_corrupted", probability.Corrupted);
        // All of the first stream is all of the run.
        Assert.All(((NodeScores[])[ld, probability]), scores => Assert.Equal(0, scores.Normalized[0], Tolerance));
        Assert.All(kl.Clean, divergence => Assert.Equal(0, divergence, Tolerance));
        Assert.Equal(kl.Corrupted.Average(), kl.Values[0], Tolerance);
        using RunResult run = on.Capture("Logits", "logits[pos=end]").Run(circuit);
        foreach (string which in (string[])["clean", "corrupted"])
            for (int i = 0; i < circuit.Prompts.Count; i++)
                Golden.Close(
                    run.Run(which)["Logits"][i, 0],
                    circuit["metrics", $"logits_{which}"][i, circuit.Prompts[i].Runs[0].Ids.Count - 1], $"{name} logits {which}");

        NodeScores Of(Intervention metric) =>
            ActivationPatching.Of(circuit.Model, circuit, metric.Graph, whole, PatchDirection.Noising);

        void Agree(string stored, IReadOnlyList<double> found) =>
            Golden.Close(tensor(found.ToArray()), circuit["metrics", stored], $"{name} {stored}");
    }

    /// <summary>The whole stream of any layer is a cut: behind it everything is the other run's.</summary>
    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void A_cut_is_the_other_run(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        foreach (NodeKind kind in (NodeKind[])[NodeKind.ResidPre, NodeKind.Embed])
        {
            NodeSweep cut = new(kind) { Unit = PatchUnit.AllPositions };
            NodeScores noised = ActivationPatching.Of(model, s_prompts, Support.Column, cut, PatchDirection.Noising);
            NodeScores denoised = ActivationPatching.Of(model, s_prompts, Support.Column, cut);
            Assert.All(noised.Normalized, value => Assert.Equal(0, value, Tolerance));
            Assert.All(denoised.Normalized, value => Assert.Equal(1, value, Tolerance));
            for (int prompt = 0; prompt < noised.PromptCount; prompt++)
            {
                double whole = noised.Corrupted[prompt] - noised.Clean[prompt];
                Assert.All(noised.OfPrompt(prompt), change => Assert.Equal(whole, change, Tolerance));
                Assert.All(denoised.OfPrompt(prompt), change => Assert.Equal(-whole, change, Tolerance));
            }
        }
    }

    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void Equal_runs_have_no_effects(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        foreach (NodeKind kind in (NodeKind[])[NodeKind.Embed, NodeKind.ResidPre, NodeKind.AttnOut, NodeKind.Z, NodeKind.Pattern])
            Assert.All(
                ActivationPatching.Of(model, Support.Equal(s_prompts), Support.Column, kind).Magnitudes.Where(double.IsFinite),
                change => Assert.Equal(0, change, Tolerance));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("gpt_neox")]
    public void How_it_is_run_changes_nothing(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        RunOptions[] ways = [new() { Naive = true }, new() { BatchSize = 1 }, new() { BatchSize = 2 }];
        NodeSweep[] sweeps =
        [
            NodeKind.Z, new(NodeKind.Key) { Unit = PatchUnit.Position }, new(NodeKind.Neuron) { At = ["end"], Layers = [1] },
            new(NodeKind.Pattern) { Unit = PatchUnit.Position, At = ["end"] }, new(NodeKind.MlpOut) { At = ["mid", "end"] },
        ];
        foreach (NodeSweep sweep in sweeps)
        {
            NodeScores planned = ActivationPatching.Of(model, s_prompts, Support.Column, sweep);
            Assert.Contains(planned.Magnitudes, change => change > 1e-3);
            foreach (RunOptions way in ways)
                Support.Same(planned, ActivationPatching.Of(model, s_prompts, Support.Column, sweep, options: new() { Run = way }));
        }
    }

    [Fact]
    public void Positions_and_layers_are_axes_with_names()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        NodeScores scores = ActivationPatching.Of(
            model, s_prompts, Support.Column, new(NodeKind.Neuron) { Unit = PatchUnit.Position, At = ["mid", "end"], Layers = [0, 2] });
        Assert.Equal(["layer", "neuron", "pos"], scores.Axes.Select(axis => axis.Name));
        Assert.Equal(["0", "2"], scores.Axes[0].Labels.AsEnumerable());
        Assert.Equal(["mid", "end"], scores.Axes[2].Labels.AsEnumerable());
        NodeScores end = ActivationPatching.Of(
            model, s_prompts, Support.Column, new(NodeKind.Neuron) { At = ["end"], Layers = [2] });
        Assert.Equal(end[("layer", 2), ("neuron", 5)], scores[("pos", "end"), ("neuron", 5), ("layer", 2)], Tolerance);
    }

    [Fact]
    public void What_cannot_be_patched_is_refused()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2"), bare = SmallDecoders.Model("toy");
        Refused("A pattern has entries, and Z has none", new(NodeKind.Z) { Unit = PatchUnit.Entry });
        Refused("did you mean 'end'", new(NodeKind.Z) { At = ["ende"] });
        Assert.Contains(
            "has no site 'blocks.{layer}.mlp_out'", Assert.Throws<InterventionException>(() =>
                ActivationPatching.Of(bare, s_prompts, Support.Column, NodeKind.MlpOut)).Message);
        Assert.Contains(
            "leave it OtherRun", Assert.Throws<InterventionException>(() => ActivationPatching.Of(
                model, s_prompts, Support.Column, NodeKind.Z, options: new() { Ablation = Ablation.Zero })).Message);
        Assert.Contains(
            "is the run that is changed", Assert.Throws<InterventionException>(() => ActivationPatching.Of(
                model, s_prompts, Support.Column, NodeKind.Z, options: new() { From = "clean" })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            ActivationPatching.Of(model, s_prompts, Support.Column, NodeKind.Z, (PatchDirection)7));
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() =>
            ActivationPatching.Of(model, s_prompts, Support.Column, NodeKind.Z, cancellationToken: cancelled.Token));

        void Refused(string message, NodeSweep sweep) => Assert.Contains(
            message,
            Assert.Throws<InterventionException>(() => ActivationPatching.Of(model, s_prompts, Support.Column, sweep)).Message);
    }
}
