namespace TorchSharp.Compat.Tests;

public sealed class AccessTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _x = arange(24).reshape(2, 3, 4);
    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Metadata()
    {
        Assert.Equal(3, _x.dim());
        Assert.Equal(24, _x.numel());
        Assert.Equal(4, _x.size(-1));
        Assert.Equal([12L, 4, 1], _x.stride());
        Assert.Equal(8, _x.element_size());
        Assert.True(_x.is_contiguous());
        Assert.False(_x.transpose(0, 1).is_contiguous());
        Assert.Equal(12, _x[1].storage_offset());
        Assert.True(_x.is_integral());
    }

    [Fact]
    public void Data_follows_the_strides()
    {
        var swapped = tensor(new int[,] { { 1, 2 }, { 3, 4 } }).t();
        Assert.Equal([1, 3, 2, 4], swapped.data<int>().ToArray());
        Assert.Equal(3, swapped.data<int>()[0, 1]);
        Assert.Equal([1, 3, 2, 4], swapped.data<int>().ToList());
        Assert.Equal(new int[,] { { 1, 3 }, { 2, 4 } }, swapped.data<int>().ToNDArray());
        swapped.data<int>()[0, 1] = 9;
        Assert.Equal(9, swapped[0, 1].item<int>());
        Assert.Throws<ArgumentException>(() => swapped.data<float>());
        Assert.Throws<IndexOutOfRangeException>(() => swapped.data<int>()[4]);
    }

    [Fact]
    public void Scalars_out()
    {
        Assert.Equal(2.5f, tensor(2.5f).item<float>());
        Assert.Equal(2.5, tensor(2.5f).ToDouble());
        Assert.Equal(3, tensor(3L).ToInt32());
        Assert.True(tensor(true).ToBoolean());
        Assert.Equal(7, (int)tensor(7L));
        Assert.Equal(1.5, (double)tensor(1.5f));
        Assert.Throws<ArgumentException>(() => _x.item<long>());
    }

    [Fact]
    public void Bytes_are_the_memory()
    {
        var x = tensor([1f, 2]);
        Assert.Equal(2f, BitConverter.ToSingle(x.bytes[4..]));
        x.bytes = BitConverter.GetBytes(5f).Concat(BitConverter.GetBytes(6f)).ToArray();
        Close.To(x, 5, 6);
        Assert.Throws<InvalidOperationException>(() => _ = _x.transpose(0, 1).bytes);
    }

    [Fact]
    public void Bytes_through_streams()
    {
        using var stream = new MemoryStream();
        tensor([1f, 2]).WriteBytesToStream(stream);
        stream.Position = 0;
        var x = zeros(2);
        x.ReadBytesFromStream(stream);
        Close.To(x, 1, 2);
        Assert.Throws<EndOfStreamException>(() => x.ReadBytesFromStream(stream));
    }

    [Fact]
    public void Limits_of_floating_point_types()
    {
        Assert.Equal(float.MaxValue, finfo(ScalarType.Float32).max);
        Assert.Equal(double.MinValue, finfo(ScalarType.Float64).min);
        Assert.Equal(0.0078125, finfo(ScalarType.BFloat16).eps);
        Assert.Equal(3.3895313892515355e+38, finfo(ScalarType.BFloat16).max);
        Assert.Throws<ArgumentException>(() => finfo(ScalarType.Int32));
    }

    [Fact]
    public void Indexing_reads()
    {
        Close.To(_x[1, 2, 3], 23);
        Close.To(_x[-1, 0], 12, 13, 14, 15);
        Close.To(_x[1, 0, TensorIndex.Slice(1, 3)], 13, 14);
        Close.To(_x[0, 0, TensorIndex.Slice(null, null, 2)], 0, 2);
        Close.To(_x[TensorIndex.Ellipsis, 0], 0, 4, 8, 12, 16, 20);
        Close.To(_x[.., 1, ^1], 7, 19);
        Assert.Equal([2L, 1, 3, 4], _x[TensorIndex.Colon, TensorIndex.None].shape);
        Assert.Equal([2L, 3, 4, 1], _x[TensorIndex.Ellipsis, TensorIndex.Null].shape);
        Close.To(_x[1, TensorIndex.Tensor(tensor(new long[] { 2, 0 })), 1], 21, 13);
        Close.To(_x[TensorIndex.Tensor(tensor(new long[] { 0, 1 })), TensorIndex.Tensor(tensor(new long[] { 2, 0 }))], 8, 9, 10, 11, 12, 13, 14, 15);
        Close.To(_x[_x > 20], 21, 22, 23);
        Close.To(_x[TensorIndex.Tensor(tensor([true, false])), TensorIndex.Tensor(tensor(1L))], 4, 5, 6, 7);
        Assert.Equal([1L, 2, 3, 4], _x[TensorIndex.Bool(true)].shape);
        Assert.Equal([0L, 2, 3, 4], _x[TensorIndex.Bool(false)].shape);
    }

    [Fact]
    public void A_mask_of_two_axes_is_followed_by_an_index()
    {
        var mask = zeros(2, 3, ScalarType.Bool);
        mask[1, 2] = tensor(true);
        mask[0, 1] = tensor(true);
        Close.To(_x[TensorIndex.Tensor(mask), TensorIndex.Tensor(tensor(new long[] { 3, 0 }))], 7, 20);
        Close.To(_x[TensorIndex.Tensor(mask), TensorIndex.Slice(1, 3)], 5, 6, 21, 22);
    }

    [Fact]
    public void Indexing_writes()
    {
        var x = zeros(3, 3);
        x[0, 0] = 1;
        x[1] = tensor([2f, 3, 4]);
        x[.., 2] = tensor(9f);
        Close.To(x, 1, 0, 9, 2, 3, 9, 0, 0, 9);
        x[x == 9] = 0;
        x.index_put_(5, TensorIndex.Tensor(tensor(new long[] { 0, 2 })), TensorIndex.Single(1));
        Close.To(x, 1, 5, 0, 2, 3, 0, 0, 5, 0);
        x[TensorIndex.Slice(0, 2), 0] = zeros(1, 2);
        Close.To(x, 0, 5, 0, 0, 3, 0, 0, 5, 0);
    }

    [Fact]
    public void Selection()
    {
        Close.To(_x.select(0, 1).select(1, 0), 12, 16, 20);
        Close.To(_x.narrow(2, 1, 2)[0, 0], 1, 2);
        Close.To(_x.slice(1, 0, 3, 2)[0], 0, 1, 2, 3, 8, 9, 10, 11);
        Close.To(_x.index_select(1, tensor(new long[] { 2 }))[1], 20, 21, 22, 23);
        Close.To(_x[0].gather(1, tensor(new long[,] { { 0 }, { 1 }, { 2 } })), 0, 5, 10);
        Close.To(zeros(2, 2).scatter(1, tensor(new long[,] { { 1 }, { 0 } }), ones(2, 1)), 0, 1, 1, 0);
        Close.To(zeros(2).scatter_add_(0, tensor(new long[] { 1, 1 }), tensor([2f, 3])), 0, 5);
        Close.To(zeros(3).index_add_(0, tensor(new long[] { 2, 2 }), ones(2), 2), 0, 0, 4);
        Close.To(zeros(3).index_copy_(0, tensor(new long[] { 1 }), ones(1)), 0, 1, 0);
        Close.To(ones(2).masked_fill(tensor([true, false]), -1), -1, 1);
        Close.To(arange(3).masked_select(tensor([true, false, true])), 0, 2);
        Close.To(where(tensor([true, false]), tensor([1f, 2]), tensor([3f, 4])), 1, 4);
        Close.To(arange(3).take_along_dim(tensor(new long[] { 2, 0 }), 0), 2, 0);
        Close.To(tensor([0, 3, 0, 4]).nonzero(), 1, 3);
        Assert.Throws<ArgumentException>(() => zeros(3).index_add_(0, tensor([2]), ones(1), 1));
    }

    [Fact]
    public void Text_shows_shape_and_values()
    {
        Assert.Equal("[2], type = Float32, device = cpu, value = [1, 2.5]", tensor([1f, 2.5f]).ToString());
        Assert.Equal("[100x100], type = Float32, device = cpu", zeros(100, 100).ToString());
    }
}
