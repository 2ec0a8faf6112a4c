using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>AtP and AtP* against golden values, exact patching where they are exact, and what must hold.</summary>
public sealed class NodeAttributionTests
{
    private const double Tolerance = 1e-9;

    private static readonly ToyPrompts s_prompts = ToyPrompts.Random(5, 6, 4, 6);

    private static readonly (string Stored, NodeKind Kind)[] s_kinds =
    [
        ("z", NodeKind.Z), ("q", NodeKind.Query), ("k", NodeKind.Key), ("v", NodeKind.Value), ("embed", NodeKind.Embed),
        ("resid_pre", NodeKind.ResidPre), ("attn_out", NodeKind.AttnOut), ("mlp_out", NodeKind.MlpOut), ("neuron", NodeKind.Neuron),
    ];

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Attribution_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        Agree(circuit, name, AttributionFixes.None, s_kinds);
        Agree(circuit, name, AttributionFixes.Attention, [("q_fixed", NodeKind.Query), ("k_fixed", NodeKind.Key)]);
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Dropped_blocks_agree(string name)
    {
        using CircuitCase circuit = new(name);
        Agree(circuit, name, AttributionFixes.GradDrop, s_kinds);
        Agree(
            circuit, name, AttributionFixes.All,
            [("q_fixed", NodeKind.Query), ("k_fixed", NodeKind.Key), .. s_kinds.Where(kind => kind.Stored is not ("q" or "k"))]);
    }

    /// <summary>With one layer, no norm and no neurons, only the softmax bends: what is mended is exact, and values are anyway.</summary>
    [Fact]
    public void The_fix_of_attention_is_exact_where_only_the_softmax_bends()
    {
        using DecoderModel model = SmallDecoders.Model(SmallDecoders.Config("toy") with { Layers = 1 });
        NodeAttributions plain = NodeAttribution.Of(model, s_prompts, Support.Column);
        NodeAttributions mended = NodeAttribution.Of(model, s_prompts, Support.Column, AttributionFixes.Attention);
        foreach (NodeKind kind in (NodeKind[])[NodeKind.Query, NodeKind.Key, NodeKind.Value, NodeKind.Z])
        {
            NodeScores exact = ActivationPatching.Of(
                model, s_prompts, Support.Column, new(kind) { Unit = PatchUnit.Position }, PatchDirection.Noising);
            Support.Same(exact, mended[kind]);
            double worst = exact.Magnitudes.Zip(plain[kind].Magnitudes)
                .Where(pair => double.IsFinite(pair.First)).Max(pair => Math.Abs(pair.First - pair.Second));
            Assert.Equal(kind is NodeKind.Query or NodeKind.Key, worst > 1e-6);
        }
    }

    /// <summary>The closed form of another key against a softmax of the changed row, also where one weight is nearly all.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(30)]
    public void The_closed_form_of_a_key_is_the_softmax_with_it(double strength)
    {
        using DisposeScope scope = NewDisposeScope();
        const int Rows = 6;
        using Generator generator = new(3, CPU);
        Tensor scores = randn([Rows, Rows], dtype: float64, generator: generator) * strength;
        Tensor shift = randn([Rows, Rows], dtype: float64, generator: generator) * strength;
        Tensor gradient = randn([Rows, Rows], dtype: float64, generator: generator);
        Tensor hidden = ones(Rows, Rows, dtype: ScalarType.Bool).triu(1);
        Tensor pattern = Softmax(scores);
        Tensor centred = gradient - (pattern * gradient).sum(-1, keepdim: true);
        Tensor found = (KeyFix.Weights(pattern, shift) * centred).sum([0L]);
        for (int key = 0; key < Rows; key++)
        {
            Tensor changed = scores.clone();
            changed[.., key] = scores[.., key] + shift[.., key];
            double expected = ((Softmax(changed) - pattern) * gradient).sum().item<double>();
            Assert.Equal(expected, found[key].item<double>(), 1e-8);
        }
        // The first row has a single key, and hidden keys stay hidden, whatever happens to their scores.
        Tensor weights = KeyFix.Weights(pattern, shift * 1e6);
        Assert.Equal(0, weights[0, 0].item<double>());
        Assert.Equal(0, weights.masked_select(hidden).abs().max().item<double>());
        Assert.True(weights.isfinite().all().item<bool>());

        Tensor Softmax(Tensor rows) => rows.masked_fill(hidden, double.NegativeInfinity).softmax(-1);
    }

    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void A_node_of_the_last_block_is_seen_as_without_dropping(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        NodeKind[] kinds = [NodeKind.Z, NodeKind.AttnOut, NodeKind.Query];
        NodeAttributions plain = NodeAttribution.Of(model, s_prompts, Support.Column, nodes: kinds);
        NodeAttributions dropped = NodeAttribution.Of(model, s_prompts, Support.Column, AttributionFixes.GradDrop, kinds);
        int layers = (int)model.Config.Layers;
        foreach (NodeKind kind in kinds)
        {
            int perLayer = plain[kind].Count / layers;
            for (int place = 0; place < plain[kind].Count; place++)
                for (int prompt = 0; prompt < s_prompts.Prompts.Count; prompt++)
                {
                    if (double.IsNaN(plain[kind].OfPrompt(prompt)[place]))
                        continue;
                    int layer = place / perLayer;
                    Assert.Equal(0, dropped.ByBlock(kind)[layer].OfPrompt(prompt)[place]);
                    if (layer == layers - 1)
                        Assert.Equal(
                            Math.Abs(plain[kind].OfPrompt(prompt)[place]), dropped[kind].OfPrompt(prompt)[place], Tolerance);
                }
        }
        Assert.Contains(plain[NodeKind.Z].Magnitudes, change => change > 1e-3);
    }

    /// <summary>A later block undoes to first order what an earlier one writes: its gradient is 0, though it has an effect.</summary>
    [Fact]
    public void Effects_that_cancel_are_seen_by_dropping_alone()
    {
        using Cancelling model = new();
        ToyPrompts prompts = new(new PromptTokens([new([2], [0, 0]), new([3], [0, 0])], [0, 1]));
        InterventionGraph metric = new() { Name = "Logit", Metrics = [new("Logit", [new Read.Logits("end")], x => x[0].select(1, 0))] };
        NodeAttributions plain = NodeAttribution.Of(model, prompts, metric, nodes: [NodeKind.AttnOut]);
        NodeAttributions dropped = NodeAttribution.Of(model, prompts, metric, AttributionFixes.GradDrop, [NodeKind.AttnOut]);
        Assert.Equal(0, plain[NodeKind.AttnOut][("layer", 0), ("pos", 0)], Tolerance);
        Assert.Equal(1, dropped[NodeKind.AttnOut][("layer", 0), ("pos", 0)], Tolerance);
    }

    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void Equal_runs_have_no_scores(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        foreach (AttributionFixes fixes in (AttributionFixes[])[AttributionFixes.None, AttributionFixes.All])
            foreach (NodeScores scores in NodeAttribution.Of(model, Support.Equal(s_prompts), Support.Column, fixes))
                Assert.All(scores.Magnitudes.Where(double.IsFinite), change => Assert.Equal(0, change, Tolerance));
    }

    /// <summary>Divergence from the clean run is smallest there.</summary>
    [Fact]
    public void A_divergence_from_the_clean_run_has_no_gradient()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        foreach (NodeScores scores in NodeAttribution.Of(
            model, s_prompts, Intervention.On(model).KullbackLeibler("clean").Graph, AttributionFixes.Attention))
            Assert.All(scores.Magnitudes.Where(double.IsFinite), change => Assert.Equal(0, change, Tolerance));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("bloom")]
    public void How_it_is_run_changes_nothing(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        RunOptions[] ways = [new() { Naive = true }, new() { BatchSize = 1 }, new() { MemoryBudget = 1 << 19 }];
        NodeKind[] kinds = [NodeKind.Z, NodeKind.Query, NodeKind.Key, NodeKind.Value, NodeKind.Embed, NodeKind.Pattern, NodeKind.Neuron];
        NodeAttributions planned = NodeAttribution.Of(model, s_prompts, Support.Column, AttributionFixes.All, kinds);
        foreach (RunOptions way in ways)
        {
            NodeAttributions run =
                NodeAttribution.Of(model, s_prompts, Support.Column, AttributionFixes.All, kinds, new() { Run = way });
            foreach (NodeKind kind in kinds)
                Support.Same(planned[kind], run[kind]);
        }
    }

    /// <summary>Of heads that share keys and values, single ones add up to what is stored.</summary>
    [Fact]
    public void Shared_keys_and_values_are_the_sum_of_their_heads()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("llama");
        NodeAttributions scores = NodeAttribution.Of(
            model, s_prompts, Support.Column, nodes: [NodeKind.Key, NodeKind.KeyGroup, NodeKind.Value, NodeKind.ValueGroup]);
        foreach ((NodeKind one, NodeKind group) in ((NodeKind, NodeKind)[])
            [(NodeKind.Key, NodeKind.KeyGroup), (NodeKind.Value, NodeKind.ValueGroup)])
        {
            Tensor single = Support.Changes(scores[one]), stored = Support.Changes(scores[group]);  // [layer, head, pos, batch]
            Golden.Close(single.view(single.shape[0], stored.shape[1], -1, single.shape[2], single.shape[3]).sum(2), stored, $"{one}");
        }
    }

    /// <summary>Gradients at every port and node are slopes between two close points.</summary>
    [Theory]
    [MemberData(nameof(ClosedFormTests.Families), MemberType = typeof(ClosedFormTests))]
    public void Gradients_are_slopes(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family);
        const double Step = 1e-5;
        foreach (string site in model.Schema.Sites.Select(site => site.Path).Where(path => path is "embed" or "blocks.{layer}.resid_post"
            || path.Split('.')[^1] is "q_input" or "k_input" or "v_input" or "mlp_in" or "z" or "q" or "k" or "v" or "attn_out" or "mlp_out"
                or "post" or "pattern"))
        {
            string path = site.Replace("{layer}", "1", StringComparison.Ordinal);
            using RunResult found = (Support.Column with
            {
                Gradients = [new("Slope", path, [new Read.Gradient(), new Read.Value()], x => (x[0] * Direction(x[1])).flatten(1).sum(1))],
            }).Run(model, s_prompts);
            using RunResult moved = (Support.Column with
            {
                Sweeps = [SweepAxis.OfNumbers("step", -Step, Step)],
                Writes = [new("Moved", path, [new Read.Value(), new Read.Swept("step")], x => x[0] + (Direction(x[0]) * x[1]))],
            }).Run(model, s_prompts);
            Tensor slope = (moved["Column"].Values[1] - moved["Column"].Values[0]) / (2 * Step);
            Golden.Close(found.Run("clean")["Slope"], slope, $"{family} {path}", 1e-6);
        }

        // Nothing along keys that are hidden: what is written there counts for nothing.
        static Tensor Direction(Tensor x) =>
            arange(x.numel() / x.shape[0], dtype: float64).view([1, .. x.shape[1..]]).sin().expand(x.shape) * x.ne(0).to(float64);
    }

    [Fact]
    public void What_cannot_be_attributed_is_refused()
    {
        using DecoderModel single = SmallDecoders.Model(SmallDecoders.Config("gpt2") with { Layers = 1 });
        Assert.Contains(
            "has one layer", Assert.Throws<InterventionException>(() =>
                NodeAttribution.Of(single, s_prompts, Support.Column, AttributionFixes.GradDrop)).Message);
        using DecoderModel limited = SmallDecoders.Model("gemma2"), model = SmallDecoders.Model("toy");
        Assert.Contains(
            "limits scores, and shares keys", Assert.Throws<InterventionException>(() =>
                NodeAttribution.Of(limited, s_prompts, Support.Column)).Message);
        NodeAttributions mended = NodeAttribution.Of(limited, s_prompts, Support.Column, AttributionFixes.All);
        Assert.Contains(mended[NodeKind.Key].Magnitudes, change => change > 0);
        Assert.Contains(
            "has no site 'blocks.{layer}.mlp.post'", Assert.Throws<InterventionException>(() =>
                NodeAttribution.Of(model, s_prompts, Support.Column, nodes: [NodeKind.Neuron])).Message);
        Assert.Contains(
            "MlpOut was not asked for; there are Z, Query, Key, Value", Assert.Throws<ArgumentException>(() =>
                NodeAttribution.Of(model, s_prompts, Support.Column)[NodeKind.MlpOut]).Message);
    }

    [Fact]
    public void No_tensor_is_left()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        Everything();
        long before = LiveTensors.Count();
        Everything();
        Assert.Equal(before, LiveTensors.Count());

        void Everything()
        {
            NodeAttributions scores = NodeAttribution.Of(model, s_prompts, Support.Column, AttributionFixes.All);
            Assert.NotEmpty(scores.ToString());
            ActivationPatching.Of(model, s_prompts, Support.Column, NodeKind.ResidPre).ToString();
            PathEffects.Of(model, s_prompts, Support.Column, [Port.Parse("logits")]);
            DirectEffects.Paths(model, s_prompts, Support.Column, Component.OfHead(0, 1));
            SubsetDiagnostic.Of(model, s_prompts, Support.Column, scores, 3, new() { Samples = 16 });
        }
    }

    private static void Agree(CircuitCase circuit, string name, AttributionFixes fixes, (string Stored, NodeKind Kind)[] kinds)
    {
        bool drops = fixes.HasFlag(AttributionFixes.GradDrop);
        kinds = [.. kinds.Where(kind => circuit.Has("atp", $"{(drops ? "graddrop" : "atp")}.{kind.Stored}"))];
        NodeAttributions found =
            NodeAttribution.Of(circuit.Model, circuit, Golden.LogitDifference, fixes, [.. kinds.Select(kind => kind.Kind)]);
        foreach ((string stored, NodeKind kind) in kinds)
        {
            using DisposeScope scope = NewDisposeScope();
            string key = $"{(drops ? "graddrop" : "atp")}.{stored}";
            Tensor changes = Support.Changes(found[kind]);
            Golden.Close(changes.abs().mean([-1L]), circuit["atp", key], $"{name} {key}");
            if (circuit.Has("atp", $"{key}.signed_mean"))
                Golden.Close(changes.mean([-1L]), circuit["atp", $"{key}.signed_mean"], $"{name} {key}, signed");
            if (circuit.Has("atp", $"{key}.per_example"))
                Golden.Close(changes, circuit["atp", $"{key}.per_example"], $"{name} {key} by prompt");
            if (circuit.Has("atp", $"{key}.by_block.per_example"))
            {
                Tensor blocks = stack(found.ByBlock(kind).Select(Support.Changes));
                Golden.Close(blocks, circuit["atp", $"{key}.by_block.per_example"], $"{name} {key} by block");
            }
        }
    }

    /// <summary>
    /// Two blocks on a stream of one number. The first writes 1 more of token 3 than of token 2; the second writes less what it reads, as a
    /// sine does around 0.
    /// </summary>
    private sealed class Cancelling : HookedModel
    {
        public Cancelling()
        {
            ModelGraphBuilder graph = new();
            NodeInput embed = graph.Add("embed", graph.Tokens, ids => ids.to(float64).unsqueeze(-1) - 2);
            NodeInput first = graph.Add("blocks.0.attn_out", embed, x => x * 1);
            NodeInput middle = graph.Add("blocks.0.resid_post", embed, first, (x, y) => (x * 0) + y);
            NodeInput second = graph.Add("blocks.1.attn_out", middle, x => -x.sin());
            NodeInput last = graph.Add("blocks.1.resid_post", middle, second, (x, y) => x + y);
            Graph = graph.Build(graph.Add("logits", last, x => x.expand(-1, -1, 4)));
        }

        public override ModelSchema Schema { get; } = new(
            nameof(Cancelling), EquatableArray.Of(new AxisSize("layer", 2), new AxisSize("d_model", 1), new AxisSize("vocab", 4)),
            EquatableArray.Of(
                new SiteDefinition("embed", EquatableArray.Of("batch", "pos", "d_model")),
                new SiteDefinition("blocks.{layer}.attn_out", EquatableArray.Of("batch", "pos", "d_model")),
                new SiteDefinition("blocks.{layer}.resid_post", EquatableArray.Of("batch", "pos", "d_model")),
                new SiteDefinition("logits", EquatableArray.Of("batch", "pos", "vocab"))));

        public override ModelGraph Graph { get; }

        public override int? ContextLength => null;

        public override int VocabularySize => 4;

        public override Device Device => CPU;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
