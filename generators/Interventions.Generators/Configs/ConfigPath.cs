using Interventions.Generators.Model;

namespace Interventions.Generators.Configs;

/// <summary>Which files an attribute names: those whose path ends with what it says, in whole segments.</summary>
internal static class ConfigPath
{
    /// <summary>The one file that is named; null when there is none, or several.</summary>
    public static ConfigModel? Named(string name, IEnumerable<ConfigModel> configs)
    {
        List<ConfigModel> named = configs.Where(config => IsNamed(config.Path, name)).ToList();
        return named.Count == 1 ? named[0] : null;
    }

    /// <summary>Whether a file is named.</summary>
    public static bool IsNamed(string path, string name)
    {
        path = Normal(path);
        name = Normal(name);
        if (name.StartsWith("./", StringComparison.Ordinal))
            name = name.Substring(2);
        // Names of files differ by case only on purpose.
        return name.Length > 0 && path.EndsWith(name, StringComparison.Ordinal) && (path.Length == name.Length || path[path.Length - name.Length - 1] == '/');
    }

    private static string Normal(string path) => path.Replace('\\', '/');
}
