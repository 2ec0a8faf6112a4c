using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>The run that is changed, and derived runs that feed it.</summary>
public sealed class DerivedRunTests : ToyTest
{
    [Fact]
    public void Changes_says_which_run_is_written()
    {
        ToyPrompts prompts = ToyPrompts.Random(1, 4, 4);
        using RunResult denoising = Run(
            new()
            {
                Name = "Denoise",
                Changes = "corrupted",
                Writes = [BuiltInWrites.Freeze("embed", "clean")],
                Captures = [
                Capture("logits")]
            },
            prompts);
        Close(Forward(prompts, 0), denoising.Changed("logits").Values);
        using RunResult nothing = Run(new() { Name = "Nothing", Changes = "corrupted", Captures = [Capture("logits")] }, prompts);
        Close(Forward(prompts, 1), nothing.Changed("logits").Values);
    }

    [Fact]
    public void A_derived_run_feeds_another_one()
    {
        ToyPrompts prompts = ToyPrompts.Random(5, 4, 4);
        // The sender's change reaches layer 1 with its heads frozen; what it puts there is written into the clean run.
        InterventionGraph graph = new()
        {
            Name = "Path",
            Runs = [new("direct")],
            Writes =
            [
                BuiltInWrites.Freeze("blocks.1.z", null, "direct"),
                new("Sender", "blocks.0.z[head={head}]", [new Read.From("corrupted")], x => x[0], "direct"),
                new("Receiver", "blocks.1.resid[pos=end]", [new Read.From("direct")], x => x[0]),
            ],
            Captures = [Capture("logits")],
        };
        using RunResult run = Run(graph, prompts);
        Tensor frozen = Values(prompts, 0, "blocks.1.z"), donor = Values(prompts, 1, "blocks.0.z");
        for (int head = 0; head < ToyModel.Heads; head++)
        {
            Tensor direct = Values(prompts, 0, "blocks.1.resid", ("blocks.1.z", _ => frozen), ("blocks.0.z", z =>
            {
                Tensor patched = z.clone();
                patched[TensorIndex.Ellipsis, head, TensorIndex.Colon] = donor[TensorIndex.Ellipsis, head, TensorIndex.Colon];
                return patched;
            }
            ));
            Tensor expected = Values(
                prompts, 0, "logits", ("blocks.1.resid", resid => cat([resid.narrow(1, 0, 3), direct.narrow(1, 3, 1)], 1)));
            Close(expected, run.Changed("logits").At(head));
        }
    }

    [Fact]
    public void Runs_in_a_circle_and_wrong_donors_are_refused()
    {
        ToyPrompts prompts = ToyPrompts.Random(6, 4);
        WriteNode Reading(string donor, string? run) => new("Write", "embed", [new Read.From(donor)], x => x[0], run);
        Says(
            "read each other in a circle",
            new() { Name = "Circle", Runs = [new("a"), new("b")], Writes = [Reading("b", "a"), Reading("a", "b")] });
        Says("its own run 'a', which it reads, is complete", new() { Name = "Itself", Runs = [new("a")], Writes = [Reading("a", "a")] });
        Says("two runs 'clean'", new() { Name = "Name", Runs = [new("clean")] });
        Says("declare [Run(\"direct\")]", new() { Name = "In", Writes = [Reading("clean", "direct")] });
        Says(
            "exists for writes only",
            new() { Name = "Kept", Runs = [new("a")], Captures = [new("Z", "embed", [new Read.From("a")], x => x[0])] });

        void Says(string text, InterventionGraph graph) =>
            Assert.Contains(text, Assert.Throws<InterventionException>(() => Run(graph, prompts)).Message);
    }
}
