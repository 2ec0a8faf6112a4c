using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Lists, masks, words and bases: calls and reflection say what the generator says, and compute the same bits.</summary>
public sealed class ListStudyTests : IDisposable
{
    private readonly TinyWorded _model = new();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TinyPrompts _prompts = DeclarationTests.Prompts(6, 6, 6), _reference = DeclarationTests.Prompts(6, 6);

    private EveryList Lists => new()
    {
        Edges = [(1, 2), (0, 0), (0, 1)],
        Words = [" a", "c", "."],
        Reference = _reference,
        Mlps = tensor([0.25, 1]),
        Half = tensor(0.5),
    };

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Calls_list_mix_and_read_words_as_a_class_does(bool naive)
    {
        EveryList lists = Lists;
        Intervention calls = Intervention.On(_model, nameof(EveryList))
            .Sweep("layer, head", ["1.2", "0.0"]).Sweep("donor", "corrupted", "other").Sweep("alpha", [0.5, 2])
            .Sweep("source, sender", [(1, 2), (0, 0), (0, 1)]).Sweep("place", lists.Places)
            .Mix(
                "blocks.*.mlp_out", lists.Mlps, ["layer"], Ablation.Mean, over: _reference, acrossTemplates: true,
                name: nameof(lists.Mlps))
            .Mix("embed", lists.Half, [], Ablation.Resample, from: "other", seed: 5, name: nameof(lists.Half))
            .Mix("blocks.0.attn_out[pos=named]", lists.Half, [], Ablation.Zero, name: nameof(lists.Half))
            .Mix("blocks.1.attn_out[pos!=0]", lists.Half, [], Ablation.Mean, from: "corrupted", pooled: true, name: nameof(lists.Half))
            .Mix("blocks.0.attn.z[head!=1]", lists.Half, [], name: nameof(lists.Half))
            .Patch("blocks.{layer}.attn.z[head={head}; pos=end]", donor => donor, from: "{donor}", name: "FromDonor")
            .Patch("blocks.1.mlp_out[pos={place}]", x => x * 0.5, name: "Damped")
            .Patch("blocks.0.resid_pre[pos=named]", (x, alpha) => x + alpha, from: Reads.Swept("alpha"), name: "Shifted")
            .Patch(
                "blocks.1.mlp_out[pos={place}]", (x, z) => x + z.sum([2L, 3L]).unsqueeze(-1),
                from: Reads.From("corrupted", "blocks.{source}.attn.z[head={sender}; pos=end]"), name: "Edge")
            .Capture("Stream", "blocks.*.resid_post[pos=named]")
            .Metric(
                "Margin", (right, words) => right - words.amax([1L]),
                from: [Reads.Logit("right"), Reads.Logit(lists.Words, "subject", "clean")])
            .Metric("Known", known => known.sum(-1), from: Reads.Logit([" b", "."], name: "s_known"));
        // The sites are those of the class's model, whose name is another.
        InterventionGraph graph = calls.Graph with
        {
            ModelFingerprint = lists.Graph.ModelFingerprint,
            PromptFingerprint = lists.Graph.PromptFingerprint,
        };
        Assert.Equal(lists.Graph.ToJson(), graph.ToJson());
        RunOptions options = new() { Naive = naive };
        using RunResult expected = lists.Graph.Run(_model, _prompts, options), run = calls.Run(_prompts, options);
        Same(lists.Graph, expected, run);
        Assert.Equal(2 * 2 * 2 * 2 * 3 * 3, run["Known"].Values.numel());
        Tensor one = run["Known"][
            ("head", 2), ("layer", 1), ("donor", "other"), ("place", "end"), ("alpha", 2), ("source", 0), ("sender", 1)];
        Assert.Equal([3], one.shape);
    }

    [Fact]
    public void Reflection_reads_lists_masks_and_words()
    {
        EveryList lists = Lists;
        Same(lists, lists.Graph);
    }

    [Fact]
    public void Reflection_reads_what_is_inherited_first()
    {
        Tensor direction = (arange(12, dtype: float64) / 10).requires_grad_();
        SharedListsOfTiny tiny = new() { Heads = [(1, 2), (0, 1)], Reference = _reference, Direction = direction };
        Assert.Equal("Margin", Intervention.Of(tiny).Gradients.Single().Metric);
        Same(tiny, tiny.Graph);
        SharedListsOfAny<TinyGpt2> any = new() { Heads = [(1, 0)], Reference = _reference, Direction = direction };
        Assert.Null(Intervention.Of(any).ModelFingerprint);
        Same(any, any.Graph);
        FarStudy far = new() { Direction = direction };
        Same(far, far.Graph);
    }

    [Fact]
    public void Path_patches_stand_behind_those_of_a_base()
    {
        DerivedPaths derived = new();
        using RunResult run = derived.Graph.Run(_model, _prompts), flat = new FlatPaths().Graph.Run(_model, _prompts);
        Assert.InRange((flat["Right"].Values - run["Right"].Values).abs().max().item<double>(), 0, 1e-9);
        Assert.Equal(flat.Effects.Select(effect => effect.Changed), run.Effects.Select(effect => effect.Changed));
        Same(derived, derived.Graph);
    }

    [Fact]
    public void A_list_is_any_sequence_of_numbers_names_or_tuples()
    {
        Intervention none = Intervention.On(_model)
            .Zero("blocks.{layer}.attn.z[head={head}; pos={place}]").LogitDifference("right", "wrong");
        List<(int, int, string)> found = [(1, 2, "end"), (0, 0, "subject")];
        using RunResult tuples = none.Sweep("layer, head, place", found).Run(_prompts);
        using RunResult texts = none.Sweep("layer, head, place", "1.2.end", "0.0.subject").Run(_prompts);
        using RunResult apart = none.Sweep("layer", Enumerable.Range(0, 2)).Sweep("head", [2, 0]).Sweep("place", "end", "subject")
            .Run(_prompts);
        Assert.True(tuples["LogitDifference"].Values.eq(texts["LogitDifference"].Values).all().item<bool>());
        Tensor one = tuples["LogitDifference"][("layer", 1), ("head", 2), ("place", "end")];
        Assert.InRange(
            (one - apart["LogitDifference"][("layer", 1), ("head", 2), ("place", "end")]).abs().max().item<double>(), 0, 1e-9);
    }

    private void Same(object declaration, InterventionGraph generated)
    {
        InterventionGraph reflected = Intervention.Of(declaration);
        Assert.Equal(generated.ToJson(), reflected.ToJson());
        using RunResult expected = generated.Run(_model, _prompts), run = reflected.Run(_model, _prompts);
        Same(generated, expected, run);
        foreach (string parameter in generated.Parameters.Select(node => node.Name))
            Assert.True(expected.Gradient(parameter).eq(run.Gradient(parameter)).all().item<bool>(), parameter);
    }

    private static void Same(InterventionGraph graph, RunResult expected, RunResult run)
    {
        foreach (string name in graph.Captures.Select(node => node.Name).Concat(graph.Metrics.Select(node => node.Name))
            .Concat(graph.Gradients.Select(node => node.Name)))
        {
            Assert.True(expected[name].Values.eq(run[name].Values).all().item<bool>(), name);
            Assert.True(expected.Run("clean")[name].eq(run.Run("clean")[name]).all().item<bool>(), name);
        }
        Assert.Equal(expected.Effects.AsEnumerable(), run.Effects.AsEnumerable());
    }
}
