using Interventions.Models.Decoder;

namespace Interventions.Features.Tests.Stores;

/// <summary>A store that is filled in a process of its own, which a test kills: this assembly's entry point.</summary>
internal static class KilledStore
{
    public const int Contexts = 240;

    private static int Main(string[] arguments)
    {
        Fill(arguments[0], pause: 1);
        return 0;
    }

    /// <summary>Fills a store of 60 batches in about 30 files.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="pause">Milliseconds before each context.</param>
    public static void Fill(string folder, int pause)
    {
        using DecoderModel model = SmallDecoders.Model("gpt2", TorchSharp.torch.ScalarType.Float32);
        ActivationStore.Fill(model, Corpus.OfTokens(Slowly()), "blocks.1.resid_post", folder, Options).Dispose();

        IEnumerable<long[]> Slowly()
        {
            foreach (long[] context in TinyCorpora.Tokens(Contexts, seed: 5))
            {
                Thread.Sleep(pause);
                yield return context;
            }
        }
    }

    private static StoreOptions Options => new() { BatchSize = 4, ShardBytes = 32 * 32 * 4, Seed = 3 };
}
