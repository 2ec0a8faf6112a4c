using System.Globalization;
using Interventions.Features;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>
/// What graphs of neurons cost, and a pass over a corpus: against the forward passes that they are made of, one short text after the other,
/// or one batch of contexts after the other. Graphs are of a trained model where one is shared: neurons of random weights look at all of a
/// text, which is the longest work that there is.
/// </summary>
/// <param name="model">GPT-2 small's geometry.</param>
/// <param name="repeats">How often each side is measured.</param>
/// <param name="only">Rows whose name contains it.</param>
internal sealed class NeuronsTable(DecoderModel model, int repeats, string only)
{
    private const string Trained = "models/SmolLM2-135M", Text = "/usr/share/common-licenses/GPL-3";

    private const int Layer = 4, Length = 64;

    public void Print()
    {
        BenchmarkRow.PrintHeader();
        Graphs();
        Examples();
    }

    private void Graphs()
    {
        const string Name = "Neuron to Graph";
        const int Neurons = 8, Sampled = 64;
        if (!Name.Contains(only, StringComparison.Ordinal))
            return;
        bool isTrained = SharedData.Exists(Trained) && File.Exists(Text);
        using DecoderModel? trained = isTrained ? DecoderModel.Load(SharedData.Path(Trained)) : null;
        DecoderModel of = trained ?? model;
        NeuronSite site = NeuronSite.Of($"blocks.{Layer}.mlp.post", Enumerable.Range(0, Neurons));
        MaxActivatingExamples examples = MaxActivating.Of(of, trained is null ? Random(64) : Read(trained), site);
        NeuronToGraphOptions options = new();
        NeuronReader counting = new(of, [site], options.Run);
        NeuronExamples[] all = [.. examples];
        _ = NeuronToGraph.Graphs(new GraphStages(of, counting, options, Substitutes.OfEmbeddings(of), default), all).Count();
        using Tensor text = randint(0, of.VocabularySize, [1, counting.Tokens / counting.Rows], dtype: ScalarType.Int64);
        Measurement[] measured = Interleaved.Measure(
            repeats,
            new Side(() => NeuronToGraph.Of(of, site, examples, options)),
            new Side(() => Passes(of, site.Path, text, Sampled), (double)counting.Rows / Sampled));
        new BenchmarkRow(Name, measured[0], $"{counting.Rows:#,0} texts one by one", measured[1])
        {
            Goal = 1,
            Remark = string.Create(
                CultureInfo.InvariantCulture,
                $"{Neurons * 60_000 / measured[0].Minimum:0.0} neurons a minute, {(isTrained ? "trained" : "random")} weights"),
        }.Print();
    }

    /// <summary>A pass over a corpus for all neurons of a layer.</summary>
    private void Examples()
    {
        const string Name = "examples of 3,072 neurons";
        if (!Name.Contains(only, StringComparison.Ordinal))
            return;
        NeuronSite layer = NeuronSite.Of($"blocks.{Layer}.mlp.post");
        Corpus corpus = Random(32);
        using Tensor batch = tensor(corpus.Contexts.SelectMany(context => context).ToArray(), [32, Length]);
        Measurement[] measured = Interleaved.Measure(
            repeats, new Side(() => MaxActivating.Of(model, corpus, layer)), new Side(() => Passes(model, layer.Path, batch, 1)));
        new BenchmarkRow(Name, measured[0], "plain passes as far as the layer", measured[1])
        {
            Remark = string.Create(CultureInfo.InvariantCulture, $"{32 * Length * 1000 / measured[0].Minimum:#,0} tokens a second"),
        }.Print();
    }

    private Corpus Random(int contexts)
    {
        Random random = new(1);
        return Corpus.OfTokens([.. Enumerable.Range(0, contexts).Select(_ =>
            (long[])[.. Enumerable.Range(0, Length).Select(_ => (long)random.Next(model.VocabularySize))])]);
    }

    private static Corpus Read(DecoderModel trained)
    {
        long bos = trained.Tokenizer.BosId ?? 0;
        IEnumerable<long> text = trained.Tokenizer.Encode(File.ReadAllText(Text), addSpecialTokens: false).Ids.Select(id => (long)id);
        return Corpus.OfTokens([.. text.Chunk(Length - 1).Select(part => (long[])[bos, .. part])]);
    }

    /// <summary>Plain passes as far as a node.</summary>
    private static void Passes(DecoderModel of, string node, Tensor ids, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            GraphEvaluator.Evaluate(of.Graph, ids, [node]);
        }
    }
}
