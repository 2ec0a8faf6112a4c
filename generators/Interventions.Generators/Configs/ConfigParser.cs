using Interventions.Generators.Specs;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Interventions.Generators.Configs;

/// <summary>Reads a <c>config.json</c>: the generator takes its sizes, a rule reports its mistakes.</summary>
internal static class ConfigParser
{
    /// <summary>Whether a file can be a configuration, by the end of its name.</summary>
    public static bool IsCandidate(AdditionalText file) => file.Path.EndsWith(".json", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file.</summary>
    public static ConfigSpec Parse(AdditionalText file, CancellationToken cancellation)
    {
        string? type = null;
        try
        {
            var config = ConfigObject.Of(JsonReader.Read(file.GetText(cancellation)?.ToString() ?? ""));
            string name = config.Text("model_type");
            DecoderFamily family = DecoderFamily.Find(name)
                ?? throw config.Wrong("model_type", $"is '{name}'; supported are {DecoderFamily.Names}");
            type = family.ModelType;
            DecoderConfig decoder = family.Read(config);
            return new ConfigSpec(file.Path, type, family.ClassOf(decoder), DecoderSchema.Axes(decoder), null);
        }
        catch (ConfigException problem)
        {
            TextSpan at = problem.Span;
            return new ConfigSpec(
                file.Path, type, null, default, new ConfigProblem(problem.Message, at.Start, at.Length, problem.IsSyntax));
        }
    }
}

/// <summary>Finds the files that an attribute names: their paths end with the name, in whole segments.</summary>
internal static class ConfigPath
{
    /// <summary>The one file that is named; null when there is none, or several.</summary>
    public static ConfigSpec? Named(string name, IEnumerable<ConfigSpec> configs)
    {
        List<ConfigSpec> named = configs.Where(config => IsNamed(config.Path, name)).ToList();
        return named.Count == 1 ? named[0] : null;
    }

    /// <summary>Whether a file is named.</summary>
    public static bool IsNamed(string path, string name)
    {
        path = Normal(path);
        name = Normal(name);
        if (name.StartsWith("./", StringComparison.Ordinal))
            name = name.Substring(2);
        // Names that differ by case are names of different files.
        return name.Length > 0 && path.EndsWith(name, StringComparison.Ordinal)
            && (path.Length == name.Length || path[path.Length - name.Length - 1] == '/');
    }

    private static string Normal(string path) => path.Replace('\\', '/');
}
