using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    public static unsafe partial class autograd
    {
        /// <summary>The gradients of the sum of <paramref name="outputs"/> with respect to <paramref name="inputs"/>; nothing is accumulated.</summary>
        public static IList<Tensor> grad(IList<Tensor> outputs, IList<Tensor> inputs, IList<Tensor>? grad_outputs = null, bool retain_graph = false, bool create_graph = false, bool allow_unused = false)
        {
            nint[] from = Handles(outputs), to = Handles(inputs), weights = Handles(grad_outputs), results = new nint[inputs.Count];
            fixed (nint* f = from, t = to, w = weights, r = results)
                Native.Check(Native.tsc_grad(f, from.Length, t, to.Length, w, weights.Length, Flag(retain_graph), Flag(create_graph), Flag(allow_unused), r));
            KeepAlive(outputs, inputs, grad_outputs);
            // An unused input's gradient is an empty handle (IsInvalid), as in TorchSharp.
            return results.Select(static x => new Tensor(x)).ToList();
        }

        /// <summary>Adds the gradients to the leaves' <see cref="Tensor.grad"/>.</summary>
        public static void backward(IList<Tensor> tensors, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null)
        {
            nint[] from = Handles(tensors), weights = Handles(grad_tensors), to = Handles(inputs);
            fixed (nint* f = from, w = weights, t = to)
                Native.Check(Native.tsc_backward(f, from.Length, w, weights.Length, Flag(retain_graph ?? create_graph), Flag(create_graph), t, to.Length));
            KeepAlive(tensors, grad_tensors, inputs);
        }

        public static void backward(Tensor tensor, IList<Tensor>? grad_tensors = null, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], grad_tensors, retain_graph, create_graph, inputs);

        public static void backward(Tensor tensor, Tensor grad_tensor, bool? retain_graph = null, bool create_graph = false, IList<Tensor>? inputs = null) =>
            backward([tensor], [grad_tensor], retain_graph, create_graph, inputs);

        private static nint[] Handles(IList<Tensor>? tensors) => tensors is null ? [] : tensors.Select(static x => x is null ? 0 : x.Handle).ToArray();
        private static int Flag(bool value) => value ? 1 : 0;

        private static void KeepAlive(params ReadOnlySpan<IList<Tensor>?> lists)
        {
            foreach (var list in lists)
                if (list is not null)
                    foreach (var tensor in list) GC.KeepAlive(tensor);
        }
    }

    public static bool is_grad_enabled() => Native.tsc_grad_enabled() != 0;
    public static IDisposable no_grad() => new GradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);

    /// <summary>Sets this thread's grad mode until disposed.</summary>
    private sealed class GradMode : IDisposable
    {
        private readonly bool _before = is_grad_enabled();

        internal GradMode(bool enabled) => Native.tsc_set_grad_enabled(enabled ? 1 : 0);

        public void Dispose() => Native.tsc_set_grad_enabled(_before ? 1 : 0);
    }
}
