namespace TorchSharp.Compat.Tests;

public sealed class CreationTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Sizes_come_as_numbers_arrays_and_spans()
    {
        Assert.Equal([3], zeros(3).shape);
        Assert.Equal([2L, 3], ones(2, 3).shape);
        Assert.Equal([2L, 3, 4], rand(2L, 3L, 4L).shape);
        Assert.Equal([2L, 3, 4, 5], randn([2, 3, 4, 5]).shape);
        Assert.Equal([], empty(Array.Empty<long>()).shape);
        Close.To(full(2, 2, 7), 7, 7, 7, 7);
        Close.To(full([2], 0.5), 0.5, 0.5);
    }

    [Fact]
    public void Types_follow_the_values_unless_said()
    {
        Assert.Equal(ScalarType.Float32, zeros(1).dtype);
        Assert.Equal(ScalarType.Float64, zeros(1, dtype: ScalarType.Float64).dtype);
        Assert.Equal(ScalarType.Int64, arange(3).dtype);
        Assert.Equal(ScalarType.Float32, arange(0, 1, 0.5).dtype);
        Assert.Equal(ScalarType.Int64, full(1, 3).dtype);
        Assert.Equal(ScalarType.Float32, full(1, 3.0).dtype);
        Assert.Equal(ScalarType.Int32, tensor(3).dtype);
        Assert.Equal(ScalarType.Int64, tensor(3L).dtype);
        Assert.Equal(ScalarType.Bool, tensor(true).dtype);
        Assert.Equal(ScalarType.Float64, tensor(0.5).dtype);
        Assert.Equal(ScalarType.Int64, randint(0, 5, [3L]).dtype);
    }

    [Fact]
    public void Arrays_of_every_rank()
    {
        Close.To(tensor([1f, 2]), 1, 2);
        Close.To(tensor(new List<long> { 1, 2 }), 1, 2);
        var matrix = tensor(new double[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        Assert.Equal([2L, 3], matrix.shape);
        Close.To(matrix, 1, 2, 3, 4, 5, 6);
        Assert.Equal([1L, 2, 2], tensor(new int[,,] { { { 1, 2 }, { 3, 4 } } }).shape);
        Assert.Equal([2L, 2], tensor([1f, 2, 3, 4], 2, 2).shape);
        Assert.Equal([2L, 2], tensor(new long[] { 1, 2, 3, 4 }, [2, 2]).shape);
        Assert.Equal([2L, 1], from_array(new float[,] { { 1 }, { 2 } }).shape);
        Assert.Equal(ScalarType.Float64, tensor([1f], ScalarType.Float64).dtype);
        Assert.Throws<ArgumentException>(() => tensor([1f, 2], [3]));
    }

    [Fact]
    public void A_tensor_does_not_follow_its_array()
    {
        var array = new float[] { 1, 2 };
        var made = tensor(array);
        array[0] = 9;
        Close.To(made, 1, 2);
    }

    [Fact]
    public void Likes_take_the_type_and_shape()
    {
        var x = zeros(2, 3, ScalarType.Float64);
        foreach (var like in new[] { zeros_like(x), ones_like(x), empty_like(x), rand_like(x), randn_like(x), full_like(x, 2), x.zeros_like() })
        {
            Assert.Equal(x.shape, like.shape);
            Assert.Equal(ScalarType.Float64, like.dtype);
        }
        Assert.Equal(ScalarType.Int64, ones_like(x, ScalarType.Int64).dtype);
        Close.To(x.new_ones(2), 1, 1);
        Close.To(x.new_full([2], 3), 3, 3);
    }

    [Fact]
    public void Sequences()
    {
        Close.To(arange(4), 0, 1, 2, 3);
        Close.To(arange(1, 7, 2), 1, 3, 5);
        Close.To(linspace(0, 1, 5), 0, 0.25, 0.5, 0.75, 1);
        Close.To(eye(2), 1, 0, 0, 1);
        Assert.Equal([2L, 3], eye(2, 3).shape);
        Close.To(randperm(5).sum(), 10);
        Close.To(ones(2, 2).tril(), 1, 0, 1, 1);
        Close.To(ones(2, 2).triu(1), 0, 1, 0, 0);
        Close.To(triu_indices(2, 2, 1), 0, 1);
    }

    [Fact]
    public void Seeds_reproduce()
    {
        manual_seed(7);
        var first = randn(5);
        manual_seed(7);
        Close.Same(first, randn(5));

        using var generator = new Generator(3);
        using var same = new Generator(3);
        Close.Same(randn(4, generator: generator), randn(4, generator: same));
        Close.Same(randperm(9, generator: generator), randperm(9, generator: same));
        Close.Same(ones(8).bernoulli_(0.5, generator), ones(8).bernoulli_(0.5, same));
        Close.Same(tensor([0.2f, 0.8f]).multinomial(6, true, generator), tensor([0.2f, 0.8f]).multinomial(6, true, same));
        Close.Same(zeros(4).normal_(1, 2, generator), zeros(4).normal_(1, 2, same));
        Close.Same(randint(0, 100, [7L], generator: generator), randint(0, 100, [7L], generator: same));

        var state = generator.get_state();
        var next = rand(3, generator: generator);
        generator.set_state(state);
        Close.Same(next, rand(3, generator: generator));
        Assert.Equal(3, generator.initial_seed());
        Assert.Throws<InvalidOperationException>(() => { generator.Dispose(); rand(1, generator: generator); });
    }

    [Fact]
    public void Random_numbers_have_the_asked_distribution()
    {
        manual_seed(0);
        Assert.InRange(randn(100_000).mean().ToDouble(), -0.02, 0.02);
        Assert.InRange(randn(100_000).std().ToDouble(), 0.98, 1.02);
        var uniform = zeros(100_000).uniform_(-1, 3);
        Assert.InRange(uniform.min().ToDouble(), -1, -0.99);
        Assert.InRange(uniform.max().ToDouble(), 2.99, 3);
        Assert.InRange(normal(5, 0.1, [10_000]).mean().ToDouble(), 4.99, 5.01);
    }

    [Fact]
    public void A_file_is_mapped_not_read()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, [.. new[] { 1f, 2, 3, 4 }.SelectMany(BitConverter.GetBytes)]);
            var mapped = from_file(path, false, 4, ScalarType.Float32);
            Close.To(mapped, 1, 2, 3, 4);
            mapped.fill_(0);
            Assert.Equal(1f, BitConverter.ToSingle(File.ReadAllBytes(path)));

            var shared = from_file(path, true, 16, ScalarType.Byte);
            shared.fill_(0);
            Assert.Equal(0f, BitConverter.ToSingle(File.ReadAllBytes(path)));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Devices()
    {
        var shape = zeros(1000, 1000, device: META);
        Assert.True(shape.is_meta);
        Assert.Equal([1000L, 1000], (shape.matmul(shape) + 1).shape);
        Assert.Equal(DeviceType.META, zeros(2).to(META).device_type);
        Assert.Equal("meta", torch.device("meta").ToString());
        Assert.Equal("cpu", zeros(1).device.ToString());
        Assert.False(cuda.is_available());
        Assert.ThrowsAny<Exception>(() => zeros(2, device: META) + zeros(2));
        Assert.ThrowsAny<Exception>(() => torch.device("cuda"));
    }

    [Fact]
    public void Threads_default_to_the_cores()
    {
        Assert.Equal(Environment.GetEnvironmentVariable("OMP_NUM_THREADS") ?? Environment.ProcessorCount.ToString(), get_num_threads().ToString());
    }
}
