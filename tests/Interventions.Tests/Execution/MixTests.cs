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
