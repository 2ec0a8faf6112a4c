using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>What libraries of hooks got wrong, one test for each mistake.</summary>
public sealed class PeerMistakeTests : IDisposable
{
    private static readonly Read s_value = new Read.Value();

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    /// <summary>A hook that is left behind changes every later pass.</summary>
    [Fact]
    public void An_exception_leaves_no_hook_behind()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        PromptPairs prompts = Prompts(9, 9);
        Tensor before = Logits(model, prompts, []);
        WriteNode early = BuiltInWrites.Zero("blocks.0.attn.z");
        WriteNode throws = new("Throws", "blocks.2.attn.z", [s_value], _ => throw new InvalidOperationException("half-way"));
        Assert.Throws<InvalidOperationException>(() => Logits(model, prompts, [early, throws]));
        Assert.True(SmallDecoders.Same(before, Logits(model, prompts, [])));
        Assert.False(SmallDecoders.Same(before, Logits(model, prompts, [early])));
    }

    /// <summary>Positions that are kept in the order of the sequence, or once, belong to the wrong names.</summary>
    [Fact]
    public void A_capture_at_several_positions_keeps_each_in_the_order_that_is_written()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        PromptPairs prompts = Prompts(9, 9);
        Tensor whole = Capture(model, prompts, "blocks.1.resid_post");
        Tensor some = Capture(model, prompts, "blocks.1.resid_post[pos=end,2,0,-3]");
        Assert.Equal([2, 4, whole.shape[2]], some.shape);
        foreach ((int at, int position) in new[] { 8, 2, 0, 6 }.Select((position, at) => (at, position)))
            Assert.True((whole[.., position] - some[.., at]).abs().max().item<double>() < 1e-12);
    }

    /// <summary>
    /// Where values are asked for while the model runs, asking for a later layer first misses the earlier one, or changes what it is.
    /// </summary>
    [Fact]
    public void The_order_in_which_sites_are_named_changes_nothing()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        PromptPairs prompts = Prompts(9, 7);
        CaptureNode[] captures = [.. new[] { "embed", "blocks.0.attn.z", "blocks.1.mlp_out", "blocks.2.attn.pattern", "logits" }.Select(
            site => new CaptureNode(site, site, [s_value], x => x[0]))];
        WriteNode[] writes =
            [BuiltInWrites.Scale("blocks.0.mlp_out", 2), BuiltInWrites.Zero("blocks.2.attn.z[head=1]"), BuiltInWrites.Scale(
                "blocks.1.attn_out", -1)];
        InterventionGraph forwards = new() { Name = "Order", Writes = [.. writes], Captures = [.. captures] };
        InterventionGraph backwards = forwards with { Writes = [.. writes.Reverse()], Captures = [.. captures.Reverse()] };
        using RunResult one = InterventionRunner.Run(forwards, model, prompts), other = InterventionRunner.Run(backwards, model, prompts);
        foreach (CaptureNode capture in captures)
            Assert.True(SmallDecoders.Same(one.Changed(capture.Name).Values, other.Changed(capture.Name).Values), capture.Name);
    }

    /// <summary>
    /// With grouped queries there are fewer keys and values than heads: an index of heads selects another one, or is out of range late.
    /// </summary>
    [Theory]
    [InlineData("k")]
    [InlineData("v")]
    public void Keys_and_values_of_a_grouped_query_model_are_selected_by_their_own_heads(string name)
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        PromptPairs prompts = Prompts(9, 9);
        string site = $"blocks.1.attn.{name}";
        Tensor whole = Capture(model, prompts, site), one = Capture(model, prompts, $"{site}[kv_head=1]");
        Assert.Equal(2, whole.shape[2]);
        Assert.True(SmallDecoders.Same(whole.narrow(2, 1, 1), one));

        // Key and value head 1 serves query heads 2 and 3, and no other.
        Tensor before = Capture(model, prompts, "blocks.1.attn.z");
        Tensor after = Capture(model, prompts, "blocks.1.attn.z", BuiltInWrites.Scale($"{site}[kv_head=1]", -2));
        Assert.Equal([false, false, true, true], Enumerable.Range(0, 4).Select(
            head => !SmallDecoders.Same(before[.., .., head], after[.., .., head])));

        string refused = Assert.Throws<InterventionException>(() => Capture(model, prompts, $"{site}[head=3]")).Message;
        Assert.Contains("kv_head", refused, StringComparison.Ordinal);
    }

    /// <summary>Padding that is attended to, counted as a position, or read as the end.</summary>
    [Fact]
    public void A_padded_batch_is_its_prompts_one_by_one()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        PromptPairs all = Prompts(9, 3, 6);
        InterventionGraph graph = new()
        {
            Name = "Padded",
            Writes =
            [
                new("Last", "blocks.0.resid_post[pos=-1]", [new Read.From("corrupted")], x => x[0]),
                new("Swap", "blocks.1.attn.z[head=1]", [s_value, new Read.From("corrupted")], x => x[1] - x[0].mean([1L], keepdim: true)),
                BuiltInWrites.Scale("blocks.2.attn.pattern[query=end]", 2),
            ],
            Captures = [new("Last", "blocks.2.resid_post[pos=end]", [s_value], x => x[0])],
            Metrics = [new("Difference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1])],
        };
        using RunResult together = InterventionRunner.Run(graph, model, all);
        for (int row = 0; row < 3; row++)
        {
            using RunResult alone = InterventionRunner.Run(graph, model, PromptPairs.FromTokens([all.Prompts[row]]));
            foreach (string kept in new[] { "Last", "Difference" })
                Assert.InRange((together.Changed(kept).Values[row] - alone.Changed(kept).Values[0]).abs().max().item<double>(), 0, 1e-9);
        }
    }

    private static PromptPairs Prompts(params int[] lengths)
    {
        Random random = new(5);
        return PromptPairs.FromTokens(
            [.. lengths.Select(length => new PromptTokens([Run(length), Run(length)], [random.Next(61), random.Next(61)]))]);

        RunTokens Run(int length) => new([.. Enumerable.Range(0, length).Select(_ => (long)random.Next(61))], [length - 1]);
    }

    private static Tensor Logits(DecoderModel model, PromptPairs prompts, WriteNode[] writes) => Capture(model, prompts, "logits", writes);

    private static Tensor Capture(DecoderModel model, PromptPairs prompts, string site, params WriteNode[] writes)
    {
        using RunResult run = InterventionRunner.Run(
            new InterventionGraph { Name = "Capture", Writes = [.. writes], Captures = [new("Value", site, [s_value], x => x[0])] }, model,
            prompts);
        return run.Changed("Value").Values.clone();
    }
}
