using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.Generation;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static Interventions.Tests.Generation.GenerationCases;
using static TorchSharp.torch;

namespace Interventions.Tests.Generation;

/// <summary>All points of a sweep go through in one batch, and each of them is what it is alone.</summary>
public sealed class SweptGenerationTests
{
    private const double Tolerance = 1e-9;

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("window")]
    public void Points_together_are_points_alone(string family)
    {
        using DecoderModel model = Model(family);
        for (int seed = 0; seed < 14; seed++)
        {
            using DisposeScope scope = NewDisposeScope();
            Random random = new(seed);
            InterventionGraph graph = SweptDeclaration.Of(seed, null);
            PromptPairs prompts = RandomPrompts(seed, [.. Enumerable.Range(0, 1 + random.Next(4)).Select(_ => 2 + random.Next(7))]);
            GenerationOptions options = new()
            {
                MaxNewTokens = 4 + random.Next(4),
                Temperature = random.Next(3),
                Seed = seed,
                BatchSize = 1 + random.Next(4),
                StopTokens = random.Next(2) == 0 ? [3, 7] : [],
                WithBase = random.Next(2) == 0,
            };
            if (options.Temperature > 0)
                options = options with { Continuations = 1 + random.Next(3) };
            using GenerationResult<GeneratedRun> together = GenerationRunner.Generate(graph, model, prompts, options);
            Assert.Null(together.WhyUncached);
            ImmutableArray<WriteEffect> effects = [];
            foreach (SweepPoint point in Preparation.Of(graph, model, prompts, options).Intervention.Points())
            {
                using GenerationResult<GeneratedRun> alone = GenerationRunner.Generate(
                    SweptDeclaration.Of(seed, point), model, prompts, options with { UseCache = random.Next(2) == 0 });
                Assert.True(
                    Distance(alone.Changed(), together.Changed([.. point.Coordinates]), SweptDeclaration.Kept) < Tolerance,
                    $"{family} {seed} at {point}: {graph.ToText()}");
                if (options.WithBase)
                    Assert.True(Distance(alone.Base, together.Base, SweptDeclaration.OfEveryRun) < Tolerance, $"{family} {seed}: base");
                effects = effects.IsEmpty ? alone.Effects : WriteEffect.Sum(effects, alone.Effects);
            }
            AssertSame(effects, together.Effects);
        }
    }

    /// <summary>The naive way of every point at once: no cache.</summary>
    [Fact]
    public void Points_together_without_cache_are_the_same()
    {
        using DecoderModel model = Model("llama");
        for (int seed = 100; seed < 115; seed++)
        {
            using DisposeScope scope = NewDisposeScope();
            InterventionGraph graph = SweptDeclaration.Of(seed, null);
            PromptPairs prompts = RandomPrompts(seed, 3, 6, 3);
            GenerationOptions options = new() { MaxNewTokens = 6, Temperature = 1, Continuations = 2, StopTokens = [4] };
            using GenerationResult<GeneratedRun> cached = GenerationRunner.Generate(graph, model, prompts, options);
            using GenerationResult<GeneratedRun> whole = GenerationRunner.Generate(
                graph, model, prompts, options with { UseCache = false });
            foreach (SweepPoint point in Preparation.Of(graph, model, prompts, options).Intervention.Points())
                Assert.True(Distance(
                    cached.Changed([.. point.Coordinates]), whole.Changed([.. point.Coordinates]), SweptDeclaration.Kept) < Tolerance);
            AssertSame(whole.Effects, cached.Effects);
        }
    }

    [Fact]
    public void A_budget_cuts_points_and_prompts_into_groups_and_changes_nothing()
    {
        using DecoderModel model = Model("gpt2");
        InterventionGraph graph = new()
        {
            Name = "Budget",
            Writes = [BuiltInWrites.Scale("blocks.{layer}.attn.z[head={head}]", 3)],
            Captures = [Capture("blocks.1.resid_post[pos=end,new]")],
        };
        PromptPairs prompts = RandomPrompts(3, 5, 3, 6);
        Counter free = new(), groups = new(), batches = new();
        using GenerationResult<GeneratedRun> all = Generate(2L << 30, free);
        long least = 1;
        while (Throws(least))
            least *= 2;
        using GenerationResult<GeneratedRun> some = Generate(least * 6, groups), one = Generate(least, batches);
        Assert.Equal(6, free.Last.Total);
        Assert.InRange(groups.Last.Total, 12, 100);
        Assert.True(batches.Last.Total >= 3 * groups.Last.Total);
        for (int layer = 0; layer < Layers; layer++)
            for (int head = 0; head < Heads; head++)
                foreach (GenerationResult<GeneratedRun> other in new[] { some, one })
                    Assert.True(Distance(all.Changed(layer, head), other.Changed(layer, head), graph.Captures[0].Name) < Tolerance);

        GenerationResult<GeneratedRun> Generate(long budget, Counter progress) => GenerationRunner.Generate(
            graph, model, prompts, new() { MaxNewTokens = 6, MemoryBudget = budget, Progress = progress });

        bool Throws(long budget)
        {
            try
            {
                Generate(budget, new Counter()).Dispose();
                return false;
            }
            catch (InterventionException refusal)
            {
                Assert.Contains("to generate 6 tokens for one prompt at one point of the sweep takes about", refusal.Message);
                return true;
            }
        }
    }

    [Fact]
    public void A_method_that_mixes_prompts_sees_those_of_one_point()
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs prompts = RandomPrompts(3, 4, 4, 4);
        using GenerationResult<GeneratedRun> swept = Generate("{layer}");
        for (int layer = 0; layer < Layers; layer++)
        {
            using GenerationResult<GeneratedRun> alone = Generate($"{layer}");
            Assert.True(Distance(alone.Changed(), swept.Changed(layer), "blocks.1.resid_post[pos=new]") < Tolerance);
        }

        GenerationResult<GeneratedRun> Generate(string layer) => GenerationRunner.Generate(
            new()
            {
                Name = "Mixes",
                Writes =
                [
                    new("Mean", $"blocks.{layer}.mlp_out[pos=end,new]", [new Read.Value()], x =>
                    {
                        Assert.Equal(3, x[0].shape[0]);
                        return x[0].mean([0L], keepdim: true) * 5;
                    })
                    { AcrossBatch = true },
                ],
                Captures = [Capture("blocks.1.resid_post[pos=new]")],
            },
            model, prompts, new() { MaxNewTokens = 5, Temperature = 1, Continuations = 2 });
    }

    /// <summary>With grouped queries, keys under a patched port are one a query head, so that keys by the schema are not there.</summary>
    [Fact]
    public void Points_that_change_the_shape_that_others_select_go_apart()
    {
        using DecoderModel model = Model("llama");
        PromptPairs prompts = RandomPrompts(3, 4);
        GenerationOptions options = new();
        InterventionGraph graph = new()
        {
            Name = "Shapes",
            Writes =
            [
                BuiltInWrites.Scale("blocks.{port}.attn.k_input", 2), BuiltInWrites.Scale("blocks.{key}.attn.k", 2),
            ],
        };
        BoundIntervention bound = Preparation.Of(graph, model, prompts, options).Intervention;
        using DisposeScope scope = NewDisposeScope();
        ImmutableArray<GenerationVariant> different =
        [
            .. bound.Points().Where(point => point["port"] != point["key"])
                .Select(point => new GenerationVariant(bound, point, new GenerationRecord(bound, 1, options, scope))),
        ];
        Assert.Equal(2, different.Length);
        Assert.Equal(2, new GenerationGroups(model, prompts, options).Of(bound, different).Plans.Length);
        using DecoderModel ungrouped = Model("gpt2");
        Assert.Single(new GenerationGroups(ungrouped, prompts, options).Of(bound, different).Plans);
    }

    private static void AssertSame(ImmutableArray<WriteEffect> expected, ImmutableArray<WriteEffect> found)
    {
        Assert.Equal(expected.Length, found.Length);
        foreach ((WriteEffect left, WriteEffect right) in expected.Zip(found))
        {
            Assert.Equal((left.Write, left.Run, left.Due, left.Read), (right.Write, right.Run, right.Due, right.Read));
            Assert.Equal((left.Selected, left.Written, left.Compared), (right.Selected, right.Written, right.Compared));
            Assert.Equal(left.Largest, right.Largest, 1e-9);
        }
    }

    private sealed class Counter : IProgress<RunProgress>
    {
        public RunProgress Last { get; private set; }

        public void Report(RunProgress value) => Last = value;
    }
}

/// <summary>Random declarations with placeholders of layers, heads, positions, numbers and runs; or what they say at one point.</summary>
internal static class SweptDeclaration
{
    public static readonly string[] OfEveryRun = ["Residual", "First"], Kept = [.. OfEveryRun, "Swept", "Last"];

    /// <param name="seed">The seed.</param>
    /// <param name="point">The point; <see langword="null"/> for the declaration with its placeholders.</param>
    public static InterventionGraph Of(int seed, SweepPoint? point)
    {
        Random random = new(seed);
        bool derives = random.Next(3) == 0;
        ImmutableArray<WriteNode> writes =
        [
            At("blocks.{layer}", random, null), .. Enumerable.Range(0, random.Next(3)).Select(_ => At(
                $"blocks.{random.Next(GenerationCases.Layers)}", random, null)),
            .. derives
                ? [At("blocks.{layer}", random, "twin"), new WriteNode(
                    "FromTwin", "blocks.1.resid_post[pos=end,new]", [new Read.Value(), new Read.From("twin")], x => x[0] + (x[1] * 0.5))]
                : Array.Empty<WriteNode>(),
        ];
        return new()
        {
            Name = $"Swept{seed}",
            Sweeps = writes.Any(write => write.Kind is WriteKind.ScaleSwept) ? [SweepAxis.OfNumbers("alpha", -0.5, 2)] : [],
            Runs = derives ? [new("twin")] : [],
            Writes = writes,
            Captures =
            [
                new("Residual", "blocks.*.resid_post[pos=end,new]", [new Read.Value()], x => x[0]),
                new("Swept", Text("blocks.{layer}.attn.z"), [new Read.Value()], x => x[0]),
            ],
            Metrics = [new("Last", [new Read.Logits("new")], x => x[0].amax([1])), new(
                "First", [new Read.Logit("correct", "end")], x => x[0])],
        };

        WriteNode At(string block, Random random, string? run)
        {
            string site = GenerationCases.Pick(
                random,
                "resid_pre", "attn.q", "attn.v", "attn.z", "attn.pattern", "attn_out", "mlp_in", "mlp.post", "resid_post", "attn.q_input");
            bool isRow = site == "attn.pattern";
            string when = GenerationCases.Pick(random, "", "prompt", "new", "end", "new+0..2", "end,new", isRow ? "end,new" : "{p=end,0}");
            List<string> selectors = [];
            if (when.Length > 0)
                selectors.Add($"{(isRow ? "query" : "pos")}={when}");
            if (site is "attn.z" or "attn.q_input" or "attn.pattern")
                selectors.Add(GenerationCases.Pick(random, "head={head=0,2}", "head=1"));
            string path = Text($"{block}.{site}{(selectors.Count == 0 ? "" : $"[{string.Join("; ", selectors)}]")}");
            return random.Next(6) switch
            {
                0 => point is null ? BuiltInWrites.Scale(path, "{alpha}", run) : BuiltInWrites.Scale(path, Number("alpha"), run),
                1 => BuiltInWrites.Zero(path, run),
                2 => BuiltInWrites.Freeze(path, Text("{donor}"), run),
                3 => BuiltInWrites.Mean(path, "clean", pooled: true, run: run),
                4 => new WriteNode(
                    "Echo", path, [new Read.Value(), new Read.Of(
                        (block == "blocks.1" ? "blocks.0.mlp_out" : "embed")
                        + GenerationCases.Pick(random, "", "[pos=0]", "[pos=end,new]"))],
                    x => x[0] + x[1].mean([1L, 2L]).view([x[0].shape[0], .. Enumerable.Repeat(1L, x[0].shape.Length - 1)]), run),
                _ => new WriteNode(
                    "Shift", path, [new Read.Value(), new Read.From(Text("{donor}"))], x => (x[0] * 0.5) + (x[1] * 0.75), run),
            };
        }

        double Number(string name) => point![name].Number;

        // A placeholder of the declaration, with or without its range, becomes the coordinate of the point.
        string Text(string path) => point is null ? path : point.Axes.Aggregate(path, (text, axis) =>
            System.Text.RegularExpressions.Regex.Replace(text, $@"\{{{axis.Name}(=[^}}]*)?\}}", point[axis.Name].ToString()));
    }
}
