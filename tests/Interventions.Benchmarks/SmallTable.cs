using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>What takes moments: a forward pass, generation, and what a call costs beside its arithmetic.</summary>
internal static class SmallTable
{
    public static void Print(DecoderModel model, int repeats)
    {
        BenchmarkRow.PrintHeader();
        using Tensor ids = randint(0, 50257, [8, 16], dtype: ScalarType.Int64);
        Row("forward pass, 8 x 16 tokens", () => model.Forward(ids), "plain forward pass", () => StraightLine.Gpt2(model, ids), repeats);

        // New positions alone, or the whole text anew at every step.
        long[][] prompts = [.. Enumerable.Range(0, 4).Select(
            row => Enumerable.Range(0, 32).Select(i => (long)((row * 997) + (i * 31)) % 50257).ToArray())];
        GenerationOptions generation = new() { MaxNewTokens = 16 };
        Row("16 tokens behind 4 x 32, cached", () => model.Generate(prompts, generation), "whole text at every step",
            () => model.Generate(prompts, generation with { UseCache = false }), Math.Min(repeats, 5));

        using Tensor small = ones(4, 4), large = ones(64, 64);
        Row("10,000 sums, 4 x 4", () => Sums(small), "10,000 sums, 64 x 64", () => Sums(large), repeats);
        GenerationTable.Print(model, Math.Min(repeats, 5));
    }

    private static void Row(string name, Action ours, string rivalName, Action rival, int repeats)
    {
        Measurement[] measured = Interleaved.Measure(repeats, new Side(ours), new Side(rival));
        new BenchmarkRow(name, measured[0], rivalName, measured[1]).Print();
    }

    private static void Sums(Tensor x)
    {
        for (int i = 0; i < 10_000; i++)
            (x + x).Dispose();
    }
}
