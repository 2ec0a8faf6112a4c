using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>
/// Models in float16 and bfloat16: as exact as a straight-line forward pass with the casts of transformers, through the plan and naively.
/// </summary>
public sealed class HalfPrecisionTests
{
    [Theory]
    [InlineData("gpt2", ScalarType.Float16)]
    [InlineData("gpt2", ScalarType.BFloat16)]
    [InlineData("llama", ScalarType.Float16)]
    [InlineData("llama", ScalarType.BFloat16)]
    public void Its_error_is_that_of_a_plain_forward(string family, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        (DecoderModel half, DecoderModel exact) = Models(family, dtype);
        using (half)
        using (exact)
        {
            RandomPrompts prompts = RandomPrompts.Of(3, 61, 9, 9, 9);
            InterventionGraph graph =
                new() { Name = "Logits", Captures = [new CaptureNode("Logits", "logits", [new Read.Value()], x => x[0])] };
            Tensor ids = stack(prompts.Prompts.Select(prompt => tensor(prompt.Runs[0].Ids.ToArray()))), expected = Plain(exact, ids);
            double plain = Distance(Plain(half, ids), expected), scale = expected.abs().max().item<double>();
            Assert.InRange(plain, 1e-5 * scale, 0.1 * scale);
            foreach (bool isNaive in new[] { false, true })
            {
                using RunResult output = InterventionRunner.Run(graph, half, prompts, new RunOptions { Naive = isNaive });
                Assert.Equal(dtype, output.Changed("Logits").Values.dtype);
                Assert.InRange(Distance(output.Changed("Logits").Values, expected), 0, 2 * plain);
            }
        }

        Tensor Plain(DecoderModel model, Tensor ids) => family == "gpt2" ? StraightLine.Gpt2(model, ids) : StraightLine.Llama(model, ids);
    }

    /// <summary>Sweeps, means, steering, gradients and generation: planned is naive within what rounding leaves.</summary>
    [Theory]
    [InlineData("gpt2", ScalarType.Float16)]
    [InlineData("gpt2", ScalarType.BFloat16)]
    [InlineData("llama", ScalarType.Float16)]
    [InlineData("llama", ScalarType.BFloat16)]
    [InlineData("gpt_neo", ScalarType.Float16)]
    public void Interventions_run(string family, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        (DecoderModel half, DecoderModel exact) = Models(family, dtype);
        using (half)
        using (exact)
        {
            RandomPrompts prompts = RandomPrompts.Of(3, 61, 9, 7, 9);
            Read value = new Read.Value();
            InterventionGraph graph = new()
            {
                Name = "Half",
                Writes =
                [
                    BuiltInWrites.Freeze("blocks.{layer}.attn.z[head={head}; pos=end]", "corrupted"),
                    BuiltInWrites.Mean("blocks.1.mlp_out[pos=mid]", "clean", pooled: true),
                    new WriteNode("Shift", "blocks.1.ln2.scale", [value], x => x[0] * 1.25),
                    new WriteNode("Port", "blocks.2.attn.k_input[head=1]", [value], x => x[0] * 0.5),
                ],
                Captures = [new CaptureNode("Pattern", "blocks.*.attn.pattern[query=end]", [value], x => x[0])],
                Gradients = [new GradientNode(
                    "Slope", "blocks.*.attn.z[pos=end]", [new Read.Gradient(), value], x => (x[0] * x[1]).sum(-1))],
                Metrics = [new MetricNode("Metric", [new Read.Logit("right", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1])],
            };
            using RunResult planned = InterventionRunner.Run(graph, half, prompts),
            naive = InterventionRunner.Run(graph, half, prompts, new RunOptions { Naive = true }),
                reference = InterventionRunner.Run(graph, exact, prompts);
            foreach (string name in new[] { "Pattern", "Slope", "Metric" })
            {
                Tensor expected = reference.Changed(name).Values;
                double own = Distance(naive.Changed(name).Values, expected);
                Assert.InRange(
                    Distance(planned.Changed(name).Values, expected), 0, (2 * own) + (1e-3 * expected.abs().max().item<double>()));
            }
            using GenerationResult<GeneratedRun> generated = GenerationRunner.Generate(
                graph with { Gradients = [], Writes = graph.Writes[..1] }, half, prompts, new GenerationOptions { MaxNewTokens = 4 });
            Assert.Null(generated.WhyUncached);
        }
    }

    /// <summary>A half-precision model, and one with the very same weights in float64.</summary>
    private static (DecoderModel Half, DecoderModel Exact) Models(string family, ScalarType dtype)
    {
        DecoderModel half = SmallDecoders.Model(family, dtype), exact = SmallDecoders.Model(family, ScalarType.Float64);
        using var _ = no_grad();
        foreach ((string name, Tensor weight) in exact.Weights)
            weight.copy_(half.Weights[name]);
        return (half, exact);
    }

    private static double Distance(Tensor actual, Tensor expected) =>
        (actual.to(float64) - expected.to(float64)).abs().max().item<double>();
}
