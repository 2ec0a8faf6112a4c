using System.Collections.Immutable;
using System.Globalization;
using Interventions.Tables;

namespace Interventions.Results;

/// <summary>What was generated as tables.</summary>
internal static class GenerationTable
{
    private const int MostRows = 24;

    /// <summary>A line a run, point of the sweep and prompt.</summary>
    public static string Of(
        ImmutableArray<SweepAxis> sweep, IReadOnlyList<GeneratedContent> changed, GeneratedContent? unchanged, string? weightsNote,
        string? whyUncached)
    {
        string points = sweep.IsEmpty ? "" : $" at {TextTable.Count(changed.Count, "point")}";
        string why = whyUncached is null ? "" : TextTable.Wrap($"computed anew at every token: {whyUncached}", indent: 2) + "\n";
        string weights = weightsNote is null ? "" : TextTable.Wrap($"weights: {weightsNote}", indent: 2) + "\n";
        return $"{TextTable.Count(changed[0].Continuations.Count, "prompt")} continued{points}\n{weights}{why}"
            + Table(["run", .. sweep.Select(axis => axis.Name)], [.. Runs(sweep, changed, unchanged)]);
    }

    /// <summary>A line a new token, for a file.</summary>
    public static (IEnumerable<string> Columns, IEnumerable<string[]> Rows) Tokens(
        ImmutableArray<SweepAxis> sweep, IReadOnlyList<GeneratedContent> changed, GeneratedContent? unchanged)
    {
        return (
            ["run", .. sweep.Select(axis => axis.Name), "prompt", "continuation", "step", "token", "token_text", "log_probability"],
            Runs(sweep, changed, unchanged).SelectMany(run => run.Run.Continuations.Index().SelectMany(
                prompt => prompt.Item.Index().SelectMany(text => Rows(run.Where, prompt.Index, text.Index, text.Item)))));

        static IEnumerable<string[]> Rows(string[] where, int prompt, int continuation, GeneratedText text) =>
            text.Tokens.Select((token, step) => (string[])
            [
                .. where, Number(prompt), Number(continuation), Number(step), token.ToString(CultureInfo.InvariantCulture),
                text.TextOf(token), text.LogProbabilities[step].ToString("R", CultureInfo.InvariantCulture),
            ]);
    }

    /// <summary>A line a prompt of one run.</summary>
    public static string Of(GeneratedContent run) => Table([], [([], run)]);

    private static string Table(string[] where, (string[] Where, GeneratedContent Run)[] runs)
    {
        // What ended a text is a column where a token ended one.
        bool haveStopped = runs.Any(run => run.Run.Continuations.Any(texts => texts.Any(text => text.StoppedBy is not null)));
        TextTable table = new(
        [
            .. where.Select(name => new TextColumn(name)), new("prompt", true), new("tokens", true),
            .. haveStopped ? (TextColumn[])[new("ended by")] : [], new("log p", true), new("text"),
        ]);
        string[] sums = ShortNumbers.Format(
            [.. runs.SelectMany(run => run.Run.Continuations).SelectMany(texts => texts).Select(text => text.LogProbabilities.Sum())]);
        int row = 0;
        // Several continuations of a prompt are several lines of its number.
        foreach ((string[] at, GeneratedContent run) in runs)
            foreach ((int prompt, IReadOnlyList<GeneratedText> texts) in run.Continuations.Index())
                foreach (GeneratedText text in texts)
                {
                    string[] end = haveStopped ? [text.End] : [];
                    table.Add([.. at, Number(prompt), Number(text.Tokens.Count), .. end, sums[row++], $"{text}"]);
                }
        return table.Print(MostRows);
    }

    /// <summary>Every run, with its name and the point where the sweep stands.</summary>
    private static IEnumerable<(string[] Where, GeneratedContent Run)> Runs(
        ImmutableArray<SweepAxis> sweep, IReadOnlyList<GeneratedContent> changed, GeneratedContent? unchanged)
    {
        if (unchanged is not null)
            yield return (["unchanged", .. sweep.Select(_ => "")], unchanged);
        foreach ((int point, GeneratedContent run) in changed.Index())
        {
            string[] at = new string[sweep.Length];
            for (int axis = at.Length - 1, rest = point; axis >= 0; rest /= sweep[axis--].Coordinates.Length)
                at[axis] = sweep[axis].Coordinates[rest % sweep[axis].Coordinates.Length].ToString();
            yield return (["changed", .. at], run);
        }
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
