using TorchSharp.Modules;
using F = TorchSharp.torch.nn.functional;

namespace TorchSharp.Compat.Tests;

public sealed class AutogradTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    public void Dispose() => _scope.Dispose();

    public static TheoryData<string, Func<Tensor, Tensor>> Functions() => new()
    {
        { "product", x => x * x.roll(1) },
        { "softmax", x => x.softmax(-1)[.., 0] },
        { "log_softmax", x => x.log_softmax(-1) },
        { "layer_norm", x => F.layer_norm(x, [3], ones(3, ScalarType.Float64) * 2) },
        { "gelu", x => F.gelu(x) },
        { "silu", x => F.silu(x) },
        { "matmul", x => x.matmul(x.t()).tanh() },
        { "attention", x => F.scaled_dot_product_attention(x, x, x, is_casual: true) },
        { "cross entropy", x => F.cross_entropy(x, tensor(new long[] { 2, 0 })) },
        { "indexing", x => x[.., 1].exp() + x[TensorIndex.Tensor(tensor(new long[] { 1, 0 })), TensorIndex.Single(2)] },
        { "gather", x => x.gather(1, tensor(new long[,] { { 0 }, { 2 } })).square() },
        { "norm", x => x.norm(1) },
        { "einsum", x => einsum("ij,kj->ik", x, x) },
        { "where", x => where(x > 0, x.square(), x) },
        { "views", x => x.reshape(3, 2).transpose(0, 1).unsqueeze(0).expand(2, 2, 3).square() },
        { "variance", x => x.var(1, unbiased: false) },
    };

    [Theory]
    [MemberData(nameof(Functions))]
    public void Gradients_agree_with_finite_differences(string name, Func<Tensor, Tensor> function)
    {
        Assert.NotEmpty(name);
        manual_seed(1);
        var x = randn(2, 3, ScalarType.Float64, requires_grad: true);
        var weights = randn_like(function(x).detach());
        var gradient = autograd.grad([function(x)], [x], [weights])[0].Values();

        const double Step = 1e-5;
        var values = x.Values();
        for (var i = 0; i < values.Length; i++)
        {
            double At(double shift)
            {
                var moved = (double[])values.Clone();
                moved[i] += shift;
                return (function(tensor(moved, [2, 3])) * weights).sum().ToDouble();
            }
            Assert.Equal((At(Step) - At(-Step)) / (2 * Step), gradient[i], 1e-6);
        }
    }

    [Fact]
    public void Backward_adds_to_the_leaves()
    {
        var x = ones(2, requires_grad: true);
        Assert.Null(x.grad);
        (x * 3).sum().backward();
        (x * 3).backward([ones(2)]);
        Close.To(x.grad!, 6, 6);
        x.grad = null;
        Assert.Null(x.grad);
    }

    [Fact]
    public void Only_named_inputs_receive_a_gradient()
    {
        var (x, y) = (ones(1, requires_grad: true), ones(1, requires_grad: true));
        autograd.backward([x * y], inputs: [x]);
        Close.To(x.grad!, 1);
        Assert.Null(y.grad);
    }

    [Fact]
    public void Unused_inputs_are_an_error_unless_allowed()
    {
        var (x, y) = (ones(1, requires_grad: true), ones(1, requires_grad: true));
        Assert.Contains("unused", Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => autograd.grad([x * 2], [y])).Message, StringComparison.OrdinalIgnoreCase);
        var before = Tensor.TotalCount;
        using (NewDisposeScope()) Assert.True(autograd.grad([x * 2], [y], allow_unused: true)[0].IsInvalid);
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void Second_derivatives()
    {
        var x = tensor(2.0, requires_grad: true);
        var first = autograd.grad([x.pow(3)], [x], create_graph: true)[0];
        Close.To(autograd.grad([first], [x])[0], 12);
    }

    [Fact]
    public void Grad_mode_nests_and_belongs_to_the_thread()
    {
        var x = ones(1, requires_grad: true);
        Assert.True(is_grad_enabled());
        using (no_grad())
        {
            Assert.False((x * 2).requires_grad);
            using (enable_grad()) Assert.True((x * 2).requires_grad);
            Assert.False(is_grad_enabled());
            var elsewhere = false;
            var thread = new Thread(() => elsewhere = is_grad_enabled());
            thread.Start();
            thread.Join();
            Assert.True(elsewhere);
        }
        using (set_grad_enabled(false)) Assert.False(is_grad_enabled());
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void Leaves_and_detached_tensors()
    {
        var x = ones(1, requires_grad: true);
        var y = x * 2;
        Assert.True(x.is_leaf);
        Assert.False(y.is_leaf);
        Assert.False(y.detach().requires_grad);
        y.retain_grad();
        y.square().backward();
        Close.To(y.grad!, 4);
        Assert.Throws<System.Runtime.InteropServices.ExternalException>(() => ones(1, ScalarType.Int64).requires_grad_());
    }

    [Fact]
    public void A_parameter_takes_the_tensor_over()
    {
        var before = Tensor.TotalCount;
        var data = ones(2);
        var parameter = new Parameter(data);
        Assert.True(data.IsInvalid);
        Assert.True(parameter.requires_grad);
        Assert.Equal(before + 1, Tensor.TotalCount);
        Assert.True(_scope.Contains(parameter));
        Assert.False(_scope.Contains(data));
        Assert.False(nn.Parameter(ones(1), requires_grad: false).requires_grad);
    }

    [Fact]
    public void Clipping()
    {
        var parameter = nn.Parameter(zeros(2));
        parameter.grad = tensor([3f, 4]);
        Assert.Equal(5, nn.utils.clip_grad_norm_([parameter], 1), 1e-5);
        Assert.Equal(1, parameter.grad!.norm().ToDouble(), 1e-5);
        nn.utils.clip_grad_value_([parameter], 0.5);
        Close.To(parameter.grad!.max(), 0.5);
    }
}
