namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor select(long dim, long index) => Call("select.int", this, dim, index);
        public Tensor narrow(long dim, long start, long length) => Call("narrow", this, dim, start, length);
        public Tensor slice(long dim, long start, long finish, long step) => Call("slice.Tensor", this, dim, start, finish, step);
        public Tensor index_select(long dim, Tensor index) => Call("index_select", this, dim, index);
        public Tensor gather(long dim, Tensor index) => Call("gather", this, dim, index);
        public Tensor take(Tensor index) => Call("take", this, index);
        public Tensor take_along_dim(Tensor indices) => Call("take_along_dim", this, indices);
        public Tensor take_along_dim(Tensor indices, long dim) => Call("take_along_dim", this, indices, dim);
        public Tensor masked_select(Tensor mask) => Call("masked_select", this, mask);
        public Tensor nonzero() => Call("nonzero", this);
        public Tensor argwhere() => Call("argwhere", this);
        public Tensor where(Tensor condition, Tensor y) => Call("where.self", condition, this, y);

        public Tensor scatter(long dim, Tensor index, Tensor src) => Call("scatter.src", this, dim, index, src);
        public Tensor scatter_(long dim, Tensor index, Tensor src) => Update("scatter_.src", this, dim, index, src);
        public Tensor scatter_add(long dim, Tensor index, Tensor src) => Call("scatter_add", this, dim, index, src);
        public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Update("scatter_add_", this, dim, index, src);
        public Tensor select_scatter(Tensor src, long dim, long index) => Call("select_scatter", this, src, dim, index);
        public Tensor slice_scatter(Tensor src, long dim = 0, long? start = null, long? end = null, long step = 1) =>
            Call("slice_scatter", this, src, dim, start, end, step);
        public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => Call("index_add", this, dim, Int64(index), source, alpha);
        public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Update("index_add_", this, dim, Int64(index), source, alpha);
        public Tensor index_copy(long dim, Tensor index, Tensor source) => Call("index_copy", this, dim, Int64(index), source);
        public Tensor index_copy_(long dim, Tensor index, Tensor source) => Update("index_copy_", this, dim, Int64(index), source);
        public Tensor index_fill(long dim, Tensor index, Scalar value) => Call("index_fill.int_Scalar", this, dim, Int64(index), value);
        public Tensor index_fill_(long dim, Tensor index, Scalar value) => Update("index_fill_.int_Scalar", this, dim, Int64(index), value);
        public Tensor masked_fill(Tensor mask, Scalar value) => Call("masked_fill.Scalar", this, mask, value);
        public Tensor masked_fill_(Tensor mask, Scalar value) => Update("masked_fill_.Scalar", this, mask, value);
        public Tensor masked_scatter(Tensor mask, Tensor value) => Call("masked_scatter", this, mask, value);
        public Tensor masked_scatter_(Tensor mask, Tensor value) => Update("masked_scatter_", this, mask, value);

        private static Tensor Int64(Tensor index) =>
            index.dtype == ScalarType.Int64 ? index : throw new ArgumentException("Element type of 'index' must be 'Int64'");
    }
}
