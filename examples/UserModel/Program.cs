// Models of one's own, with names that the compiler checks, and sweeps on them: dotnet run --project examples/UserModel
using Interventions.Examples.UserModel;
using Interventions.Graphs;
using TorchSharp;

using ModularAddition addition = new();
Sums sums = Sums.FromTokens([Sum(3, 7, otherA: 8), Sum(12, 12, otherA: 1), Sum(0, 5, otherA: 10)]);
using var heads = new HeadSweep().Run(addition, sums);
Console.WriteLine($"a + b mod 13: logit difference {heads.Clean.LogitDifference.mean().ToDouble():0.0} on average; with one head's output from another a:");
foreach (var point in heads.LogitDifference.Top(2))
    Console.WriteLine($"  {point}");

using GapFiller encoder = new();
Gaps gaps = Gaps.FromTokens([Sentence([5, 5, 5, GapFiller.Gap, 5, 5, 5], [6, 6, 6, GapFiller.Gap, 6, 6, 6])]);
using var words = new WordSweep().Run(encoder, gaps);
Console.WriteLine($"\n5 5 5 _ 5 5 5: logit difference {words.Clean.LogitDifference.mean().ToDouble():0.0}; with one word as in 6 6 6 _ 6 6 6:");
foreach (var point in words.LogitDifference.Points())
    Console.WriteLine($"  {point}");

static PromptTokens Sum(int a, int b, int otherA) => new(
    [Run(a, b), Run(otherA, b)],
    [(a + b) % ModularAddition.Modulus, (otherA + b) % ModularAddition.Modulus]);

static RunTokens Run(long a, long b) => new([a, b, ModularAddition.Modulus], [0, 1, 2]);

static PromptTokens Sentence(long[] clean, long[] corrupted) => new([new(clean, [3, clean.Length - 1]), new(corrupted, [3, clean.Length - 1])], [clean[0], corrupted[0]]);
