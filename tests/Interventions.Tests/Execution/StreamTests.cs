using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

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
        using RunResult whole = InterventionRunner.Run(graph, _model, _prompts, options);
        List<RunResult> batches = [];
        await foreach (RunResult batch in Stream(graph, options))
        {
            Assert.Equal(
                Math.Min(batchSize, _prompts.Prompts.Count - (batches.Count * batchSize)), batch.Run("clean")["LogitDifference"].shape[^1]);
            batches.Add(batch);
        }
        using RunResult joined = RunResult.Join(batches);
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
        await foreach (RunResult batch in Stream(graph, new RunOptions { BatchSize = 1 }))
        {
            batch.Dispose();
            read++;
            int ahead = Math.Min(read + 1, _prompts.Prompts.Count);
            for (int i = 0; i < 1000 && Volatile.Read(ref begun) < ahead; i++)
                await Task.Delay(10);
            await Task.Delay(20);
            Assert.Equal(ahead, Volatile.Read(ref begun));
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
            await foreach (RunResult batch in Stream(graph, new RunOptions { BatchSize = 1 }))
            {
                batch.Dispose();
                // Time for the next one to be ready and unread.
                await Task.Delay(50);
                break;
            }
        }
    }

    /// <summary>
    /// From another thread, at whatever moment: between nodes, between batches, while a batch waits for its reader or is written.
    /// </summary>
    [Fact]
    public async Task Streams_and_files_that_are_cancelled_at_any_time_leave_nothing()
    {
        using TemporaryFolder folder = new();
        InterventionGraph graph = LongStudy.Graph(_direction);
        RunOptions options = new() { BatchSize = 1 };
        await Read(CancellationToken.None);
        InterventionRunner.RunTo(graph, _model, _prompts, folder["whole"], options).Dispose();
        long before = LiveTensors.Count();
        Random random = new(2);
        int cancelled = 0;
        for (int i = 0; i < 40; i++)
        {
            using CancellationTokenSource source = new();
            int at = 0;
            options = options with
            {
                Progress = new Reported(
                progress => at = at == 0 ? 2 + random.Next(progress.Total / 2) : Cancel(progress.Done, at, source))
            };
            try
            {
                if (i % 2 == 0)
                    await Read(source.Token);
                else
                    InterventionRunner.RunTo(graph, _model, _prompts, folder[$"{i}"], options, source.Token).Dispose();
            }
            catch (OperationCanceledException)
            {
                cancelled++;
            }
            Assert.Equal(before, Tensor.TotalCount);
        }
        Assert.True(cancelled > 30, $"{cancelled} were cancelled");

        // On another thread, some time after that step.
        static int Cancel(int done, int at, CancellationTokenSource source)
        {
            if (done == at)
                _ = source.CancelAsync();
            return at;
        }

        async Task Read(CancellationToken cancellationToken)
        {
            await foreach (RunResult batch in Stream(graph, options).WithCancellation(cancellationToken))
                batch.Dispose();
        }
    }

    [Fact]
    public async Task Batches_of_a_model_that_looks_ahead_say_whose_they_are_and_come_back_in_the_order_of_the_prompts()
    {
        using ToyEncoder encoder = new();
        ToyPrompts prompts = ToyPrompts.Random(8, 4, 2, 4, 7, 2, 4);
        InterventionGraph graph = new()
        {
            Name = "Encoder",
            Writes = [BuiltInWrites.Resample("blocks.{layer}.z[pos=end]", "corrupted", 3), BuiltInWrites.Mean(
                "blocks.0.pattern[query=end; key=0..1]", "corrupted", pooled: false)],
            Captures = [new CaptureNode("Pattern", "blocks.1.pattern", [new Read.Value()], x => x[0])],
            Metrics = [LongStudy.LogitDifference],
        };
        RunOptions options = new() { BatchSize = 2 };
        using RunResult whole = InterventionRunner.Run(graph, encoder, prompts, options);
        Assert.Equal(Enumerable.Range(0, 6), whole.Prompts);
        List<RunResult> batches = [];
        await foreach (RunResult batch in InterventionRunner.StreamAsync(graph, encoder, prompts, output => output, options))
            batches.Add(batch);
        Assert.Equal(["0 2", "5", "1 4", "3"], batches.Select(batch => string.Join(' ', batch.Prompts)));
        using RunResult joined = RunResult.Join(batches);
        LongStudy.Same(whole, joined);
        batches.ForEach(batch => batch.Dispose());
    }

    /// <summary>
    /// The first batch's prompts are the same in both runs, so that the patch changes nothing there; the last one's are not.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_strict_stream_asks_for_an_effect_on_some_prompt(bool differsAtLast)
    {
        PromptTokens[] same = [.. LongStudy.Prompts(4).Prompts.Select(prompt => prompt with { Runs = [prompt.Runs[0], prompt.Runs[0]] })];
        ToyPrompts prompts = new([.. same, .. differsAtLast ? LongStudy.Prompts(5).Prompts.Skip(4) : []]);
        // Of a named site: nobody can know before the pass that it changes nothing.
        InterventionGraph graph = new()
        {
            Name = "Strict",
            Writes = [new WriteNode(
                "Patch", "embed[pos=end]", [new Read.Value(), new Read.From("corrupted", "embed[pos=end]")], x => x[1])],
            Metrics = [LongStudy.LogitDifference],
        };
        RunOptions options = new() { BatchSize = 2, Strict = true };
        using TemporaryFolder folder = new();
        int read = 0;
        Func<Task> stream = async () =>
        {
            await foreach (RunResult batch in InterventionRunner.StreamAsync(graph, _model, prompts, output => output, options))
            {
                using (batch)
                    Assert.Equal(!(differsAtLast && ++read == 3), batch.Warnings.Length == 1);
            }
        };
        if (differsAtLast)
        {
            await stream();
            using RunResult written = InterventionRunner.RunTo(graph, _model, prompts, folder["run"], options);
            Assert.Empty(written.Warnings);
            using RunResult run = InterventionRunner.Run(graph, _model, prompts, options);
            Assert.Equal(run.Effects.AsEnumerable(), written.Effects);
        }
        else
        {
            Assert.Contains("Strict.Patch changed nothing", (await Assert.ThrowsAsync<InterventionException>(stream)).Message);
            Assert.Contains(
                "Strict.Patch changed nothing",
                Assert.Throws<InterventionException>(() => InterventionRunner.RunTo(graph, _model, prompts, folder["run"], options))
                    .Message);
            Assert.False(File.Exists(folder["run"]));
        }
    }

    [Fact]
    public async Task Cancelling_and_failing_reach_the_reader()
    {
        using CancellationTokenSource source = new();
        int read = 0;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (RunResult batch in Stream(LongStudy.Graph(_direction), new RunOptions { BatchSize = 1 }).WithCancellation(
                source.Token))
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
            await foreach (RunResult batch in Stream(failing, new RunOptions { BatchSize = 1 }))
            {
                batch.Dispose();
                read++;
            }
        });
        Assert.Equal(("the third", 2), (failure.Message, read));
    }

    [Fact]
    public void Names_are_checked_before_anybody_reads() => Assert.Throws<InterventionException>(
        () => Stream(
            new InterventionGraph { Name = "Wrong", Captures = [new CaptureNode("X", "blocks.9.z", [new Read.Value()], x => x[0])] },
            new RunOptions()));

    private IAsyncEnumerable<RunResult> Stream(InterventionGraph graph, RunOptions options) =>
        InterventionRunner.StreamAsync(graph, _model, _prompts, output => output, options);

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
