using System.Collections.Immutable;
using System.Globalization;
using Interventions.Files;
using Interventions.Results;

namespace Interventions.Circuits;

/// <content>Scores in files.</content>
public sealed partial class EdgeScores
{
    /// <summary>Reads a file that <see cref="Save"/> wrote, or that effects were measured to.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InterventionException">It holds no scores, or not those of all edges.</exception>
    public static EdgeScores Load(string path)
    {
        SavedScores saved = Read(path);
        return saved.Measured == saved.Scores.Graph.EdgeCount
            ? saved.Scores
            : throw new InterventionException(
                $"'{path}' has the scores of {saved.Measured} of {saved.Scores.Graph.EdgeCount} edges: measuring them was stopped. Go on "
                + $"with {nameof(EdgeEffects)}.{nameof(EdgeEffects.Of)} and this path.");
    }

    /// <summary>Writes the scores of every prompt as JSON, with the graph's sizes; the edges in the graph's order.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path) => Write(path, null, Graph.EdgeCount);

    /// <summary>Writes comma-separated values: <c>edge</c>, <c>prompt</c> (its number; empty for the mean), <c>score</c>.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, ["edge", "prompt", "score"],
        Graph.Edges.Index().SelectMany(edge => _prompts
            .Select((scores, prompt) => (Prompt: prompt.ToString(CultureInfo.InvariantCulture), Score: scores[edge.Index]))
            .Prepend((Prompt: "", Score: _means[edge.Index]))
            .Select(row => (string[])[$"{edge.Item}", row.Prompt, row.Score.ToString("R", CultureInfo.InvariantCulture)])));

    /// <summary>Writes scores of which some are measured.</summary>
    internal void Write(string path, WorkOrigin? origin, int measured) =>
        StoredJson.Write(path, fields => Fields(fields, new SavedScores(this, measured, origin)));

    /// <summary>Takes over scores of a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="origin">What the work is made from.</param>
    /// <param name="scores">Takes the scores, by prompt.</param>
    /// <returns>How many edges are measured.</returns>
    /// <exception cref="InterventionException">The file holds no scores, or was begun with something else.</exception>
    internal static int Resume(string path, WorkOrigin origin, double[][] scores)
    {
        SavedScores saved = Read(path);
        origin.Check(saved.Origin, path);
        foreach ((double[] from, double[] to) in saved.Scores._prompts.Zip(scores))
            from.CopyTo(to, 0);
        return saved.Measured;
    }

    private static SavedScores Read(string path) =>
        StoredJson.Read(File.ReadAllText(path), $"'{path}' holds no scores", fields => Fields(fields, null));

    private static SavedScores Fields(JsonFields fields, SavedScores? saved)
    {
        WorkOrigin? origin = WorkOrigin.Fields(fields, saved?.Origin);
        CircuitGraph graph = CircuitGraph.Fields(fields, saved?.Scores.Graph);
        int measured = fields.Integer("measured", saved?.Measured);
        ImmutableArray<PromptScores> prompts = fields.List<PromptScores>(
            "prompts", saved is null ? default : [.. saved.Scores._prompts.Select(scores => new PromptScores([.. scores]))],
            (item, prompt) => new PromptScores(item.Numbers("scores", prompt?.Scores ?? default)));
        return saved ?? new SavedScores(new EdgeScores(graph, prompts.Select(prompt => prompt.Scores.ToArray())), measured, origin);
    }

    private sealed record PromptScores(ImmutableArray<double> Scores);

    private sealed record SavedScores(EdgeScores Scores, int Measured, WorkOrigin? Origin);
}
