using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Declarations as a user writes them, compiled by the generator, on a random GPT-2.</summary>
public sealed class DeclarationTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TinyPrompts _prompts = Prompts(6, 6, 4);

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void A_sweep_has_typed_axes_runs_and_captures()
    {
        using HeadSweep.Result run = new HeadSweep().Run(_model, _prompts);
        Assert.Equal([2, 3, 3], run.LogitDifference.Values.shape);
        Assert.Equal([3], run.Clean.LogitDifference.shape);
        Assert.Equal([2, 3, 3, 6], run.Clean.Attention.flatten(-2).shape);
        Assert.Equal([3, 12], run.Written[layer: 1, head: 0].shape);
        Close(run.LogitDifference.Values[1, 2], run.LogitDifference[layer: 1, head: 2]);
        Close(run.Clean.Attention.sum(-1), ones_like(run.Clean.Attention.sum(-1)));
        // The subject comes before the end, so nothing patched at the end reaches it.
        Close(run.Clean.Written[0, 0], run.Written[layer: 0, head: 0]);
        // Two layers, three heads, three prompts.
        Assert.Equal(("FromCorrupted", 2 * 3 * 3 * 4L, 2 * 3 * 3 * 4L), (
            run.Effects.Single().Write, run.Effects[0].Selected, run.Effects[0].Changed));
        Assert.Empty(run.Warnings);
        Assert.NotEqual(run.Clean.LogitDifference.mean().item<double>(), run.LogitDifference.Top(1).Single().Value);
    }

    [Fact]
    public void Patching_every_head_feed_forward_block_and_embedding_gives_the_corrupted_run()
    {
        using Everything.Result run = new Everything().Run(_model, _prompts);
        Close(run.Corrupted.Logits, run.Logits);
        Assert.True((run.Clean.Logits - run.Logits).abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void A_parameter_travels_with_the_declaration()
    {
        Tensor direction = arange(12, dtype: float64);
        using Steering.Result run = new Steering { Direction = direction, Strength = 2 }.Run(_model, _prompts);
        Tensor added = run.Residual - run.Clean.Residual;
        for (int row = 0; row < 3; row++)
            for (int pos = 0; pos < _prompts.Prompts[row].Runs[0].Ids.Count; pos++)
                Close(pos == _prompts.Prompts[row].Runs[0].Positions[0] + 1 ? direction * 2 : zeros(12, dtype: float64), added[row, pos]);
    }

    [Fact]
    public void The_default_vocabulary_needs_no_prompt_type()
    {
        PromptPairs pairs = PromptPairs.FromTokens([new PromptTokens([new([1, 2, 3], [2]), new([1, 5, 3], [2])], [4, 5])]);
        using DefaultVocabulary.Result run = new DefaultVocabulary().Run(_model, pairs);
        Close(_model.Forward(tensor(new long[,] { { 1, 2, 3 } }))[0, -1, 4], run.Correct[0]);
        Assert.Equal([1, 12], run.Last.shape);
    }

    [Fact]
    public void Denoising_changes_the_corrupted_run()
    {
        using Denoising.Result run = new Denoising().Run(_model, _prompts);
        Assert.Equal([2, 3, 3], run.LogitDifference.Values.shape);
        Assert.NotEqual(run.Corrupted.LogitDifference[0].item<double>(), run.LogitDifference[layer: 1, head: 0][0].item<double>());
        Assert.Equal(
            run.LogitDifference.Top(1)[0].Value - run.Corrupted.LogitDifference.mean().item<double>(), run.LogitDifference.Top(1)[0].Change,
            12);
    }

    [Fact]
    public void Path_patching_is_the_derived_run_written_out()
    {
        using PathToQueries.Result path = new PathToQueries().Run(_model, _prompts);
        using PathByHand.Result hand = new PathByHand().Run(_model, _prompts);
        Close(hand.LogitDifference.Values, path.LogitDifference.Values);
        Assert.True((path.LogitDifference.Values - path.Clean.LogitDifference).abs().max().item<double>() > 1e-8);
    }

    [Fact]
    public void Attribution_is_the_gradient_times_the_difference()
    {
        using Attribution.Result run = new Attribution().Run(_model, _prompts);
        Assert.Equal([2, 3, 3], run.Estimate.shape);
        Close(run.Clean.Estimate, run.Estimate);
        Close(zeros_like(run.Estimate), run.Corrupted.Estimate); // its difference from itself
        Assert.True(run.Estimate.abs().max().item<double>() > 1e-6);
    }

    [Fact]
    public void Directions_are_ablated_and_added()
    {
        Tensor ablated = randn(12, dtype: float64), steering = randn(12, dtype: float64);
        using Direction.Result run = new Direction { Ablated = ablated, Steering = steering }.Run(_model, _prompts);
        Close(zeros_like(run.Residual.sum(-1)), run.Residual.matmul(ablated));
        Assert.True(run.Before.matmul(ablated).abs().max().item<double>() > 1e-6);
        Close(run.LastBefore + (steering * 3), run.Last);
    }

    [Fact]
    public void A_mask_learns_while_the_model_stays_frozen()
    {
        Tensor mask = full(3, 0.5, dtype: float64).requires_grad_();
        double before = Divergence();
        for (int step = 0; step < 20; step++)
        {
            using LearnedMask.Result run = new LearnedMask { Mask = mask }.Run(_model, _prompts);
            using var frozen = no_grad();
            // The random model's effects are small: go by direction.
            mask.sub_(run.MaskGradient / run.MaskGradient.norm() * 0.04);
        }
        Assert.True(Divergence() < before / 2);
        Assert.All(_model.Weights.Values, weight => Assert.False(weight.requires_grad));

        double Divergence()
        {
            using LearnedMask.Result run = new LearnedMask { Mask = mask }.Run(_model, _prompts);
            return run.Divergence.mean().item<double>();
        }
    }

    [Fact]
    public void Built_in_writes_and_an_included_intervention_work_together()
    {
        Tensor direction = randn(12, dtype: float64);
        using Knockouts.Result run = new Knockouts { Inner = new Steering { Direction = direction } }.Run(_model, _prompts);
        using Knockouts.Result unsteered = new Knockouts { Inner = new Steering { Direction = direction, Strength = 0 } }.Run(
            _model, _prompts);
        Assert.True((run.Norm - unsteered.Norm).abs().max().item<double>() > 1e-6);
        Assert.True(run.LogProbability.max().item<double>() < 0);
        Close(unsteered.Clean.Norm, run.Clean.Norm);
    }

    [Fact]
    public void A_wrong_checkpoint_is_refused_at_load()
    {
        using TemporaryFolder folder = new();
        using (DecoderModel other = DecoderModel.Random(Gpt2Model.Configure(3, 3, 12, 17, 24)))
            other.Save(folder.Path);
        Exception refused = Assert.ThrowsAny<Exception>(() => TinyGpt2.Load(folder.Path));
        Assert.Contains("TinyGpt2", refused.Message);
        Assert.Contains("layer", refused.Message);
    }

    [Fact]
    public void A_thousand_runs_leave_handles_and_memory_where_they_were()
    {
        HeadSweep sweep = new();
        long handles = 0, memory = 0;
        for (int i = 0; i < 1_000; i++)
        {
            sweep.Run(_model, _prompts).Dispose();
            // Until then the runtime still compiles anew what is called often, which takes memory too.
            if (i == 700)
                (handles, memory) = (LiveTensors.Count(), ProcessMemory());
        }
        Assert.Equal(handles, Tensor.TotalCount);
        Assert.InRange(ProcessMemory() - memory, long.MinValue, 2 << 20);
    }

    /// <summary>
    /// Bytes in use, native and managed. The working set would also hold what the collector keeps for later, and compiled code.
    /// </summary>
    private static long ProcessMemory()
    {
        long managed = GC.GetTotalMemory(forceFullCollection: true);
        GC.WaitForPendingFinalizers();
        return managed + (NativeHeap.IsKnown ? NativeHeap.BytesInUse() : 0);
    }

    internal static TinyPrompts Prompts(params int[] lengths)
    {
        Random random = new(5);
        return TinyPrompts.FromTokens([.. lengths.Select(length =>
            new PromptTokens([.. Enumerable.Range(0, 3).Select(_ => Run(length))], [random.Next(17), random.Next(17)]))]);

        RunTokens Run(int length) => new([.. Enumerable.Range(0, length).Select(_ => (long)random.Next(17))], [1, length - 1]);
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
