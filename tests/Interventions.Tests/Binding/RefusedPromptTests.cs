using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Binding;

/// <summary>Prompts that do not fit their vocabulary or the model, disposed models, and methods that return wrong shapes.</summary>
public sealed class RefusedPromptTests : ToyTest
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

        void Says(string text, PromptTokens prompt) =>
            ToyTest.Says(text, () => Run(s_graph, new ToyPrompts(new PromptTokens([whole, whole], [1, 2]), prompt)));
    }

    [Fact]
    public void A_disposed_model_is_refused()
    {
        ToyModel model = new();
        model.Dispose();
        Assert.Contains(
            "ToyModel is disposed",
            Assert.Throws<ObjectDisposedException>(() => InterventionRunner.Run(s_graph, model, ToyPrompts.Random(1, 3))).Message);
    }

    [Fact]
    public void Wrong_shapes_and_prompts_are_refused_clearly()
    {
        ToyPrompts prompts = ToyPrompts.Random(10, 4, 3);
        Says("[batch=2, pos=1, head=1, d_head=4]", () => Run(
            new()
            {
                Name = "Shape",
                Writes = [new WriteNode("Bad", "blocks.0.z[head=1; pos=end]", [], _ => zeros(3, dtype: float64))],
                Captures = [Capture("Logits", "logits")],
            },
            prompts));
        Says("one number a prompt, [batch=2]", () => Run(
            new() { Name = "Metric", Metrics = [new MetricNode("Bad", [], _ => zeros(1))] }, prompts));
        Says("position 3 of prompt 1", () => Run(
            new() { Name = "Position", Writes = [Patch("embed[pos=3]")], Captures = [Capture("Logits", "logits")] }, prompts));
        Says("reads at most 32", () => Run(new() { Name = "Long" }, ToyPrompts.Random(1, 33)));
        Says("knows tokens 0 to 10", () => Run(
            new() { Name = "Token" }, new ToyPrompts(new PromptTokens([new([99], [0, 0]), new([1], [0, 0])], [0, 0]))));
        Says("differ in length", () => Run(
            new() { Name = "Unequal" }, new ToyPrompts(new PromptTokens([new([1, 2], [0, 1]), new([1], [0, 0])], [0, 0]))));
        Says("not swept", () => Run(new() { Name = "Placeholder", Captures = [Capture("Z", "blocks.{layer}.z")] }, prompts));
    }
}
