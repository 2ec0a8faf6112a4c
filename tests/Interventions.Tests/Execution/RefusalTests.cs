using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>What a run says of prompt sets written by hand, and of models that are gone.</summary>
public sealed class RefusalTests
{
    private static readonly InterventionGraph s_graph = new()
    {
        Name = "Probe",
        Writes = [BuiltInWrites.Zero("embed[pos=mid]")],
        Metrics = [new("M", [new Read.Logit("correct", "end")], x => x[0])],
    };

    [Fact]
    public void Prompts_that_lack_what_their_vocabulary_names_are_refused()
    {
        RunTokens whole = new([1, 2, 3], [1, 2]);
        Says("prompt 1 of ToyPrompts is null", null!);
        Says("prompt 1 of ToyPrompts has 1 runs; its vocabulary names 2: clean, corrupted", new PromptTokens([whole], [1, 2]));
        Says("has 0 runs", new PromptTokens(null!, [1, 2]));
        Says("prompt 1 of ToyPrompts has 1 answers; its vocabulary names 2: correct, wrong", new PromptTokens([whole, whole], [1]));
        Says("run 'corrupted' has 1 positions; its vocabulary names 2: mid, end", new PromptTokens([whole, new([1, 2, 3], [1])], [1, 2]));
        Says("run 'corrupted' has 0 positions", new PromptTokens([whole, new([1, 2, 3], null!)], [1, 2]));
        Says("run 'corrupted' has no tokens", new PromptTokens([whole, null!], [1, 2]));
        Says("run 'clean' has no tokens", new PromptTokens([new([], []), new([], [])], [1, 2]));
        Says("run 'clean': position 'mid' is 3, outside its 3 tokens", new PromptTokens([new([1, 2, 3], [3, 2]), whole], [1, 2]));

        void Says(string text, PromptTokens prompt)
        {
            using ToyModel model = new();
            Assert.Contains(text, Assert.Throws<InterventionException>(() => InterventionRunner.Run(
                s_graph, model, new ToyPrompts(new PromptTokens([whole, whole], [1, 2]), prompt))).Message);
        }
    }

    [Fact]
    public void A_disposed_model_is_refused()
    {
        ToyModel model = new();
        model.Dispose();
        Assert.Contains("ToyModel is disposed", Assert.Throws<ObjectDisposedException>(() => InterventionRunner.Run(s_graph, model, ToyPrompts.Random(1, 3))).Message);
    }

    [Fact]
    public void A_range_up_to_the_end_is_cut_by_another_use()
    {
        using ToyModel model = new();
        InterventionGraph graph = s_graph with { Writes = [BuiltInWrites.Zero("embed[pos={p=0..-1}]"), BuiltInWrites.Zero("blocks.0.out[pos={p=1..2}]")] };
        using (RunOutput run = InterventionRunner.Run(graph, model, ToyPrompts.Random(1, 4, 4)))
            Assert.Equal([1, 2], run.Changed("M").Axes[0].Coordinates.ToArray());
        Assert.Contains("sweeps positions 0..-1, but the prompts have 3 to 4 tokens", Assert.Throws<InterventionException>(
            () => InterventionRunner.Run(graph, model, ToyPrompts.Random(1, 4, 3))).Message);
    }
}
