using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Tests.Planning;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>
/// Prompts padded on the left, on the right or both, in batches of any size, give what each of them gives alone without padding.
/// </summary>
public sealed class PaddedPromptTests
{
    private static readonly Read s_value = new Read.Value();

    private static readonly InterventionGraph s_graph = new()
    {
        Name = "Padded",
        Writes =
        [
            new("Rest", "blocks.0.attn.v[pos=1..-1]", [s_value, new Read.From("corrupted")], x => x[0] - (0.5 * x[1].mean(
                [1L], keepdim: true))),
            BuiltInWrites.Freeze("blocks.1.attn.z[head={head}; pos={place=mid,-2}]", "other"),
            BuiltInWrites.Freeze("blocks.2.attn.k_input[head=1]", "corrupted"),
        ],
        Captures = [new("Stream", "blocks.*.resid_post", [s_value], x => x[0]), new(
            "Last", "blocks.2.attn.pattern[query=end; key=-3..-1]", [s_value], x => x[0])],
        Gradients = [new("Gradient", "blocks.0.attn_out", [new Read.Gradient()], x => x[0])],
        Metrics = [new("Metric", [new Read.Logit("right", "end"), new Read.Logit("wrong", "mid")], x => x[0] - x[1])],
    };

    [Theory]
    [InlineData("llama", 3)]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Padding_and_batches_change_nothing(string family, int? window = null)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family, window: window);
        RandomPrompts prompts = RandomPrompts.Of(9, model.VocabularySize, 5, 3, 7, 5, 4);
        RunResult[] alone = [.. prompts.Prompts.Select(
            prompt => InterventionRunner.Run(s_graph, model, new RandomPrompts([prompt]), new RunOptions { Naive = true }))];
        // Two families go through every padding and batch size, the others through those that differ most.
        bool isWhole = family is "gpt2" or "llama";
        (string Name, Func<int, double> Left)[] paddings = isWhole
            ? [("left", _ => 1), ("right", _ => 0), ("both", _ => 0.5), ("mixed", i => i % 2)]
            : [("left", _ => 1), ("mixed", i => i % 2)];
        foreach ((string padding, Func<int, double> left) in paddings)
        {
            foreach (int batchSize in (int[])(isWhole ? [1, 2, 3, 5] : [3, 5]))
            {
                RunOptions options = new() { BatchSize = batchSize, MemoryBudget = batchSize == 3 ? 600_000 : 1L << 30 };
                using RunResult together = InterventionRunner.Run(s_graph, model, Padded.Around(prompts, width: 9, left), options);
                for (int i = 0; i < alone.Length; i++)
                {
                    Close("Stream", batchAxis: 3);
                    Close("Last", batchAxis: 2);
                    Close("Gradient", batchAxis: 2);
                    Close("Metric", batchAxis: 2);

                    void Close(string name, int batchAxis)
                    {
                        Tensor expected = alone[i].Changed(name).Values, actual = together.Changed(name).Values.narrow(batchAxis, i, 1);
                        // What a longer prompt has beyond is 0.
                        for (int axis = batchAxis + 1; axis < expected.shape.Length; axis++)
                        {
                            Assert.Equal(
                                0,
                                actual.narrow(axis, expected.shape[axis], actual.shape[axis] - expected.shape[axis])
                                    .abs().sum().item<double>());
                            actual = actual.narrow(axis, 0, expected.shape[axis]);
                        }
                        double difference = (expected - actual).abs().max().item<double>();
                        double scale = Math.Max(1, expected.abs().max().item<double>());
                        Assert.True(
                            difference <= 1e-9 * scale,
                            $"{name} of prompt {i}, padded on the {padding}, {batchSize} at a time: differs by {difference:E1}");
                    }
                }
            }
        }
        foreach (RunResult run in alone)
            run.Dispose();
    }
}
