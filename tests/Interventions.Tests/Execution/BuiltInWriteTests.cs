using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Writes without a body against their definitions.</summary>
public sealed class BuiltInWriteTests : ToyTest
{
    [Fact]
    public void Built_in_writes_are_what_they_say()
    {
        ToyPrompts prompts = ToyPrompts.Random(2, 4, 3);
        Tensor direction = arange(1, ToyModel.Width + 1, dtype: float64);
        Tensor clean = Value(BuiltInWrites.Scale("embed", 1));
        Close(zeros_like(clean), Value(BuiltInWrites.Zero("embed")));
        Close(clean * -2, Value(BuiltInWrites.Scale("embed", -2)));
        Close(clean, Value(BuiltInWrites.Freeze("embed", from: null)));
        Close(Real(prompts, clean + (direction * 3)), Value(BuiltInWrites.Add("Add", "embed", direction, 3)));
        Tensor along = (clean * direction).sum([-1L], keepdim: true) / (direction * direction).sum() * direction;
        Close(clean - along, Value(BuiltInWrites.ProjectOut("Out", "embed", direction)));
        Close(along, Value(BuiltInWrites.ProjectOnto("Onto", "embed", direction)));

        Tensor Value(WriteNode write)
        {
            using RunResult run = Run(new() { Name = "BuiltIn", Writes = [write], Captures = [Capture("embed")] }, prompts);
            return run.Changed("embed").Values.clone();
        }
    }

    /// <summary>A direction for each head: each has a length of its own.</summary>
    [Fact]
    public void Heads_are_projected_along_their_own_directions()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4);
        Tensor directions = arange(1, 13, dtype: float64).view(3, 4), z = Values(prompts, 0, "blocks.0.z");
        using RunResult run = Run(
            new()
            {
                Name = "Heads",
                Writes = [BuiltInWrites.ProjectOut("Out", "blocks.0.z", directions)],
                Captures = [Capture("blocks.0.z")],
            },
            prompts);
        Tensor unit = directions / directions.norm(-1, keepdim: true);
        Close(z - ((z * unit).sum([-1L], keepdim: true) * unit), run.Changed("blocks.0.z").Values);
        Assert.True((run.Changed("blocks.0.z").Values * directions).sum(-1).abs().max().item<double>() < 1e-9);
    }

    [Fact]
    public void Partners_depend_on_the_seed_and_the_prompt_never_on_the_batch()
    {
        ToyPrompts prompts = ToyPrompts.Random(4, 4, 4, 4, 4, 4, 4, 4);
        Tensor whole = Resampled(seed: 1, batchSize: 32);
        Close(whole, Resampled(seed: 1, batchSize: 2));
        Assert.True((whole - Resampled(seed: 2, batchSize: 32)).abs().max().item<double>() > 1e-3);
        Tensor corrupted = Values(prompts, 1, "embed");
        for (int row = 0; row < 7; row++)
            Assert.Single(
                Enumerable.Range(0, 7), other => other != row && (corrupted[other] - whole[row]).abs().max().item<double>() < 1e-12);

        InterventionException alone = Assert.Throws<InterventionException>(() => Run(
            new() { Name = "Alone", Writes = [BuiltInWrites.Resample("embed", null, 0)], Captures = [Capture("embed")] }, prompts.Only(0)));
        Assert.Contains("needs another prompt of 4 tokens", alone.Message);

        Tensor Resampled(int seed, int batchSize)
        {
            using RunResult run = Run(
                new() { Name = "Resample", Writes = [BuiltInWrites.Resample("embed", "corrupted", seed)], Captures = [Capture("embed")] },
                prompts, new RunOptions { BatchSize = batchSize });
            return run.Changed("embed").Values.clone();
        }
    }

    /// <summary>The value with zeros where prompts have no token.</summary>
    private static Tensor Real(ToyPrompts prompts, Tensor value)
    {
        Tensor real = zeros_like(value);
        for (int row = 0; row < prompts.Prompts.Count; row++)
            real[row, ..prompts.Prompts[row].Runs[0].Ids.Count] = value[row, ..prompts.Prompts[row].Runs[0].Ids.Count];
        return real;
    }
}
