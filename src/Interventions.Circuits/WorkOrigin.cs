using System.Collections.Immutable;
using Interventions.Execution;
using Interventions.Files;

namespace Interventions.Circuits;

/// <summary>
/// What a file of long work was made from: only work on the same may be gone on with. Hashes of metric, model, weights and prompts, and
/// what was done with which options.
/// </summary>
/// <param name="Parts">By key.</param>
internal sealed record WorkOrigin(ImmutableArray<KeyValuePair<string, string>> Parts)
{
    private const string Work = "work";

    /// <summary>What some work is made from.</summary>
    /// <param name="measurement">What is measured.</param>
    /// <param name="metric">The metric.</param>
    /// <param name="work">The method and its options, in words.</param>
    /// <exception cref="InterventionException">The model does not say which weights it has.</exception>
    public static WorkOrigin Of(Measurement measurement, InterventionGraph metric, string work)
    {
        CircuitOptions options = measurement.Options;
        string of = options.Over is null ? "" : $" of other prompts ({ResultOrigin.HashOf(options.Over)})";
        string carried = options.Ablation switch
        {
            Ablation.Zero => "0",
            Ablation.Mean => $"means of '{options.From}'{of}{(options.AcrossTemplates ? " of all templates" : "")}"
                + (options.Pooled ? " over all positions" : ""),
            _ => $"values of '{options.From}'",
        };
        return new WorkOrigin(
        [
            .. ResultOrigin.Of(metric, measurement.Model, measurement.Prompts, options.Run).Parts,
            new(Work, $"{work}; removed edges carry {carried}"),
        ]);
    }

    /// <summary>Checks that a file was made from the same.</summary>
    /// <param name="begun">What the file says; null if nothing.</param>
    /// <param name="path">The file.</param>
    /// <exception cref="InterventionException">It was not.</exception>
    public void Check(WorkOrigin? begun, string path)
    {
        foreach ((string key, string value) in Parts)
        {
            string? before = begun?.Parts.FirstOrDefault(part => part.Key == key).Value;
            if (before != value)
                throw new InterventionException(before is null
                    ? $"'{path}' was not begun by work of this kind: give another path, or delete it."
                    : $"'{path}' was begun {Difference(key, before, value)}: go on with the same, give another path, or delete it.");
        }
    }

    /// <summary>Writes or reads the parts; null where a text has none.</summary>
    public static WorkOrigin? Fields(JsonFields fields, WorkOrigin? origin)
    {
        ImmutableArray<string> parts = fields.OptionalTexts(
            "origin", origin is null ? default : [.. origin.Parts.Select(part => $"{part.Key}={part.Value}")]);
        return parts.IsDefault ? null : new WorkOrigin(
            [.. parts.Select(part => part.Split('=', 2)).Select(part => new KeyValuePair<string, string>(part[0], part[^1]))]);
    }

    private static string Difference(string key, string begun, string now) =>
        key == Work ? $"as {begun}, and this is {now}" : ResultOrigin.Difference(key, begun, now);
}
