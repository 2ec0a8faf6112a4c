using System.Runtime.CompilerServices;

namespace Interventions;

/// <summary>
/// Keeps the numbers of TorchSharp's calls alive. <c>x * 0.5</c> and <c>a + b</c> hand native code a number that a garbage collection on any thread may free before
/// it is read; with bad luck the result is another number. Methods of interventions are protected. Other code that computes with numbers, an optimiser's step
/// above all, is safe between <c>using (Finalizers.Pause()) { … }</c>.
/// </summary>
/// <remarks>
/// Freeing is the finaliser thread's work, so that thread is kept waiting: it runs a finaliser of ours, which does not return before the pause ends. A pause costs a collection of
/// the youngest generation, a fraction of a millisecond; simultaneous pauses share one. Nothing else is finalised meanwhile, so keep it short. <c>GC.WaitForPendingFinalizers</c>
/// within it waits for itself: after a minute the pause gives way.
/// </remarks>
public static class Finalizers
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(1), s_patience = TimeSpan.FromMilliseconds(100);
    private static readonly object s_gate = new();
    private static Pausing? s_current;
    private static int s_holders;

    [ThreadStatic]
    private static int t_depth;

    /// <summary>No finaliser runs until the returned value is disposed of, on this thread; pauses may be nested.</summary>
    /// <exception cref="InvalidOperationException">The finaliser thread has not answered for a minute: some finaliser of the process does not return.</exception>
    public static IDisposable Pause()
    {
        lock (s_gate)
        {
            // Pauses of many threads that overlap would never let the finalisers run: whoever comes late gives the running one a moment to end. One that lasts is joined, since
            // whoever holds it may be waiting for us.
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

    /// <summary>One stay of the finaliser thread.</summary>
    private sealed class Pausing
    {
        private readonly ManualResetEventSlim _hasBegun = new(), _hasEnded = new();

        public System.Diagnostics.Stopwatch Since { get; } = System.Diagnostics.Stopwatch.StartNew();

        public static Pausing Begin()
        {
            Pausing pausing = new();
            Leave(pausing);
            // The first collection finds it dead; the older generations are asked in case a collection was under way while it was made.
            for (int attempt = 0; !pausing._hasBegun.IsSet; attempt++)
            {
                if (pausing.Since.Elapsed > s_longest)
                    throw new InvalidOperationException("The finaliser thread has not answered for a minute: a finaliser of this process does not return, so no number can be kept alive.");
                GC.Collect(Math.Min(attempt, GC.MaxGeneration), GCCollectionMode.Forced, blocking: true);
                pausing._hasBegun.Wait(TimeSpan.FromMilliseconds(50));
            }
            return pausing;
        }

        public void End() => _hasEnded.Set();

        // A frame of its own, so that no register of the caller holds what is to die.
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
