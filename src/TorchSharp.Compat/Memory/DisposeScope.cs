namespace TorchSharp;

/// <summary>Disposes the tensors that were made on its thread while it was innermost, unless they were moved out.</summary>
public sealed class DisposeScope : IDisposable
{
    private DisposeScopeManager? _manager;

    internal DisposeScope(DisposeScopeManager manager, DisposeScope? outer) => (_manager, Outer) = (manager, outer);

    internal DisposeScope? Outer { get; set; }
    internal HashSet<IDisposable> Held { get; private set; } = new(ReferenceEqualityComparer.Instance);

    private DisposeScopeManager Manager => _manager ?? throw new ObjectDisposedException(GetType().FullName);

    public IReadOnlyList<IDisposable> DisposablesView => Manager is null ? [] : Held.ToArray();
    public int DisposablesCount => Manager is null ? 0 : Held.Count;
    public bool Contains(IDisposable disposable) => Held.Contains(disposable);

    // ---- out of here ----

    public T MoveToOuter<T>(T disposable) where T : IDisposable => MoveToOther(Outer, disposable);

    public (T1 first, T2 second) MoveToOuter<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable =>
        MoveToOther(Outer, first, second);

    public (T1 first, T2 second, T3 third) MoveToOuter<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable => MoveToOther(Outer, first, second, third);

    public void MoveToOuter(params IDisposable[] disposables) => MoveToOther(Outer, disposables);
    public void MoveToOuter(IEnumerable<IDisposable> disposables) => MoveToOther(Outer, disposables);

    public T MoveToOther<T>(DisposeScope? scope, T disposable) where T : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) MoveToOther<T1, T2>(DisposeScope? scope, T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) MoveToOther<T1, T2, T3>(DisposeScope? scope, T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        MoveToOther(scope, (IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MoveToOther(DisposeScope? scope, params IDisposable[] disposables) => MoveToOther(scope, (IEnumerable<IDisposable>)disposables);

    public void MoveToOther(DisposeScope? scope, IEnumerable<IDisposable> disposables)
    {
        _ = Manager;
        if (scope is null)
        {
            Detach(disposables);
            return;
        }
        if (ReferenceEquals(scope, this)) return;
        foreach (var disposable in disposables)
            if (Held.Remove(disposable)) scope.Take(disposable);
    }

    public T Detach<T>(T disposable) where T : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[disposable]);
        return disposable;
    }

    public (T1 first, T2 second) Detach<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) Detach<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        Detach((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void Detach(params IDisposable[] disposables) => Detach((IEnumerable<IDisposable>)disposables);

    public void Detach(IEnumerable<IDisposable> disposables)
    {
        var counts = Manager.Counts.TensorStatistics;
        foreach (var disposable in disposables)
        {
            if (!Held.Remove(disposable)) continue;
            counts.DetachedFromScopeCount++;
            ((torch.Tensor)disposable).OwningDisposeScope = null;
        }
    }

    // ---- into here ----

    public void Attach(IDisposable disposable) => Attach((IEnumerable<IDisposable>)[disposable]);
    public void Attach(params IDisposable[] disposables) => Attach((IEnumerable<IDisposable>)disposables);

    public IReadOnlyList<IDisposable> Attach(IEnumerable<IDisposable> disposables)
    {
        var counts = Manager.Counts.TensorStatistics;
        var attached = disposables.ToList();
        foreach (var disposable in attached)
            if (Take(disposable)) counts.AttachedToScopeCount++;
        return attached;
    }

    private bool Take(IDisposable disposable)
    {
        if (disposable is not torch.Tensor tensor) throw new InvalidOperationException("DisposeScope can only manage Tensor or PackedSequence");
        if (ReferenceEquals(tensor.OwningDisposeScope, this)) return false;
        Held.Add(tensor);
        tensor.OwningDisposeScope?.Held.Remove(tensor);
        tensor.OwningDisposeScope = this;
        return true;
    }

    /// <summary>One tensor takes the other's place; no statistics.</summary>
    internal void Replace(torch.Tensor before, torch.Tensor after)
    {
        if (!Held.Remove(before)) return;
        before.OwningDisposeScope = null;
        Take(after);
    }

    // ---- the end ----

    public void DisposeEverything() => DisposeEverythingBut((IEnumerable<IDisposable>)[]);

    public void DisposeEverythingBut(IEnumerable<IDisposable> inKeep)
    {
        _ = Manager;
        var before = Held;
        Held = new HashSet<IDisposable>(inKeep, ReferenceEqualityComparer.Instance);
        foreach (var disposable in before)
            if (!Held.Contains(disposable)) disposable.Dispose();
    }

    public void DisposeEverythingBut(params IDisposable[] keep) => DisposeEverythingBut((IEnumerable<IDisposable>)keep);

    public T DisposeEverythingBut<T>(T keep) where T : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[keep]);
        return keep;
    }

    public (T1 first, T2 second) DisposeEverythingBut<T1, T2>(T1 first, T2 second) where T1 : IDisposable where T2 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second]);
        return (first, second);
    }

    public (T1 first, T2 second, T3 third) DisposeEverythingBut<T1, T2, T3>(T1 first, T2 second, T3 third)
        where T1 : IDisposable where T2 : IDisposable where T3 : IDisposable
    {
        DisposeEverythingBut((IEnumerable<IDisposable>)[first, second, third]);
        return (first, second, third);
    }

    public void MarkAsDisposed(IDisposable disposable)
    {
        _ = Manager;
        Held.Remove(disposable);
        if (disposable is torch.Tensor tensor) tensor.OwningDisposeScope = null;
    }

    public void Dispose()
    {
        if (_manager is null) return;
        DisposeEverything();
        _manager.Close(this);
        _manager = null;
    }
}
