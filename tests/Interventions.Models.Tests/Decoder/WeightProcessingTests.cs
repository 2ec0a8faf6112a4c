using Interventions.Models.Decoder;
using Interventions.Models.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Processed weights give the log-probabilities that they gave before, and are what they are said to be.</summary>
public sealed class WeightProcessingTests : IDisposable
{
    private static readonly WeightProcessing[] s_steps =
    [
        WeightProcessing.FoldNorms, WeightProcessing.FoldValueBiases, WeightProcessing.CentreWritingWeights,
        WeightProcessing.CentreUnembedding,
    ];

    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>Families whose stream is read through LayerNorms, and written by projections and embeddings alone.</summary>
    public static string[] Centred =>
    [
        "gpt2", "gpt_neo", "gpt_neox", "gpt_neox-sequential", "gptj", "opt", "phi", "olmo", "stablelm", "stablelm-parallel",
    ];

    public static IEnumerable<object[]> CentredFamilies => Centred.Select(family => new object[] { family });

    public void Dispose() => _scope.Dispose();

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Each_step_and_all_together_leave_log_probabilities_or_are_refused(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Tensor before = LogProbabilities(model);
        WeightProcessing exact = WeightProcessing.None;
        foreach (WeightProcessing step in s_steps)
        {
            bool isRefused = step == WeightProcessing.CentreWritingWeights ? !Centred.Contains(family)
                : step == WeightProcessing.CentreUnembedding && family == "gemma2";
            if (isRefused)
            {
                string message = Assert.Throws<ArgumentException>(() => model.Processed(step)).Message;
                Assert.Contains($"{step} would change the model, since its ", message);
                Assert.Contains("WeightProcessing.FoldNorms | WeightProcessing.FoldValueBiases", message);
                continue;
            }
            exact |= step;
            using DecoderModel processed = model.Processed(step);
            Close(before, LogProbabilities(processed));
            Assert.Equal(step, processed.Processing);
        }
        using DecoderModel together = model.Processed(WeightProcessing.Exact);
        Assert.Equal(exact, together.Processing);
        Close(before, LogProbabilities(together));
        Assert.Equal(before, LogProbabilities(model)); // the model itself stays
        Assert.Equal(model.Schema, together.Schema);
        if (exact == WeightProcessing.All)
            Assert.Equal(WeightProcessing.All, together.Processing);
        else
            Assert.Throws<ArgumentException>(() => model.Processed(WeightProcessing.All));
    }

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Checkpoints_are_processed_as_they_are_loaded(string name)
    {
        using ReferenceCase reference = new(name);
        using DecoderModel model = reference.Load(ScalarType.Float64);
        WeightProcessing exact = s_steps.Where(step => IsExact(step, model.Config)).Aggregate((all, step) => all | step);
        using DecoderModel processed = DecoderModel.Load(reference.Folder, ScalarType.Float64, processing: WeightProcessing.Exact);
        Assert.Equal(exact, processed.Processing);
        Tensor ids = reference["input_ids"];
        Close(model.Forward(ids).log_softmax(-1), processed.Forward(ids).log_softmax(-1));
        Assert.False(SmallDecoders.Same(model.Weights["W_U"], processed.Weights["W_U"]));
    }

    /// <summary>Decoders of any make: a step is exact, or it is refused and would have changed the model.</summary>
    [Fact]
    public void What_is_refused_would_change_the_model_and_nothing_else_does()
    {
        Dictionary<(WeightProcessing, bool), int> seen = [];
        for (int seed = 0; seed < 80; seed++)
        {
            using DisposeScope scope = NewDisposeScope();
            DecoderConfig config = AnyConfig(new Random(seed));
            using DecoderModel model = SmallDecoders.Model(config);
            Tensor before = LogProbabilities(model);
            using (DecoderModel all = model.Processed(WeightProcessing.Exact))
            {
                Assert.True(Distance.Largest(LogProbabilities(all), before) < 1e-9, $"seed {seed}: Exact changes {config}");
                // Of two steps that are exact alone and not together, the first is taken.
                WeightProcessing[] left = [.. s_steps.Where(step => IsExact(step, config) && !all.Processing.HasFlag(step))];
                Assert.True(left is [] || (left is [WeightProcessing.FoldValueBiases] && config.QkvClip is not null), $"seed {seed}");
            }
            foreach (WeightProcessing step in s_steps)
            {
                bool isExact = IsExact(step, config);
                seen[(step, isExact)] = seen.GetValueOrDefault((step, isExact)) + 1;
                if (isExact)
                {
                    using DecoderModel processed = model.Processed(step);
                    double difference = Distance.Largest(LogProbabilities(processed), before);
                    Assert.True(difference < 1e-9, $"seed {seed}: {step} changes {config} by {difference}");
                    continue;
                }
                // Where a LayerNorm follows, centring is exact, and yet what is written has a mean.
                if (step == WeightProcessing.FoldNorms || (step == WeightProcessing.CentreWritingWeights && IsReadCentred(config)))
                    continue;
                Dictionary<string, Tensor> weights = model.Weights.ToDictionary(weight => weight.Key, weight => weight.Value.clone());
                WeightRewriting rewriting = new(config, weights);
                rewriting.Apply(step);
                using DecoderModel changed = SmallDecoders.Model(rewriting.Config);
                using (no_grad())
                    foreach ((string name, Tensor weight) in weights)
                        changed.Weights[name].copy_(weight);
                Assert.True(
                    Distance.Largest(LogProbabilities(changed), before) > 1e-6, $"seed {seed}: {step} is refused for no reason: {config}");
            }
        }
        Assert.True(seen.Count >= 7 && seen.Values.All(count => count > 3), string.Join(", ", seen));

        static bool IsReadCentred(DecoderConfig config) => config is { Norm: NormKind.LayerNorm, NormsBefore: true, FinalNorm: true };
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Folded_norms_have_gain_one_and_no_bias(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family), folded = model.Processed(WeightProcessing.FoldNorms);
        if (!model.Config.FinalNorm)
        {
            Assert.All(model.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, folded.Weights[weight.Key]), weight.Key));
            return;
        }
        string[] norms =
        [
            "ln_final.", .. Enumerable.Range(0, model.Config.Layers)
                .SelectMany(layer => new[] { $"blocks.{layer}.ln1.", $"blocks.{layer}.ln2." }),
        ];
        foreach ((string name, Tensor weight) in folded.Weights)
        {
            bool isFolded = norms.Any(norm => name.StartsWith(norm, StringComparison.Ordinal));
            double neutral = name.EndsWith(".gain", StringComparison.Ordinal) && !model.Config.GainsAboveOne ? 1 : 0;
            if (isFolded)
                Assert.True(weight.eq(neutral).all().item<bool>(), name);
            else if (name.EndsWith(".gain", StringComparison.Ordinal))
                Assert.True(SmallDecoders.Same(model.Weights[name], weight), name);
            bool isReader = new[] { "qkv.weight", "mlp.in.weight", "unembed.weight" }
                .Any(end => name.EndsWith(end, StringComparison.Ordinal));
            if (isReader && model.Config.Norm == NormKind.LayerNorm)
                Assert.InRange(weight.mean([-1L]).abs().max().item<double>(), 0, 1e-12);
        }
        // What a site called normalised is now: the value before gain and bias.
        Tensor ids = SmallDecoders.Prompts(), stream = SmallDecoders.Read(folded, ids, "blocks.2.resid_post");
        Tensor scale = SmallDecoders.Read(folded, ids, "ln_final.scale");
        Tensor centred = model.Config.Norm == NormKind.LayerNorm ? stream - stream.mean([-1L], keepdim: true) : stream;
        Close(centred / scale, SmallDecoders.Read(folded, ids, "ln_final.normalized"));
    }

    [Theory]
    [MemberData(nameof(CentredFamilies))]
    public void All_that_is_written_into_the_stream_has_mean_zero(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family), centred = model.Processed(WeightProcessing.CentreWritingWeights);
        string[] sites =
        [
            "embed", .. model.Config.LearnedPositions ? (string[])["pos_embed"] : [], "blocks.1.attn.result", "blocks.1.attn_out",
            "blocks.2.mlp_out", "blocks.2.resid_post",
        ];
        Tensor ids = SmallDecoders.Prompts();
        foreach (string site in sites)
        {
            Assert.InRange(Mean(SmallDecoders.Read(centred, ids, site)), 0, 1e-12);
            Assert.True(Mean(SmallDecoders.Read(model, ids, site)) > 1e-3, site);
        }

        static double Mean(Tensor value) => value.mean([-1L]).abs().max().item<double>();
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("llama")]
    [InlineData("granite")]
    public void Centred_logits_have_mean_zero_over_the_vocabulary(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family), centred = model.Processed(WeightProcessing.CentreUnembedding);
        Tensor ids = SmallDecoders.Prompts();
        Assert.InRange(centred.Forward(ids).mean([-1L]).abs().max().item<double>(), 0, 1e-12);
        Assert.True(model.Forward(ids).mean([-1L]).abs().max().item<double>() > 1e-3);
        Assert.False(centred.Config.TiedUnembedding);
        Assert.True(SmallDecoders.Same(model.Weights["W_E"], centred.Weights["W_E"]));
    }

    /// <summary>With all steps, a part of the stream is read by a division and a product: nothing is left of the last norm.</summary>
    [Theory]
    [InlineData("gpt2", WeightProcessing.All)]
    [InlineData("gpt_neo", WeightProcessing.All)]
    [InlineData("gpt_neox", WeightProcessing.All)]
    [InlineData("stablelm", WeightProcessing.All)]
    [InlineData("olmo", WeightProcessing.All)]
    [InlineData("llama", WeightProcessing.FoldNorms | WeightProcessing.FoldValueBiases | WeightProcessing.CentreUnembedding)]
    [InlineData("qwen2", WeightProcessing.FoldNorms | WeightProcessing.FoldValueBiases | WeightProcessing.CentreUnembedding)]
    public void Parts_divided_by_the_scale_add_up_to_the_logits(string family, WeightProcessing processing)
    {
        using DecoderModel trained = SmallDecoders.Model(family), model = trained.Processed(processing);
        Tensor ids = SmallDecoders.Prompts(), scale = SmallDecoders.Read(model, ids, "ln_final.scale");
        List<Tensor> parts = [SmallDecoders.Read(model, ids, "embed")];
        if (model.Weights.ContainsKey("W_pos"))
            parts.Add(model.Weights["W_pos"].narrow(0, 0, ids.shape[1]));
        for (int layer = 0; layer < model.Config.Layers; layer++)
        {
            parts.Add(SmallDecoders.Read(model, ids, $"blocks.{layer}.attn.result").sum(2));
            parts.Add(SmallDecoders.Read(model, ids, $"blocks.{layer}.mlp_out"));
            if (model.Weights.TryGetValue($"blocks.{layer}.attn.b_O", out Tensor? bias))
                parts.Add(bias);
        }
        Tensor logits = parts.Aggregate(zeros(1, dtype: float64), (sum, part) => sum + part.div(scale).matmul(model.Weights["W_U"]));
        if (model.Weights.TryGetValue("b_U", out Tensor? shift))
            logits += shift;
        Close(model.Forward(ids), logits);
        Close(logits, model.Unembed(model.FinalNorm(SmallDecoders.Read(model, ids, "blocks.2.resid_post"))));
    }

    [Theory]
    [InlineData("gpt2")]
    [InlineData("qwen2")]
    [InlineData("stablelm")]
    public void Value_biases_become_part_of_the_output_bias(string family)
    {
        DecoderConfig config = SmallDecoders.Config(family) with { QkvBias = true };
        using DecoderModel model = SmallDecoders.Model(config);
        Tensor before = LogProbabilities(model);
        // Folding norms afterwards gives values new biases, and these are folded too.
        using DecoderModel folded = model.Processed(WeightProcessing.FoldValueBiases), both = folded.Processed(WeightProcessing.FoldNorms);
        foreach (DecoderModel one in new[] { folded, both })
        {
            Assert.Equal(0, one.Weights["blocks.1.attn.b_V"].abs().max().item<double>());
            Assert.True(one.Weights["blocks.1.attn.b_O"].abs().max().item<double>() > 0.01);
            Close(before, LogProbabilities(one));
        }
        Assert.Equal(WeightProcessing.FoldNorms | WeightProcessing.FoldValueBiases, both.Processing);
    }

    [Fact]
    public void Refusals_say_why()
    {
        DecoderConfig gpt2 = SmallDecoders.Config("gpt2");
        Assert.Contains("its norms are RMSNorm", Why(SmallDecoders.LlamaConfig, WeightProcessing.CentreWritingWeights));
        Assert.Contains("read the stream without a norm", Why(gpt2 with { NormsBefore = false }, WeightProcessing.All));
        Assert.Contains("comes from a norm", Why(gpt2 with { NormsAfter = true }, WeightProcessing.CentreWritingWeights));
        Assert.Contains("begins with the norm of the embedding", Why(SmallDecoders.Config("bloom"), WeightProcessing.All));
        Assert.Contains("have a soft cap", Why(SmallDecoders.Config("gemma2"), WeightProcessing.CentreUnembedding));
        Assert.Contains("cut to a size", Why(gpt2 with { QkvClip = 1 }, WeightProcessing.FoldValueBiases));
        DecoderConfig mixture = gpt2 with { Experts = new ExpertConfig(3, 2, true), MlpBias = false };
        Assert.Contains("its experts have no biases", Why(mixture, WeightProcessing.FoldNorms));
        Assert.Contains("no such processing", Why(gpt2, (WeightProcessing)64));

        long before = LiveTensors.Count();
        using (DecoderModel model = SmallDecoders.Model("llama"))
        {
            long alive = LiveTensors.Count();
            Assert.Throws<ArgumentException>(() => model.Processed(WeightProcessing.All));
            model.Processed(WeightProcessing.FoldNorms | WeightProcessing.CentreUnembedding).Dispose();
            Assert.Equal(alive, LiveTensors.Count());
        }
        Assert.Equal(before, LiveTensors.Count());

        static string Why(DecoderConfig config, WeightProcessing processing)
        {
            using DecoderModel model = DecoderModel.Random(config);
            return Assert.Throws<ArgumentException>(() => model.Processed(processing)).Message;
        }
    }

    [Theory]
    [InlineData("gpt2", WeightProcessing.All)]
    [InlineData("stablelm-parallel", WeightProcessing.All)]
    [InlineData("gemma3_text", WeightProcessing.FoldNorms | WeightProcessing.FoldValueBiases | WeightProcessing.CentreUnembedding)]
    public void Interventions_and_gradients_are_planned_as_naively(string family, WeightProcessing processing)
    {
        using DecoderModel trained = SmallDecoders.Model(family), model = trained.Processed(processing);
        using DecoderModel shapes = DecoderModel.Random(SmallDecoders.Config(family), device: META, dtype: ScalarType.Float64);
        using DecoderModel meta = shapes.Processed(processing);
        PlanOracle.Check(model, meta, cases: 25);
    }

    /// <summary>A value of another run, copied, does what it does in the model as it was trained.</summary>
    [Fact]
    public void Patches_between_runs_have_the_same_effects()
    {
        using DecoderModel trained = SmallDecoders.Model("gpt2"), model = trained.Processed(WeightProcessing.All);
        RandomPrompts prompts = RandomPrompts.Of(3, 61, 9, 7, 9);
        string[] sites =
        [
            "resid_pre[pos=mid]", "ln1.normalized[pos=mid]", "attn.v[kv_head=1]", "attn.z[head=2; pos=end]", "attn.k_input[head=1]",
            "mlp_out",
        ];
        foreach (string site in sites)
        {
            using RunResult expected = Run(trained), actual = Run(model);
            Close(expected["LogitDifference"].Values, actual["LogitDifference"].Values);
            Assert.True(Distance.Largest(
                expected["LogitDifference"].Values[0], expected.Run("clean")["LogitDifference"]) > 1e-6, site);

            RunResult Run(DecoderModel on) => Intervention.On(on)
                .Patch($"blocks.{{layer=0..1}}.{site}", from: "corrupted").LogitDifference("right", "wrong").Run(prompts);
        }
    }

    [Fact]
    public void Results_and_their_files_say_what_was_done()
    {
        const string note = "FoldNorms, CentreUnembedding";
        using TemporaryFolder folder = new();
        using TinyGpt2 trained = TinyGpt2.Random();
        using TinyGpt2 model = trained.Processed(WeightProcessing.FoldNorms | WeightProcessing.CentreUnembedding);
        Assert.EndsWith($"TinyGpt2: GPT-2, 2 layers of 3 heads, d_model 12, Float64 on cpu; weights: {note}", model.ToString());
        Assert.EndsWith("Float64 on cpu", trained.ToString());
        Assert.EndsWith(note, model.WeightsFingerprint());

        RandomPrompts prompts = RandomPrompts.Of(3, 17, 9, 7);
        Intervention study = Intervention.On(model).Zero("blocks.0.mlp_out").LogitDifference("right", "wrong");
        using (RunResult run = study.Run(prompts))
        {
            Assert.Equal(note, run.WeightsNote);
            Assert.Contains($"\nweights: {note}\n", run.ToString());
            run.Save(folder["run.safetensors"]);
        }
        using (RunResult loaded = RunResult.Load(folder["run.safetensors"]))
            Assert.Equal(note, loaded.WeightsNote);
        using (GenerationResult<GeneratedRun> generated = study.Generate(prompts, new GenerationOptions { MaxNewTokens = 2 }))
            Assert.Contains($"\nweights: {note}\n", generated.ToString());
        using (RunResult plain = Intervention.On(trained).LogitDifference("right", "wrong").Run(prompts))
            Assert.DoesNotContain("weights", $"{plain.WeightsNote}{plain}");

        // Other weights, though equal in effect: a file of one is not gone on with by the other.
        study.RunTo(prompts, folder["study.safetensors"]).Dispose();
        Intervention before = Intervention.On(trained).Zero("blocks.0.mlp_out").LogitDifference("right", "wrong");
        Assert.Contains(
            "with other weights", Assert.Throws<InterventionException>(() => before.RunTo(prompts, folder["study.safetensors"])).Message);
    }

    [Fact]
    public void A_processed_model_is_loaded_as_one_and_not_saved()
    {
        using TemporaryFolder folder = new();
        using (DecoderModel random = SmallDecoders.Model("gpt2", ScalarType.Float32))
            random.Save(folder.Path);
        using DecoderModel stored = DecoderModel.Load(folder.Path), processed = stored.Processed(WeightProcessing.All);
        using DecoderModel loaded = DecoderModel.Load(folder.Path, processing: WeightProcessing.All);
        Assert.Equal(processed.WeightsFingerprint(), loaded.WeightsFingerprint());
        Assert.Contains(
            "Processed weights (All) are not saved", Assert.Throws<InvalidOperationException>(() => loaded.Save(folder.Path)).Message);
        Assert.Throws<ArgumentException>(() => DecoderModel.Load(folder.Path, processing: (WeightProcessing)64));
        // In half precision weights are rounded once more, and that is all.
        using DecoderModel half = DecoderModel.Load(folder.Path, ScalarType.BFloat16, processing: WeightProcessing.All);
        Assert.All(half.Weights.Values, weight => Assert.Equal(ScalarType.BFloat16, weight.dtype));
        Assert.InRange(Distance.Largest(LogProbabilities(half), LogProbabilities(stored)), 1e-6, 0.3);
    }

    private static bool IsExact(WeightProcessing step, DecoderConfig config)
    {
        try
        {
            WeightProcessings.Of(step, config);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static Tensor LogProbabilities(DecoderModel model) =>
        model.Forward(SmallDecoders.Prompts()).to_type(ScalarType.Float64).log_softmax(-1);

    /// <summary>A decoder whose options are drawn, those that families have and others.</summary>
    private static DecoderConfig AnyConfig(Random random)
    {
        bool Coin() => random.Next(2) == 0;
        bool Seldom() => random.Next(5) == 0;
        bool normsBefore = !Seldom();
        DecoderConfig config = SmallDecoders.Config(Coin() ? "gpt2" : "llama") with
        {
            Layers = 2,
            KvHeads = Coin() ? 2 : 4,
            Norm = random.Next(3) == 0 ? NormKind.RmsNorm : NormKind.LayerNorm,
            NormsBefore = normsBefore,
            NormsAfter = Seldom(),
            FinalNorm = !Seldom(),
            PlainNorms = Seldom(),
            GainsAboveOne = Seldom(),
            EmbeddingNorm = Seldom(),
            Block = normsBefore ? (BlockKind)random.Next(3) : BlockKind.Sequential,
            GatedMlp = Coin(),
            Experts = Seldom() ? new ExpertConfig(3, 2, Coin()) : null,
            QkNorm = Seldom() ? QkNorm.OneGain : QkNorm.None,
            QkvClip = Seldom() ? 0.5 : null,
            QkvBias = Coin(),
            AttentionOutBias = Coin(),
            MlpBias = Coin(),
            EmbeddingScale = Coin() ? 1 : 2,
            ResidualScale = Coin() ? 1 : 0.6,
            TiedUnembedding = Coin(),
            UnembeddingBias = Coin(),
            LogitDivisor = Coin() ? 1 : 1.5,
            LogitCap = Seldom() ? 3 : null,
        };
        return Seldom() ? config with { Block = BlockKind.AttentionOnly, Neurons = 0, Experts = null, MlpBias = false } : config;
    }

    private static void Close(Tensor expected, Tensor actual) => Assert.InRange(Distance.Largest(actual, expected), 0, 1e-9);
}
