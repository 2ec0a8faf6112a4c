using System.Xml.Linq;
using FsCheck;
using FsCheck.Fluent;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Neurons;

/// <summary>A pass over a corpus against the same by brute force.</summary>
public sealed class MaxActivatingTests
{
    private const string Site = "blocks.1.mlp.post";

    private static readonly Corpus s_corpus = RandomCorpus();

    [Fact]
    public void Top_examples_are_those_of_full_passes()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        MaxActivatingExamples found = MaxActivating.Of(
            model, s_corpus, NeuronSite.Of(Site, 2, 0, 17, 30), new() { Top = 4, Bos = 60, Run = new() { BatchSize = 7 } });
        Assert.Equal([2, 0, 17, 30], found.Select(one => one.Neuron.Index));
        Assert.Contains(found, one => one.Top.Length == 4);
        foreach (NeuronExamples one in found)
        {
            double[][] all = [.. s_corpus.Contexts.Select(context => Naive(model, context, one.Neuron.Index))];
            (int Context, double Activation)[] expected =
                [.. all.Select((values, i) => (i, values.Max())).Where(context => context.Item2 > 0)
                    .OrderByDescending(context => context.Item2).Take(4)];
            Assert.Equal(expected.Select(context => context.Context), one.Top.Select(example => example.Context));
            Assert.All(expected.Zip(one.Top), pair => Assert.Equal(pair.First.Activation, pair.Second.Activation, 1e-9));
            Assert.All(one.Top, example => Assert.All(
                all[example.Context].Zip(example.Activations), pair => Assert.Equal(pair.First, pair.Second, 1e-9)));
            Assert.All(one.Top, example =>
                Assert.Equal(Array.IndexOf(all[example.Context], all[example.Context].Max()), example.Pivot));
            double[] tokens = [.. all.SelectMany(values => values)];
            Assert.Equal(tokens.Length, one.Tokens);
            Assert.Equal(tokens.Count(value => value > 0), one.Firing);
            Assert.Equal(tokens.Average(), one.Mean, 1e-9);
            Assert.Equal(tokens.Length, one.Histogram.Zeros + one.Histogram.Bins.Sum(bin => bin.Count));
        }
    }

    [Fact]
    public void Features_of_a_dictionary_are_looked_at_like_neurons_and_in_the_same_pass()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        using Sae sae = Dictionary();
        MaxActivatingExamples found = MaxActivating.Of(
            model, s_corpus, [NeuronSite.Of("blocks.1.resid_post", sae, 5, 3), NeuronSite.Of(Site, 2), NeuronSite.Of("blocks.0.attn.z")],
            new() { Top = 3, Bos = 60 });
        Assert.Equal(2 + 1 + 32, found.Count);
        NeuronExample best = found[new Neuron("blocks.1.resid_post", 3, IsFeature: true)].Top[0];
        using RunResult run = Intervention.On(model).Capture("X", "blocks.1.resid_post")
            .Run(new TokenRows([[60, .. best.Tokens]]), new() { Naive = true });
        using Tensor features = sae.Encode(run.Run("clean")["X"]);
        Assert.Equal(features[0, best.Pivot + 1, 3].item<double>(), best.Activation, 1e-9);
        MaxActivatingExamples alone = MaxActivating.Of(model, s_corpus, NeuronSite.Of(Site, 2), new() { Top = 3, Bos = 60 });
        Assert.Equal(alone[0].Top.Select(example => example.Context), found[new Neuron(Site, 2)].Top.Select(example => example.Context));
    }

    [Fact]
    public void Random_texts_depend_on_the_seed_alone()
    {
        using DecoderModel model = PlantedNeurons.Model();
        Assert.Equal(Drawn(1, 32), Drawn(1, 9));
        Assert.NotEqual(Drawn(1, 32), Drawn(2, 32));

        int[] Drawn(int seed, int batch)
        {
            NeuronExamples one = MaxActivating.Of(
                model, PlantedNeurons.Corpus(), PlantedNeurons.Site(PlantedNeurons.BehindA),
                PlantedNeurons.Options with { Seed = seed, Sampled = 5, Silent = 5, Run = new() { BatchSize = batch } })[0];
            return [.. one.Sampled.Concat(one.Silent).Select(example => example.Context)];
        }
    }

    [Fact]
    public void Silent_texts_are_silent_and_random_ones_fire()
    {
        using DecoderModel model = PlantedNeurons.Model();
        NeuronExamples one = MaxActivating.Of(
            model, PlantedNeurons.Corpus(), PlantedNeurons.Site(PlantedNeurons.BehindA), PlantedNeurons.Options)[0];
        Assert.All(one.Sampled, example => Assert.Contains("#3#5", string.Concat(example.Texts)));
        Assert.All(one.Silent, example => Assert.DoesNotContain("#3#5", string.Concat(example.Texts)));
        Assert.All(one.Top, example => Assert.Equal(1, example.Activation, 1e-12));
        // Of equal activations the earlier contexts.
        Assert.Equal(one.Top.Select(example => example.Context).Order(), one.Top.Select(example => example.Context));
        Assert.Equal(3, one.Quantiles(3).Length);
    }

    [Fact]
    public void A_beginning_of_sentence_counts_nowhere()
    {
        using DecoderModel model = PlantedNeurons.Model();
        long[][] texts = [[PlantedNeurons.Bos, PlantedNeurons.C, 4, PlantedNeurons.Bos, 4], [PlantedNeurons.Bos]];
        NeuronExamples one = MaxActivating.Of(
            model, Corpus.OfTokens(texts), PlantedNeurons.Site(PlantedNeurons.Alone), PlantedNeurons.Options)[0];
        Assert.Equal(3, one.Tokens);
        Assert.Equal([PlantedNeurons.C, 4, PlantedNeurons.Bos, 4], one.Top[0].Tokens.ToArray());
        Assert.Equal(0, one.Top[0].Pivot);
    }

    [Fact]
    public void What_is_printed_fits_a_terminal_and_is_found_again_in_a_folder()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(Names(), "examples/TrainNames/model"));
        long[][] texts = [.. Enumerable.Range(0, 20).Select(i => model.Encode(
            $"When Mary and Tom went to the store, {(i % 2 == 0 ? "Tom gave a drink to Mary" : "Mary gave a hat to Tom")}")!.ToArray())];
        MaxActivatingExamples found = MaxActivating.Of(model, Corpus.OfTokens(texts), NeuronSite.Of(Site, 3, 4, 5));
        string printed = string.Join('\n', found) + found;
        Assert.All(printed.Split('\n'), line => Assert.True(line.Length <= 80, line));
        IEnumerable<string> pivots = found[1].ToString().Split('\n').Where(line => line.Contains('«'));
        Assert.Single(pivots.Select(line => line.IndexOf('«')).Distinct());
        using TemporaryFolder folder = new();
        found.Save(folder.Path);
        MaxActivatingExamples again = MaxActivatingExamples.Load(folder.Path);
        Assert.Equal(printed, string.Join('\n', again) + again);
        Assert.Equal(found[1].Silent.Length, again[1].Silent.Length);
        found.SaveHtml(folder["page.html"]);
        string page = File.ReadAllText(folder["page.html"]);
        XElement html = XElement.Parse(page["<!doctype html>".Length..]);
        Assert.Equal(3, html.Descendants("section").Count());
        Assert.DoesNotContain("http", page);
        Assert.Empty(html.Descendants("script"));
        Assert.Contains(html.Descendants("span"), span => (string?)span.Attribute("class") == "pivot");
    }

    [Fact]
    public void Wrong_input_is_refused_by_name()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2");
        Assert.Contains("there is no 999", Refused<InterventionException>(NeuronSite.Of(Site, 999)));
        Assert.Contains("one position after the other", Refused<InterventionException>(NeuronSite.Of("blocks.0.attn.pattern")));
        Assert.Contains("did you mean", Refused<InterventionException>(NeuronSite.Of("blocks.0.mlp.posst")));
        Assert.Contains("as a whole", Assert.Throws<ArgumentException>(() => NeuronSite.Of("blocks.*.mlp.post")).Message);
        Assert.Contains("twice", Assert.Throws<ArgumentException>(() => NeuronSite.Of(Site, 1, 1)).Message);
        Assert.Contains("no contexts", Assert.Throws<InterventionException>(
            () => MaxActivating.Of(model, Corpus.OfTokens([]), NeuronSite.Of(Site))).Message);

        string Refused<T>(NeuronSite site)
            where T : Exception => Assert.Throws<T>(() => MaxActivating.Of(model, s_corpus, site)).Message;
    }

    [Fact]
    public void Nothing_is_left_alive()
    {
        using DecoderModel model = PlantedNeurons.Model();
        NeuronSite site = PlantedNeurons.Site();
        Work();
        long before = LiveTensors.Count();
        Work();
        Assert.Equal(before, LiveTensors.Count());

        void Work() =>
            NeuronToGraph.Of(model, site, MaxActivating.Of(model, PlantedNeurons.Corpus(40), site, PlantedNeurons.Options));
    }

    /// <summary>Whatever the order, the bins are the narrowest that hold all values, and each value is in its own.</summary>
    [Fact]
    public void Histograms_count_every_activation_in_its_bin() => Prop.ForAll(
        Arb.From(Gen.ArrayOf(Gen.Choose(-4000, 4000).Select(number => number / 64.0))),
        values =>
        {
            ActivationHistogram one = new(), other = new();
            foreach (double value in values)
                one.Add(value);
            foreach (double value in values.Reverse())
                other.Add(value);
            return one.Bins.SequenceEqual(other.Bins) && one.Zeros == values.Count(value => value == 0)
                && one.Bins.All(bin => bin.Count == values.Count(value =>
                    value != 0 && value >= bin.From && value < bin.From + one.Width))
                && one.Bins.Sum(bin => bin.Count) + one.Zeros == values.Length;
        }).Check(Config.QuickThrowOnFailure);

    private static double[] Naive(DecoderModel model, IReadOnlyList<long> context, int neuron)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Intervention.On(model).Capture("Neuron", $"{Site}[neuron={neuron}]")
            .Run(new TokenRows([context]), new() { Naive = true });
        return [.. run.Run("clean")["Neuron"].flatten().data<double>().Skip(context[0] == 60 ? 1 : 0)];
    }

    private static Sae Dictionary()
    {
        manual_seed(3);
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = randn(48, 32, dtype: ScalarType.Float64);
        return new Sae(
            new SaeConfig { Activation = new Activation.TopK(6) },
            new SaeWeights { Encoder = rows.t().contiguous(), Decoder = rows, DecoderBias = zeros(32, dtype: ScalarType.Float64) });
    }

    private static Corpus RandomCorpus()
    {
        Random random = new(2);
        return Corpus.OfTokens([.. Enumerable.Range(0, 30).Select(i => (long[])
            [.. i % 3 == 0 ? [60L] : Array.Empty<long>(), .. Enumerable.Range(0, random.Next(3, 15)).Select(_ => (long)random.Next(60))])]);
    }

    private static string Names()
    {
        DirectoryInfo folder = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Interventions.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }
}
