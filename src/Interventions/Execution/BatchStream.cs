using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Interventions.Results;
using static TorchSharp.torch;

namespace Interventions.Execution;

/// <summary>
/// Runs batches on a thread of their own, at most one ahead of the reader: dispose scopes and grad mode belong to a thread, and a reader
/// may continue on any.
/// </summary>
internal static class BatchStream
{
    /// <summary>Each batch's result, which the reader owns.</summary>
    public static async IAsyncEnumerable<TResult> Of<TResult>(
        BatchLoop batches,
        Func<RunResult, TResult> create,
        CancellationToken given,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(given, cancellationToken);
        using SemaphoreSlim read = new(0);
        Channel<RunResult> ready = Channel.CreateUnbounded<RunResult>(
            new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        // A new thread begins with libtorch's default number of threads for matrix products, not with the caller's.
        int threads = get_num_threads();
        TaskCompletionSource finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(Work) { IsBackground = true, Name = nameof(Interventions) }.Start();
        try
        {
            while (await ready.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                if (!ready.Reader.TryRead(out RunResult? output))
                    continue;
                read.Release();
                yield return create(output);
            }
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await finished.Task.ConfigureAwait(false);
            while (ready.Reader.TryRead(out RunResult? unread))
                unread.Dispose();
        }

        void Work()
        {
            Exception? failure = null;
            try
            {
                set_num_threads(threads);
                ResultLayout? all = null;
                batches.Each(
                    _ => true,
                    (_, output) =>
                    {
                        all = all is null ? output.Layout : ResultLayout.Join([all, output.Layout]);
                        ready.Writer.TryWrite(output);
                        read.Wait(stop.Token);
                    },
                    stop.Token);
                batches.CheckEffects(all!);
            }
            catch (Exception thrown)
            {
                failure = thrown;
            }
            ready.Writer.Complete(failure);
            finished.SetResult();
        }
    }
}
