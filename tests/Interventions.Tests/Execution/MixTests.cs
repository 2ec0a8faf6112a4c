using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Mixtures by a mask, by hand.</summary>
public sealed class MixTests : ToyTest
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mask_mixes_and_learns(bool byLayer)
    {
        ToyPrompts prompts = ToyPrompts.Random(55, 4, 3);
        using Generator generator = new(14);
        Tensor mask = rand(byLayer ? [2, 3] : [3], dtype: float64, generator: generator).requires_grad_();
        InterventionGraph Graph(Tensor values) => new()
        {
            Name = "Mask",
            Writes = [BuiltInWrites.Mix("Mask", "blocks.*.z", values, "corrupted", byLayer ? ["layer", "head"] : ["head"])],
            Captures = [new("First", "blocks.0.z", [new Read.Value()], x => x[0])],
            Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
            Parameters = values.requires_grad ? [new("Mask", values)] : [],
        };
        using RunResult run = Run(Graph(mask), prompts);
        Tensor clean = run.Run("clean")["First"];
        Tensor corrupted = run.Run("corrupted")["First"];
        Tensor first = (byLayer ? mask[0] : mask).detach().view(1, 1, 3, 1);
        Close(((first * clean) + ((1 - first) * corrupted)), run.Changed("First").Values);
        Tensor gradient = run.Gradient("Mask");
        Assert.Equal(mask.shape, gradient.shape);
        for (int i = 0; i < mask.numel(); i++)
        {
            double difference = Differences.Central(step => Total(i, step));
            Assert.Equal(difference, gradient.flatten()[i].item<double>(), 1e-7 * (1 + Math.Abs(difference)));
        }
        // All ones keep what is mixed, bit for bit; what follows is computed in products of other shapes.
        using RunResult kept = Run(Graph(ones_like(mask)), prompts);
        Assert.Equal(0, (kept.Changed("First").Values - kept.Run("clean")["First"]).abs().max().item<double>());
        Close(kept.Run("clean")["M"], kept.Changed("M").Values);

        double Total(int i, double step)
        {
            Tensor moved = mask.detach().clone();
            moved.view(-1)[i] = moved.view(-1)[i] + step;
            using RunResult output = Run(Graph(moved), prompts);
            return output.Changed("M").Values.sum().item<double>();
        }
    }

    /// <summary>What a mask mixes in, as the built-in write that it is alone.</summary>
    public static TheoryData<string, bool> Ablations
    {
        get
        {
            TheoryData<string, bool> all = [];
            foreach (string ablation in new[] { "mean", "pooled", "acrossTemplates", "over", "zero", "resample", "run" })
                foreach (bool isBool in new[] { true, false })
                    all.Add(ablation, isBool);
            return all;
        }
    }

    [Theory]
    [MemberData(nameof(Ablations))]
    public void A_circuit_is_kept_and_the_rest_ablated(string ablation, bool isBool)
    {
        ToyPrompts prompts = new([.. ToyPrompts.Random(57, 4, 4, 4, 4).Prompts.Select(
            (prompt, i) => prompt with { Template = i % 2 })]);
        ToyPrompts reference = new([.. ToyPrompts.Random(58, 4, 5, 4).Prompts.Select((prompt, i) => prompt with { Template = i % 2 })]);
        using Generator generator = new(15);
        Tensor heads = rand([2, 3], dtype: float64, generator: generator), outputs = rand([2], dtype: float64, generator: generator);
        if (isBool)
            (heads, outputs) = (tensor(new[,] { { 1.0, 0, 1 }, { 0, 1, 0 } }).gt(0.5), tensor(new[] { 1.0, 0 }).gt(0.5));
        WriteNode Rest(string site, string? run = null) => ablation switch
        {
            "mean" => BuiltInWrites.Mean(site, null, pooled: false, run),
            "pooled" => BuiltInWrites.Mean(site, "corrupted", pooled: true, run),
            "acrossTemplates" => BuiltInWrites.Mean(site, null, pooled: false, run, acrossTemplates: true),
            "over" => BuiltInWrites.Mean(site, null, pooled: false, run, reference),
            "zero" => BuiltInWrites.Zero(site, run),
            "resample" => BuiltInWrites.Resample(site, "corrupted", 3, run),
            _ => BuiltInWrites.Freeze(site, "corrupted", run),
        };
        InterventionGraph declared = new()
        {
            Name = "Circuit",
            Writes =
            [
                BuiltInWrites.Mix("Heads", "blocks.*.z", heads, Rest("blocks.*.z"), ["layer", "head"]),
                BuiltInWrites.Mix("Outputs", "blocks.*.out[pos!=end]", outputs, Rest("blocks.*.out[pos!=end]"), ["layer"]),
            ],
            Captures = [Capture("Z", "blocks.*.z"), Capture("Out", "blocks.*.out")],
            Metrics = [LogitDifference],
        };
        InterventionGraph byHand = declared with
        {
            Runs = [new DerivedRun("ablated")],
            Writes =
            [
                Rest("blocks.*.z", "ablated"),
                Rest("blocks.*.out[pos!=end]", "ablated"),
                BuiltInWrites.Mix("Heads", "blocks.*.z", heads, "ablated", ["layer", "head"]),
                BuiltInWrites.Mix("Outputs", "blocks.*.out[pos!=end]", outputs, "ablated", ["layer"]),
            ],
        };
        using RunResult run = Run(declared, prompts);
        using RunResult naive = Run(declared, prompts, new() { Naive = true });
        using RunResult hand = Run(byHand, prompts);
        using RunResult saved = Run(InterventionGraph.FromJson(declared.ToJson(), GraphMembers.Of(declared)), prompts);
        foreach (string kept in new[] { "Z", "Out", "LogitDifference" })
        {
            Close(naive.Changed(kept).Values, run.Changed(kept).Values);
            Close(hand.Changed(kept).Values, run.Changed(kept).Values);
            Close(run.Changed(kept).Values, saved.Changed(kept).Values);
        }
        Assert.True((run.Changed("Z").Values - run.Run("clean")["Z"]).abs().max().item<double>() > 1e-6);
        Assert.All(run.Effects, effect => Assert.True(effect.Changed > 0));
        if (!isBool)
            return;
        // What the mask keeps of the first layer is as it was.
        Tensor kept_heads = heads[0].to(float64).view(1, 1, 3, 1);
        Close(run.Run("clean")["Z"][0] * kept_heads, run.Changed("Z").Values[0] * kept_heads);
    }

    [Fact]
    public void Masks_that_do_not_fit_are_refused()
    {
        Says("a mask for 'blocks.0.z' has no axis 'heads'; its axes are pos, head and d_head", "blocks.0.z", [3], "heads");
        Says("has no axis 'layer', since the path names one layer at a time", "blocks.0.z", [3], "layer");
        Says("stand in the order layer, pos, head and d_head, each once", "blocks.*.z", [3, 2], "head", "layer");
        Says("stand in the order layer, pos, head and d_head, each once", "blocks.*.z", [3, 3], "head", "head");
        Says("it is [3], which has not the axes layer and head", "blocks.*.z", [3], "layer", "head");
        Says("Mask.Mask is [3], and along its axes 'blocks.0.z[head=0,1]' selects [head=2]", "blocks.0.z[head=0,1]", [3], "head");
        Says("Mask.Mask is [3], and along its axes 'blocks.*.z' selects [layer=2]", "blocks.*.z", [3], "layer");
        Says("Mask.Mask is [5, 3], and along its axes 'blocks.0.z' selects [pos=4, head=3]", "blocks.0.z", [5, 3], "pos", "head");
        Says("Mask.Mask is [2, 3], which does not broadcast to the values that 'blocks.0.z' selects", "blocks.0.z", [2, 3]);

        void Says(string text, string site, long[] shape, params string[] axes) =>
            Assert.Contains(text, Assert.Throws<InterventionException>(() => Run(
            new()
            {
                Name = "Mask",
                Writes = [BuiltInWrites.Mix("Mask", site, ones(shape), "corrupted", axes)],
                Metrics = [
                new("M", [new Read.Logit("correct", "end")], x => x[0])]
            },
            ToyPrompts.Random(56, 4))).Message);
    }
}
