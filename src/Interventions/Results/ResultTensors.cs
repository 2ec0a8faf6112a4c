using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Results;

/// <summary>
/// The tensors of a result by name, and those that were computed from them when they were asked for: all are freed together.
/// </summary>
/// <param name="kept">Tensors that are in no dispose scope.</param>
internal sealed class ResultTensors(IReadOnlyDictionary<string, Tensor> kept) : IDisposable
{
    private readonly Dictionary<string, Tensor> _derived = [];

    /// <summary>The kept tensors.</summary>
    public IReadOnlyDictionary<string, Tensor> Kept => kept;

    /// <summary>Whether the tensors are freed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>A tensor that is computed at the first call.</summary>
    /// <exception cref="ObjectDisposedException">The result is disposed.</exception>
    public Tensor Derived(string name, Func<Tensor> compute)
    {
        lock (_derived)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, typeof(RunResult));
            if (_derived.TryGetValue(name, out Tensor? known))
                return known;
            using IDisposable mode = no_grad();
            using DisposeScope scope = NewDisposeScope();
            return _derived[name] = compute().DetachFromDisposeScope();
        }
    }

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        lock (_derived)
        {
            IsDisposed = true;
            foreach (Tensor tensor in kept.Values.Concat(_derived.Values))
                tensor.Dispose();
            _derived.Clear();
        }
    }
}
