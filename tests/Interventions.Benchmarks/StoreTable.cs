using System.Globalization;
using Interventions.Features;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>
/// What a store of activations costs beside the plain forward passes of the same contexts up to the same block, in the same batches; and
/// how fast its batches are read.
/// </summary>
/// <param name="model">GPT-2 small's geometry.</param>
/// <param name="repeats">How often each side is measured.</param>
/// <param name="only">Rows whose name contains it.</param>
internal sealed class StoreTable(DecoderModel model, int repeats, string only)
{
    private const int Contexts = 32, Length = 128, Together = 16, Rows = Contexts * Length;

    private static readonly long[][] s_tokens = Tokens();

    private readonly Corpus _corpus = Corpus.OfTokens(s_tokens);

    public void Print()
    {
        BenchmarkRow.PrintHeader();
        foreach (int block in (int[])[5, 11])
        {
            string site = $"blocks.{block}.resid_post";
            Filling($"store of block {block}", block, () =>
            {
                using TemporaryFolder folder = new();
                StoreOptions options = new() { BatchSize = Together, LeftOut = LeftOut.Nothing };
                ActivationStore.Fill(model, _corpus, site, folder.Path, options).Dispose();
            });
            Filling($"batches of block {block}, no files", block, () =>
            {
                StreamOptions options = new() { BatchSize = Together, LeftOut = LeftOut.Nothing, Buffer = Rows };
                foreach (ActivationBatch batch in ActivationStream.Of(model, _corpus, site, Rows / 4, options: options).From(0).Take(2))
                    batch.Dispose();
            });
        }
        Reading();
    }

    private bool IsWanted(string name) => name.Contains(only, StringComparison.Ordinal);

    private void Filling(string name, int block, Action ours)
    {
        const double Goal = 0.9;
        if (!IsWanted(name))
            return;
        Measurement[] measured = Interleaved.Measure(repeats, new Side(ours), new Side(Plain));
        new BenchmarkRow(name, measured[0], "plain forward up to there", measured[1])
        {
            Goal = Goal,
            Remark = string.Create(
                CultureInfo.InvariantCulture,
                $"{1000 * Rows / measured[0].Minimum:#,0} rows a second of {1000 * Rows / measured[1].Minimum:#,0}"),
        }.Print();

        void Plain()
        {
            foreach (long[][] some in s_tokens.Chunk(Together))
            {
                using DisposeScope scope = NewDisposeScope();
                StraightLine.Gpt2(model, tensor(some.SelectMany(ids => ids).ToArray()).view(some.Length, Length), blocks: block + 1);
            }
        }
    }

    /// <summary>Random rows of mapped files, against those of a tensor in memory.</summary>
    private void Reading()
    {
        const string Name = "reading 50 batches of 1,024";
        const int Batches = 50, Size = 1024, Copies = 8;
        if (!IsWanted(Name))
            return;
        using TemporaryFolder folder = new();
        Corpus corpus = Corpus.OfTokens(Enumerable.Repeat(s_tokens, Copies).SelectMany(tokens => tokens));
        using ActivationStore store = ActivationStore.Fill(
            model, corpus, "embed", folder.Path, new() { LeftOut = LeftOut.Nothing, ShardBytes = 16 << 20 });
        using Tensor inMemory = randn(store.Count, store.InputWidth);
        Random random = new(1);
        Measurement[] measured = Interleaved.Measure(repeats, new Side(FromStore), new Side(FromMemory));
        new BenchmarkRow(Name, measured[0], "index_select in memory", measured[1])
        {
            Remark = string.Create(CultureInfo.InvariantCulture, $"{1000 * Batches * Size / measured[0].Minimum:#,0} rows a second"),
        }.Print();

        void FromStore()
        {
            foreach (ActivationBatch batch in store.Batches(Size, seed: 1).From(0).Take(Batches))
                batch.Dispose();
        }

        void FromMemory()
        {
            for (int i = 0; i < Batches; i++)
            {
                using Tensor index = tensor(Enumerable.Range(0, Size).Select(_ => random.NextInt64(store.Count)).ToArray());
                inMemory.index_select(0, index).Dispose();
            }
        }
    }

    private static long[][] Tokens()
    {
        Random random = new(1);
        return [.. Enumerable.Range(0, Contexts).Select(_ => Enumerable.Range(0, Length).Select(_ => (long)random.Next(50257)).ToArray())];
    }
}
