using System.Globalization;
using Interventions.Features;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>
/// What graphs of neurons cost, and a pass over a corpus: against the forward passes that they are made of, one short text after the other,
/// or one batch of contexts after the other.
/// </summary>
/// <param name="model">GPT-2 small's geometry.</param>
/// <param name="repeats">How often each side is measured.</param>
/// <param name="only">Rows whose name contains it.</param>
internal sealed class NeuronsTable(DecoderModel model, int repeats, string only)
{
    private const int Layer = 5, Neurons = 4, Length = 64;

    private readonly NeuronSite _site = NeuronSite.Of($"blocks.{Layer}.mlp.post", Enumerable.Range(0, Neurons));

    public void Print()
    {
        BenchmarkRow.PrintHeader();
        Graphs();
        Examples();
    }

    /// <summary>Graphs of random neurons on random texts, which need many tokens: the longest work that there is.</summary>
    private void Graphs()
    {
        const string Name = "Neuron to Graph, 4 neurons";
        const int Sampled = 64;
        if (!Name.Contains(only, StringComparison.Ordinal))
            return;
        MaxActivatingExamples examples = MaxActivating.Of(model, Random(64), _site);
        NeuronToGraphOptions options = new();
        NeuronReader counting = new(model, [_site], options.Run);
        NeuronExamples[] all = [.. examples];
        _ = NeuronToGraph.Graphs(new GraphStages(model, counting, options, Substitutes.OfEmbeddings(model), default), all).Count();
        using Tensor text = randint(0, model.VocabularySize, [1, counting.Tokens / counting.Rows], dtype: ScalarType.Int64);
        Measurement[] measured = Interleaved.Measure(
            repeats,
            new Side(() => NeuronToGraph.Of(model, _site, examples, options)),
            new Side(() => Passes(text, Sampled), (double)counting.Rows / Sampled));
        new BenchmarkRow(Name, measured[0], $"{counting.Rows:#,0} texts one by one, {Sampled} sampled", measured[1])
        {
            Goal = 1,
            Remark = string.Create(CultureInfo.InvariantCulture, $"{Neurons * 60_000 / measured[0].Minimum:0.0} neurons a minute"),
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
            repeats, new Side(() => MaxActivating.Of(model, corpus, layer)), new Side(() => Passes(batch, 1)));
        new BenchmarkRow(Name, measured[0], "plain passes as far as the layer", measured[1])
        {
            Remark = string.Create(
                CultureInfo.InvariantCulture, $"{32 * Length * 1000 / measured[0].Minimum:#,0} tokens a second"),
        }.Print();
    }

    private Corpus Random(int contexts)
    {
        Random random = new(1);
        return Corpus.OfTokens([.. Enumerable.Range(0, contexts).Select(_ =>
            (long[])[.. Enumerable.Range(0, Length).Select(_ => (long)random.Next(model.VocabularySize))])]);
    }

    /// <summary>Plain passes as far as the neurons.</summary>
    private void Passes(Tensor ids, int count)
    {
        for (int i = 0; i < count; i++)
        {
            using DisposeScope scope = NewDisposeScope();
            GraphEvaluator.Evaluate(model.Graph, ids, [_site.Path]);
        }
    }
}
