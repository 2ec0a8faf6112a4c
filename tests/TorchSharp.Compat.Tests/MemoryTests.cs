using System.Runtime.CompilerServices;
using TorchSharp.Bridge;

namespace TorchSharp.Compat.Tests;

public class MemoryTests
{
    [Fact]
    public void A_scope_disposes_what_was_made_in_it()
    {
        Tensor inside, moved, detached;
        using (var outer = NewDisposeScope())
        {
            using (var inner = NewDisposeScope())
            {
                inside = zeros(1);
                moved = zeros(1).MoveToOuterDisposeScope();
                detached = zeros(1).DetachFromDisposeScope();
                Assert.Equal(1, inner.DisposablesCount);
                Assert.True(inner.Contains(inside));
                Assert.Equal([moved], outer.DisposablesView);
            }
            Assert.True(inside.IsInvalid);
            Assert.False(moved.IsInvalid);
        }
        Assert.True(moved.IsInvalid);
        Assert.False(detached.IsInvalid);
        detached.Dispose();
    }

    [Fact]
    public void Tensors_move_between_scopes()
    {
        using var first = NewDisposeScope();
        var anchor = zeros(1);
        using var second = NewDisposeScope();
        var (a, b, c) = second.MoveToOuter(zeros(1), zeros(1), zeros(1));
        Assert.Equal(4, first.DisposablesCount);
        first.MoveToOther(second, a);
        Assert.True(second.Contains(a));
        a.MoveToOtherDisposeScope(anchor);
        Assert.True(first.Contains(a));
        a.DetachFromDisposeScope().MoveToOtherDisposeScope(second);
        Assert.True(second.Contains(a));
        second.DisposeEverythingBut(a);
        Assert.False(a.IsInvalid);
        first.DisposeEverything();
        Assert.True(b.IsInvalid && c.IsInvalid && anchor.IsInvalid);
    }

    [Fact]
    public void Scopes_may_close_out_of_order()
    {
        var outer = NewDisposeScope();
        var inner = NewDisposeScope();
        outer.Dispose();
        var made = zeros(1);
        Assert.True(inner.Contains(made));
        inner.Dispose();
        Assert.True(made.IsInvalid);
        using var free = zeros(1);
        Assert.Throws<ObjectDisposedException>(() => inner.DisposablesCount);
        inner.Dispose();
    }

    [Fact]
    public void A_scope_keeps_what_is_moved_to_itself()
    {
        Tensor tensor;
        using (var scope = NewDisposeScope())
        {
            tensor = ones(2).MoveToOtherDisposeScope(scope);
            Assert.True(scope.Contains(tensor));
        }
        Assert.True(tensor.IsInvalid);
    }

    [Fact]
    public void Statistics_count_this_thread()
    {
        OnNewThread(static () =>
        {
            var counts = DisposeScopeManager.Statistics;
            counts.Reset();
            var outside = zeros(1);
            using (NewDisposeScope())
            {
                zeros(1);
                zeros(1).Dispose();
                zeros(1).DetachFromDisposeScope().Dispose();
                outside.MoveToOtherDisposeScope(zeros(1));
            }
            Assert.Equal(1, counts.CreatedOutsideScopeCount);
            Assert.Equal(4, counts.CreatedInScopeCount);
            Assert.Equal(4, counts.DisposedInScopeCount);
            Assert.Equal(1, counts.DisposedOutsideScopeCount);
            Assert.Equal(1, counts.DetachedFromScopeCount);
            Assert.Equal(1, counts.AttachedToScopeCount);
            Assert.Equal(0, counts.ThreadTotalLiveCount);
            Assert.StartsWith("ThreadTotalLiveCount: 0;", counts.ToString());
        });
    }

    [Fact]
    public void Finalizers_free_what_was_forgotten()
    {
        Collect();
        var (managed, native) = (Tensor.TotalCount, Native.tsc_live());
        Forget();
        Collect();
        Assert.Equal(managed, Tensor.TotalCount);
        Assert.Equal(native, Native.tsc_live());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget()
        {
            for (var i = 0; i < 50; i++) (zeros(4) + i).sum();
        }
    }

    [Fact]
    public void A_loop_leaves_the_live_handles_constant()
    {
        Collect();
        var before = Native.tsc_live();
        for (var i = 0; i < 100; i++)
        {
            using (NewDisposeScope())
            {
                var x = randn(4, 4, requires_grad: true);
                var y = x.softmax(-1).matmul(x)[.., 1..3].sort().Values.split(1, 1)[0];
                x[0, TensorIndex.Slice(1, 2)].mean().backward();
                autograd.grad([y.sum()], [x], allow_unused: true);
                _ = x.grad;
                _ = cat([x, x]).unbind();
                _ = unique(x.detach());
            }
            Assert.Equal(before, Native.tsc_live());
        }
    }

    [Fact]
    public void Memory_does_not_grow()
    {
        for (var i = 0; i < 500; i++)
        {
            using var big = zeros(1_000_000);
            using var sum = big.sum();
        }
        Assert.InRange(Environment.WorkingSet, 0, 1_500_000_000);
    }

    [Fact]
    public void A_temporary_is_not_finalized_under_a_call()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() => { while (!stop.IsCancellationRequested) GC.Collect(0); });
        collector.Start();
        for (var i = 0; i < 3000; i++)
        {
            using var result = (ones(8) + i).mul(ones(8) * 2).sum();
            Assert.Equal(16f * (i + 1), result.item<float>());
        }
        stop.Cancel();
        collector.Join();
    }

    [Fact]
    public void WrappedTensorDisposeScope_keeps_only_the_result()
    {
        using var scope = NewDisposeScope();
        Close.To(WrappedTensorDisposeScope(static () => (ones(2) + 1) * 2), 4, 4);
        Assert.Equal(1, scope.DisposablesCount);
    }

    [Fact]
    public void Tensors_cross_threads_and_scopes_do_not()
    {
        using var scope = NewDisposeScope();
        var x = ones(2);
        Tensor? made = null;
        var thread = new Thread(() => made = x + 1);
        thread.Start();
        thread.Join();
        Assert.False(scope.Contains(made!));
        Close.To(made!, 2, 2);
        made!.Dispose();
    }

    [Fact]
    public void Many_threads_work_at_once()
    {
        Parallel.For(0, 16, static i =>
        {
            using var scope = NewDisposeScope();
            for (var k = 0; k < 100; k++)
            {
                var x = full(3, 3, (double)i);
                Assert.Equal(27.0 * i * i, x.mm(x).sum().ToDouble(), 1e-6);
            }
        });
    }

    private static void OnNewThread(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() => failure = Record.Exception(action));
        thread.Start();
        thread.Join();
        if (failure is not null) throw new AggregateException(failure);
    }

    private static void Collect()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    [Fact]
    public void An_index_out_of_range_leaves_no_tensor_behind()
    {
        using var x = torch.zeros(2, 3);
        var before = torch.Tensor.TotalCount;
        for (var i = 0; i < 10; i++) Assert.ThrowsAny<Exception>(() => x[torch.TensorIndex.Slice(0, 1), 7]);
        Assert.Equal(before, torch.Tensor.TotalCount);
    }

    [Fact]
    public void Moving_a_tensor_to_the_scope_that_it_is_in_leaves_it_there()
    {
        Tensor tensor;
        using (DisposeScope scope = NewDisposeScope())
        {
            tensor = zeros(2).MoveToOtherDisposeScope(scope);
            Assert.True(scope.Contains(tensor));
        }
        Assert.True(tensor.IsInvalid);
    }
}
