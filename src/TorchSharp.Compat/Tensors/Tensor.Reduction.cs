using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor all() => Call("all", this);
        public Tensor any() => Call("any", this);
        public Tensor max() => Call("max", this);
        public Tensor min() => Call("min", this);
        public Tensor mean() => Call("mean", this);
        public Tensor median() => Call("median", this);
        public Tensor argmax() => Call("argmax", this);
        public Tensor argmin() => Call("argmin", this);
        public Tensor all(long dim, bool keepdim = false) => Call("all.dim", this, dim, keepdim);
        public Tensor any(long dim, bool keepdim = false) => Call("any.dim", this, dim, keepdim);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Operator.Pair("max.dim", this, dim, keepdim);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Operator.Pair("min.dim", this, dim, keepdim);
        public Tensor argmax(long dim, bool keepdim = false) => Call("argmax", this, dim, keepdim);
        public Tensor argmin(long dim, bool keepdim = false) => Call("argmin", this, dim, keepdim);

        public Tensor amax(params long[] dims) => Call("amax", this, dims);
        public Tensor amin(params long[] dims) => Call("amin", this, dims);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) => Extreme("amax", dims, keepdim, @out);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor? @out = null) => Extreme("amin", dims, keepdim, @out);
        public Tensor amax(ReadOnlySpan<long> dims, bool keepdim = false, Tensor? @out = null) => Extreme("amax", dims, keepdim, @out);
        public Tensor amin(ReadOnlySpan<long> dims, bool keepdim = false, Tensor? @out = null) => Extreme("amin", dims, keepdim, @out);

        public Tensor sum(ScalarType? type = null) => Call("sum", this, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Call("sum.dim_IntList", this, new long[] { dim }, keepdim, type);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) =>
            Call("sum.dim_IntList", this, new long[] { dim0, dim1 }, keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) =>
            Call("sum.dim_IntList", this, new long[] { dim0, dim1, dim2 }, keepdim, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Call("sum.dim_IntList", this, dim, keepdim, type);
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => Call("sum.dim_IntList", this, dim, keepdim, type);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Call("mean.dim", this, dimensions, keepdim, type);
        public Tensor prod(ScalarType? type = null) => Call("prod", this, type);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Call("prod.dim_int", this, dim, keepdim, type);

        // The 'type' of the standard deviation and the variance is ignored, as TorchSharp ignores it.
        public Tensor std(bool unbiased = true) => Call("std", this, unbiased);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("std.dim", this, new long[] { dim }, unbiased, keepdim);
        public Tensor std((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("std.dim", this, new long[] { dim.Item1, dim.Item2 }, unbiased, keepdim);
        public Tensor std((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("std.dim", this, new long[] { dim.Item1, dim.Item2, dim.Item3 }, unbiased, keepdim);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("std.dim", this, dimensions, unbiased, keepdim);
        public Tensor std(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("std.dim", this, dimensions, unbiased, keepdim);
        public Tensor var(bool unbiased = true) => Call("var", this, unbiased);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("var.dim", this, new long[] { dim }, unbiased, keepdim);
        public Tensor var((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("var.dim", this, new long[] { dim.Item1, dim.Item2 }, unbiased, keepdim);
        public Tensor var((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("var.dim", this, new long[] { dim.Item1, dim.Item2, dim.Item3 }, unbiased, keepdim);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("var.dim", this, dimensions, unbiased, keepdim);
        public Tensor var(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Call("var.dim", this, dimensions, unbiased, keepdim);
        public (Tensor var, Tensor mean) var_mean(bool unbiased = true) => Operator.Pair("var_mean", this, unbiased);
        public (Tensor var, Tensor mean) var_mean(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) =>
            Operator.Pair("var_mean.dim", this, new long[] { dim }, unbiased, keepdim);

        public Tensor norm(float p = 2f) => Call("norm.Scalar", this, p);
        public Tensor norm(int dim, bool keepdim = false, float p = 2f) => Call("norm.ScalarOpt_dim", this, p, new long[] { dim }, keepdim);
        public Tensor dist(Tensor other, float p = 2f) => Call("dist", this, other, p);
        public Tensor logsumexp(long dim, bool keepdim = false) => Call("logsumexp", this, new long[] { dim }, keepdim);
        public Tensor cumsum(long dim, ScalarType? type = null) => Call("cumsum", this, dim, type);
        public Tensor cumprod(long dim, ScalarType? type = null) => Call("cumprod", this, dim, type);
        public (Tensor values, Tensor indexes) cummax(long dim) => Operator.Pair("cummax", this, dim);
        public (Tensor values, Tensor indexes) cummin(long dim) => Operator.Pair("cummin", this, dim);
        public Tensor logcumsumexp(long dim) => Call("logcumsumexp", this, dim);
        public Tensor softmax(long dim, ScalarType? dtype = null) => Call("softmax.int", this, dim, dtype);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Call("log_softmax.int", this, dim, dtype);
        public Tensor count_nonzero(long[]? dims = null) => dims is null ? Call("count_nonzero", this) : Call("count_nonzero.dim_IntList", this, dims);
        public Tensor nansum() => Call("nansum", this);
        public Tensor quantile(Tensor q, long dim = -1, bool keepdim = false) => Call("quantile", this, q, dim, keepdim);
        public Tensor trace() => Call("trace", this);

        private Tensor Extreme(string op, ReadOnlySpan<long> dims, bool keepdim, Tensor? @out) =>
            @out is null ? Call(op, this, dims, keepdim) : Call(op + ".out", this, dims, keepdim, @out);
    }
}
