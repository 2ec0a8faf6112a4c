using Interventions.Features.Tests.Probes;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Lenses;

/// <summary>Lenses by models whose answers are known, by finite differences, and by the model's own logits.</summary>
public sealed class LensTests
{
    private static readonly RandomTexts s_texts = new(6, 61, seed: 2, shortest: 5, longest: 9);

    [Fact]
    public void Behind_the_last_block_a_lens_says_what_the_model_says_and_in_between_what_its_weights_say()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Lens lens = Lens.Logit(model);
        LensReading reading = lens.Read(model, s_texts, top: 3);
        Assert.Equal(0, reading.Divergences[^1], 1e-12);
        Assert.Equal(1, reading.Agreements[^1]);
        for (int prompt = 0; prompt < 6; prompt++)
        {
            Tensor ids = tensor(s_texts.Tokens(prompt).ToArray()).unsqueeze(0);
            Tensor said = model.Forward(ids)[0].log_softmax(-1);
            Tensor seen = model.Unembed(model.FinalNorm(SmallDecoders.Read(model, ids, "blocks.1.resid_post")))[0].log_softmax(-1);
            for (int position = 0; position < ids.shape[1]; position++)
            {
                LensCell cell = reading[prompt, position][1];
                Assert.Equal($"#{ids[0, position].item<long>()}", cell.Token);
                Tensor p = said[position], q = seen[position];
                Assert.Equal((p.exp() * (p - q)).sum().item<double>(), cell.Divergence, 1e-9);
                Assert.Equal(q.gt(q[p.argmax()]).sum().item<long>(), cell.Rank);
                (Tensor values, Tensor tokens) = q.topk(3);
                Assert.Equal(tokens.data<long>().Select(token => $"#{token}"), cell.Tokens);
                Assert.All(values.data<double>().Zip(cell.LogProbabilities), pair => Assert.Equal(pair.First, pair.Second, 1e-9));
            }
        }
        Assert.Contains("layer 2", reading.Grid(1));
        Assert.Contains("Logit lens", $"{reading}");
    }

    [Fact]
    public void An_answer_has_its_own_rank_and_positions_are_named()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Lens lens = Lens.Logit(model);
        LensReading reading = lens.Read(model, s_texts, "first,end", "answer");
        Assert.Equal(6 * 2 * 3, reading.Cells.Length);
        for (int prompt = 0; prompt < 6; prompt++)
        {
            int end = s_texts.Tokens(prompt).Count - 1;
            Tensor said = model.Forward(tensor(s_texts.Tokens(prompt).ToArray()).unsqueeze(0))[0, -1];
            Assert.Equal(said.gt(said[s_texts.Prompts[prompt].Answers[0]]).sum().item<long>(), reading[prompt, end][2].Rank);
            Assert.Equal(3, reading[prompt, 0].Length);
        }
        Assert.Throws<ArgumentException>(() => reading[0, 1]);
    }

    [Fact]
    public void Where_blocks_write_nothing_every_layer_says_what_the_model_says()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using (no_grad())
            foreach (string name in Written(model))
                model.Weights[name].zero_();
        using Lens lens = Lens.Logit(model);
        LensReading reading = lens.Read(model, s_texts);
        Assert.All(reading.Divergences, divergence => Assert.Equal(0, divergence, 1e-14));
        using Lens jacobian = JacobianLens.Fit(model, s_texts, new() { SkippedTokens = 1 });
        for (int layer = 0; layer < 3; layer++)
            Assert.True(SmallDecoders.Same(jacobian.Weights![layer], eye(32, dtype: ScalarType.Float64)));
    }

    [Fact]
    public void An_untrained_tuned_lens_is_the_logit_lens_bit_for_bit()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (ScalarType type in new[] { ScalarType.Float32, ScalarType.Float64 })
        {
            using DecoderModel model = SmallDecoders.Model("llama", type);
            using TunedLensTraining training = new(model, new TunedLensOptions(), []);
            using Lens tuned = training.Lens(), logit = Lens.Logit(model);
            Tensor stream = SmallDecoders.Read(model, SmallDecoders.Prompts(), "blocks.1.resid_post");
            Assert.True(SmallDecoders.Same(logit.Logits(model, 1, stream), tuned.Logits(model, 1, stream)));
        }
    }

    [Fact]
    public void Training_lowers_the_divergence_of_text_that_it_did_not_see()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        RandomTexts seen = new(64, 61, seed: 3, shortest: 10, longest: 12), held = new(20, 61, seed: 4, shortest: 10, longest: 12);
        using Lens logit = Lens.Logit(model), tuned = TunedLens.Fit(
            model, Corpus.OfTokens(seen.Prompts.Select(prompt => prompt.Runs[0].Ids)),
            new() { Steps = 50, ContextsPerStep = 16, LearningRate = 0.03 });
        IReadOnlyList<double> before = logit.Read(model, held, "1..").Divergences, after = tuned.Read(model, held, "1..").Divergences;
        Assert.All(before.Zip(after).SkipLast(1), layer => Assert.True(layer.Second < 0.8 * layer.First, $"{layer}"));
        Assert.Equal(0, after[^1], 1e-12);
        Assert.True(tuned.Losses[^1] < 0.8 * tuned.Losses[0]);
        Assert.Equal(50, tuned.Losses.Length);
    }

    [Fact]
    public void The_slopes_of_a_tuned_lens_are_finite_differences()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        // Adam's first step goes by the slope's sign, and hardly by its size: up where the divergence falls.
        using Lens stepped = TunedLens.Fit(model, s_texts, new() { Steps = 1, ContextsPerStep = 6, LearningRate = 1e-3 });
        Tensor moved = stepped.Biases![1];
        for (int i = 0; i < 32; i += 7)
        {
            double slope = (Divergence(model, 1, i, 1e-5) - Divergence(model, 1, i, -1e-5)) / 2e-5;
            Assert.Equal(-1e-3 * slope / (Math.Abs(slope) + 1e-8), moved[i].item<double>(), 1e-6);
        }

        double Divergence(DecoderModel of, int layer, int dimension, double by)
        {
            Tensor biases = zeros([3, 32], ScalarType.Float64);
            biases[layer, dimension] = by;
            using Lens lens = new(LensKind.Tuned, 3, 32, eye(32, dtype: ScalarType.Float64).expand(3, 32, 32).contiguous(), biases);
            return lens.Read(of, s_texts, "1..").Divergences[layer];
        }
    }

    [Fact]
    public void A_stopped_training_goes_on_to_the_same_bytes()
    {
        using TemporaryFolder folder = new();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        string path = Path.Combine(folder.Path, "lens.safetensors");
        TunedLensOptions options = new() { Steps = 7, ContextsPerStep = 4, SaveEvery = 2 };
        using Lens whole = TunedLens.Fit(model, s_texts, options);
        using CancellationTokenSource source = new();
        Assert.Throws<OperationCanceledException>(() => TunedLens.Fit(
            model, s_texts, options with { Path = path, Run = new() { Progress = new Stopper(source, 5) } }, source.Token));
        using Lens resumed = TunedLens.Fit(model, s_texts, options with { Path = path });
        Assert.True(SmallDecoders.Same(whole.Weights!, resumed.Weights!) && SmallDecoders.Same(whole.Biases!, resumed.Biases!));
        Assert.Equal(whole.Losses.ToArray(), resumed.Losses.ToArray());
        Assert.Contains("was begun as", Assert.Throws<InterventionException>(() =>
            TunedLens.Fit(model, s_texts, options with { Path = path, Steps = 8 })).Message);
        Assert.Contains("other text", Assert.Throws<InterventionException>(() =>
            TunedLens.Fit(model, new RandomTexts(6, 61, seed: 5), options with { Path = path })).Message);
    }

    [Fact]
    public void A_saved_lens_is_the_same()
    {
        using TemporaryFolder folder = new();
        using DecoderModel model = SmallDecoders.Model("gpt2");
        string path = Path.Combine(folder.Path, "lens.safetensors");
        using Lens lens = TunedLens.Fit(model, s_texts, new() { Steps = 2, ContextsPerStep = 3 });
        lens.Save(path);
        using Lens loaded = Lens.Load(path);
        Assert.Equal((lens.Kind, lens.Layers, lens.Width, $"{lens}"), (loaded.Kind, loaded.Layers, loaded.Width, $"{loaded}"));
        Assert.True(SmallDecoders.Same(lens.Weights!, loaded.Weights!) && SmallDecoders.Same(lens.Biases!, loaded.Biases!));
        using Lens logit = Lens.Logit(model);
        logit.Save(path);
        using Lens again = Lens.Load(path);
        Assert.Null(again.Weights);
        using DecoderModel other = SmallDecoders.Model(Interventions.Models.Gpt2Model.Configure(2, 2, 16, 61, 16));
        Assert.Contains("3 layers", Assert.Throws<ArgumentException>(() => loaded.Read(other, s_texts)).Message);
    }

    [Fact]
    public void Fitting_and_looking_leave_no_tensors_behind()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Work();
        long before = LiveTensors.Count();
        Work();
        Assert.Equal(before, LiveTensors.Count());

        void Work()
        {
            using Lens tuned = TunedLens.Fit(model, s_texts, new() { Steps = 2, ContextsPerStep = 3 });
            using Lens jacobian = JacobianLens.Fit(model, s_texts, new() { SkippedTokens = 2 });
            tuned.Read(model, s_texts);
        }
    }

    [SharedFact("models/stories260K")]
    [Trait("Duration", "long")]
    public void Of_a_trained_model_a_tuned_lens_says_in_the_first_layer_what_plain_ones_say_in_the_third()
    {
        using DecoderModel model = DecoderModel.Load(SharedData.Path("models/stories260K"));
        IReadOnlyList<long> begin = model.Encode("Once upon a time")!;
        IReadOnlyList<long>[] stories =
        [
            .. model.Generate(
                    [.. Enumerable.Repeat(begin, 32)], new() { MaxNewTokens = 64 - begin.Count, Temperature = 1, Continuations = 4 })
                .Continuations.SelectMany(one => one).Select(one => (IReadOnlyList<long>)[.. begin, .. one.Tokens]),
        ];
        LensPrompts held = new(stories[..8]);
        using Lens logit = Lens.Logit(model), tuned = TunedLens.Fit(
            model, Corpus.OfTokens(stories[8..]), new() { Steps = 100, ContextsPerStep = 8, LearningRate = 3e-3 });
        IReadOnlyList<double> before = logit.Read(model, held, "1..").Divergences, after = tuned.Read(model, held, "1..").Divergences;
        Assert.True(after[0] < before[2], $"{after[0]}, {before[2]}");
        Assert.All(before.Zip(after).SkipLast(1), layer => Assert.True(layer.Second < layer.First / 3, $"{layer}"));
    }

    /// <summary>Weights and biases of what blocks add to the stream.</summary>
    private static IEnumerable<string> Written(DecoderModel model) => model.Weights.Keys
        .Where(name => name.Contains(".attn.out.") || name.Contains(".mlp.out.")).ToArray();

    private sealed class Stopper(CancellationTokenSource source, int step) : IProgress<RunProgress>
    {
        public void Report(RunProgress value)
        {
            if (value.Done == step)
                source.Cancel();
        }
    }
}
