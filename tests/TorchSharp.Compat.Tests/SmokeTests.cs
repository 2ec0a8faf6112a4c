using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharp.Compat.Tests;

public class SmokeTests
{
    [Fact]
    public void Adds()
    {
        using var scope = NewDisposeScope();
        var a = tensor(new float[,] { { 1, 2 }, { 3, 4 } });
        var b = a + 1;
        Assert.Equal([2f, 3, 4, 5], b.data<float>().ToArray());
        Assert.Equal(14f, (b.sum()).item<float>());
        var x = randn(3, 4, requires_grad: true);
        (x * x).sum().backward();
        Assert.True(x.grad!.allclose(2 * x));
        Assert.Equal([3L, 1], x[.., 1..2].shape);
        Assert.True(get_num_threads() > 1);
    }
}
