using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>A metric and a capture that several studies share.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public abstract partial class SharedTask
{
    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;

    [Capture("blocks.*.attn.pattern[query=end]")]
    static Tensor Attention(Tensor pattern) => pattern;
}

public sealed partial class SharedHeadSweep : SharedTask
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.{layer}.attn_out[pos=subject]")]
    static Tensor Written(Tensor attn_out) => attn_out.squeeze(1);
}

[Zero("blocks.1.mlp_out")]
public sealed partial class SharedKnockout : SharedTask;

/// <summary>What derives from it in another assembly: the base's writes come first.</summary>
[Scale("blocks.{layer}.mlp_out[pos=subject]", 0.5)]
public sealed partial class FarStudy : TinyTask
{
    [Capture("blocks.0.resid_post")]
    static Tensor Stream(Tensor x) => x;
}

/// <summary>The same without a base.</summary>
[Intervention<TinyGpt2, TinyPrompts>, Sweep("alpha", 0.5, 2)]
public sealed partial class FlatStudy
{
    [Add("blocks.0.resid_post[pos=end]", "{alpha}"), Parameter]
    public required Tensor Direction { get; init; }

    [Patch("blocks.{layer}.mlp_out[pos=subject]")]
    static Tensor FromOther([From("other")] Tensor other) => other * 0.5;

    [Gradient("blocks.1.resid_pre[pos=end]")]
    static Tensor Attribution(Tensor gradient, Tensor x) => gradient * x;

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}

public sealed class InheritanceTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly TinyPrompts _prompts = DeclarationTests.Prompts(6, 6);
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void Studies_that_share_a_metric_run_in_one_loop()
    {
        using HeadSweep.Result sweep = new HeadSweep().Run(_model, _prompts);
        List<Tensor> differences = [];
        SharedTask[] studies = [new SharedHeadSweep(), new SharedKnockout()];
        foreach (SharedTask study in studies)
            using (SharedTask.Result run = study.Run(_model, _prompts))
            {
                Close(sweep.Clean.LogitDifference, run.Clean.LogitDifference);
                Close(sweep.Corrupted.Attention, run.Corrupted.Attention);
                differences.Add(run.LogitDifference.Values.clone());
            }
        Close(sweep.LogitDifference.Values, differences[0]);
        Assert.Equal([2], differences[1].shape);
        Assert.True((differences[1] - sweep.Clean.LogitDifference).abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void A_derived_result_has_its_own_types()
    {
        using SharedHeadSweep.Result run = new SharedHeadSweep().Run(_model, _prompts);
        using HeadSweep.Result flat = new HeadSweep().Run(_model, _prompts);
        Close(flat.LogitDifference[layer: 1, head: 2], run.LogitDifference[layer: 1, head: 2]);
        Close(flat.Other.Written, run.Other.Written);
        Close(flat.Clean.Attention, run.Clean.Attention);
        using SharedKnockout.Result knockout = new SharedKnockout().Run(_model, _prompts);
        Tensor difference = knockout.LogitDifference;
        Assert.Equal([2], difference.shape);
    }

    [Fact]
    public void A_base_in_another_assembly_hands_on_what_it_hides()
    {
        Tensor direction = (arange(12, dtype: float64) / 10).requires_grad_();
        FarStudy study = new() { Direction = direction };
        Assert.Equal(["blocks.0.resid_post[pos=end]", "blocks.{layer}.mlp_out[pos=subject]", "blocks.{layer}.mlp_out[pos=subject]"],
            study.Graph.Writes.Select(write => write.Site));
        using FarStudy.Result far = study.Run(_model, _prompts);
        using FlatStudy.Result flat = new FlatStudy { Direction = direction }.Run(_model, _prompts);
        Close(flat.LogitDifference[alpha: 2, layer: 1], far.LogitDifference[alpha: 2, layer: 1]);
        Close(flat.Attribution.Values, far.Attribution.Values);
        Close(flat.DirectionGradient, far.DirectionGradient);
        Close(flat.Clean.LogitDifference, far.Clean.LogitDifference);
        Assert.Equal([2, 6, 12], far.Clean.Stream.shape);
        TinyTask.Result shared = far;
        Close(flat.LogitDifference.Values, shared.LogitDifference.Values);
    }

    [Fact]
    public async Task Streams_files_and_generations_are_of_the_base_too()
    {
        SharedTask study = new SharedKnockout();
        using TemporaryFolder folder = new();
        string path = folder["shared.safetensors"];
        using SharedTask.Result written = study.RunTo(_model, _prompts, path);
        using SharedKnockout.Result loaded = SharedKnockout.Load(path);
        Close(written.LogitDifference.Values, loaded.LogitDifference);
        await foreach (SharedTask.Result batch in study.StreamAsync(_model, _prompts))
            using (batch)
                Close(batch.LogitDifference.Values, loaded.LogitDifference);
        using SharedTask.Generation text = study.Generate(_model, _prompts, new() { MaxNewTokens = 2, WithBase = true });
        SharedKnockout.Generation own = Assert.IsType<SharedKnockout.Generation>(text);
        Close(own.Changed.LogitDifference.Prompt, text.Changed().LogitDifference.Prompt);
        Close(loaded.Clean.LogitDifference, own.Base.LogitDifference.Prompt);
    }

    [Fact]
    public void A_saved_graph_of_a_derived_study_has_the_inherited_members()
    {
        SharedHeadSweep study = new();
        InterventionGraph saved = InterventionGraph.FromJson(study.Graph.ToJson(), study.Members);
        Assert.Equal("SharedHeadSweep", saved.Name);
        Assert.Equal(["Attention", "Written"], saved.Captures.Select(capture => capture.Name));
        Assert.Equal(["LogitDifference"], saved.Metrics.Select(metric => metric.Name));
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        double worst = (expected - actual).abs().max().item<double>();
        Assert.True(worst <= 1e-9, $"differs by {worst}");
    }
}
