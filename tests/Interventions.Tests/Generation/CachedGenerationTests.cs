using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static Interventions.Tests.Generation.GenerationCases;
using static TorchSharp.torch;

namespace Interventions.Tests.Generation;

/// <summary>Holding what the model looks back at changes no token and no value, whatever is written.</summary>
public sealed class CachedGenerationTests
{
    private const double Tolerance = 1e-9;

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("window")]
    public void Cached_is_naive_under_random_writes(string family)
    {
        using DecoderModel model = Model(family);
        for (int seed = 0; seed < 60; seed++)
        {
            using DisposeScope scope = NewDisposeScope();
            Random random = new(seed);
            InterventionGraph graph = new()
            {
                Name = $"Random{seed}",
                Writes = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Write(random))],
                Captures = [
                    Capture("blocks.1.resid_post"), Capture("blocks.*.attn.z[pos=end,new]"),
                    .. random.Next(3) == 0 ? [Capture("blocks.0.attn.pattern[query=new]")] : Array.Empty<CaptureNode>()],
                Metrics = [new("Last", [new Read.Logits("new")], x => x[0].amax([1])), new(
                    "First", [new Read.Logit("correct", "end")], x => x[0])],
            };
            PromptPairs prompts = RandomPrompts(seed, [.. Enumerable.Range(0, 1 + random.Next(4)).Select(_ => 2 + random.Next(7))]);
            GenerationOptions options = new()
            {
                MaxNewTokens = 5 + random.Next(6),
                Temperature = random.Next(2),
                Seed = seed,
                BatchSize = 1 + random.Next(4),
                StopTokens = random.Next(2) == 0 ? [3, 7] : [],
                WithBase = random.Next(2) == 0,
            };
            using GenerationResult<GeneratedRun> cached = GenerationRunner.Generate(graph, model, prompts, options);
            using GenerationResult<GeneratedRun> naive = GenerationRunner.Generate(
                graph, model, prompts, options with { UseCache = false });
            Assert.Null(cached.WhyUncached);
            string[] kept = [.. graph.Captures.Select(capture => capture.Name), "Last", "First"];
            string what = string.Join(" ", graph.Writes.Select(write => $"{write.Name}({write.Site})"));
            Assert.True(Distance(cached.Changed(), naive.Changed(), kept) < Tolerance, $"{family} {seed}: {what}");
            if (options.WithBase)
                Assert.True(Distance(cached.Base, naive.Base, kept) < Tolerance, $"{family} {seed}: base");
        }
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("window")]
    public void Prompts_of_different_length_generate_what_they_generate_alone(string family)
    {
        using DecoderModel model = Model(family);
        foreach (int[] lengths in new int[][] { [2, 9, 5], [9, 2], [3, 3, 8, 3] })
        {
            using DisposeScope scope = NewDisposeScope();
            PromptPairs prompts = RandomPrompts(5, lengths);
            InterventionGraph graph = new()
            {
                Name = "Mixed",
                Writes = [BuiltInWrites.Scale("blocks.0.resid_post[pos=end,new]", 1.3), BuiltInWrites.Freeze(
                    "blocks.1.attn.z[head=1]", "corrupted")],
                Captures = [Capture("blocks.1.resid_post[pos=new]")],
            };
            GenerationOptions options = new() { MaxNewTokens = 12, Temperature = 1, Continuations = 2 };
            foreach (bool useCache in new[] { true, false })
            {
                using GenerationResult<GeneratedRun> together = GenerationRunner.Generate(
                    graph, model, prompts, options with { UseCache = useCache });
                for (int i = 0; i < lengths.Length; i++)
                {
                    using GenerationResult<GeneratedRun> alone = GenerationRunner.Generate(
                        graph, model, Only(prompts, i), options with { UseCache = useCache });
                    for (int continuation = 0; continuation < options.Continuations; continuation++)
                        Assert.Equal(
                            alone.Changed().Continuations[0][continuation].Tokens,
                            together.Changed().Continuations[i][continuation].Tokens);
                    Assert.True(
                        Difference(
                            alone.Changed().Kept("blocks.1.resid_post[pos=new]").Steps.select(1, 0),
                            together.Changed().Kept("blocks.1.resid_post[pos=new]").Steps.select(1, i)) < Tolerance);
                }
                using GenerationResult<GeneratedRun> smaller = GenerationRunner.Generate(
                    graph, model, prompts, options with { UseCache = useCache, BatchSize = 2 });
                Assert.True(Distance(together.Changed(), smaller.Changed()) < Tolerance);
            }
        }
    }

    /// <summary>Twenty windows long, so that what is not seen any more is dropped many times.</summary>
    [Fact]
    public void A_window_is_held_and_no_more()
    {
        using DecoderModel model = DecoderModel.Random(
            LlamaModel.Configure(
                Layers, Heads, kv_heads: 2, d_model: Width, neurons: 20, vocabularySize: Vocabulary,
                contextLength: 200) with
            { Window = 4 }, seed: 1, dtype: ScalarType.Float64);
        long[][] prompts = [[1, 2, 3], [4, 5, 6, 7, 8, 9, 10]];
        GenerationOptions options = new() { MaxNewTokens = 80, Temperature = 1 };
        Assert.True(Distance(model.Generate(prompts, options), model.Generate(prompts, options with { UseCache = false })) < Tolerance);
    }

    [Fact]
    public void Earlier_positions_are_held_for_methods_that_read_them()
    {
        using DecoderModel model = Model("gpt2");
        InterventionGraph graph = new()
        {
            Name = "Back",
            Writes = [new(
                "FromEnd", "blocks.1.resid_pre[pos=new]", [new Read.Value(), new Read.From("corrupted", "blocks.1.resid_pre[pos=end]")],
                x => x[0] + x[1])],
            Captures = [new(
                "ToFirst", "blocks.1.resid_post[pos=new]", [new Read.Value(), new Read.Of("blocks.0.mlp_out[pos=end]")], x => x[0] - x[1])],
            Metrics = [new(
                "Change", [new Read.Of("blocks.1.resid_post[pos=new]"), new Read.Of("blocks.1.resid_post[pos=new+1]")],
                x => (x[0] - x[1]).abs().sum([1, 2]))],
        };
        PromptPairs prompts = RandomPrompts(1, 4, 6);
        using GenerationResult<GeneratedRun> cached = GenerationRunner.Generate(graph, model, prompts);
        using GenerationResult<GeneratedRun> naive = GenerationRunner.Generate(graph, model, prompts, new() { UseCache = false });
        Assert.Null(cached.WhyUncached);
        Assert.True(Distance(cached.Changed(), naive.Changed(), "ToFirst", "Change") < Tolerance);
        // Of two equal tokens the difference is none; before token 1 there is nothing to compare.
        Assert.Equal(0, cached.Changed().Kept("Change").Steps[TensorIndex.Slice(0, 2)].abs().max().item<double>());
        Assert.NotEqual(0, cached.Changed().Kept("Change").Steps[2].abs().min().item<double>());
    }

    /// <summary>Through a run of its own, that is written alike, every value can be had without reading the written run itself.</summary>
    [Theory]
    [InlineData("", true)]
    [InlineData("[pos=end]", true)]
    [InlineData("[pos=end]", false)]
    public void A_derived_run_reads_its_own_values_at_every_step(string earlier, bool useCache)
    {
        using DecoderModel model = Model("llama");
        PromptPairs prompts = RandomPrompts(8, 4, 6);
        GenerationOptions options = new() { MaxNewTokens = 6, UseCache = useCache };
        using GenerationResult<GeneratedRun> own = GenerationRunner.Generate(
            Graph(new Read.Of("embed" + earlier)), model, prompts, options);
        using GenerationResult<GeneratedRun> other = GenerationRunner.Generate(
            Graph(new Read.From("twin", "embed" + earlier)), model, prompts, options);
        Assert.True(Distance(own.Changed(), other.Changed(), "Residual") < Tolerance);
        using GenerationResult<GeneratedRun> without = GenerationRunner.Generate(
            Graph(new Read.Of("embed" + earlier)) with { Writes = [] }, model, prompts, options);
        Assert.True(Difference(without.Changed().Kept("Residual").Steps, own.Changed().Kept("Residual").Steps) > 0.01);

        static InterventionGraph Graph(Read read) => new()
        {
            Name = "Derived",
            Runs = [new("twin"), new("other")],
            Writes =
            [
                BuiltInWrites.Scale("embed", -2, "twin"), BuiltInWrites.Scale("embed", -2, "other"),
                new("Echo", "blocks.0.mlp_out", [new Read.Value(), read], x => x[0] + x[1], "other"),
                BuiltInWrites.Freeze("blocks.1.resid_pre[pos=end,new]", "other"),
            ],
            Captures = [new("Residual", "blocks.1.resid_post[pos=new]", [new Read.Value()], x => x[0])],
        };
    }

    [Fact]
    public void A_row_of_attention_that_is_read_back_is_refused_the_cache()
    {
        using DecoderModel model = Model("gpt2");
        InterventionGraph graph = new()
        {
            Name = "Row",
            Captures = [new("Row", "blocks.1.resid_post[pos=new]", [new Read.Of("blocks.0.attn.pattern[query=end; key=0]")], x => x[0])],
        };
        using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(graph, model, RandomPrompts(1, 4));
        Assert.Contains("earlier rows of 'blocks.0.attn.pattern' are read", output.WhyUncached);
        Tensor steps = output.Changed().Kept("Row").Steps;
        Assert.Equal(0, (steps - steps[0]).abs().max().item<double>());
    }

    [Fact]
    public void No_native_tensor_is_left_behind()
    {
        using DecoderModel model = Model("window");
        PromptPairs prompts = RandomPrompts(2, 3, 5);
        InterventionGraph graph =
            new() { Name = "Leak", Writes = [BuiltInWrites.Scale("blocks.0.mlp_out", 2)], Captures = [Capture("blocks.0.mlp_out")] };
        Once();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Once();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Once()
        {
            foreach (bool useCache in new[] { true, false })
                GenerationRunner.Generate(graph, model, prompts, new() { UseCache = useCache, WithBase = true }).Dispose();
        }
    }
}
