using System.Runtime.CompilerServices;

namespace Interventions;

/// <summary>
/// Keeps the numbers of TorchSharp's calls alive. <c>x * 0.5</c> and <c>a + b</c> hand native code a number that a garbage collection on
/// any thread may free before it is read; the result is then another number. Methods of interventions are protected. Other code that
/// computes with numbers, above all an optimiser's step, is safe between <c>using (Finalizers.Pause()) { … }</c>.
/// </summary>
/// <remarks>
/// The finaliser thread frees, so a pause makes it wait: it runs a finaliser of this class, which returns when the pause ends. A pause
/// costs a collection of the youngest generation, a fraction of a millisecond; simultaneous pauses share one. Keep a pause short, because
/// nothing else is finalised in it. <c>GC.WaitForPendingFinalizers</c> within a pause waits for itself: after a minute the pause gives way.
/// </remarks>
public static class Finalizers
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1), s_patience = TimeSpan.FromMilliseconds(100);
    private static readonly object s_gate = new();
    private static Pausing? s_current;
    private static int s_holders;

    [ThreadStatic]
    private static int t_depth;

    /// <summary>
    /// Begins a pause, in which no finaliser runs. It ends when the returned object is disposed, on this thread. Pauses may be nested.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The finaliser thread has not answered for a minute: a finaliser of the process does not return.
    /// </exception>
    public static IDisposable Pause()
    {
        lock (s_gate)
        {
            // Overlapping pauses of many threads would never let the finalisers run, so a late thread gives the running pause a moment to
            // end. Then it joins that pause, because the thread that holds it may be waiting for this one.
            if (t_depth == 0 && s_current is { } running && running.Since.Elapsed > s_patience)
                Monitor.Wait(s_gate, s_patience);
            s_current ??= Pausing.Begin();
            s_holders++;
        }
        t_depth++;
        return new Holder();
    }

    private sealed class Holder : IDisposable
    {
        private bool _isDisposed;

        public void Dispose()
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
            t_depth--;
            lock (s_gate)
            {
                if (--s_holders > 0)
                    return;
                s_current!.End();
                s_current = null;
                Monitor.PulseAll(s_gate);
            }
        }
    }

    /// <summary>One wait of the finaliser thread.</summary>
    private sealed class Pausing
    {
        private readonly ManualResetEventSlim _hasBegun = new(), _hasEnded = new();

        public System.Diagnostics.Stopwatch Since { get; } = System.Diagnostics.Stopwatch.StartNew();

        public static Pausing Begin()
        {
            Pausing pausing = new();
            Leave(pausing);
            // The first collection finds the sentinel dead. Older generations follow, in case a collection that was under way promoted it.
            for (int attempt = 0; !pausing._hasBegun.IsSet; attempt++)
            {
                if (pausing.Since.Elapsed > s_longest)
                {
                    throw new InvalidOperationException(
                        "The finaliser thread has not answered for a minute: a finaliser of this process does not return, "
                        + "so no number can be kept alive.");
                }
                GC.Collect(Math.Min(attempt, GC.MaxGeneration), GCCollectionMode.Forced, blocking: true);
                pausing._hasBegun.Wait(TimeSpan.FromMilliseconds(50));
            }
            return pausing;
        }

        public void End() => _hasEnded.Set();

        // A frame of its own, so that no register of the caller holds the sentinel.
        [MethodImpl(MethodImplOptions.NoInlining)]
        private static void Leave(Pausing pausing) => _ = new Sentinel(pausing);

        private sealed class Sentinel(Pausing pausing)
        {
            ~Sentinel()
            {
                pausing._hasBegun.Set();
                pausing._hasEnded.Wait(s_longest);
            }
        }
    }
}
