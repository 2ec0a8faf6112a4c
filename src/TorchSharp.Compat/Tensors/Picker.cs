using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>
    /// Reads or writes what an index expression selects, as libtorch's own indexing does: integers, slices, new axes and ellipses
    /// make a view first; tensors and booleans are then applied to it in one go.
    /// </summary>
    private sealed class Picker : IDisposable
    {
        private readonly List<Tensor> _owned = [];
        private readonly List<Tensor?> _gathers = [];
        private readonly Tensor _view;
        private int _merged;

        internal Picker(Tensor source, TensorIndex[] indices)
        {
            try
            {
                _view = View(source, indices);
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        private Tensor View(Tensor source, TensorIndex[] indices)
        {
            var named = indices.Sum(Consumes);
            if (named > source.dim()) throw new System.Runtime.InteropServices.ExternalException($"too many indices for tensor of dimension {source.dim()}");
            var view = Own(source.alias());
            var dim = 0;
            foreach (var index in indices)
                switch (index.Is)
                {
                    case TensorIndex.Kind.Single:
                        view = Own(view.select(dim, index.Start ?? 0));
                        break;
                    case TensorIndex.Kind.Slice:
                        if (index is not { Start: null, Stop: null, Step: null }) view = Own(Operator.Call("slice.Tensor", view, dim, index.Start, index.Stop, index.Step ?? 1));
                        dim++;
                        break;
                    case TensorIndex.Kind.None or TensorIndex.Kind.Null:
                        view = Own(view.unsqueeze(dim++));
                        break;
                    case TensorIndex.Kind.Ellipsis:
                        dim += (int)(source.dim() - named);
                        break;
                    case TensorIndex.Kind.Bool:
                        view = Flag(view, dim++, index.Start != 0);
                        break;
                    case TensorIndex.Kind.Tensor when IsMask(index.Values!) && index.Values!.dim() == 0:
                        view = Flag(view, dim++, index.Values.ToBoolean());
                        break;
                    case TensorIndex.Kind.Tensor when index.Values!.dim() == 0:
                        view = Own(view.select(dim, index.Values.ToInt64()));
                        break;
                    case TensorIndex.Kind.Tensor:
                        Gather(dim, index.Values!);
                        dim += Consumes(index);
                        // A mask is one entry of the list, however many dimensions it takes.
                        _merged += Consumes(index) - 1;
                        break;
                }
            return view;
        }

        internal Tensor Read() => _gathers.Count == 0 ? _view.alias() : Operator.Call("index.Tensor", _view, Value.Optional(_gathers.ToArray()));

        internal void Write(Tensor value)
        {
            if (_gathers.Count > 0)
            {
                Operator.Do("index_put_", _view, Value.Optional(_gathers.ToArray()), value);
                return;
            }
            // Leading axes of length one are dropped, as libtorch does for a written value.
            while (value.dim() > _view.dim() && value.size(0) == 1) value = Own(value.squeeze(0));
            _view.copy_(value);
        }

        public void Dispose()
        {
            foreach (var tensor in _owned) tensor.Dispose();
        }

        private static int Consumes(TensorIndex index) => index.Is switch
        {
            TensorIndex.Kind.Single or TensorIndex.Kind.Slice => 1,
            TensorIndex.Kind.Tensor => IsMask(index.Values!) ? (int)index.Values!.dim() : 1,
            _ => 0,
        };

        private static bool IsMask(Tensor values) => values.dtype is ScalarType.Bool or ScalarType.Byte;

        private Tensor Flag(Tensor view, int dim, bool value)
        {
            Gather(dim, Own(tensor(value ? new long[1] : [], device: view.device)));
            return Own(view.unsqueeze(dim));
        }

        private void Gather(int dim, Tensor values)
        {
            while (_gathers.Count < dim - _merged) _gathers.Add(null);
            _gathers.Add(values);
        }

        private Tensor Own(Tensor tensor)
        {
            _owned.Add(tensor);
            return tensor;
        }
    }
}
