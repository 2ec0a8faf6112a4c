using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>
/// A model whose positions see later ones would see padding: prompts of different length run apart, and each gives what it gives alone.
/// </summary>
public sealed class LookAheadTests : IDisposable
{
    private static readonly Read s_value = new Read.Value(), s_corrupted = new Read.From("corrupted");

    private readonly ToyEncoder _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(true, 32)]
    [InlineData(true, 2)]
    [InlineData(false, 32)]
    [InlineData(false, 2)]
    public void Mixed_lengths_are_the_prompts_one_by_one(bool naive, int batchSize)
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 2, 4, 7, 2, 4);
        InterventionGraph graph = new()
        {
            Name = "Encoder",
            Writes =
            [
                new("Mix", "blocks.{layer}.z[pos=end]", [s_value, s_corrupted], x => (x[0] + x[1]) / 2),
                BuiltInWrites.Scale("blocks.1.pattern", 0.9),
            ],
            Captures = [new("Logits", "logits", [s_value], x => x[0]), new("Pattern", "blocks.1.pattern", [s_value], x => x[0])],
            Gradients = [new("Embedding", "embed", [new Read.Gradient()], x => x[0])],
            Metrics = [new("Correct", [new Read.Logit("correct", "end")], x => x[0])],
        };
        using RunResult together = InterventionRunner.Run(graph, _model, prompts, new RunOptions { Naive = naive, BatchSize = batchSize });
        for (int prompt = 0; prompt < prompts.Prompts.Count; prompt++)
        {
            using RunResult alone = InterventionRunner.Run(graph, _model, prompts.Only(prompt), new RunOptions { Naive = naive });
            int length = prompts.Prompts[prompt].Runs[0].Ids.Count;
            foreach (string name in new[] { "Logits", "Embedding", "Correct", "Pattern" })
            {
                Close(alone.Changed(name).Values, Cut(together.Changed(name).Values.narrow(1, prompt, 1), name, length));
                Close(
                    alone.Run("corrupted")[name], Cut(together.Run("corrupted")[name].unsqueeze(0).narrow(1, prompt, 1), name, length)[0]);
            }
        }

        static Tensor Cut(Tensor value, string name, int length) => name switch
        {
            "Correct" => value,
            "Pattern" => value.narrow(2, 0, length).narrow(3, 0, length),
            _ => value.narrow(2, 0, length),
        };
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_partner_of_another_length_sees_no_padding(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(8, 2, 6);
        InterventionGraph graph = new()
        {
            Name = "Partners",
            Writes = [BuiltInWrites.Resample("blocks.1.resid[pos=end]", "clean", seed: 1), BuiltInWrites.Mean(
                "blocks.0.resid[pos=end]", "clean", pooled: false)],
            Captures = [new("End", "blocks.1.resid[pos=end]", [s_value], x => x[0]), new(
                "Mean", "blocks.0.resid[pos=end]", [s_value], x => x[0])],
        };
        using RunResult run = InterventionRunner.Run(graph, _model, prompts, new RunOptions { Naive = naive });
        // Of two prompts each has the other as its partner.
        using RunResult first = InterventionRunner.Run(graph with { Writes = [] }, _model, prompts.Only(0));
        using RunResult second = InterventionRunner.Run(graph with { Writes = [] }, _model, prompts.Only(1));
        Close(cat([second.Run("clean")["End"], first.Run("clean")["End"]]), run.Changed("End").Values);
        Tensor mean = (first.Run("clean")["Mean"] + second.Run("clean")["Mean"]) / 2;
        Close(cat([mean, mean]), run.Changed("Mean").Values);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
