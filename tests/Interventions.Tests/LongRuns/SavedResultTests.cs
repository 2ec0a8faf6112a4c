using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tests.Execution;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.LongRuns;

/// <summary>Results to and from safetensors files.</summary>
public sealed class SavedResultTests : IDisposable
{
    private readonly ToyModel _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Folder _folder = new();

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
        using RunOutput run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, LongStudy.Prompts());
        run.Save(path);
        using RunOutput loaded = RunOutput.Load(path);
        LongStudy.Same(run, loaded);

        SweptTensor swept = loaded.Changed("LogitDifference");
        Assert.Equal("layer p alpha", string.Join(' ', swept.Axes.Select(axis => axis.Name)));
        Assert.Equal(run.Changed("LogitDifference").Axes.SelectMany(axis => axis.Coordinates), swept.Axes.SelectMany(axis => axis.Coordinates));
        Assert.Equal(run.Changed("LogitDifference").Points().Select(point => point.ToString()), swept.Points().Select(point => point.ToString()));
        Assert.True(swept.At(1, "end", double.PositiveInfinity).eq(run.Changed("LogitDifference").At(1, "end", double.PositiveInfinity)).all().item<bool>());
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
        using RunOutput run = InterventionRunner.Run(graph, _model, LongStudy.Prompts(), new RunOptions { BatchSize = 3 });
        run.Save(saved);
        using RunOutput loaded = RunOutput.Load(saved), gone = InterventionRunner.RunTo(graph, _model, LongStudy.Prompts(), written, new RunOptions { BatchSize = 3 });
        Assert.Equal(dtype, loaded.Changed("Typed").Values.dtype);
        LongStudy.Same(run, loaded);
        LongStudy.Same(run, gone);
    }

    [Fact]
    public void Other_readers_find_plain_names()
    {
        string path = _folder["run.safetensors"];
        using (RunOutput run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, LongStudy.Prompts()))
            run.Save(path);
        using SafeTensorFile file = SafeTensorFile.Open(path);
        Assert.Equal(
            [
                "Attribution", "Attribution.mask", "Direction.gradient", "Head", "Head.mask", "LogitDifference", "Residual", "Residual.mask",
                "clean/Attribution", "clean/Head", "clean/LogitDifference", "clean/Residual", "corrupted/Attribution", "corrupted/Head", "corrupted/LogitDifference", "corrupted/Residual",
            ],
            file.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Contains("""{"name":"p","coordinates":["mid","end"]}""", file.Metadata["interventions.result"]);
    }

    [Fact]
    public void A_loaded_result_outlives_scopes_and_frees_its_tensors()
    {
        string path = _folder["run.safetensors"];
        using (RunOutput run = InterventionRunner.Run(LongStudy.Graph(LongStudy.Direction()), _model, LongStudy.Prompts()))
            run.Save(path);
        RunOutput loaded;
        using (NewDisposeScope())
            loaded = RunOutput.Load(path);
        Assert.False(loaded.Gradient("Direction").IsInvalid);
        loaded.Dispose();
        Assert.Equal(0, LongStudy.Leaked(() => RunOutput.Load(path).Dispose()));
    }

    [Fact]
    public void Other_files_are_refused()
    {
        string path = _folder["other.safetensors"];
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["x"] = ones(1) });
        Assert.Contains("holds tensors, but no result of a run", Assert.Throws<CheckpointException>(() => RunOutput.Load(path)).Message);

        SafeTensors.Save(path, new Dictionary<string, Tensor>(), new Dictionary<string, string> { [SavedLayout.Key] = """{"version":3}""" });
        Assert.Contains("update the package", Assert.Throws<CheckpointException>(() => RunOutput.Load(path)).Message);

        SafeTensors.Save(path, new Dictionary<string, Tensor>(), new Dictionary<string, string> { [SavedLayout.Key] = """{"version":2}""" });
        Assert.Contains("describe no result", Assert.Throws<CheckpointException>(() => RunOutput.Load(path)).Message);

        using RunOutput run = InterventionRunner.Run(new() { Name = "One", Metrics = [LongStudy.LogitDifference] }, _model, LongStudy.Prompts());
        SafeTensors.Save(path, new Dictionary<string, Tensor> { ["LogitDifference"] = ones(7) }, new Dictionary<string, string> { [SavedLayout.Key] = SavedLayout.Write(run.Layout) });
        Assert.Contains("has no tensor 'clean/LogitDifference'", Assert.Throws<CheckpointException>(() => RunOutput.Load(path)).Message);

        run.Save(path);
        Assert.Contains("of 'One', not of 'Two'", Assert.Throws<InterventionException>(() => RunOutput.Load(path, "Two", ["LogitDifference"], [])).Message);
        Assert.Contains("kept LogitDifference, and 'One' keeps Other", Assert.Throws<InterventionException>(() => RunOutput.Load(path, "One", ["Other"], [])).Message);
        Assert.Contains("was swept over nothing, and 'One' is swept over layer", Assert.Throws<InterventionException>(() => RunOutput.Load(path, "One", ["LogitDifference"], ["layer"])).Message);
        RunOutput.Load(path, "One", ["LogitDifference"], []).Dispose();
    }
}
