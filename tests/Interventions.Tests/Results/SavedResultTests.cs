using Interventions.Files;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tests.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>Results to and from safetensors files.</summary>
public sealed class SavedResultTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _folder.Dispose();
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void What_is_saved_comes_back()
    {
        string path = _folder["run.safetensors"];
        using RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, LongStudy.Prompts());
        run.Save(path);
        using RunResult loaded = RunResult.Load(path);
        LongStudy.Same(run, loaded);

        SweptTensor swept = loaded.Changed("LogitDifference");
        Assert.Equal("layer p alpha", string.Join(' ', swept.Sweep.Select(axis => axis.Name)));
        Assert.Equal(
            run.Changed("LogitDifference").Sweep.SelectMany(axis => axis.Coordinates), swept.Sweep.SelectMany(axis => axis.Coordinates));
        Assert.Equal(
            run.Changed("LogitDifference").Points().Select(point => point.ToString()), swept.Points().Select(point => point.ToString()));
        Assert.True(
            swept.At(1, "end", double.PositiveInfinity)
                .eq(run.Changed("LogitDifference").At(1, "end", double.PositiveInfinity)).all().item<bool>());
        Assert.True(loaded.Changed("Residual").Mask!.eq(run.Changed("Residual").Mask!).all().item<bool>());
        Assert.Equal(Enumerable.Range(0, 7), loaded.Prompts);
        Assert.Equal(["Direction", "Mean", "Patch"], loaded.Effects.Select(effect => effect.Write));
        Assert.Equal(run.Effects.AsEnumerable(), loaded.Effects);
        Assert.Equal(run.Warnings.AsEnumerable(), loaded.Warnings);
        Assert.True(loaded.Gradient("Direction").eq(run.Gradient("Direction")).all().item<bool>());
        Assert.True(loaded.Run("corrupted")["Attribution"].eq(run.Run("corrupted")["Attribution"]).all().item<bool>());
    }

    [Theory]
    [InlineData(ScalarType.Bool)]
    [InlineData(ScalarType.Byte)]
    [InlineData(ScalarType.Int32)]
    [InlineData(ScalarType.Int64)]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Every_type_comes_back(ScalarType dtype)
    {
        string saved = _folder["saved"], written = _folder["written"];
        InterventionGraph graph = new()
        {
            Name = "Types",
            Captures = [new CaptureNode("Typed", "blocks.*.resid", [new Read.Value()], x => x[0].abs().to(dtype))],
            Metrics = [LongStudy.LogitDifference],
        };
        using RunResult run = InterventionRunner.Run(graph, _model, LongStudy.Prompts(), new RunOptions { BatchSize = 3 });
        run.Save(saved);
        using RunResult loaded = RunResult.Load(saved);
        using RunResult gone = InterventionRunner.RunTo(graph, _model, LongStudy.Prompts(), written, new RunOptions { BatchSize = 3 });
        Assert.Equal(dtype, loaded.Changed("Typed").Values.dtype);
        LongStudy.Same(run, loaded);
        LongStudy.Same(run, gone);
    }

    [Fact]
    public void Other_readers_find_plain_names()
    {
        string path = _folder["run.safetensors"];
        using (RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, LongStudy.Prompts()))
            run.Save(path);
        using SafeTensorFile file = SafeTensorFile.Open(path);
        Assert.Equal(
            [
                "Attribution", "Attribution.mask", "Direction.gradient", "Head", "Head.mask", "LogitDifference", "Residual",
                "Residual.mask",
                "clean/Attribution", "clean/Head", "clean/LogitDifference", "clean/Residual", "corrupted/Attribution", "corrupted/Head",
                "corrupted/LogitDifference", "corrupted/Residual",
            ],
            file.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Contains("""{"name":"p","coordinates":["mid","end"]}""", file.Metadata["interventions.result"]);
    }

    [Fact]
    public void A_loaded_result_outlives_scopes_and_frees_its_tensors()
    {
        string path = _folder["run.safetensors"];
        using (RunResult run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, LongStudy.Prompts()))
            run.Save(path);
        RunResult loaded;
        using (NewDisposeScope())
            loaded = RunResult.Load(path);
        Assert.False(loaded.Gradient("Direction").IsInvalid);
        loaded.Dispose();
        Assert.Equal(0, LongStudy.Leaked(() => RunResult.Load(path).Dispose()));
    }

    [Fact]
    public void Other_files_are_refused()
    {
        string path = _folder["other.safetensors"];
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = ones(1) });
        Assert.Contains("holds tensors, but no result of a run", Assert.Throws<ResultFileException>(() => RunResult.Load(path)).Message);

        Assert.Contains("reads version 3: update the package", Described("""{"version":4}""").Message);
        Assert.Contains("describe no result: 'declaration' is missing", Described("""{"version":3}""").Message);
        Assert.Contains("describe no result", Described("{").Message);

        using RunResult run = InterventionRunner.Run(
            new() { Name = "One", Metrics = [LongStudy.LogitDifference] }, _model, LongStudy.Prompts());
        SafeTensors.Save(
            path, new Dictionary<string, Tensor> { ["LogitDifference"] = ones(7) }, new Dictionary<string,
            string>
            { [ResultLayout.Key] = run.Layout.ToJson() });
        Assert.Contains("has no tensor 'clean/LogitDifference'", Assert.Throws<ResultFileException>(() => RunResult.Load(path)).Message);

        run.Save(path);
        Assert.Contains(
            "of 'One', not of 'Two'",
            Assert.Throws<InterventionException>(() => RunResult.Load(path, "Two", ["LogitDifference"], [])).Message);
        Assert.Contains(
            "kept LogitDifference, and 'One' keeps Other",
            Assert.Throws<InterventionException>(() => RunResult.Load(path, "One", ["Other"], [])).Message);
        Assert.Contains(
            "was swept over nothing, and 'One' is swept over layer",
            Assert.Throws<InterventionException>(() => RunResult.Load(path, "One", ["LogitDifference"], ["layer"])).Message);
        RunResult.Load(path, "One", ["LogitDifference"], []).Dispose();

        ResultFileException Described(string layout)
        {
            SafeTensors.Save(path, new Dictionary<string, Tensor>(), new Dictionary<string, string> { [ResultLayout.Key] = layout });
            return Assert.Throws<ResultFileException>(() => RunResult.Load(path));
        }
    }

    [Fact]
    public void A_missing_file_is_called_a_result()
    {
        string path = _folder["no.safetensors"];
        const string reason =
            "is no result: the file does not exist. A run's Save writes one, and so does RunTo, once its last batch is done.";
        Assert.Equal($"'{path}' {reason}", Assert.Throws<ResultFileException>(() => RunResult.Load(path)).Message);
        ResultFileException refused =
            Assert.Throws<ResultFileException>(() => RunResult.Load(path, "One", ["LogitDifference"], []));
        Assert.Equal((path, reason), (refused.File, refused.Reason));
        File.WriteAllText(path, "no tensors");
        Assert.Contains("is truncated or no safetensors file", Assert.Throws<ResultFileException>(() => RunResult.Load(path)).Message);
    }

    [Fact]
    public void A_file_of_version_1_is_refused_in_one_sentence()
    {
        string path = _folder["old.safetensors"];
        const string layout = """
            {"version":1,"declaration":"One","sweep":[],"runs":["clean","corrupted"],"baseRun":"clean","kept":[],"parameters":[],"prompts":[0],
            "writes":[{"write":"Zero","site":"embed","selected":1,"written":1,"compared":1,"changed":1,"largest":1,"read":1,"due":1}],"notes":[]}
            """;
        SafeTensors.Save(path, new Dictionary<string, Tensor>(), new Dictionary<string, string> { [ResultLayout.Key] = layout });
        ResultFileException refused = Assert.Throws<ResultFileException>(() => RunResult.Load(path));
        Assert.Equal($"'{path}' was written by version 1 of the format, and this library reads version 3: run it again.", refused.Message);
    }
}
