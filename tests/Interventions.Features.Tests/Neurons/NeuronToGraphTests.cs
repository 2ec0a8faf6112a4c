using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Neurons;

/// <summary>Graphs of neurons that are known, and of random ones against runs without any batching.</summary>
public sealed class NeuronToGraphTests
{
    [Fact]
    public void A_neuron_of_a_token_behind_another_has_one_path_that_predicts_everything()
    {
        NeuronGraph graph = Planted(PlantedNeurons.BehindA);
        NeuronPath path = Assert.Single(graph.Paths);
        Assert.Equal(["#5", "#3"], path.Steps.Select(step => step.Token));
        Assert.Equal(1, path.Activation, 1e-12);
        Assert.Equal((1.0, 1.0), (graph.HeldOut!.Firing.Precision, graph.HeldOut.Firing.Recall));
        Assert.Equal((1.0, 1.0), (graph.HeldOut.NonFiring.Precision, graph.HeldOut.NonFiring.Recall));
        Assert.Equal(1, graph.HeldOut.ExplainedVariance, 1e-12);
        // A table of tokens cannot know what stands in front.
        Assert.True(graph.Baseline!.Firing.Precision < 1);
        Assert.Equal(1, graph.Baseline.Firing.Recall);
    }

    [Fact]
    public void A_neuron_of_one_token_has_one_step_and_is_no_better_than_the_baseline()
    {
        NeuronGraph graph = Planted(PlantedNeurons.Alone);
        Assert.Equal(["#7"], Assert.Single(graph.Paths).Steps.Select(step => step.Token));
        Assert.Equal(1, graph.HeldOut!.Firing.F1);
        Assert.Equal(1, graph.Baseline!.Firing.F1);
    }

    [Fact]
    public void A_neuron_that_never_fires_has_no_path()
    {
        NeuronGraph graph = Planted(PlantedNeurons.Dead);
        Assert.Empty(graph.Paths);
        Assert.Null(graph.HeldOut);
        Assert.Equal([0, 0], graph.Predict(["#3", "#5"]));
    }

    /// <summary>A second neuron that also fires on another token: the examples show one of both, substitutes show the other.</summary>
    [Fact]
    public void Substitutes_add_tokens_that_no_example_has()
    {
        using DecoderModel model = PlantedNeurons.Model();
        using (no_grad())
        {
            model.Weights["blocks.0.mlp.in.weight"][PlantedNeurons.Alone, 8] = 0.8;
        }
        NeuronSite site = PlantedNeurons.Site(PlantedNeurons.Alone);
        Corpus without8 = Corpus.OfTokens([.. PlantedNeurons.Corpus().Contexts.Where(context => !context.Contains(8))]);
        NeuronExamples examples = MaxActivating.Of(model, without8, site, PlantedNeurons.Options)[0];
        NeuronGraph without = NeuronToGraph.Of(model, site, examples, new() { SubstituteCount = 0 });
        NeuronGraph with = NeuronToGraph.Of(model, site, examples, new() { Substitutes = (_, _) => [7, 4, 8] });
        Assert.Equal(["#7"], without.Activating);
        Assert.Equal(["#7", "#8"], with.Activating);
        Assert.Equal([1, 0.8], with.Paths.Select(path => Math.Round(path.Activation, 12)));
        Assert.True(with.Texts > without.Texts);
    }

    [Fact]
    public void The_nearest_embeddings_are_proposed()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        TokenSubstitutes source = Substitutes.OfEmbeddings(model, nearest: 5);
        using DisposeScope scope = NewDisposeScope();
        Tensor embedding = model.Weights["embed.weight"], centred = embedding - embedding.mean([0L]);
        Tensor unit = centred / centred.norm(-1, keepdim: true);
        foreach (long token in new long[] { 0, 17, 60 })
        {
            double[] cosines = [.. unit.mv(unit[token]).data<double>()];
            long[] expected = [.. Enumerable.Range(0, cosines.Length).Where(other => other != token)
                .OrderByDescending(other => cosines[other]).Take(5).Select(other => (long)other)];
            Assert.Equal(expected, source([5, token], 1));
        }
    }

    [Fact]
    public void Texts_run_together_give_what_single_full_passes_give()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Random random = new(5);
        Corpus corpus = Corpus.OfTokens(
            [.. Enumerable.Range(0, 25).Select(_ => (long[])[60, .. Enumerable.Range(0, 14).Select(_ => (long)random.Next(2, 60))])]);
        NeuronSite site = NeuronSite.Of("blocks.2.mlp.post", 1, 5, 30);
        MaxActivatingExamples examples = MaxActivating.Of(model, corpus, site, new() { Top = 6, Bos = 60 });
        NeuronToGraphOptions options = new() { SubstituteCount = 2, ActivationThreshold = 0.3 };
        NeuronGraphs together = NeuronToGraph.Of(model, site, examples, options);
        foreach ((NeuronExamples one, NeuronGraph graph) in examples.Zip(together))
        {
            NeuronGraph naive = NeuronToGraph.Of(model, site, one, options with { Run = new() { Naive = true } });
            Assert.True(graph.Paths.Length > 0);
            Assert.Equal(naive.Paths.Length, graph.Paths.Length);
            Assert.All(naive.Paths.Zip(graph.Paths), pair =>
            {
                Assert.Equal(pair.First.Steps.Select(step => step.Token), pair.Second.Steps.Select(step => step.Token));
                Assert.Equal(pair.First.Activation, pair.Second.Activation, 1e-9);
                Assert.All(pair.First.Steps.Zip(pair.Second.Steps), steps =>
                    Assert.Equal(steps.First.Importance, steps.Second.Importance, 1e-9));
            });
        }
    }

    [Fact]
    public void A_text_that_is_never_enough_is_kept_as_long_as_it_may_be()
    {
        using DecoderModel model = PlantedNeurons.Model();
        NeuronExamples examples = Examples(model, PlantedNeurons.BehindA);
        // An activation that no end of the text reaches.
        NeuronExample example = examples.Top[0];
        NeuronExample larger = example with { Activations = [.. example.Activations.Select(activation => activation * 10)] };
        NeuronWindow window = NeuronToGraph.Windows(
            model, PlantedNeurons.Site(), examples with { Top = [larger] })[0];
        Assert.Equal(0, window.Start);
        Assert.Equal(example.Pivot + 2, window.Tokens.Length);
    }

    [Fact]
    public void Work_that_was_stopped_goes_on_and_ends_the_same()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        NeuronSite site = NeuronSite.Of("blocks.1.mlp.post", Enumerable.Range(0, 20));
        Random random = new(5);
        Corpus corpus = Corpus.OfTokens(
            [.. Enumerable.Range(0, 8).Select(_ => (long[])[.. Enumerable.Range(0, 8).Select(_ => (long)random.Next(2, 60))])]);
        MaxActivatingExamples examples = MaxActivating.Of(model, corpus, site, new() { Top = 4 });
        using TemporaryFolder folder = new();
        NeuronToGraphOptions options = new() { SubstituteCount = 1, Folder = folder["graphs"] };
        using CancellationTokenSource stop = new();
        Seen first = new(_ => stop.Cancel()), second = new(_ => { });
        Assert.Throws<OperationCanceledException>(() =>
            NeuronToGraph.Of(model, site, examples, options with { Run = new() { Progress = first } }, stop.Token));
        int finished = Directory.GetFiles(folder["graphs"]).Length;
        Assert.InRange(finished, 1, 19);
        NeuronGraphs all = NeuronToGraph.Of(model, site, examples, options with { Run = new() { Progress = second } });
        Assert.Equal(Enumerable.Range(finished + 1, 20 - finished), second.All.Select(progress => progress.Done));
        Assert.All(second.All, progress => Assert.Equal(20, progress.Total));
        NeuronGraphs fresh = NeuronToGraph.Of(model, site, examples, options with { Folder = null });
        Assert.Equal(fresh.Select(graph => graph.ToJson()), all.Select(graph => graph.ToJson()));
        Assert.Equal(fresh.Select(graph => graph.ToJson()), NeuronGraphs.Load(folder["graphs"]).Select(graph => graph.ToJson()));

        Assert.Contains("begun with other options", Assert.Throws<InterventionException>(() =>
            NeuronToGraph.Of(model, site, examples, options with { ActivationThreshold = 0.1 })).Message);
        using DecoderModel other = SmallDecoders.Model("gpt2", seed: 2);
        Assert.Contains("begun with other weights", Assert.Throws<InterventionException>(() =>
            NeuronToGraph.Of(other, site, examples, options)).Message);
        NeuronExamples changed = examples[0] with { Tokens = 1 };
        Assert.Contains("begun with other examples", Assert.Throws<InterventionException>(() =>
            NeuronToGraph.Of(model, site, changed, options)).Message);
    }

    [Fact]
    public void Examples_of_another_site_are_refused()
    {
        using DecoderModel model = PlantedNeurons.Model();
        NeuronExamples examples = Examples(model, PlantedNeurons.Alone);
        Assert.Contains("are not of", Assert.Throws<ArgumentException>(() =>
            NeuronToGraph.Of(model, NeuronSite.Of("blocks.0.mlp_out"), examples)).Message);
    }

    private static NeuronGraph Planted(int neuron)
    {
        using DecoderModel model = PlantedNeurons.Model();
        return NeuronToGraph.Of(model, PlantedNeurons.Site(neuron), Examples(model, neuron));
    }

    private static NeuronExamples Examples(DecoderModel model, int neuron) =>
        MaxActivating.Of(model, PlantedNeurons.Corpus(), PlantedNeurons.Site(neuron), PlantedNeurons.Options)[0];

    private sealed class Seen(Action<RunProgress> act) : IProgress<RunProgress>
    {
        public List<RunProgress> All { get; } = [];

        public void Report(RunProgress value)
        {
            All.Add(value);
            act(value);
        }
    }
}
