using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>What the generator puts beside Run for runs that take long.</summary>
public sealed class DeclaredLongRunTests : IDisposable
{
    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly TemporaryFolder _folder = new();
    private readonly RunOptions _options = new() { BatchSize = 2 };
    private readonly TinyPrompts _prompts = TinyPrompts.FromTokens(Enumerable.Range(0, 5).Select(i => new PromptTokens(
        [.. Enumerable.Range(0, 3).Select(run => new RunTokens(
            [.. Enumerable.Range(0, 4 + (i % 2)).Select(at => (long)(((i * 7) + (run * 3) + (at * at)) % 17))], [1, 3 + (i % 2)]))],
        [i, i + 1])));

    public void Dispose()
    {
        _folder.Dispose();
        _model.Dispose();
    }

    [Fact]
    public async Task Batches_are_typed_results()
    {
        using HeadSweep.Result run = new HeadSweep().Run(_model, _prompts, _options);
        int first = 0;
        await foreach (HeadSweep.Result batch in new HeadSweep().StreamAsync(_model, _prompts, _options))
        {
            using (batch)
            {
                int count = (int)batch.Clean.LogitDifference.shape[0];
                Check(batch, count);
                first += count;
            }
        }
        Assert.Equal(5, first);

        void Check(HeadSweep.Result batch, int count)
        {
            using DisposeScope scope = NewDisposeScope();
            Same(run.Clean.LogitDifference.narrow(0, first, count), batch.Clean.LogitDifference);
            Same(run.LogitDifference[layer: 1, head: 2].narrow(0, first, count), batch.LogitDifference[layer: 1, head: 2]);
        }
    }

    [Fact]
    public void A_run_into_a_file_is_a_run_and_can_be_loaded()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = _folder["sweep.safetensors"], saved = _folder["saved.safetensors"];
        using HeadSweep.Result run = new HeadSweep().Run(_model, _prompts, _options);
        using HeadSweep.Result written = new HeadSweep().RunTo(_model, _prompts, path, _options);
        run.Save(saved);
        foreach (string file in new[] { path, saved })
        {
            using HeadSweep.Result loaded = HeadSweep.Load(file);
            Same(run.LogitDifference.Values, loaded.LogitDifference.Values);
            Same(run.Written.Values, loaded.Written.Values);
            Same(run.Attention.Values, loaded.Attention.Values);
            Same(run.AttentionMask, loaded.AttentionMask);
            Same(run.Corrupted.Attention, loaded.Corrupted.Attention);
            Assert.Equal(run.LogitDifference.Top(2).Select(point => point.ToString()), loaded.LogitDifference.Top(2).Select(
                point => point.ToString()));
        }
        Assert.Contains(
            "is a result of 'HeadSweep', not of 'Everything'", Assert.Throws<InterventionException>(() => Everything.Load(path)).Message);
    }

    [Fact]
    public void Further_trained_weights_are_other_weights()
    {
        using DisposeScope scope = NewDisposeScope();
        string path = _folder["sweep.safetensors"];
        new HeadSweep().RunTo(_model, _prompts, path, _options).Dispose();
        using (no_grad())
            _model.Weights["blocks.1.mlp.in.weight"].add_(1e-6);
        Assert.Contains(
            "begun with other weights",
            Assert.Throws<InterventionException>(() => new HeadSweep().RunTo(_model, _prompts, path, _options)).Message);
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.eq(actual).all().item<bool>());
    }
}
