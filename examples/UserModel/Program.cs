// Models of one's own, with names that the compiler checks, and sweeps on them: dotnet run --project examples/UserModel
using System.Globalization;
using Interventions;
using Interventions.Examples.UserModel;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using ModularAddition addition = new();
Sums sums = Sums.FromTokens([Sum(3, 7, otherA: 8), Sum(12, 12, otherA: 1), Sum(0, 5, otherA: 10)]);
using var heads = new HeadSweep().Run(addition, sums);
Console.WriteLine($"""
    a + b mod 13: logit of the sum minus that of the sum with another a: {Mean(heads.Clean.LogitDifference):0.0}
    head   with that head's output from the other a    change
    """);
foreach (var point in heads.LogitDifference.Points())
    Console.WriteLine($"{point["head"],4}   {point.Value,40:0.0}    {point.Change,6:0.0}");

using GapFiller encoder = new();
Gaps gaps = Gaps.FromTokens([Sentence([5, 5, 5, GapFiller.Gap, 5, 5, 5], [6, 6, 6, GapFiller.Gap, 6, 6, 6])]);
using var words = new WordSweep().Run(encoder, gaps);
Console.WriteLine($"""

    5 5 5 _ 5 5 5: the logit difference between 5 and 6 in the gap is {Mean(words.Clean.LogitDifference):0.0}.
    position   with a 6 there    change
    """);
foreach (var point in words.LogitDifference.Points())
    Console.WriteLine($"{point["pos"],8}   {point.Value,14:0.0}    {point.Change,6:0.0}");

static double Mean(Tensor values) => values.mean().ToDouble();

static PromptTokens Sum(int a, int b, int otherA) => new(
    [Run(a, b), Run(otherA, b)],
    [(a + b) % ModularAddition.Modulus, (otherA + b) % ModularAddition.Modulus]);

static RunTokens Run(long a, long b) => new([a, b, ModularAddition.Modulus], [0, 1, 2]);

static PromptTokens Sentence(long[] clean, long[] corrupted) =>
    new([new(clean, [3, clean.Length - 1]), new(corrupted, [3, clean.Length - 1])], [clean[0], corrupted[0]]);
