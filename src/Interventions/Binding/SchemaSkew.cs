using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>
/// Compares the model with the version that the declaration was compiled against: they may come from two packages. Only the names in use
/// are compared, so that a model that gained sites breaks no declaration; where it lost some, all that are missing are named at once.
/// </summary>
internal static class SchemaSkew
{
    /// <exception cref="InterventionException">It was compiled against another schema, and uses names that this one lacks.</exception>
    public static void Check(InterventionGraph graph, ModelSchema schema, SitePaths paths)
    {
        if (!Differs(graph.ModelFingerprint, schema.Fingerprint))
            return;
        string[] missing =
        [
            .. Sites(graph).SelectMany(site => paths.Resolve(site, schema, prompts: null).Problems)
                .Select(problem => problem.Message).Distinct(),
        ];
        if (missing.Length > 0)
        {
            throw new InterventionException(
                $"{graph.Name} was compiled against another version of {schema.Model}, which differs from this one: " +
                $"{string.Join("; ", missing)}. Use the version of {schema.Model} that it was compiled against, " +
                $"or a version of {graph.Name} that was compiled against this one.");
        }
    }

    /// <summary>What to add to a message about any other name.</summary>
    public static string Hint(InterventionGraph graph, ModelSchema schema, PromptVocabulary prompts)
    {
        string[] other = [
            .. Differs(graph.ModelFingerprint, schema.Fingerprint) ? [schema.Model] : Array.Empty<string>(),
            .. Differs(graph.PromptFingerprint, prompts.Fingerprint) ? [prompts.PromptSet] : Array.Empty<string>()];
        return other.Length == 0 ? "" : $" ({graph.Name} was compiled against another version of {string.Join(" and ", other)})";
    }

    private static bool Differs(string? compiled, string now) => compiled is not null && compiled != now;

    private static IEnumerable<string> Sites(InterventionGraph graph) =>
    [
        .. graph.Splices.SelectMany(splice => new[] { splice.Site, splice.Reads }).OfType<string>(),
        .. graph.Writes.SelectMany(write => Donors(write.Reads).Prepend(write.Site)),
        .. graph.Captures.SelectMany(capture => Donors(capture.Reads).Prepend(capture.Site)),
        .. graph.Gradients.SelectMany(gradient => Donors(gradient.Reads).Prepend(gradient.Site)),
        .. graph.Metrics.SelectMany(metric => Donors(metric.Reads)),
    ];

    private static IEnumerable<string> Donors(IEnumerable<Read> reads) =>
        reads.Leaves().Select(read => read.OtherPath).OfType<string>();
}
