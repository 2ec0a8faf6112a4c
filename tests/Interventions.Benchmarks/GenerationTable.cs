using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Benchmarks;

/// <summary>Whether the points of a sweep are generated at the price of as many prompts of one batch.</summary>
internal static class GenerationTable
{
    private const int Points = 5, NewTokens = 20;
    private const double Most = 1.3;

    public static void Print(DecoderModel model, int repeats)
    {
        RandomPairs one = new(1, 16, 0, runs: 1), five = new(Points, 16, 0, runs: 1);
        GenerationOptions options = new() { MaxNewTokens = NewTokens };
        InterventionGraph swept = Graph("{layer=2..6}"), fixedLayer = Graph("4");
        Measurement[] measured = Interleaved.Measure(
            repeats,
            new Side(() => swept.Generate(model, one, options).Dispose()),
            new Side(() => fixedLayer.Generate(model, five, options).Dispose()));
        (Measurement sweep, Measurement batch) = (measured[0], measured[1]);
        double least = sweep.Minimum / batch.Minimum, middle = sweep.Median / batch.Median;
        BenchmarkRow.PrintHeader();
        new BenchmarkRow($"{NewTokens} tokens, {Points} points", sweep, $"{Points} prompts of one batch", batch).Print();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"a sweep of {Points} points costs {least:0.00} (median {middle:0.00}) times a batch of {Points} prompts; "
            + $"at most {Most}: {BenchmarkRow.Met(least <= Most, middle <= Most)}"));

        static InterventionGraph Graph(string layer) => new()
        {
            Name = "Generated",
            Writes = [BuiltInWrites.Scale($"blocks.{layer}.resid_post[pos=end,new]", 1.5)],
        };
    }
}
