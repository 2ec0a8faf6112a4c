using FsCheck;
using FsCheck.Fluent;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Every attribute that writes, several times at one place, some with others between.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
[Changes("corrupted"), Run("direct", From = "other"), Sweep("alpha", 0.5, 2), Sweep("donor", "clean", "other")]
[Zero("blocks.0.attn.z[head=1]"), Scale("blocks.0.mlp_out", 0.5), Freeze("blocks.0.attn.z[head=2]", From = "{donor}")]
[Mean("blocks.0.mlp_out", From = "clean"), Resample("blocks.0.attn_out[pos=subject]", Seed = 3), Scale("blocks.0.mlp_out", "{alpha}")]
[Mean("blocks.1.mlp_out[pos=subject]", Over = nameof(Reference), AcrossTemplates = true), Scale("blocks.1.mlp_out[pos=subject]", 0.9)]
[Mean("blocks.1.mlp_out[pos=end]", Pooled = true), Scale("blocks.1.mlp_out[pos=end]", 0.7)]
[PathPatch("blocks.0.attn.z[head=0]", "blocks.1.attn.q_input[head=1]", From = "clean", FreezeMlps = true)]
[PathPatch(["blocks.0.mlp_out", "blocks.0.attn.z[head=0]"], "blocks.1.attn.k_input", From = "other", Freeze = ["blocks.0.attn.z"])]
[Freeze("blocks.0.attn.z", In = "direct")]
public sealed partial class EveryWrite
{
    public required TinyPrompts Reference { get; init; }

    [Add("blocks.1.resid_pre[pos=end]", Strength = 3), ProjectOut("blocks.1.resid_pre[pos=end]"), Parameter]
    public required Tensor Direction { get; init; }

    [Add("blocks.1.resid_mid[pos={place=subject,end}]", "{alpha}")]
    public required Tensor Steering { get; init; }

    [ProjectOnto("blocks.0.resid_mid[pos=subject]", In = "direct")]
    public required Tensor Kept { get; init; }

    [Mix("blocks.1.attn.z", "head", From = "other")]
    public required Tensor Mask { get; init; }

    [Splice("blocks.1.resid_post", DetachError = true)]
    public required ISplice Sae { get; init; }

    [Patch("blocks.1.resid_post.sae.features[feature=3; pos=end]")]
    static Tensor Silence(Tensor feature) => zeros_like(feature);

    [Patch("blocks.1.attn_out[pos=end]")]
    static Tensor FromDirect(Tensor x, [From("direct")] Tensor direct, [From("clean", "blocks.0.mlp_out[pos=end]")] Tensor early) =>
        ((x + direct) / 2) - early;

    [Patch("blocks.1.mlp_out"), Pointwise]
    static Tensor Damped(Tensor x, [Swept("alpha")] double alpha) => x * alpha;

    [Patch("blocks.1.mlp_out"), AcrossBatch]
    static Tensor Centred(Tensor x) => x - x.mean([0L], keepdim: true);

    [Patch("blocks.1.attn_out[pos=end]")]
    static Tensor Twice(Tensor x, [ValueOf("blocks.0.resid_post[pos=end]")] Tensor resid) => (x * 2) + resid;

    [Capture("blocks.1.resid_pre", BeforeWrites = true)]
    static Tensor Before(Tensor x) => x;

    [Capture("blocks.*.attn.z[pos=end]")]
    static Tensor Heads(Tensor z, [From("clean")] Tensor clean) => z - clean;

    [Gradient("blocks.*.mlp_out", Of = nameof(Difference))]
    static Tensor Estimate(Tensor gradient, Tensor x, [From("clean")] Tensor clean) => (gradient * (clean - x)).sum(-1);

    [Metric]
    static Tensor Difference([Logit("right")] Tensor right, [Logit("wrong", At = "subject", In = "clean")] Tensor wrong) => right - wrong;
}

/// <summary>Calls say what attributes say: the same graph, the same bits, the same refusals.</summary>
public sealed class CallTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TinyPrompts _prompts = DeclarationTests.Prompts(6, 6, 6);

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Fact]
    public void A_sweep_of_calls_is_that_of_the_class_and_is_read_by_names()
    {
        Intervention calls = Intervention.On(_model, nameof(HeadSweep))
            .Patch("blocks.{layer}.attn.z[head={head}; pos=end]", (z, corrupted) => corrupted, from: "corrupted", name: "FromCorrupted")
            .Capture("Attention", "blocks.*.attn.pattern[query=end]")
            .Capture("Written", "blocks.{layer}.attn_out[pos=subject]", attn_out => attn_out.squeeze(1))
            .LogitDifference("right", "wrong");
        using HeadSweep.Result declared = new HeadSweep().Run(_model, _prompts);
        using RunResult run = calls.Run(_prompts);
        Same(new HeadSweep().Graph, calls, run);
        Tensor one = run["LogitDifference"][("head", 2), ("layer", 1)];
        Assert.True(one.eq(declared.LogitDifference[layer: 1, head: 2]).all().item<bool>());
        Assert.True(run.Run("clean")["LogitDifference"].eq(declared.Clean.LogitDifference).all().item<bool>());
        // The ready-made patch needs no lambda.
        using RunResult ready = Intervention.On(_model).Patch("blocks.{layer}.attn.z[head={head}; pos=end]", from: "corrupted")
            .LogitDifference("right", "wrong").Run(_prompts);
        Assert.True(ready["LogitDifference"].Values.eq(declared.LogitDifference.Values).all().item<bool>());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_write_means_what_its_attribute_means(bool naive)
    {
        TinyPrompts reference = DeclarationTests.Prompts(7, 7);
        Tensor direction = arange(12, dtype: float64).requires_grad_(), steering = ones(12, dtype: float64);
        Tensor kept = arange(12, dtype: float64).cos(), mask = tensor(new[] { 0.2, 0.5, 1 });
        Halves sae = new();
        EveryWrite declared =
            new() { Reference = reference, Direction = direction, Steering = steering, Kept = kept, Mask = mask, Sae = sae };
        Intervention calls = Intervention.On(_model, nameof(EveryWrite))
            .Changes("corrupted").DeriveRun("direct", from: "other").Sweep("alpha", 0.5, 2).Sweep("donor", "clean", "other")
            .Zero("blocks.0.attn.z[head=1]").Scale("blocks.0.mlp_out", 0.5).Freeze("blocks.0.attn.z[head=2]", from: "{donor}")
            .Mean("blocks.0.mlp_out", from: "clean").Resample("blocks.0.attn_out[pos=subject]", seed: 3)
            .Scale("blocks.0.mlp_out", "{alpha}")
            .Mean("blocks.1.mlp_out[pos=subject]", over: reference, acrossTemplates: true).Scale("blocks.1.mlp_out[pos=subject]", 0.9)
            .Mean("blocks.1.mlp_out[pos=end]", pooled: true).Scale("blocks.1.mlp_out[pos=end]", 0.7)
            .PathPatch("blocks.0.attn.z[head=0]", ["blocks.1.attn.q_input[head=1]"], from: "clean", freezeMlps: true)
            .PathPatch(
                ["blocks.0.mlp_out", "blocks.0.attn.z[head=0]"], ["blocks.1.attn.k_input"], from: "other", freeze: ["blocks.0.attn.z"])
            .Freeze("blocks.0.attn.z", run: "direct")
            .Add("blocks.1.resid_pre[pos=end]", direction, strength: 3, name: "Direction")
            .ProjectOut("blocks.1.resid_pre[pos=end]", direction, name: "Direction")
            .Parameter("Direction", direction)
            .Add("blocks.1.resid_mid[pos={place=subject,end}]", steering, "{alpha}", name: "Steering")
            .ProjectOnto("blocks.0.resid_mid[pos=subject]", kept, run: "direct", name: "Kept")
            .Mix("blocks.1.attn.z", mask, ["head"], from: "other", name: "Mask")
            .Splice("Sae", "blocks.1.resid_post", sae, detachError: true)
            .Patch("blocks.1.resid_post.sae.features[feature=3; pos=end]", feature => zeros_like(feature), name: "Silence")
            .Patch(
                "blocks.1.attn_out[pos=end]", (x, direct, early) => ((x + direct) / 2) - early,
                from: ["direct", Reads.From("clean", "blocks.0.mlp_out[pos=end]")], name: "FromDirect")
            .Patch("blocks.1.mlp_out", (x, alpha) => x * alpha, from: Reads.Swept("alpha"), name: "Damped", pointwise: true)
            .Patch("blocks.1.mlp_out", x => x - x.mean([0L], keepdim: true), name: "Centred", acrossBatch: true)
            .Patch(
                "blocks.1.attn_out[pos=end]", (x, resid) => (x * 2) + resid, from: Reads.ValueOf("blocks.0.resid_post[pos=end]"),
                name: "Twice")
            .Capture("Before", "blocks.1.resid_pre", beforeWrites: true)
            .Capture("Heads", "blocks.*.attn.z[pos=end]", (z, clean) => z - clean, from: "clean")
            .Gradient(
                "Estimate", "blocks.*.mlp_out", (gradient, x, clean) => (gradient * (clean - x)).sum(-1), from: "clean", of: "Difference")
            .Metric("Difference", (right, wrong) => right - wrong, from: [Reads.Logit("right"), Reads.Logit("wrong", "subject", "clean")]);

        RunOptions options = new() { Naive = naive };
        using RunResult expected = declared.Graph.Run(_model, _prompts, options);
        using RunResult run = calls.Run(_prompts, options);
        Same(declared.Graph, calls, run, expected);
        Assert.True(run.Gradient("Direction").eq(expected.Gradient("Direction")).all().item<bool>());
        Assert.Equal(expected.Effects.AsEnumerable(), run.Effects.AsEnumerable());
        // Writes to one place are one, but not across what may write the same values.
        Assert.Contains(calls.Graph.Writes, write => write.Name == "Scale, Mean");
    }

    /// <summary>Which writes are one is decided by their places alone; the values are those of the text all the same.</summary>
    [Fact]
    public void Calls_in_any_order_mean_one_write_after_the_other()
    {
        string[] sites =
        [
            "embed", "embed[pos=end]", "blocks.*.mlp_out", "blocks.1.mlp_out", "blocks.{layer}.mlp_out", "blocks.0.attn.z[head=1]",
            "blocks.0.attn.z", "blocks.1.resid_post",
        ];
        int fused = 0;
        Prop.ForAll(Gen.Choose(0, (sites.Length * 5) - 1).ListOf(6).ToArbitrary(), choices =>
        {
            using DisposeScope scope = NewDisposeScope();
            Intervention none = Intervention.On(_model);
            IEnumerable<Func<Intervention, Intervention>> all =
                [.. choices.Select(Call), calls => calls.Scale("blocks.0.resid_mid", "{alpha}")];
            InterventionGraph graph =
                all.Aggregate(none.Sweep("alpha", 0.5, 2).Capture("Logits", "logits"), (calls, call) => call(calls)).Graph;
            InterventionGraph apart = graph with { Writes = [.. all.SelectMany(call => call(none).Graph.Writes)] };
            fused += apart.Writes.Length - graph.Writes.Length;
            using RunResult together = graph.Run(_model, _prompts), each = apart.Run(_model, _prompts);
            Assert.Equal(each["Logits"].Values.shape, together["Logits"].Values.shape);
            Assert.InRange((each["Logits"].Values - together["Logits"].Values).abs().max().item<double>(), 0, 1e-9);
        }).QuickCheckThrowOnFailure();
        Assert.True(fused > 20, $"{fused} writes were fused.");

        Func<Intervention, Intervention> Call(int choice)
        {
            string site = sites[choice / 5];
            return calls => (choice % 5) switch
            {
                0 => calls.Scale(site, "{alpha}"),
                1 => calls.Patch(site, (x, other) => (x + other) / 2, from: "corrupted"),
                2 => calls.Patch(site, x => x + choice),
                3 => calls.Zero(site),
                _ => calls.Scale(site, 1.5),
            };
        }
    }

    [Fact]
    public void An_include_stands_where_it_is_called()
    {
        DoubledLast last = new() { Inner = new Doubled() };
        Intervention doubled = Intervention.On(_model, nameof(Doubled)).Scale("embed", 2);
        Intervention calls = Intervention.On(_model, nameof(DoubledLast)).Patch("embed", x => x + 1, name: "Shift")
            .Include("Inner", doubled.Graph).Capture("Embed", "embed");
        using RunResult run = calls.Run(_prompts);
        Same(last.Graph, calls, run);
        DoubledFirst first = new() { Inner = new Doubled() };
        calls = Intervention.On(_model, nameof(DoubledFirst)).Include("Inner", doubled.Graph)
            .Patch("embed", x => x + 1, name: "Shift").Capture("Embed", "embed");
        using RunResult other = calls.Run(_prompts);
        Same(first.Graph, calls, other);
        Assert.False(other["Embed"].Values.eq(run["Embed"].Values).all().item<bool>());
    }

    [Fact]
    public void An_included_splice_brings_its_sites()
    {
        Intervention part = Intervention.On(_model).Splice("Sae", "blocks.0.resid_post", new Halves())
            .Patch("blocks.0.resid_post.sae.features[feature=3]", x => zeros_like(x));
        using RunResult run = Intervention.On(_model).Include("Part", part.Graph)
            .Capture("Active", "blocks.0.resid_post.sae.features[feature=3; pos=end]").LogitDifference("right", "wrong").Run(_prompts);
        Assert.Equal(0, run["Active"].Values.abs().max().item<double>());
        Assert.False(run["LogitDifference"].Values.eq(run.Run("clean")["LogitDifference"]).all().item<bool>());
    }

    [Fact]
    public void Ready_made_metrics_are_those_of_a_class()
    {
        using RunResult run = Intervention.On(_model).Patch("blocks.0.mlp_out", from: "corrupted")
            .LogitDifference("right", "wrong").Probability("right").LogProbability("right").Loss("right").KullbackLeibler("clean").Entropy()
            .Capture("Logits", "logits[pos=end]", logits => logits.squeeze(1)).Run(_prompts);
        Tensor logits = run["Logits"].Values, right = tensor(_prompts.Prompts.Select(prompt => prompt.Answers[0]).ToArray());
        Close(Metrics.Loss(logits, right), run["Loss"].Values);
        Close(Metrics.Probability(logits, right), run["Probability"].Values);
        Close(Metrics.LogProbability(logits, right), run["LogProbability"].Values);
        Close(Metrics.Entropy(logits), run["Entropy"].Values);
        Close(Metrics.KullbackLeibler(logits, run.Run("clean")["Logits"]), run["KullbackLeibler"].Values);
    }

    [Fact]
    public async Task Calls_stream_generate_explain_and_run_into_files()
    {
        Intervention calls = Intervention.On(_model).Patch("blocks.{layer}.mlp_out", Corrupted, from: "corrupted")
            .LogitDifference("right", "wrong");
        using RunResult run = calls.Run(_prompts);
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "calls.safetensors");
        using (RunResult saved = calls.RunTo(_prompts, path, new() { BatchSize = 2 }))
            Close(run["LogitDifference"].Values, saved["LogitDifference"].Values);
        using (RunResult loaded = RunResult.Load(path))
            Close(run["LogitDifference"].Values, loaded["LogitDifference"].Values);
        int batches = 0;
        await foreach (RunResult batch in calls.StreamAsync(_prompts, new() { BatchSize = 2 }))
            using (batch)
                batches++;
        Assert.Equal(2, batches);
        Assert.Equal(calls.Graph.Explain(_model, _prompts), calls.Explain(_prompts));
        using GenerationResult<GeneratedRun> text =
            Intervention.On(_model).Zero("blocks.0.attn.z[head=1; pos=new]").Generate(_prompts, new() { MaxNewTokens = 3 });
        Assert.Equal(3, text.Changed().Tokens[0].Count);
        InterventionGraph again = InterventionGraph.FromJson(calls.Graph.ToJson(), calls.Members);
        using RunResult second = again.Run(_model, _prompts);
        Assert.True(second["LogitDifference"].Values.eq(run["LogitDifference"].Values).all().item<bool>());

        // A local function has its own name.
        static Tensor Corrupted(Tensor x, Tensor corrupted) => corrupted;
    }

    [Fact]
    public void A_lambda_without_a_name_runs_and_is_not_saved()
    {
        Intervention calls = Intervention.On(_model).Patch("blocks.0.mlp_out", x => x * 2).LogitDifference("right", "wrong");
        using RunResult run = calls.Run(_prompts);
        Assert.Equal("Patch", run.Effects.Single().Write);
        const string Advice = "Name it, Patch(\"blocks.0.mlp_out\", …, name: \"…\"), or pass a method.";
        Assert.Contains(Advice, Assert.Throws<InterventionException>(calls.Graph.ToJson).Message);
        Assert.Contains(Advice, Assert.Throws<InterventionException>(() => calls.RunTo(_prompts, "nowhere.safetensors")).Message);
    }

    [Fact]
    public void A_call_makes_a_new_value()
    {
        Intervention none = Intervention.On(_model).LogitDifference("right", "wrong");
        Intervention[] ablations = [.. Enumerable.Range(0, 3).Select(head => none.Zero($"blocks.0.attn.z[head={head}]"))];
        Assert.Empty(none.Graph.Writes);
        double[] effects = [.. ablations.Select(ablation =>
        {
            using RunResult run = ablation.Run(_prompts);
            return run["LogitDifference"].Values.mean().item<double>();
        })];
        Assert.Equal(3, effects.Distinct().Count());
    }

    /// <summary>The same graph but for the fingerprint of prompts, and the same bits.</summary>
    private void Same(InterventionGraph graph, Intervention calls, RunResult run, RunResult? expected = null)
    {
        InterventionGraph called = calls.Graph with { PromptFingerprint = graph.PromptFingerprint };
        Assert.Equal(graph.ToJson(), called.ToJson());
        using RunResult? own = expected is null ? graph.Run(_model, _prompts) : null;
        RunResult declared = expected ?? own!;
        foreach (string name in called.Captures.Select(node => node.Name).Concat(called.Metrics.Select(node => node.Name))
            .Concat(called.Gradients.Select(node => node.Name)))
        {
            Assert.True(declared[name].Values.eq(run[name].Values).all().item<bool>(), name);
            foreach (string unchanged in _prompts.Vocabulary.Runs)
                Assert.True(declared.Run(unchanged)[name].eq(run.Run(unchanged)[name]).all().item<bool>(), name);
        }
    }

    private static void Close(Tensor expected, Tensor actual) =>
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);

    /// <summary>What is positive in a value, and what is negative in it.</summary>
    private sealed class Halves : ISplice
    {
        public int Features => 24;

        public Tensor Encode(Tensor x) => cat([x.relu(), (-x).relu()], -1);

        public Tensor Decode(Tensor features, Tensor x) => (features.narrow(-1, 0, 12) - features.narrow(-1, 12, 12)) * 0.9;
    }
}
