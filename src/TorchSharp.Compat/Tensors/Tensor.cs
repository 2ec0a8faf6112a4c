using System.Runtime.InteropServices;
using TorchSharp.Bridge;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>An owned handle of a native tensor. Every function returns a fresh one, also where it only looks at the same values.</summary>
    public partial class Tensor : IDisposable
    {
        private static long s_total, s_peak;
        private nint _handle;

        internal Tensor(nint handle, bool register = true)
        {
            _handle = handle;
            // An undefined tensor, such as the gradient of an unused input, has nothing to free and is not counted.
            if (handle == 0) return;
            var total = Interlocked.Increment(ref s_total);
            if (total > s_peak) s_peak = total;
            if (register) OwningDisposeScope = DisposeScopeManager.ThreadSingleton.Register(this);
        }

        ~Tensor() => Dispose(false);

        internal DisposeScope? OwningDisposeScope { get; set; }

        /// <summary>How many are alive in this process.</summary>
        public static long TotalCount => s_total;
        public static long PeakCount => s_peak;

        public string? name { get; set; }
        public bool IsInvalid => _handle == 0;
        public IntPtr Handle => _handle != 0 ? _handle : throw new InvalidOperationException("Tensor invalid -- empty handle.");

        public static Tensor UnsafeCreateTensor(IntPtr handle) => new(handle);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            var handle = Interlocked.Exchange(ref _handle, 0);
            if (handle == 0) return;
            DisposeScopeManager.ThreadSingleton.Disposing(this);
            OwningDisposeScope?.MarkAsDisposed(this);
            Interlocked.Decrement(ref s_total);
            Native.tsc_dispose(handle);
        }

        /// <summary>Gives the native handle away; the caller frees it.</summary>
        public IntPtr DecoupleFromNativeHandle()
        {
            GC.SuppressFinalize(this);
            var handle = Handle;
            Interlocked.Decrement(ref s_total);
            _handle = 0;
            return handle;
        }

        /// <summary>Takes the handle for another object, which also takes the place in the scope.</summary>
        internal nint MoveHandle()
        {
            var handle = Handle;
            _handle = 0;
            // The emptied object no longer counts: TorchSharp forgets this, and its TotalCount drifts by one a parameter.
            Interlocked.Decrement(ref s_total);
            GC.SuppressFinalize(this);
            return handle;
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) => MoveToOtherDisposeScope(other.OwningDisposeScope);

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (OwningDisposeScope is { } scope) scope.MoveToOther(other, this);
            else other?.Attach(this);
            return this;
        }

        public override bool Equals(object? obj) => obj is Tensor other && Equals(other);
        public bool Equals(Tensor target) => target is not null && Operator.Ask("equal", this, target);
        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

        /// <summary>Calls an operator that writes into this tensor, and returns this very object.</summary>
        private Tensor Update(string op, params ReadOnlySpan<Value> arguments)
        {
            Operator.Do(op, arguments);
            return this;
        }

        private static Tensor Call(string op, params ReadOnlySpan<Value> arguments) => Operator.Call(op, arguments);
    }
}
