using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Doubles the embeddings.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Scale("embed", 2)]
public sealed partial class Doubled;

/// <summary>Includes come first, unless an order says otherwise.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class DoubledFirst
{
    [Include] public required Doubled Inner { get; init; }

    [Patch("embed", Order = 1)] static Tensor Shift(Tensor x) => x + 1;

    [Capture("embed")] static Tensor Embed(Tensor x) => x;
}

[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class DoubledLast
{
    [Include(Order = 1)] public required Doubled Inner { get; init; }

    [Patch("embed")] static Tensor Shift(Tensor x) => x + 1;

    [Capture("embed")] static Tensor Embed(Tensor x) => x;
}

/// <summary>A trained direction, and a path patch and a run of its own.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Run("mine"), Scale("embed", 3, In = "mine")]
[PathPatch("blocks.0.attn.z[head=1]", "blocks.1.attn.q_input[head=2]")]
public sealed partial class Part
{
    [Add("blocks.1.resid_pre[pos=end]"), Parameter] public required Tensor Direction { get; init; }

    [Patch("blocks.0.mlp_out[pos=subject]")] static Tensor FromMine([From("mine")] Tensor mine) => mine;

    [Metric] static Tensor Difference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Twice
{
    [Include] public required Part First { get; init; }

    [Include(Order = 1)] public required Part Second { get; init; }

    [Metric] static Tensor Difference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

public sealed class IncludeTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly TinyPrompts _prompts = DeclarationTests.Prompts(6, 4);
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void An_explicit_order_decides_between_an_include_and_a_write()
    {
        using DoubledFirst.Result first = new DoubledFirst { Inner = new Doubled() }.Run(_model, _prompts);
        using DoubledLast.Result last = new DoubledLast { Inner = new Doubled() }.Run(_model, _prompts);
        // Padding stays 0.
        Tensor real = first.Clean.Embed.ne(0);
        Close((first.Clean.Embed * 2) + 1, first.Embed, real);
        Close((first.Clean.Embed + 1) * 2, last.Embed, real);
    }

    [Fact]
    public void One_part_can_be_included_twice()
    {
        Tensor small = (arange(12, dtype: float64) / 10).requires_grad_(), large = (ones(12, dtype: float64) / 3).requires_grad_();
        using Twice.Result twice = new Twice { First = new Part { Direction = small }, Second = new Part { Direction = large } }.Run(
            _model, _prompts);
        using Part.Result once = new Part { Direction = (small + large).detach().requires_grad_() }.Run(_model, _prompts);
        Assert.Equal(
            ["First.mine", "First.path1", "Second.mine", "Second.path1"],
            new Twice { First = new Part { Direction = small }, Second = new Part { Direction = large } }.Graph.Runs.Select(
                run => run.Name));
        Close(once.Difference, twice.Difference, once.Difference.ne(0));
        Close(once.DirectionGradient, twice.FirstDirectionGradient, once.DirectionGradient.ne(0));
        Close(twice.FirstDirectionGradient, twice.SecondDirectionGradient, once.DirectionGradient.ne(0));
        Assert.True((once.Difference - once.Clean.Difference).abs().max().item<double>() > 1e-3);
        Assert.True(once.DirectionGradient.abs().max().item<double>() > 1e-3);
    }

    private static void Close(Tensor expected, Tensor actual, Tensor where) =>
        Assert.True(((expected - actual).abs() * where.to(float64)).max().item<double>() <= 1e-9, $"{expected} is not {actual}.");
}
