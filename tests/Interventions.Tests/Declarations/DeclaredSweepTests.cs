using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>A direction at several strengths, at two positions, with the feed-forward blocks of every run.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Sweep("alpha", -1, 0.5, 2), Freeze("blocks.0.mlp_out", From = "{donor}")]
public sealed partial class StrengthSweep
{
    [Add("blocks.1.resid_pre[pos={place=subject,end}]", "{alpha}")]
    public required Tensor Direction { get; init; }

    [Patch("blocks.1.mlp_out")]
    static Tensor Damped(Tensor x, [Swept("alpha")] double alpha) => x * (alpha * alpha);

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}

/// <summary>One point of it.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Freeze("blocks.0.mlp_out", From = "other")]
public sealed partial class StrengthPoint
{
    [Add("blocks.1.resid_pre[pos=subject]", Strength = 0.5)]
    public required Tensor Direction { get; init; }

    [Patch("blocks.1.mlp_out")]
    static Tensor Damped(Tensor x) => x * 0.25;

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}

public sealed class DeclaredSweepTests
{
    [Fact]
    public void A_point_of_a_sweep_over_strengths_runs_and_positions_is_its_own_declaration()
    {
        using DisposeScope scope = NewDisposeScope();
        using TinyGpt2 model = TinyGpt2.Random();
        TinyPrompts prompts = DeclarationTests.Prompts(6, 4, 5);
        Tensor direction = randn(12, dtype: float64);
        using StrengthSweep.Result sweep = new StrengthSweep { Direction = direction }.Run(model, prompts);
        using StrengthPoint.Result point = new StrengthPoint { Direction = direction }.Run(model, prompts);
        Assert.Equal([3, 2, 3, 3], sweep.Right.Values.shape);
        Tensor found = sweep.Right[donor: "other", place: "subject", alpha: 0.5];
        Assert.InRange((point.Right - found).abs().max().item<double>(), 0, 1e-9);
        Assert.True((found - sweep.Right["clean", "subject", 0.5]).abs().max().item<double>() > 1e-9);
        Assert.StartsWith("donor=", sweep.Right.Top(1)[0].ToString(), StringComparison.Ordinal);
    }
}
