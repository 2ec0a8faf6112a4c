namespace TorchSharp.Compat.Tests;

public sealed class MathTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _x = tensor([0.5, 1, 2]);
    public void Dispose() => _scope.Dispose();

    public static TheoryData<string, Func<Tensor, Tensor>, Func<double, double>> Pointwise() => new()
    {
        { "abs", x => x.neg().abs(), Math.Abs },
        { "exp", x => x.exp(), Math.Exp },
        { "expm1", x => x.expm1(), v => Math.Exp(v) - 1 },
        { "log", x => x.log(), Math.Log },
        { "log1p", x => x.log1p(), v => Math.Log(1 + v) },
        { "sqrt", x => x.sqrt(), Math.Sqrt },
        { "rsqrt", x => x.rsqrt(), v => 1 / Math.Sqrt(v) },
        { "square", x => x.square(), v => v * v },
        { "reciprocal", x => x.reciprocal(), v => 1 / v },
        { "sin", x => x.sin(), Math.Sin },
        { "cos", x => x.cos(), Math.Cos },
        { "tanh", x => x.tanh(), Math.Tanh },
        { "sigmoid", x => x.sigmoid(), v => 1 / (1 + Math.Exp(-v)) },
        { "silu", x => x.silu(), v => v / (1 + Math.Exp(-v)) },
        { "gelu", x => x.gelu(), v => 0.5 * v * (1 + Erf(v / Math.Sqrt(2))) },
        { "erf", x => x.erf(), Erf },
        { "relu", x => (x - 1).relu(), v => Math.Max(v - 1, 0) },
        { "sign", x => (x - 1).sign(), v => Math.Sign(v - 1) },
        { "clamp", x => x.clamp(0.75, 1.5), v => Math.Clamp(v, 0.75, 1.5) },
        { "clamp max", x => x.clamp(max: 1.5), v => Math.Min(v, 1.5) },
        { "pow", x => x.pow(3), v => v * v * v },
        { "1 - x", x => 1 - x, v => 1 - v },
        { "1 / x", x => 1.0 / x, v => 1 / v },
        { "2x + 1", x => 2 * x + 1, v => 2 * v + 1 },
        { "x / 2 - 1", x => x / 2 - 1, v => v / 2 - 1 },
        { "lerp", x => x.lerp(x + 1, tensor(0.25)), v => v + 0.25 },
        { "addcmul", x => x.addcmul(x, x, 2), v => v + 2 * v * v },
        { "static", x => torch.exp(torch.neg(x)), v => Math.Exp(-v) },
    };

    [Theory]
    [MemberData(nameof(Pointwise))]
    public void Pointwise_functions(string name, Func<Tensor, Tensor> function, Func<double, double> expected)
    {
        Assert.NotEmpty(name);
        Close.To(function(_x), expected(0.5), expected(1), expected(2));
    }

    [Fact]
    public void In_place_functions_return_their_object()
    {
        var x = _x.clone();
        Assert.Same(x, x.add_(1).mul_(2).sub_(1).div_(2));
        Close.To(x, 1, 1.5, 2.5);
        Close.To(x.exp_().log_(), 1, 1.5, 2.5);
        Close.To(x.add_(ones(3), 10), 11, 11.5, 12.5);
        Close.To(x.clamp_(max: 11.25), 11, 11.25, 11.25);
        x.zero_();
        Close.To(x, 0, 0, 0);
    }

    [Fact]
    public void Division_rounds_as_asked()
    {
        Close.To(tensor([-7, 7]).div(2), -3.5, 3.5);
        Close.To(tensor([-7, 7]).div(2, RoundingMode.floor), -4, 3);
        Close.To(tensor([-7, 7]).div(tensor(2), RoundingMode.trunc), -3, 3);
        Close.To(tensor([-7, 7]) % 4, 1, 3);
        Close.To(tensor([7, 9]).floor_divide(4), 1, 2);
        Close.To(tensor([1.25, 2.35]).round(1), 1.2, 2.4);
    }

    [Fact]
    public void Reductions()
    {
        var x = tensor(new double[,] { { 1, 5, 3 }, { 4, 2, 6 } });
        Close.To(x.sum(), 21);
        // Not sum(0): a literal zero is a ScalarType to the compiler.
        Close.To(x.sum(0L), 5, 7, 9);
        Close.To(x.sum(-1, true), 9, 12);
        Close.To(x.sum(0, 1), 21);
        Close.To(x.sum([0, 1]), 21);
        Close.To(x.mean(), 3.5);
        Close.To(x.mean([1]), 3, 4);
        Close.To(x.var(1), 4, 4);
        Close.To(x.var(1, unbiased: false), 8.0 / 3, 8.0 / 3);
        Close.To(x.std(new long[] { 1 }), 2, 2);
        Close.To(x.max(), 6);
        Close.To(x.max(1).values, 5, 6);
        Close.To(x.max(1).indexes, 1, 2);
        Close.To(x.min(0).values, 1, 2, 3);
        Close.To(x.argmax(1), 1, 2);
        Close.To(x.argmin(), 0);
        Close.To(x.amax([0]), 4, 5, 6);
        Close.To(x.amin([1], keepdim: true), 1, 2);
        Close.To(x.prod(1), 15, 48);
        Close.To((x > 3).any(1), 1, 1);
        Close.To((x > 0).all(), 1);
        Close.To(x.norm(), Math.Sqrt(91));
        Close.To(x.norm(1), Math.Sqrt(35), Math.Sqrt(56));
        Close.To(linalg.norm(x), Math.Sqrt(91));
        Close.To(linalg.norm(x, [1]), Math.Sqrt(35), Math.Sqrt(56));
        Close.To(x.cumsum(1), 1, 6, 9, 4, 6, 12);
        Close.To(x.logsumexp(1), Math.Log(Math.Exp(1) + Math.Exp(5) + Math.Exp(3)), Math.Log(Math.Exp(4) + Math.Exp(2) + Math.Exp(6)));
        Close.To(x.softmax(-1).sum(-1), 1, 1);
        Close.Same(x.softmax(-1).log(), x.log_softmax(-1));
        Assert.Equal(ScalarType.Float64, zeros(2).softmax(0, ScalarType.Float64).dtype);
        Assert.Equal(ScalarType.Float64, ones(2).sum(type: ScalarType.Float64).dtype);
    }

    [Fact]
    public void Order()
    {
        var x = tensor([3.0, 1, 2]);
        Close.To(x.sort().Values, 1, 2, 3);
        Close.To(x.sort(descending: true).Indices, 0, 2, 1);
        Close.To(x.argsort(), 1, 2, 0);
        Close.To(x.topk(2).values, 3, 2);
        Close.To(x.topk(2).indexes, 0, 2);
        Close.To(maximum(x, tensor(2.0)), 3, 2, 2);
        Close.To(x.minimum(tensor(2.0)), 2, 1, 2);
        var (output, inverse, counts) = unique(tensor([2, 1, 2]), return_counts: true);
        Close.To(output, 1, 2);
        Close.To(counts!, 1, 2);
        Assert.Null(inverse);
    }

    [Fact]
    public void Comparisons()
    {
        Close.To(_x == 1, 0, 1, 0);
        Close.To(_x != 1, 1, 0, 1);
        Close.To(_x < 1, 1, 0, 0);
        Close.To(_x >= tensor([0.5, 2, 2]), 1, 0, 1);
        Close.To(1 < _x, 0, 0, 1);
        Close.To((_x > 0.75).logical_and(_x < 1.5), 0, 1, 0);
        Close.To((_x > 0.75) & (_x < 1.5), 0, 1, 0);
        Close.To((_x > 0.75).logical_not(), 1, 0, 0);
        Assert.True(_x.Equals(_x.clone()));
        Assert.False(_x.Equals(_x + 1));
        Assert.True(allclose(_x, _x + 1e-9));
        Close.To((_x / 0).isinf(), 1, 1, 1);
        Close.To((_x - _x).div(0).isnan(), 1, 1, 1);
        Close.To(_x.isfinite(), 1, 1, 1);
    }

    [Fact]
    public void Matrices()
    {
        var a = tensor(new double[,] { { 1, 2 }, { 3, 4 } });
        var v = tensor([1.0, 1]);
        Close.To(a.mm(a), 7, 10, 15, 22);
        Close.To(a.matmul(v), 3, 7);
        Close.To(v.dot(v), 2);
        Close.To(v.outer(v), 1, 1, 1, 1);
        Close.To(a.addmm(a, a, beta: 2), 9, 14, 21, 30);
        Close.To(a.unsqueeze(0).bmm(a.unsqueeze(0)), 7, 10, 15, 22);
        Close.To(baddbmm(a.unsqueeze(0), a.unsqueeze(0), a.unsqueeze(0)), 8, 12, 18, 26);
        Close.To(einsum("ij,kj->ik", a, a), 5, 11, 11, 25);
        var (u, s, vh) = linalg.svd(a);
        Close.Same(a, u.matmul(s.diag()).matmul(vh));
        var (q, r) = linalg.qr(a);
        Close.Same(a, q.matmul(r));
        var (values, vectors) = linalg.eigh(a + a.t());
        Close.Same(a + a.t(), vectors.matmul(values.diag()).matmul(vectors.t()));
    }

    private static double Erf(double x)
    {
        var (sum, term) = (x, x);
        for (var n = 1; n < 60; n++)
        {
            term *= -x * x / n;
            sum += term / (2 * n + 1);
        }
        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
