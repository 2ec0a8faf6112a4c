using System.Collections.Immutable;
using Interventions.Runtime;

namespace Interventions.Binding;

/// <summary>Orders derived runs so that each reads earlier ones only.</summary>
internal static class DerivedRuns
{
    /// <summary>The runs with their numbers, which follow those of the prompt set.</summary>
    /// <exception cref="InterventionException">Two runs share a name, or runs read each other in a circle.</exception>
    public static ImmutableArray<BoundRun> Order(InterventionGraph graph, PromptVocabulary vocabulary, Func<string, int> promptRun, int baseRun)
    {
        foreach (DerivedRun run in graph.Runs)
            if (vocabulary.Runs.Contains(run.Name) || graph.Runs.Count(other => other.Name == run.Name) > 1)
                throw new InterventionException($"{graph.Name}: there are two runs '{run.Name}'; a derived run needs a name of its own.");

        List<DerivedRun> ordered = [];
        while (ordered.Count < graph.Runs.Length)
        {
            DerivedRun[] waiting = [.. graph.Runs.Except(ordered)];
            DerivedRun next = waiting.FirstOrDefault(run => !Donors(graph, run).Any(donor => waiting.Any(other => other.Name == donor)))
                ?? throw new InterventionException(
                    $"{graph.Name}: the runs {string.Join(", ", waiting.Select(run => $"'{run.Name}'"))} read each other in a circle, so none of them can be first.");
            ordered.Add(next);
        }
        return [.. ordered.Select((run, i) => new BoundRun(vocabulary.Runs.Count + i, run.From is null ? baseRun : promptRun(run.From), run.Name))];
    }

    private static IEnumerable<string?> Donors(InterventionGraph graph, DerivedRun run) =>
        graph.Writes.Where(write => write.Run == run.Name).SelectMany(write => write.Reads.OfType<Read.From>()).Select(from => from.Run);
}
