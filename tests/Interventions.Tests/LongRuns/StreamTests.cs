using Interventions.Execution;
using Interventions.Graphs;
using Interventions.Tests.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.LongRuns;

/// <summary>Results batch by batch. No dispose scope stays open where a reader waits: it may go on on another thread.</summary>
public sealed class StreamTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly ToyPrompts _prompts = LongStudy.Prompts();
    private readonly Tensor _direction = LongStudy.Direction();

    public void Dispose()
    {
        _direction.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    [InlineData(32, false)]
    public async Task Batches_are_the_rows_of_a_run(int batchSize, bool naive)
    {
        RunOptions options = new() { BatchSize = batchSize, Naive = naive };
        InterventionGraph graph = LongStudy.Graph(_direction);
        using RunOutput whole = InterventionRunner.Run(graph, _model, _prompts, options);
        List<RunOutput> batches = [];
        await foreach (RunOutput batch in Stream(graph, options))
        {
            Assert.Equal(Math.Min(batchSize, _prompts.Prompts.Count - (batches.Count * batchSize)), batch.Run("clean")["LogitDifference"].shape[^1]);
            batches.Add(batch);
        }
        using RunOutput joined = JoinedResults.Of(batches);
        LongStudy.Same(whole, joined);
        batches.ForEach(batch => batch.Dispose());
    }

    [Fact]
    public async Task The_thread_is_one_batch_ahead_at_most_and_not_the_readers()
    {
        int begun = 0;
        HashSet<string?> threads = [];
        InterventionGraph graph = Counted(() =>
        {
            begun++;
            lock (threads)
                threads.Add(Thread.CurrentThread.Name);
        });
        int read = 0;
        await foreach (RunOutput batch in Stream(graph, new RunOptions { BatchSize = 1 }))
        {
            batch.Dispose();
            read++;
            for (int i = 0; i < 20 && Volatile.Read(ref begun) < read + 1; i++)
                await Task.Delay(10);
            await Task.Delay(20);
            Assert.Equal(Math.Min(read + 1, _prompts.Prompts.Count), Volatile.Read(ref begun));
        }
        Assert.Equal(_prompts.Prompts.Count, read);
        Assert.Equal(["Interventions"], threads);
    }

    [Fact]
    public void Leaving_early_frees_everything()
    {
        InterventionGraph graph = LongStudy.Graph(_direction);
        Assert.Equal(0, LongStudy.Leaked(() => Leave().GetAwaiter().GetResult()));

        async Task Leave()
        {
            await foreach (RunOutput batch in Stream(graph, new RunOptions { BatchSize = 1 }))
            {
                batch.Dispose();
                // Time for the next one to be ready and unread.
                await Task.Delay(50);
                break;
            }
        }
    }

    [Fact]
    public async Task Cancelling_and_failing_reach_the_reader()
    {
        using CancellationTokenSource source = new();
        int read = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (RunOutput batch in Stream(LongStudy.Graph(_direction), new RunOptions { BatchSize = 1 }).WithCancellation(source.Token))
            {
                batch.Dispose();
                if (++read == 2)
                    await source.CancelAsync();
            }
        });
        Assert.InRange(read, 2, 3);

        int calls = 0;
        InterventionGraph failing = Counted(() =>
        {
            if (++calls == 3)
                throw new InvalidDataException("the third");
        });
        read = 0;
        InvalidDataException failure = await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (RunOutput batch in Stream(failing, new RunOptions { BatchSize = 1 }))
            {
                batch.Dispose();
                read++;
            }
        });
        Assert.Equal(("the third", 2), (failure.Message, read));
    }

    [Fact]
    public void Names_are_checked_before_anybody_reads() => Assert.Throws<InterventionException>(
        () => Stream(new InterventionGraph { Name = "Wrong", Captures = [new CaptureNode("X", "blocks.9.z", [new Read.Value()], x => x[0])] }, new RunOptions()));

    private IAsyncEnumerable<RunOutput> Stream(InterventionGraph graph, RunOptions options) => InterventionRunner.StreamAsync(graph, _model, _prompts, output => output, options);

    /// <summary>Called once a batch.</summary>
    private static InterventionGraph Counted(Action called) => new()
    {
        Name = "Counted",
        Writes =
        [
            new WriteNode("Count", "embed[pos=0]", [new Read.Value()], x =>
            {
                called();
                return x[0] * 2;
            }),
        ],
        Metrics = [LongStudy.LogitDifference],
    };
}
