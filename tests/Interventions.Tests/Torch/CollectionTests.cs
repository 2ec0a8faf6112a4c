using Interventions.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Torch;

/// <summary>Numbers of calls while another thread collects all the time.</summary>
public sealed class CollectionTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(8);

    [Fact]
    public void Guarded_calls_keep_their_numbers() => Assert.Equal(0, Wrong(s_long, x => x.times(0.5).plus(x).at_least(3.0).plus(0.25)));

    [Fact]
    public void Users_methods_keep_their_numbers() =>
        Assert.Equal(0, Wrong(s_long, x => PureCall.Run(x, x => ((x * 0.5) + x).clamp_min(3) + 0.25)));

    [Fact]
    public void A_pause_keeps_numbers() => Assert.Equal(0, Wrong(s_long, x =>
    {
        using (Finalizers.Pause())
        using (Finalizers.Pause())
            return ((x * 0.5) + x).clamp_min(3) + 0.25;
    }));

    // The trap: when TorchSharp keeps its numbers alive, this fails, and the guards can go.
    [Fact]
    public void Plain_calls_lose_their_numbers() =>
        Assert.True(Wrong(TimeSpan.FromMinutes(2), x => ((x * 0.5) + x).clamp_min(3) + 0.25) > 0);

    [Fact]
    public void A_method_that_throws_is_called_once_without_collections()
    {
        int calls = 0;
        using Tensor x = ones(1);
        Assert.Throws<InvalidOperationException>(() => PureCall.Run(x, Tensor (_) =>
        {
            calls++;
            throw new InvalidOperationException();
        }));
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_method_that_a_collection_overlaps_is_called_again_and_its_last_result_counts()
    {
        int calls = 0;
        using Tensor x = ones(1), result = PureCall.Run(x, x =>
        {
            if (++calls <= 2)
                GC.Collect(0);
            return calls == 1 ? throw new InvalidOperationException("an attempt that does not count") : x.plus(calls);
        });
        Assert.Equal(3, calls);
        Assert.Equal(4, result.item<float>());
    }

    /// <summary>No finaliser runs in a pause, and all do afterwards.</summary>
    [Fact]
    public void Finalisers_wait_for_the_end_of_a_pause()
    {
        Finalised.Count = 0;
        using (Finalizers.Pause())
        {
            Leave(100);
            GC.Collect();
            Thread.Sleep(50);
            Assert.Equal(0, Finalised.Count);
        }
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(100, Finalised.Count);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static void Leave(int count)
        {
            for (int i = 0; i < count; i++)
                _ = new Finalised();
        }
    }

    [Fact]
    public void A_pause_does_not_wait_for_one_that_waits_for_it()
    {
        using IDisposable outer = Finalizers.Pause();
        Thread.Sleep(200);
        bool isDone = false;
        Thread other = new(() =>
        {
            using IDisposable inner = Finalizers.Pause();
            isDone = true;
        });
        other.Start();
        Assert.True(other.Join(TimeSpan.FromSeconds(30)) && isDone);
    }

    private sealed class Finalised
    {
        public static int Count;

        ~Finalised() => Interlocked.Increment(ref Count);
    }

    /// <summary>
    /// How many calls on two threads gave another number than they should, or threw, while a third thread collected and finalisers ran.
    /// </summary>
    private static int Wrong(TimeSpan atMost, Func<Tensor, Tensor> call)
    {
        using CancellationTokenSource end = new(atMost);
        int wrong = 0;
        Thread collector = new(() =>
        {
            while (!end.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        Thread[] callers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            using DisposeScope outer = NewDisposeScope();
            Tensor x = ones(8);
            while (!end.IsCancellationRequested)
            {
                using DisposeScope scope = NewDisposeScope();
                bool isRight;
                try
                {
                    isRight = Array.TrueForAll(call(x).data<float>().ToArray(), value => value == 3.25f);
                }
                catch (
                    Exception exception) when (exception is System.Runtime.InteropServices.ExternalException or InvalidOperationException)
                {
                    isRight = false;
                }
                if (isRight)
                    continue;
                Interlocked.Increment(ref wrong);
                end.Cancel();
            }
        }))];
        foreach (Thread thread in callers.Append(collector))
            thread.Start();
        foreach (Thread thread in callers.Append(collector))
            thread.Join();
        return wrong;
    }
}
