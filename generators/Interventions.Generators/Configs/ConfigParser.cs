using Interventions.Generators.Model;
using Microsoft.CodeAnalysis;

namespace Interventions.Generators.Configs;

/// <summary>Reads a <c>config.json</c>, for the generator (which wants the sizes) and for the analyzers (which want to know what is wrong).</summary>
internal static class ConfigParser
{
    /// <summary>Whether a path is that of a file that could be named.</summary>
    public static bool IsCandidate(AdditionalText file) => file.Path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file.</summary>
    public static ConfigModel Parse(AdditionalText file, CancellationToken cancellation)
    {
        string? type = null;
        try
        {
            var config = new ConfigObject(JsonReader.Read(file.GetText(cancellation)?.ToString() ?? ""));
            ConfigFamily family = ConfigFamily.Of(config);
            type = family.ModelType;
            return new ConfigModel(file.Path, type, family.Axes(config), null);
        }
        catch (ConfigException problem)
        {
            return new ConfigModel(file.Path, type, default, new ConfigProblem(problem.Message, problem.Span.Start, problem.Span.Length, problem.IsSyntax));
        }
    }
}
