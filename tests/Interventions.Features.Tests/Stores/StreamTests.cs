using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Stores;

/// <summary>Batches straight from a model.</summary>
public sealed class StreamTests : IDisposable
{
    private const string Site = "blocks.1.resid_post";

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");
    private readonly StreamOptions _options = new() { BatchSize = 3, Buffer = 40 };

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    /// <summary>Before the corpus begins anew, no row is given twice; and rows do not stay in the buffer for long.</summary>
    [Fact]
    public void No_row_is_lost_or_given_twice()
    {
        const int Size = 7, Contexts = 60, RowsOfContext = 6;
        Corpus corpus = TinyCorpora.Random(Contexts, length: 9);
        StreamOptions options = _options with { LeftOut = new() { First = 3 } };
        Tensor expected = StoreTests.Naive(_model, corpus, Site, options.LeftOut);
        int batches = (Contexts * RowsOfContext - 2 * options.Buffer) / Size;
        Tensor[] given = [.. ActivationStream.Of(_model, corpus, Site, Size, seed: 2, options).From(0).Take(batches)
            .Select(batch => batch.Input)];
        long[] times = Near(expected, cat(given));
        Assert.Equal(batches * Size, times.Sum());
        Assert.All(times, time => Assert.InRange(time, 0, 1));
        Assert.All(times.Take(times.Length / 3), time => Assert.Equal(1, time));

        // The first batch mixes contexts, of those that fill the buffer.
        int[] first = [.. Near(expected, given[0]).Index().Where(row => row.Item > 0).Select(row => row.Index / RowsOfContext)];
        Assert.True(first.Distinct().Count() > 3);
        int filled = options.Buffer + (2 * RowsOfContext) + 2; // batches of three contexts, until 40 rows are held: 54
        Assert.True(first.Max() * RowsOfContext < filled);

        // Of 54 rows five batches leave 19, which are less than half of 40: with the sixth, others have come in.
        Tensor later = expected[filled..];
        Assert.Equal(0, Near(later, cat(given[..5])).Sum());
        Assert.InRange(Near(later, given[5]).Sum(), 1, Size - 1);
    }

    /// <summary>A corpus that is smaller than the buffer begins anew.</summary>
    [Fact]
    public void All_rows_are_given_about_equally_often()
    {
        Corpus corpus = TinyCorpora.Random(6, length: 9);
        StreamOptions options = _options with { LeftOut = new() { First = 3 } };
        Tensor expected = StoreTests.Naive(_model, corpus, Site, options.LeftOut);
        Tensor given = cat([.. ActivationStream.Of(_model, corpus, Site, 6, options: options).From(0).Take(600).Select(one => one.Input)]);
        Assert.All(Near(expected, given), times => Assert.InRange(times, 96, 104));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("blocks.1.mlp_out")]
    public void From_any_step_on_the_batches_are_the_same(string? target)
    {
        Corpus corpus = TinyCorpora.Random(12);
        StreamOptions options = _options with { Target = target };
        byte[][] whole = Bytes(ActivationStream.Of(_model, corpus, Site, 7, seed: 1, options).From(0), 24);
        foreach (int step in new[] { 1, 2, 3, 9, 20 })
            Assert.Equal(whole[step..], Bytes(ActivationStream.Of(_model, corpus, Site, 7, seed: 1, options).From(step), 24 - step));
        Assert.NotEqual(whole[0], Bytes(ActivationStream.Of(_model, corpus, Site, 7, seed: 2, options).From(0), 1).Single());
    }

    [Fact]
    public void Earlier_steps_are_not_computed()
    {
        int nodes = 0;
        using ObservedModel observed = new(_model, node => nodes += node == "blocks.1.mlp_out" ? 1 : 0, _ => { });
        ActivationStream stream = ActivationStream.Of(observed, TinyCorpora.Random(60, length: 8), Site, 10, seed: 1, _options);
        using (ActivationBatch late = stream.From(200).First())
            Assert.InRange(nodes, 1, 8);
    }

    [Fact]
    public void Nothing_is_left_behind()
    {
        Corpus corpus = TinyCorpora.Random(12);
        Use();
        long before = LiveTensors.Count();
        Use();
        Assert.Equal(before, LiveTensors.Count());

        void Use()
        {
            foreach (ActivationBatch batch in ActivationStream.Of(_model, corpus, Site, 7, options: _options).From(2).Take(9))
                batch.Dispose();
        }
    }

    [Fact]
    public void Small_buffers_and_empty_corpora_are_refused()
    {
        Assert.Contains("set StreamOptions.Buffer to 42 at least", Assert.Throws<ArgumentException>(() =>
            ActivationStream.Of(_model, TinyCorpora.Random(3), Site, 21, options: _options)).Message);
        Assert.Contains("no positions but those that are left out", Assert.Throws<InterventionException>(() =>
            ActivationStream.Of(_model, Corpus.OfTokens([[1]]), Site, 2).From(0).First()).Message);
    }

    private static byte[][] Bytes(IEnumerable<ActivationBatch> batches, int count) =>
        [.. batches.Take(count).Select(batch => (byte[])[.. batch.Input.bytes.ToArray(), .. batch.Target.bytes.ToArray()])];

    /// <summary>How often each row is among others.</summary>
    private static long[] Near(Tensor rows, Tensor others) =>
        (rows.unsqueeze(1) - others.unsqueeze(0)).abs().amax([-1L]).le(1e-9).sum(1).data<long>().ToArray();
}
