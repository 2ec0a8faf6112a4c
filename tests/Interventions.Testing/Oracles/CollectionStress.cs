using System.Collections.Immutable;
using System.Diagnostics;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Testing.RandomDeclarations;
using Interventions.Testing.Support;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Testing.Oracles;

/// <summary>What came of it.</summary>
/// <param name="Runs">How many runs there were.</param>
/// <param name="Collections">How many collections there were meanwhile.</param>
/// <param name="Failures">What went wrong: another number, or an exception.</param>
/// <param name="Tensors">How many tensors more are alive than before.</param>
/// <param name="Bytes">How many bytes more the C library has handed out.</param>
public sealed record StressReport(long Runs, long Collections, IReadOnlyCollection<string> Failures, long Tensors, long Bytes);

/// <summary>
/// Runs of every kind on several threads while another thread collects garbage all the time and finalisers run: each must give what it gave
/// in peace. Users' methods in them compute with numbers.
/// </summary>
public sealed class CollectionStress
{
    private const double Tolerance = 1e-9;
    private static readonly Read s_value = new Read.Value();

    private readonly List<(string Name, Func<double[]> Run, double[] Expected)> _jobs = [];

    /// <summary>Random interventions, which are run whole and as a stream, and traces.</summary>
    /// <param name="model">The model, in float64.</param>
    /// <param name="count">How many of each.</param>
    /// <param name="traced">The sites that traces change.</param>
    public void AddRuns(HookedModel model, int count, params string[] traced)
    {
        int added = 0;
        for (int seed = 0; added < count; seed++)
        {
            RandomIntervention random = new(model.Schema, seed);
            IPromptSet prompts = random.Prompts(model.VocabularySize);
            InterventionGraph graph = random.Graph();
            if (graph.Writes.IsEmpty || !TryAdd($"run {seed}", () => Values(InterventionRunner.Run(graph, model, prompts), graph)))
                continue;
            TryAdd(
                $"naive run {seed}", () => Values(InterventionRunner.Run(graph, model, prompts, new RunOptions { Naive = true }), graph));
            TryAdd($"stream {seed}", () => Streamed(graph, model, prompts));
            Tensor ids = tensor(prompts.Prompts[0].Runs[0].Ids.ToArray()).unsqueeze(0).DetachFromDisposeScope();
            TryAdd($"trace {seed}", () => Traced(model, ids, traced));
            added++;
        }
    }

    /// <summary>Generation under a write that computes with numbers.</summary>
    public void AddGeneration(HookedModel model, IPromptSet prompts, string site)
    {
        InterventionGraph graph = new()
        {
            Name = "Generated",
            Writes = [new WriteNode("Shift", site, [s_value], x => (x[0] * 0.9) + 0.01)],
            Metrics = [new MetricNode("Largest", [new Read.Logits("new")], x => x[0].amax([1]) * 0.5 + 1)],
        };
        foreach (bool isCached in new[] { true, false })
        {
            TryAdd($"generation, cached: {isCached}", () =>
            {
                using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(
                    graph, model, prompts, new GenerationOptions { MaxNewTokens = 6, Temperature = 1, Seed = 3, UseCache = isCached });
                return
                [
                    .. output.Changed().Tokens.SelectMany(tokens => tokens).Select(token => (double)token),
                    .. output.Changed().LogProbabilities.SelectMany(numbers => numbers),
                ];
            });
        }
    }

    /// <summary>Runs jobs on several threads for a while.</summary>
    /// <param name="time">How long.</param>
    /// <param name="stopAtFailure">Whether the first failure ends it.</param>
    /// <param name="report">Told now and then how many runs there were, and how many tensors and bytes there are.</param>
    public StressReport Run(TimeSpan time, bool stopAtFailure = false, Action<long, long, long>? report = null)
    {
        // Once in peace: what is allocated once is there.
        foreach (var job in _jobs)
            Check(job);
        long tensors = LiveTensors.Count();
        long bytes = NativeHeap.IsKnown ? NativeHeap.BytesInUse() : 0;
        long collections = GC.CollectionCount(0);
        long runs = 0;
        List<string> failures = [];
        using CancellationTokenSource end = new(time);
        Thread collector = new(() =>
        {
            while (!end.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
                Thread.Yield();
            }
        });
        Thread[] workers = [.. Enumerable.Range(0, 3).Select(worker => new Thread(() =>
        {
            Random random = new(worker);
            while (!end.IsCancellationRequested)
            {
                string? failure = Check(_jobs[random.Next(_jobs.Count)]);
                Interlocked.Increment(ref runs);
                if (failure is null)
                    continue;
                lock (failures)
                    failures.Add(failure);
                if (stopAtFailure)
                    end.Cancel();
            }
        }))];
        foreach (Thread thread in workers.Append(collector))
            thread.Start();
        for (Stopwatch clock = Stopwatch.StartNew(); report is not null
            && !end.IsCancellationRequested; end.Token.WaitHandle.WaitOne(TimeSpan.FromMinutes(1)))
            if (clock.Elapsed > TimeSpan.FromSeconds(1))
                report(Interlocked.Read(ref runs), Tensor.TotalCount, NativeHeap.IsKnown ? NativeHeap.BytesInUse() : 0);
        foreach (Thread thread in workers.Append(collector))
            thread.Join();
        return new StressReport(
            runs, GC.CollectionCount(0) - collections, failures, LiveTensors.Count() - tensors,
            (NativeHeap.IsKnown ? NativeHeap.BytesInUse() : 0) - bytes);
    }

    /// <summary>Adds what makes sense; a random intervention may not.</summary>
    private bool TryAdd(string name, Func<double[]> run)
    {
        try
        {
            _jobs.Add((name, run, run()));
            return true;
        }
        catch (InterventionException)
        {
            return false;
        }
    }

    private static string? Check((string Name, Func<double[]> Run, double[] Expected) job)
    {
        try
        {
            double[] actual = job.Run();
            double worst = actual.Length == job.Expected.Length ? actual.Zip(job.Expected, Distance).DefaultIfEmpty(0).Max() : double.NaN;
            return worst <= Tolerance ? null : $"{job.Name} differs by {worst}";
        }
        catch (Exception exception)
        {
            return $"{job.Name}: {exception}";
        }

        // Masked scores are −∞, and some writes make what is no number: equal ones are no failure.
        static double Distance(double left, double right) => left.Equals(right) ? 0 : Math.Abs(left - right) / Math.Max(1, Math.Abs(right));
    }

    private static double[] Values(RunResult output, InterventionGraph graph)
    {
        using (output)
            return [.. Names(graph).SelectMany(name => Numbers(output.Changed(name).Values))];
    }

    private static double[] Streamed(InterventionGraph graph, HookedModel model, IPromptSet prompts)
    {
        List<double> numbers = [];
        RunOptions options = new() { BatchSize = 2 };
        foreach (double[] batch in InterventionRunner.StreamAsync(graph, model, prompts, output => Values(output, graph), options)
            .ToBlockingEnumerable())
            numbers.AddRange(batch);
        return [.. numbers];
    }

    private static double[] Traced(HookedModel model, Tensor ids, string[] sites)
    {
        List<double> numbers = [];
        using ModelTrace trace = model.Trace(ids, sites);
        foreach (TracedSite site in trace)
        {
            using (Finalizers.Pause())
            using (NewDisposeScope())
                site.Value = (site.Value * 0.75) + 0.125;
            numbers.AddRange(Numbers(site.Value));
        }
        return [.. numbers];
    }

    private static IEnumerable<string> Names(InterventionGraph graph) =>
        graph.Captures.Select(node => node.Name).Concat(graph.Gradients.Select(node => node.Name)).Concat(
            graph.Metrics.Select(node => node.Name));

    private static double[] Numbers(Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        return values.detach().to(float64).contiguous().data<double>().ToArray();
    }
}
