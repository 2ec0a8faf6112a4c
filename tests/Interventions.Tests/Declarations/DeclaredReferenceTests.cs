using Interventions.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Means over other prompts, masks and paths from several senders as a user declares them, on a random GPT-2.</summary>
public sealed class DeclaredReferenceTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void A_mean_is_over_the_prompts_of_a_property_template_by_template()
    {
        TinyPrompts prompts = Prompts(1, (6, 0), (4, 1), (5, 1)), reference = Prompts(2, (6, 0), (5, 1), (6, 0), (4, 0), (6, 1));
        using Heads.Result clean = new Heads().Run(_model, prompts);
        using Heads.Result over = new Heads().Run(_model, reference);
        using MeanOver.Result run = new MeanOver { Reference = reference }.Run(_model, prompts);
        Tensor Mean(IEnumerable<Tensor> values) => stack(values).mean([0L]);
        for (int row = 0; row < 3; row++)
        {
            int last = prompts.Prompts[row].Runs[0].Ids.Count - 1;
            for (int pos = 0; pos <= last; pos++)
            {
                int[] sources = [.. Enumerable.Range(0, 5).Where(i =>
                    reference.Prompts[i].Template == prompts.Prompts[row].Template && reference.Prompts[i].Runs[0].Ids.Count > pos)];
                Close(Mean(sources.Select(i => over.Corrupted.Z[i, pos, 1])), run.Z[row, pos, 1]);
                Close(clean.Clean.Z[row, pos, 0], run.Z[row, pos, 0]);
            }
            Close(Mean(Enumerable.Range(0, 5).Select(i => over.Clean.Z[i, reference.Prompts[i].Runs[0].Ids.Count - 1, 2])), run.Z[
                row, last, 2]);
        }
    }

    [Fact]
    public void A_mask_is_the_mixture_written_out_and_has_its_gradient()
    {
        TinyPrompts prompts = Prompts(3, (6, 0), (4, 0), (6, 0));
        Tensor mask = tensor(new[,] { { 0.2, 1, 0.7 }, { 0, 0.5, 0.9 } }).requires_grad_();
        using MixedHeads.Result run = new MixedHeads { Mask = mask }.Run(_model, prompts);
        using MixedHeadsByHand.Result hand = new MixedHeadsByHand { Mask = mask }.Run(_model, prompts);
        Close(hand.LogitDifference, run.LogitDifference);
        Close(hand.MaskGradient, run.MaskGradient);
        Assert.Equal([2, 3], run.MaskGradient.shape);
        Assert.True(run.MaskGradient.abs().min().item<double>() > 1e-9);
    }

    [Fact]
    public void Paths_lead_from_several_senders_past_what_is_frozen()
    {
        TinyPrompts prompts = Prompts(4, (6, 0), (4, 0), (6, 0));
        using PathFromTwo.Result path = new PathFromTwo().Run(_model, prompts);
        using PathFromTwoByHand.Result hand = new PathFromTwoByHand().Run(_model, prompts);
        using PathFromTwoFrozen.Result frozen = new PathFromTwoFrozen().Run(_model, prompts);
        Close(hand.LogitDifference.Values, path.LogitDifference.Values);
        Assert.True((path.LogitDifference.Values - path.Clean.LogitDifference).abs().max().item<double>() > 1e-8);
        // Two of the heads of layer 1 carry the change unless they are frozen too.
        Assert.True((path.LogitDifference.Values - frozen.LogitDifference.Values).abs().max().item<double>() > 1e-8);
    }

    private static TinyPrompts Prompts(int seed, params (int Length, int Template)[] prompts)
    {
        Random random = new(seed);
        return TinyPrompts.FromTokens(prompts.Select(prompt => new PromptTokens(
            [.. Enumerable.Range(0, 3).Select(
                _ => new RunTokens([.. Enumerable.Range(0, prompt.Length).Select(_ => (long)random.Next(17))], [1, prompt.Length - 1]))],
            [random.Next(17), random.Next(17)])
        { Template = prompt.Template }));
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
