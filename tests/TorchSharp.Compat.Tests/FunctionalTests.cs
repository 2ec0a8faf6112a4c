using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Compat.Tests;

public sealed class FunctionalTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Linear_and_norms()
    {
        var x = tensor(new double[,] { { 1, 2 } });
        Close.To(F.linear(x, eye(2, dtype: ScalarType.Float64) * 2, tensor([1.0, 0])), 3, 4);
        Close.To(F.layer_norm(x, [2], eps: 0), -1, 1);
        Close.To(F.layer_norm(x, [2], tensor([2.0, 2]), tensor([1.0, 1]), 0), -1, 3);
        Close.To(F.normalize(tensor(new double[,] { { 3, 4 } })), 0.6, 0.8);
        Close.To(F.one_hot(tensor(new long[] { 1, 0 }), 3), 0, 1, 0, 1, 0, 0);
    }

    [Fact]
    public void Losses()
    {
        var logits = tensor(new double[,] { { 1, 2 }, { 3, 3 } });
        var target = tensor(new long[] { 1, 0 });
        var each = new[] { Math.Log(1 + Math.Exp(-1)), Math.Log(2) };
        Close.To(F.cross_entropy(logits, target), each.Average());
        Close.To(F.cross_entropy(logits, target, reduction: nn.Reduction.None), each);
        Close.To(F.cross_entropy(logits, tensor(new long[] { 1, -100 })), each[0]);
        Close.To(F.nll_loss(F.log_softmax(logits, 1), target, reduction: nn.Reduction.Sum), each.Sum());
        Close.To(F.mse_loss(logits, zeros_like(logits)), (1 + 4 + 9 + 9) / 4.0);
        var (p, q) = (tensor([0.5, 0.5]), tensor([0.25, 0.75]));
        var divergence = 0.25 * Math.Log(0.5) + 0.75 * Math.Log(1.5);
        Close.To(F.kl_div(p.log(), q, log_target: false, nn.Reduction.Sum), divergence);
        Close.To(F.kl_div(p.log(), q.log(), reduction: nn.Reduction.Sum), divergence);
    }

    [Fact]
    public void Attention_is_the_written_out_formula()
    {
        manual_seed(2);
        var (q, k, v) = (randn(1, 2, 4, 8), randn(1, 2, 4, 8), randn(1, 2, 4, 8));
        var scores = q.matmul(k.transpose(-2, -1)) / Math.Sqrt(8);
        var mask = ones(4, 4, ScalarType.Bool).tril();
        Close.Same(scores.softmax(-1).matmul(v), F.scaled_dot_product_attention(q, k, v));
        var causal = scores.masked_fill(mask.logical_not(), double.NegativeInfinity).softmax(-1).matmul(v);
        Close.Same(causal, F.scaled_dot_product_attention(q, k, v, is_casual: true));
        Close.Same(causal, F.scaled_dot_product_attention(q, k, v, mask));
        Assert.Throws<ArgumentException>(() => F.scaled_dot_product_attention(q, k, v, mask, is_casual: true));
    }

    [Fact]
    public void Dropout()
    {
        manual_seed(0);
        var x = ones(10_000);
        Close.Same(x, F.dropout(x, 0.5, training: false));
        var kept = F.dropout(x, 0.25);
        Assert.InRange((kept == 0).sum().ToDouble(), 2300, 2700);
        Close.To(kept.max(), 1 / 0.75);
    }

    [Fact]
    public void In_place_activations_write_into_their_argument()
    {
        var x = tensor([-1f, 1]);
        Close.To(F.relu(x), 0, 1);
        Close.To(x, -1, 1);
        var result = F.relu(x, inplace: true);
        Assert.NotSame(x, result);
        Close.To(x, 0, 1);
    }

    [Fact]
    public void Padding()
    {
        var x = tensor(new double[,] { { 1, 2, 3 } });
        Close.To(F.pad(x, [1, 0], value: 9), 9, 1, 2, 3);
        Close.To(F.pad(x, (0L, 1L)), 1, 2, 3, 0);
        Close.To(F.pad(x, new long[] { 1, 1 }, PaddingModes.Reflect), 2, 1, 2, 3, 2);
    }
}
