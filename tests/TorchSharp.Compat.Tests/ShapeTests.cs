namespace TorchSharp.Compat.Tests;

public sealed class ShapeTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _x = arange(6).reshape(2, 3);
    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Views()
    {
        Assert.Equal([3L, 2], _x.view(3, 2).shape);
        Assert.Equal([3L, 2], _x.reshape(-1, 2).shape);
        Assert.Equal([6], _x.flatten().shape);
        Assert.Equal([2L, 3, 1], _x.unflatten(1, 3, 1).shape);
        Close.To(_x.transpose(0, 1), 0, 3, 1, 4, 2, 5);
        Close.To(_x.t(), 0, 3, 1, 4, 2, 5);
        Close.Same(_x.T, _x.mT);
        Assert.Equal([3L, 1, 2], _x.unsqueeze(0).permute(2, 0, 1).shape);
        Assert.Equal([3L, 2, 1], _x.unsqueeze(2).movedim([0], [1]).shape);
        Assert.Equal([2L, 3], _x.unsqueeze(0).squeeze(0).shape);
        Assert.Equal([2L, 3], _x.unsqueeze(0).unsqueeze(-1).squeeze().shape);
        Assert.Equal([4L, 2, 3], _x.expand(4, 2, 3).shape);
        Assert.Equal([2L, 3], ones(3).expand_as(_x).shape);
        Assert.Equal([2L, 3], ones(3).broadcast_to(2, 3).shape);
    }

    [Fact]
    public void A_view_shares_memory_and_a_copy_does_not()
    {
        var (view, copy) = (_x.view(6), _x.clone());
        _x.fill_(1);
        Close.To(view, 1, 1, 1, 1, 1, 1);
        Close.To(copy, 0, 1, 2, 3, 4, 5);
        Close.To(_x.copy_(copy), 0, 1, 2, 3, 4, 5);
    }

    [Fact]
    public void Every_function_returns_a_fresh_object()
    {
        Assert.NotSame(_x, _x.contiguous());
        Assert.NotSame(_x, _x.alias());
        Assert.NotSame(_x, _x.to(CPU));
        Assert.NotSame(_x, _x.reshape(2, 3));
        _x.contiguous().Dispose();
        Assert.Equal(6, _x.numel());
        Assert.Same(_x, _x.add_(1));
    }

    [Fact]
    public void Joining_and_splitting()
    {
        Assert.Equal([4L, 3], cat([_x, _x]).shape);
        Assert.Equal([2L, 6], concat([_x, _x], 1).shape);
        Assert.Equal([2L, 2, 3], stack([_x, _x]).shape);
        Assert.Equal([2L, 3, 2], stack([_x, _x], -1).shape);
        Assert.Equal(2, _x.unbind().Length);
        Assert.Equal([[2L, 2], [2L, 1]], _x.split(2, 1).Select(static p => p.shape));
        Assert.Equal([[2L, 1], [2L, 2]], _x.split(new long[] { 1, 2 }, 1).Select(static p => p.shape));
        Assert.Equal(3, _x.chunk(3, 1).Length);
        var grid = meshgrid([arange(2), arange(3)]);
        Assert.Equal([2L, 3], grid[1].shape);
    }

    [Fact]
    public void Repeating_rolling_flipping()
    {
        Assert.Equal([4L, 3], _x.repeat(2, 1).shape);
        Close.To(arange(2).repeat_interleave(2), 0, 0, 1, 1);
        Close.To(arange(2).repeat_interleave(tensor(new long[] { 1, 2 })), 0, 1, 1);
        Close.To(arange(4).roll(1), 3, 0, 1, 2);
        Close.To(_x.roll(1, 1), 2, 0, 1, 5, 3, 4);
        Close.To(arange(3).flip(0), 2, 1, 0);
        Close.To(tensor([1f, 2]).diag(), 1, 0, 0, 2);
        Close.To(tensor([1f, 4, 9]).diff(), 3, 5);
    }

    [Fact]
    public void Types_and_devices()
    {
        Assert.Equal(ScalarType.Float64, _x.to(ScalarType.Float64).dtype);
        Assert.Equal(ScalarType.Float32, _x.@float().dtype);
        Assert.Equal(ScalarType.BFloat16, _x.bfloat16().dtype);
        Assert.Equal(ScalarType.Bool, _x.@bool().dtype);
        Assert.Equal(ScalarType.Int64, tensor([1.5]).type_as(_x).dtype);
        Assert.True(_x.to(ScalarType.Float32, META).is_meta);
        var copy = _x.to(ScalarType.Int64, copy: true);
        copy.fill_(0);
        Close.To(_x.sum(), 15);
        var consumed = _x.clone();
        Close.To(consumed.to(ScalarType.Float32, disposeAfter: true).sum(), 15);
        Assert.True(consumed.IsInvalid);
    }
}
