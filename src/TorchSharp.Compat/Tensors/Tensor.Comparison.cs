using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor eq(Tensor target) => Call("eq.Tensor", this, target);
        public Tensor eq(Scalar target) => Call("eq.Scalar", this, target);
        public Tensor eq_(Tensor target) => Update("eq_.Tensor", this, target);
        public Tensor eq_(Scalar target) => Update("eq_.Scalar", this, target);
        public Tensor ne(Tensor target) => Call("ne.Tensor", this, target);
        public Tensor ne(Scalar target) => Call("ne.Scalar", this, target);
        public Tensor ne_(Tensor target) => Update("ne_.Tensor", this, target);
        public Tensor ne_(Scalar target) => Update("ne_.Scalar", this, target);
        public Tensor lt(Tensor target) => Call("lt.Tensor", this, target);
        public Tensor lt(Scalar target) => Call("lt.Scalar", this, target);
        public Tensor lt_(Tensor target) => Update("lt_.Tensor", this, target);
        public Tensor lt_(Scalar target) => Update("lt_.Scalar", this, target);
        public Tensor le(Tensor target) => Call("le.Tensor", this, target);
        public Tensor le(Scalar target) => Call("le.Scalar", this, target);
        public Tensor le_(Tensor target) => Update("le_.Tensor", this, target);
        public Tensor le_(Scalar target) => Update("le_.Scalar", this, target);
        public Tensor gt(Tensor target) => Call("gt.Tensor", this, target);
        public Tensor gt(Scalar target) => Call("gt.Scalar", this, target);
        public Tensor gt_(Tensor target) => Update("gt_.Tensor", this, target);
        public Tensor gt_(Scalar target) => Update("gt_.Scalar", this, target);
        public Tensor ge(Tensor target) => Call("ge.Tensor", this, target);
        public Tensor ge(Scalar target) => Call("ge.Scalar", this, target);
        public Tensor ge_(Tensor target) => Update("ge_.Tensor", this, target);
        public Tensor ge_(Scalar target) => Update("ge_.Scalar", this, target);
        public Tensor equal(Tensor target) => eq(target);
        public Tensor not_equal(Tensor target) => ne(target);
        public Tensor less(Tensor target) => lt(target);
        public Tensor less_equal(Tensor target) => le(target);
        public Tensor greater(Tensor target) => gt(target);
        public Tensor greater_equal(Tensor target) => ge(target);

        public bool allclose(Tensor target, double rtol = 1E-05, double atol = 1E-08, bool equal_nan = false) =>
            Operator.Ask("allclose", this, target, rtol, atol, equal_nan);
        public Tensor isclose(Tensor other, double rtol = 1E-05, double atol = 1E-08, bool nanEqual = false) =>
            Call("isclose", this, other, rtol, atol, nanEqual);
        public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) =>
            Call("isin.Tensor_Tensor", this, test_elements, assumeUnique, invert);
        public Tensor isnan() => Call("isnan", this);
        public Tensor isinf() => Call("isinf", this);
        public Tensor isfinite() => Call("isfinite", this);
        public Tensor isposinf() => Call("isposinf", this);
        public Tensor isneginf() => Call("isneginf", this);

        public Tensor logical_and(Tensor other) => Call("logical_and", this, other);
        public Tensor logical_and_(Tensor other) => Update("logical_and_", this, other);
        public Tensor logical_or(Tensor other) => Call("logical_or", this, other);
        public Tensor logical_or_(Tensor other) => Update("logical_or_", this, other);
        public Tensor logical_xor(Tensor other) => Call("logical_xor", this, other);
        public Tensor bitwise_and(Tensor other) => Call("bitwise_and.Tensor", this, other);
        public Tensor bitwise_or(Tensor other) => Call("bitwise_or.Tensor", this, other);
        public Tensor bitwise_xor(Tensor other) => Call("bitwise_xor.Tensor", this, other);
        public Tensor bitwise_not() => Call("bitwise_not", this);

        public Tensor argsort(long dim = -1, bool descending = false) => Call("argsort", this, dim, descending);
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) =>
            Operator.Pair("sort.stable", this, stable, dim, descending);
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) =>
            Operator.Pair("topk", this, k, dim, largest, sorted);
        public (Tensor values, Tensor indices) kthvalue(long k, long? dim, bool keepdim = false) => Operator.Pair("kthvalue", this, k, dim ?? -1, keepdim);
        public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) => Call("bucketize.Tensor", this, boundaries, outInt32, right);
        public Tensor bincount(Tensor? weights, long minlength = 0) => Call("bincount", this, weights, minlength);
        public Tensor histc(long bins = 100, long min = 0, long max = 0) => Call("histc", this, bins, min, max);

        /// <summary>The distinct values. What was not asked for is null.</summary>
        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null)
        {
            var (values, inverse, counts) = dim is { } d
                ? Operator.Triple("unique_dim", this, d, sorted, return_inverse, return_counts)
                : Operator.Triple("_unique2", this, sorted, return_inverse, return_counts);
            if (!return_inverse) inverse.Dispose();
            if (!return_counts) counts.Dispose();
            return (values, return_inverse ? inverse : null, return_counts ? counts : null);
        }
    }
}
