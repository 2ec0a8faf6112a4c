using System.Text.RegularExpressions;

namespace Interventions.Models.Checkpoints;

/// <summary>Finds models that Hugging Face tools have downloaded. It downloads none itself.</summary>
internal static partial class HubCache
{
    /// <summary>Whether the text can be a hub id: <c>gpt2</c> or <c>openai-community/gpt2</c>.</summary>
    public static bool IsId(string text) => HubId().IsMatch(text);

    /// <summary>The folder of a downloaded model's current snapshot.</summary>
    /// <param name="id">The hub id.</param>
    /// <param name="variable">Reads an environment variable.</param>
    /// <exception cref="CheckpointException">It has not been downloaded.</exception>
    public static string Find(string id, Func<string, string?> variable)
    {
        string root = Root(variable);
        string repository = Path.Combine(root, $"models--{id.Replace("/", "--", StringComparison.Ordinal)}");
        string snapshots = Path.Combine(repository, "snapshots");
        string main = Path.Combine(repository, "refs", "main");
        if (File.Exists(main) && Path.Combine(snapshots, File.ReadAllText(main).Trim()) is var current && Directory.Exists(current))
            return current;
        if (Directory.Exists(snapshots) && Directory.GetDirectories(snapshots) is [string only])
            return only;
        throw new CheckpointException(id,
            $"is neither a folder nor a file, and as a hub id it is not in the local cache: there is no snapshot in '{repository}'. " +
            $"Download it with 'hf download {id}', set HF_HOME or HF_HUB_CACHE if the cache is elsewhere, or give a checkpoint folder.");
    }

    private static string Root(Func<string, string?> variable)
    {
        if (variable("HF_HUB_CACHE") is { Length: > 0 } hub)
            return hub;
        if (variable("HF_HOME") is { Length: > 0 } home)
            return Path.Combine(home, "hub");
        return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "huggingface", "hub");
    }

    [GeneratedRegex(@"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")]
    private static partial Regex HubId();
}
