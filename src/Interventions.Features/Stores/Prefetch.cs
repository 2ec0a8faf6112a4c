using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Batches that are made on a thread of their own, a few ahead of the reader, so that the reader does not wait for them.</summary>
internal static class Prefetch
{
    private const int Ahead = 2;

    /// <summary>The batches of a sequence. A reader that stops early stops it, and batches that it did not take are freed.</summary>
    public static IEnumerable<ActivationBatch> Of(IEnumerable<ActivationBatch> batches)
    {
        using BlockingCollection<ActivationBatch> ready = new(Ahead);
        using CancellationTokenSource stop = new();
        // A new thread begins with libtorch's default number of threads, not with the caller's.
        int threads = get_num_threads();
        Exception? failure = null;
        Thread thread = new(Make) { IsBackground = true, Name = nameof(Prefetch) };
        thread.Start();
        try
        {
            foreach (ActivationBatch batch in ready.GetConsumingEnumerable())
                yield return batch;
            if (failure is not null)
                ExceptionDispatchInfo.Throw(failure);
        }
        finally
        {
            stop.Cancel();
            thread.Join();
            while (ready.TryTake(out ActivationBatch? unread))
                unread.Dispose();
        }

        void Make()
        {
            try
            {
                set_num_threads(threads);
                foreach (ActivationBatch batch in batches)
                    Hand(batch);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // Nobody reads any more.
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
            ready.CompleteAdding();
        }

        void Hand(ActivationBatch batch)
        {
            try
            {
                ready.Add(batch, stop.Token);
            }
            catch
            {
                batch.Dispose();
                throw;
            }
        }
    }
}
