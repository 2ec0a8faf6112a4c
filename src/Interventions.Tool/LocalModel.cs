using Interventions.Models.Hub;

namespace Interventions.Tool;

/// <summary>A model on this machine: what a command looks at must not begin with gigabytes that nobody asked for.</summary>
internal static class LocalModel
{
    /// <summary>The path of a checkpoint; of a hub id, where the cache has it.</summary>
    /// <exception cref="CheckpointException">It is a hub id that is not in the cache.</exception>
    public static string Of(string model)
    {
        if (Path.Exists(model) || HubId.TryParse(model) is not { } id)
            return model; // What is wrong with it, its reader says.
        return new HubCache(id, HubSettings.Of(Environment.GetEnvironmentVariable).Cache).Find(isWhole: false)
            ?? throw new CheckpointException(
                model, $"is neither a folder nor a file, and as a hub id not in the cache: get it with 'interventions download {model}'.");
    }
}
