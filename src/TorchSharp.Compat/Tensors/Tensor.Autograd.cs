using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public bool requires_grad
        {
            get => Read(Native.tsc_requires_grad(Handle)) != 0;
            set
            {
                Native.Check(Native.tsc_set_requires_grad(Handle, value ? 1 : 0));
                GC.KeepAlive(this);
            }
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        public bool is_leaf => Read(Native.tsc_is_leaf(Handle)) != 0;

        public void retain_grad()
        {
            Native.Check(Native.tsc_retain_grad(Handle));
            GC.KeepAlive(this);
        }

        public Tensor? grad
        {
            get
            {
                var handle = Read(Native.tsc_get_grad(Handle));
                return handle == 0 ? null : new Tensor(handle);
            }
            set
            {
                Native.Check(Native.tsc_set_grad(Handle, value?.Handle ?? 0));
                GC.KeepAlive(this);
                GC.KeepAlive(value);
            }
        }

        public void backward() => autograd.backward([this]);

        public void backward(IList<Tensor>? grad_tensors = null, bool retain_graph = false, bool create_graph = false, IList<Tensor>? inputs = null) =>
            autograd.backward([this], grad_tensors, retain_graph, create_graph, inputs);
    }
}
