using Interventions.Circuits;
using Interventions.Models;
using Interventions.Models.Decoder;

namespace Interventions.Examples;

/// <summary>Temporary.</summary>
internal static class Study
{
    public static void Run(DecoderModel model, IEnumerable<IoiPrompts.Prompt> pairs, int count)
    {
        foreach (IoiCorruption corruption in Enum.GetValues<IoiCorruption>())
        {
        IoiOptions how = new()
        {
            Templates = [.. Sentences.Families.Select(f => f[..^4].Replace("{A}", " {IO}").Replace("{B}", " {S1}").Replace("{S}", " {S2}").Replace("{place}", " {place}").Replace("{object}", " {object}"))],
            Names = Sentences.Names,
            Words = new Dictionary<string, IReadOnlyList<string>> { ["place"] = Sentences.Places, ["object"] = Sentences.Objects },
            Corruption = corruption,
        };
        IoiTask prompts = IoiTask.Sample(model.Tokenizer, count, 1, how), held = IoiTask.Sample(model.Tokenizer, count, 2, how, prompts);
        InterventionGraph metric = Intervention.On(model).LogitDifference("IO", "S").Graph;
        InterventionGraph kl = Intervention.On(model).KullbackLeibler("clean").Graph;
        CircuitGraph graph = CircuitGraph.Of(model);
        CircuitOptions o = new() { Run = new() { BatchSize = 64 } };
        int limit = graph.CountOf(0.05);
        (string, EdgeScores, Ranking)[] all =
        [
            ("ig5", EdgeAttribution.Of(model, prompts, metric, steps: 5), Ranking.MostNegative),
            ("ig5abs", EdgeAttribution.Of(model, prompts, metric, steps: 5), Ranking.Absolute),
            ("ig20", EdgeAttribution.Of(model, prompts, metric, steps: 20), Ranking.MostNegative),
            ("ig20abs", EdgeAttribution.Of(model, prompts, metric, steps: 20), Ranking.Absolute),
            ("igkl", EdgeAttribution.Of(model, prompts, kl, steps: 10), Ranking.MostPositive),
            ("igklabs", EdgeAttribution.Of(model, prompts, kl, steps: 10), Ranking.Absolute),
            ("eapabs", EdgeAttribution.Of(model, prompts, metric), Ranking.Absolute),
            ("exact", EdgeEffects.Of(model, prompts, metric), Ranking.MostNegative),
            ("exactabs", EdgeEffects.Of(model, prompts, metric), Ranking.Absolute),
            ("exactkl", EdgeEffects.Of(model, prompts, kl), Ranking.MostPositive),
        ];
        using (RunResult r = Intervention.On(model).LogitDifference("IO", "S").Run(held))
            Console.WriteLine($"{corruption} {r.Run("clean")["LogitDifference"].mean().item<float>()} {r.Run("corrupted")["LogitDifference"].mean().item<float>()}");
        foreach ((string name, EdgeScores scores, Ranking ranking) in all)
        {
            int n = limit;
            while (n < 200 && scores.Top(n + 1, ranking).Pruned().Count <= limit) n++;
            Circuit top = scores.Top(n, ranking).Pruned();
            Console.WriteLine($"{name} {n} {top.Count} {top.Faithfulness(model, held, metric, o):0.000} greedy {scores.Greedy(limit, ranking).Pruned().Faithfulness(model, held, metric, o):0.000}");
            foreach (double size in new[] { .02, .03, .04, .05, 0.06, 0.08, .1, .15 })
                Console.Write($"  {size}: {scores.Top(graph.CountOf(size), ranking).Pruned().Faithfulness(model, held, metric, o):0.000}");
            Console.WriteLine();
        }
        }
    }
}
