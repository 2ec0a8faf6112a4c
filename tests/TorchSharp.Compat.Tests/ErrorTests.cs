using System.Runtime.InteropServices;

namespace TorchSharp.Compat.Tests;

public sealed class ErrorTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Libtorch_says_what_is_wrong()
    {
        Assert.Contains("must match the size", Assert.Throws<ExternalException>(() => ones(2) + ones(3)).Message);
        Assert.Contains("cannot be multiplied", Assert.Throws<ExternalException>(() => ones(2, 3).mm(ones(2, 3))).Message);
        Assert.Contains("Dimension out of range", Assert.Throws<ExternalException>(() => ones(2).sum(5L)).Message);
        Assert.Contains("Dimension out of range", Assert.Throws<ExternalException>(() => ones(2).size(5)).Message);
        Assert.Contains("out of range", Assert.Throws<ExternalException>(() => ones(2)[7]).Message);
        Assert.Contains("too many indices", Assert.Throws<ExternalException>(() => ones(2)[.., TensorIndex.Slice(0, 1)]).Message);
        Assert.Throws<ExternalException>(() => from_file("/no/such/file", false, 4));
        Assert.Throws<ExternalException>(() => ones(2).reshape(3));
    }

    [Fact]
    public void A_disposed_tensor_says_so()
    {
        var x = ones(2);
        x.Dispose();
        x.Dispose();
        Assert.True(x.IsInvalid);
        foreach (var use in new Action[] { () => x.sum(), () => _ = x.shape, () => _ = ones(2) + x, () => cat([x]), () => _ = x.Handle, () => x.data<float>(), () => x.add_(1) })
            Assert.Equal("Tensor invalid -- empty handle.", Assert.Throws<InvalidOperationException>(use).Message);
        Assert.Equal("[disposed]", x.ToString());
    }

    [Fact]
    public void After_an_error_everything_works_and_nothing_leaked()
    {
        using var a = ones(2);
        using var b = ones(3);
        var before = Bridge.Native.tsc_live();
        for (var i = 0; i < 100; i++) Assert.Throws<ExternalException>(() => a + b);
        Assert.Equal(before, Bridge.Native.tsc_live());
        Close.To(a + a, 2, 2);
    }

    [Fact]
    public void Errors_stay_on_their_thread()
    {
        Parallel.For(0, 8, static i =>
        {
            for (var k = 0; k < 50; k++)
            {
                using var scope = NewDisposeScope();
                Assert.Contains($"({i + 2})", Assert.Throws<ExternalException>(() => ones(i + 2) + ones(100)).Message);
            }
        });
    }

    [Fact]
    public void A_scalar_cannot_be_used_after_dispose()
    {
        Scalar scalar = 1;
        scalar.Dispose();
        Assert.Throws<InvalidOperationException>(() => ones(1) + scalar);
    }

    [Fact]
    public void Every_operator_is_resolved_once_or_refused()
    {
        Assert.Throws<ExternalException>(() => Bridge.Operator.Call("no_such_operator"));
        Assert.Throws<ExternalException>(() => Bridge.Operator.Call("neg", ones(1), 1, 2, 3));
    }
}
