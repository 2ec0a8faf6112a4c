using Interventions.ModelGraphs;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Patches and captures against forward passes written out by hand.</summary>
public sealed class PatchTests : ToyTest
{
    [Fact]
    public void An_empty_intervention_is_the_model()
    {
        // Bit for bit at equal shapes: the toy's sums over positions are computed prompt by prompt, both runs of it in one product.
        foreach (ToyPrompts prompt in ToyPrompts.Random(1, 5, 5, 5).Prompts.Select(prompt => new ToyPrompts(prompt)))
        {
            using RunResult output = Run(new() { Name = "Empty", Captures = [Capture("Logits", "logits")] }, prompt);
            Tensor both = stack(prompt.Prompts[0].Runs.Select(run => tensor(run.Ids.ToArray())));
            Tensor logits = GraphEvaluator.Evaluate(Model.Graph, both, ["logits"])["logits"];
            Identical(logits.narrow(0, 0, 1), output.Changed("Logits").Values);
            Identical(logits.narrow(0, 1, 1), output.Run("corrupted")["Logits"]);
        }
    }

    [Fact]
    public void Patching_every_source_gives_the_corrupted_run()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 6, 6);
        using RunResult output = Run(
            new() { Name = "All", Writes = [Patch("embed"), Patch("blocks.*.z")], Captures = [Capture("Logits", "logits")] }, prompts);
        Close(Forward(prompts, run: 1), output.Changed("Logits").Values);
    }

    [Fact]
    public void Writes_to_one_site_apply_in_textual_order()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 4);
        using RunResult output = Run(
            new()
            {
                Name = "Order",
                Writes = [new WriteNode("Add", "embed", [Value], x => x[0] + 1), new WriteNode("Double", "embed", [Value], x => x[0] * 2)],
                Captures = [Capture("Embed", "embed")],
            },
            prompts);
        Close((Values(prompts, 0, "embed") + 1) * 2, output.Changed("Embed").Values);
    }

    [Fact]
    public void A_donor_may_be_another_site()
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 4, 4);
        using RunResult output = Run(
            new()
            {
                Name = "Across",
                Writes = [new WriteNode("Earlier", "blocks.1.z[pos=end]", [new Read.From("clean", "blocks.0.z[pos=0]")], x => x[0])],
                Captures = [Capture("Z", "blocks.1.z[pos=end]")],
            },
            prompts);
        Close(Values(prompts, 0, "blocks.0.z").narrow(1, 0, 1), output.Changed("Z").Values);
    }

    [Fact]
    public void A_site_beside_the_ordinary_path_can_be_written()
    {
        ToyPrompts prompts = ToyPrompts.Random(7, 4);
        using RunResult same = Run(
            new()
            {
                Name = "Same",
                Writes = [new WriteNode("Same", "blocks.0.result[head=1]", [Value], x => x[0])],
                Captures = [
                Capture("Logits", "logits")]
            },
            prompts);
        Close(Forward(prompts, 0), same.Changed("Logits").Values);
        using RunResult zeroed = Run(
            new()
            {
                Name = "Zero",
                Writes = [new WriteNode("Zero", "blocks.0.result[head=1]", [], _ => zeros(1, dtype: float64))],
                Captures = [Capture("Logits", "logits")],
            },
            prompts);
        using RunResult byZ = Run(
            new()
            {
                Name = "Zero",
                Writes = [new WriteNode("Zero", "blocks.0.z[head=1]", [], _ => zeros(1, dtype: float64))],
                Captures = [
                Capture("Logits", "logits")]
            },
            prompts);
        Close(byZ.Changed("Logits").Values, zeroed.Changed("Logits").Values);
    }

    [Fact]
    public void A_capture_is_after_the_writes_unless_it_says_before()
    {
        ToyPrompts prompts = ToyPrompts.Random(7, 4, 3);
        using RunResult run = Run(
            new()
            {
                Name = "Before",
                Writes = [BuiltInWrites.Zero("blocks.0.z[head=1]")],
                Captures = [Capture("blocks.0.z"), Capture("blocks.0.z") with { Name = "Before", BeforeWrites = true }],
            },
            prompts);
        Close(run.Run("clean")["blocks.0.z"], run.Changed("Before").Values);
        Assert.Equal(0, run.Changed("blocks.0.z").Values[TensorIndex.Ellipsis, 1, TensorIndex.Colon].abs().max().item<double>());
    }

    [Fact]
    public void A_method_that_returns_null_is_named()
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 3);
        CaptureNode logits = new("Logits", "logits", [new Read.Value()], x => x[0]);
        Says("Null.Nothing returned null", () => Run(
            new() { Name = "Null", Writes = [new WriteNode("Nothing", "embed", [], _ => null!)], Captures = [logits] }, prompts));
        Says("Null.Nothing returned null", () => Run(
            new() { Name = "Null", Metrics = [new MetricNode("Nothing", [], _ => null!)] }, prompts));
    }

    private static void Identical(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.Equal(expected.data<double>().ToArray(), actual.data<double>().ToArray());
    }
}
