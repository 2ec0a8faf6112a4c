namespace TorchSharp.Modules;

/// <summary>A trained tensor. It takes over the handle of the tensor it is made from, and its place in the dispose scope.</summary>
public class Parameter : torch.Tensor
{
    public Parameter(torch.Tensor data, bool requires_grad = true) : base(data.with_requires_grad(requires_grad).MoveHandle(), false)
    {
        if (data.OwningDisposeScope is not { } scope) return;
        scope.Replace(data, this);
    }
}
