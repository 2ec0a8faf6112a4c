using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1] { get => At([i1]); set => Put(value, [i1]); }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2] { get => At([i1, i2]); set => Put(value, [i1, i2]); }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3] { get => At([i1, i2, i3]); set => Put(value, [i1, i2, i3]); }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4] { get => At([i1, i2, i3, i4]); set => Put(value, [i1, i2, i3, i4]); }

        [IndexerName("TensorItems")]
        public Tensor this[params long[] indices] { get => At(indices); set => Put(value, indices); }

        public Tensor index(params TensorIndex[] indices)
        {
            using var pick = new Picker(this, indices);
            return pick.Read();
        }

        public Tensor index(params Tensor[] indices) => index(Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            using var pick = new Picker(this, indices);
            pick.Write(value);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) =>
            index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using var tensor = Filled(value);
            return index_put_(tensor, indices);
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices)
        {
            using var tensor = Filled(value);
            return index_put_(tensor, indices);
        }

        private Tensor Filled(Scalar value) => torch.full([], value, dtype, device);

        private Tensor At(ReadOnlySpan<long> indices)
        {
            Tensor? current = null;
            foreach (var i in indices)
            {
                var next = (current ?? this).select(0, i);
                current?.Dispose();
                current = next;
            }
            return current ?? alias();
        }

        private void Put(Tensor value, ReadOnlySpan<long> indices)
        {
            using var place = At(indices);
            place.copy_(value);
        }
    }
}
