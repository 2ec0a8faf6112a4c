using System.Diagnostics;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Runs into a file, stopped and gone on with.</summary>
public sealed class RunToTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();
    private readonly ToyPrompts _prompts = LongStudy.Prompts();
    private readonly RunOptions _options = new() { BatchSize = 2 };
    private readonly string _path;

    public RunToTests() => _path = _folder["long.safetensors"];

    public void Dispose()
    {
        _folder.Dispose();
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void The_file_holds_what_a_run_gives()
    {
        InterventionGraph graph = LongStudy.Graph(LongStudy.Direction());
        using RunResult run = InterventionRunner.Run(graph, _model, _prompts, _options);
        using (RunResult written = InterventionRunner.RunTo(graph, _model, _prompts, _path, _options))
            LongStudy.Same(run, written);
        using RunResult loaded = RunResult.Load(_path);
        LongStudy.Same(run, loaded);
        Assert.Equal([_path], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Equal(0, LongStudy.Leaked(() =>
        {
            File.Delete(_path);
            InterventionRunner.RunTo(graph, _model, _prompts, _path, _options).Dispose();
        }));
    }

    [Fact]
    public void A_complete_file_is_only_loaded()
    {
        int calls = 0;
        InterventionGraph graph = Stopping(() => calls++);
        InterventionRunner.RunTo(graph, _model, _prompts, _path, _options).Dispose();
        int first = calls;
        InterventionRunner.RunTo(graph, _model, _prompts, _path, _options).Dispose();
        Assert.True(first > 0);
        Assert.Equal(first, calls);
    }

    [Fact]
    public void A_stopped_run_goes_on_where_it_stopped_and_gives_the_same_bytes()
    {
        string whole = _folder["whole.safetensors"];
        InterventionRunner.RunTo(Stopping(() => { }), _model, _prompts, whole, _options).Dispose();
        int allowed = 0, calls = 0;
        InterventionGraph graph = Stopping(() =>
        {
            if (++calls > allowed)
                throw new OperationCanceledException();
        });
        // Eight points a batch, four batches.
        foreach (int points in new[] { 3, 11, 17, 7 })
        {
            (calls, allowed) = (0, points);
            Assert.Throws<OperationCanceledException>(() => InterventionRunner.RunTo(graph, _model, _prompts, _path, _options));
            Assert.False(File.Exists(_path));
        }
        // None, one, two and none more were finished: one is left.
        Assert.Equal(3, Directory.GetFiles(_path + ".batches", "*.safetensors").Length);
        (calls, allowed) = (0, 8);
        InterventionRunner.RunTo(graph, _model, _prompts, _path, _options).Dispose();
        Assert.Equal(8, calls);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(_path));
    }

    [Theory]
    [InlineData("declaration", "with another declaration, or with other tensors in it")]
    [InlineData("tensor", "with another declaration, or with other tensors in it")]
    [InlineData("weights", "with other weights")]
    [InlineData("splice", "with other weights")]
    [InlineData("prompts", "with other prompts")]
    [InlineData("batches", "in batches of 2 within 2048 MiB, on CPU, and this run is in batches of 3 within 2048 MiB, on CPU")]
    public void Something_else_is_refused_in_words(string other, string words)
    {
        using ToyModel otherModel = new(seed: 2);
        InterventionRunner.RunTo(Graph("first"), _model, _prompts, _path, _options).Dispose();
        Refused();
        // The same of a batch.
        Directory.CreateDirectory(_path + ".batches");
        File.Move(_path, Path.Combine(_path + ".batches", "000000.safetensors"));
        Refused();

        void Refused()
        {
            InterventionGraph graph = Graph(other == "splice" ? "second" : "first", other == "tensor" ? 2 : 1);
            InterventionException refused = Assert.Throws<InterventionException>(() => InterventionRunner.RunTo(
                other == "declaration" ? graph with { Metrics = [], Gradients = [], Parameters = [] } : graph,
                other == "weights" ? otherModel : _model,
                other == "prompts" ? LongStudy.Prompts(6) : _prompts,
                _path,
                other == "batches" ? new RunOptions { BatchSize = 3 } : _options));
            Assert.Contains(words, refused.Message, StringComparison.OrdinalIgnoreCase);
        }

        static InterventionGraph Graph(string splice, double scale = 1) =>
            LongStudy.Graph(LongStudy.Direction(scale)).Splice("Sae", "blocks.0.resid", new Doubling(splice));
    }

    [Fact]
    public void Foreign_files_other_writers_and_silent_models_are_refused()
    {
        InterventionGraph graph = LongStudy.Graph(LongStudy.Direction());
        using (RunResult run = InterventionRunner.Run(graph, _model, _prompts))
            run.Save(_path);
        Assert.Contains("was not begun by RunTo", Refused(_model));
        File.Delete(_path);

        using (new FileStream(
            Path.Combine(Directory.CreateDirectory(_path + ".batches").FullName, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.None))
            Assert.Contains("Another run is writing", Refused(_model));

        using Silent silent = new(_model);
        Assert.Contains("Override WeightsFingerprint", Refused(silent));
        graph = graph.Splice("Sae", "blocks.0.resid", new Doubling(null));
        Assert.Contains("Sae, a Doubling, does not say which weights it has. Implement WeightsFingerprint", Refused(_model));

        string Refused(HookedModel model) =>
            Assert.Throws<InterventionException>(() => InterventionRunner.RunTo(graph, model, _prompts, _path)).Message;
    }

    /// <summary>A process is killed at random moments until it is done.</summary>
    [Fact]
    public void A_killed_run_goes_on_and_gives_the_same_bytes()
    {
        string whole = _folder["whole.safetensors"];
        KilledRun.Execute(whole, pause: 0);

        Random random = new(3);
        int kills = 0;
        for (int round = 0; !File.Exists(_path); round++)
        {
            int finished = Finished(), further = random.Next(1, 5);
            bool getsSomewhere = round % 2 == 0;
            TimeSpan pause = TimeSpan.FromMilliseconds(random.Next(getsSomewhere ? 30 : 700));
            // Somewhere after a batch; or anywhere: while it starts, looks at what is there, takes means, computes, writes.
            kills += Kill(child =>
            {
                while (getsSomewhere && !child.HasExited && Finished() < finished + further)
                    Thread.Sleep(1);
                Thread.Sleep(pause);
            });
            Assert.True(Finished() >= finished || File.Exists(_path), "what was finished stays");
        }
        Assert.True(kills >= 5, $"it was killed {kills} times");
        CheckResult(whole);
    }

    /// <summary>The same while batches are put together.</summary>
    [Fact]
    public void A_kill_while_batches_are_put_together_leaves_them_or_the_file()
    {
        string whole = _folder["whole.safetensors"];
        KilledRun.Execute(whole, pause: 0);
        KilledRun.ExecuteBatches(_path);
        for (int round = 0; round < 8 && !File.Exists(_path); round++)
        {
            Kill(child =>
            {
                while (!child.HasExited && !File.Exists(_path) && Directory.GetFiles(Batches, "all*").Length == 0)
                    Thread.SpinWait(100);
            });
            Assert.True(Finished() == 20 || File.Exists(_path));
        }
        CheckResult(whole);
    }

    private string Batches => _path + ".batches";

    private int Finished() => Directory.Exists(Batches) ? Directory.GetFiles(Batches, "0*.safetensors").Length : 0;

    /// <summary>Starts the run in a process of its own and kills it. How often that came before its end.</summary>
    private int Kill(Action<Process> wait)
    {
        using Process child = Process.Start(
            new ProcessStartInfo("dotnet", ["exec", typeof(KilledRun).Assembly.Location, _path]) { RedirectStandardError = true })!;
        wait(child);
        child.Kill();
        child.WaitForExit();
        Assert.True(child.ExitCode is 0 or 137, child.StandardError.ReadToEnd());
        // What is there under its name is whole.
        foreach (string file in Directory.GetFiles(_folder.Path, "*.safetensors", SearchOption.AllDirectories))
            RunResult.Load(file).Dispose();
        return child.ExitCode == 137 ? 1 : 0;
    }

    /// <summary>Where the last kill came after the file was complete, the next call cleans up.</summary>
    private void CheckResult(string whole)
    {
        KilledRun.Execute(_path, pause: 0);
        Assert.Equal(File.ReadAllBytes(whole), File.ReadAllBytes(_path));
        Assert.Equal([_path, whole], Directory.GetFileSystemEntries(_folder.Path).Order(StringComparer.Ordinal));
    }

    /// <summary>One call a point and batch.</summary>
    private static InterventionGraph Stopping(Action call) => LongStudy.Graph(LongStudy.Direction(), x =>
    {
        call();
        return x[0] + x[1];
    });

    private sealed class Doubling(string? weights) : ISplice
    {
        public int Features => ToyModel.Width;

        public Tensor Encode(Tensor x) => x * 2;

        public Tensor Decode(Tensor features, Tensor x) => features / 2;

        public string? WeightsFingerprint() => weights;
    }

    private sealed class Silent(HookedModel model) : HookedModel
    {
        public override ModelSchema Schema => model.Schema;

        public override ModelGraph Graph => model.Graph;

        public override int? ContextLength => model.ContextLength;

        public override int VocabularySize => model.VocabularySize;

        public override Device Device => model.Device;

        protected override void Dispose(bool disposing)
        {
            // The model is borrowed.
        }
    }
}
