using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor reshape(params long[] shape) => Call("reshape", this, shape);
        public Tensor view(params long[] shape) => Call("view", this, shape);
        public Tensor view_as(Tensor other) => view(other.shape);
        public Tensor flatten(long start_dim = 0, long end_dim = -1) => Call("flatten.using_ints", this, start_dim, end_dim);
        public Tensor unflatten(long dim, params long[] sizes) => Call("unflatten.int", this, dim, sizes);
        public Tensor unflatten(long dim, Size sizes) => unflatten(dim, sizes.Shape);
        public Tensor ravel() => Call("ravel", this);
        public Tensor transpose(long dim0, long dim1) => Call("transpose.int", this, dim0, dim1);
        public Tensor transpose_(long dim0, long dim1) => Update("transpose_", this, dim0, dim1);
        public Tensor swapdims(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor permute(params long[] permutation) => Call("permute", this, permutation);
        public Tensor permute(IEnumerable<long> permutation) => permute(permutation.ToArray());
        public Tensor movedim(long[] source, long[] destination) => Call("movedim.intlist", this, source, destination);
        public Tensor moveaxis(long[] source, long[] destination) => movedim(source, destination);
        public Tensor t() => Call("t", this);
        public Tensor unsqueeze(long dim) => Call("unsqueeze", this, dim);
        public Tensor unsqueeze_(long dim) => Update("unsqueeze_", this, dim);
        public Tensor squeeze(long? dim = null) => dim is { } d ? Call("squeeze.dim", this, d) : Call("squeeze", this);
        public Tensor squeeze_(long? dim = null) => dim is { } d ? Update("squeeze_.dim", this, d) : Update("squeeze_", this);
        public Tensor expand(params long[] sizes) => Call("expand", this, sizes);
        public Tensor expand(long[] sizes, bool isImplicit = false) => Call("expand", this, sizes, isImplicit);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => Call("expand", this, sizes, isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => Call("expand", this, sizes.Shape, isImplicit);
        public Tensor expand_as(Tensor other) => expand(other.shape);
        public Tensor broadcast_to(params long[] shape) => Call("broadcast_to", this, shape);
        public Tensor repeat(params long[] sizes) => Call("repeat", this, sizes);
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) =>
            Call("repeat_interleave.self_Tensor", this, repeats, dim, output_size);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) =>
            Call("repeat_interleave.self_int", this, repeats, dim, output_size);
        public Tensor tile(long[] reps) => Call("tile", this, reps);

        public Tensor[] split(long size, int dim = 0) => Operator.List("split.Tensor", this, size, dim);
        public Tensor[] split(params long[] sizes) => split(sizes, 0);
        public Tensor[] split(long[] sizes, long dim = 0) => Operator.List("split_with_sizes", this, sizes, dim);
        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0) => Operator.List("split_with_sizes", this, sizes, dim);
        public Tensor[] chunk(long chunks, long dim = 0) => Operator.List("chunk", this, chunks, dim);
        public Tensor[] unbind(long dimension = 0) => Operator.List("unbind.int", this, dimension);
        public Tensor[] tensor_split(long size, long dim = 0) => Operator.List("tensor_split.sections", this, size, dim);

        public Tensor contiguous() => Call("contiguous", this);
        public Tensor clone() => Call("clone", this);
        public Tensor detach() => Call("detach", this);
        public Tensor detach_() => Update("detach_", this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Update("copy_", this, source, nonBlocking);
        public Tensor set_(Tensor source) => Update("set_.source_Tensor", this, source);
        public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => Call("as_strided", this, size, strides, storageOffset);

        public Tensor roll(long shifts, long? dims = null) => Call("roll", this, new long[] { shifts }, dims is { } d ? new long[] { d } : []);
        public Tensor roll(long[] shifts, long[] dims) => Call("roll", this, shifts, dims);
        public Tensor roll(long[] shifts) => Call("roll", this, shifts);
        public Tensor roll((long, long) shifts, (long, long) dims) => roll([shifts.Item1, shifts.Item2], new long[] { dims.Item1, dims.Item2 });
        public Tensor flip(params long[] dims) => Call("flip", this, dims);
        public Tensor tril(long diagonal = 0) => Call("tril", this, diagonal);
        public Tensor tril_(long diagonal = 0) => Update("tril_", this, diagonal);
        public Tensor triu(long diagonal = 0) => Call("triu", this, diagonal);
        public Tensor triu_(long diagonal = 0) => Update("triu_", this, diagonal);
        public Tensor diag(long diagonal = 0) => Call("diag", this, diagonal);
        public Tensor diagonal(long offset = 0, long dim1 = 0, long dim2 = 1) => Call("diagonal", this, offset, dim1, dim2);
        public Tensor diag_embed(long offset = 0, long dim1 = -2, long dim2 = -1) => Call("diag_embed", this, offset, dim1, dim2);
        public Tensor diff(long n = 1, long dim = -1, Tensor? prepend = null, Tensor? append = null) => Call("diff", this, n, dim, prepend, append);
        public Tensor unfold(long dimension, long size, long step) => Call("unfold", this, dimension, size, step);

        /// <summary>Another handle of the same tensor.</summary>
        public Tensor alias()
        {
            var handle = Native.tsc_alias(Handle);
            GC.KeepAlive(this);
            return new Tensor(handle);
        }

        /// <summary>All dimensions in reverse order.</summary>
        public Tensor T => permute(Enumerable.Range(0, (int)ndim).Reverse().Select(static i => (long)i).ToArray());
        public Tensor mT => Call("mT", this);
    }
}
