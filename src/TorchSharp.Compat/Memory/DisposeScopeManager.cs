namespace TorchSharp;

/// <summary>A thread's stack of dispose scopes.</summary>
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager? t_current;

    internal static DisposeScopeManager ThreadSingleton => t_current ??= new DisposeScopeManager();
    public static ThreadDisposeScopeStatistics Statistics => ThreadSingleton.Counts;

    internal ThreadDisposeScopeStatistics Counts { get; } = new();
    internal DisposeScope? Innermost { get; private set; }

    internal DisposeScope? Register(torch.Tensor tensor)
    {
        if (Innermost is null) Counts.TensorStatistics.CreatedOutsideScopeCount++;
        else
        {
            Counts.TensorStatistics.CreatedInScopeCount++;
            Innermost.Held.Add(tensor);
        }
        return Innermost;
    }

    internal void Disposing(torch.Tensor tensor)
    {
        if (tensor.OwningDisposeScope is null) Counts.TensorStatistics.DisposedOutsideScopeCount++;
        else Counts.TensorStatistics.DisposedInScopeCount++;
    }

    internal DisposeScope Open() => Innermost = new DisposeScope(this, Innermost);

    /// <summary>Scopes may be closed out of order: the stack closes up around the one that goes.</summary>
    internal void Close(DisposeScope scope)
    {
        if (ReferenceEquals(Innermost, scope))
        {
            Innermost = scope.Outer;
            return;
        }
        for (var inner = Innermost; inner is not null; inner = inner.Outer)
        {
            if (!ReferenceEquals(inner.Outer, scope)) continue;
            inner.Outer = scope.Outer;
            return;
        }
    }
}
