using System.Text.RegularExpressions;

namespace Interventions.Models.Hub;

/// <summary>
/// A folder on the hub with something else than a model: <c>owner/name</c>, <c>owner/name/folder</c>, with a revision
/// <c>owner/name@revision/folder</c>.
/// </summary>
/// <param name="Id">The repository.</param>
/// <param name="Name">The folder in it; empty for its root.</param>
internal sealed partial record HubFolder(HubId Id, string Name)
{
    /// <summary>The folder that a text is; <see langword="null"/> if it can be none.</summary>
    public static HubFolder? TryParse(string text)
    {
        string[] parts = text.Split('/');
        if (parts.Length < 2 || HubId.TryParse($"{parts[0]}/{parts[1]}") is not { File: null } id)
            return null;
        string[] folders = parts[2..];
        return folders.All(folder => Segment().IsMatch(folder)) ? new HubFolder(id, string.Join('/', folders)) : null;
    }

    /// <summary>The folder in the cache; what is missing is downloaded.</summary>
    /// <param name="weights">The files of which one is needed, the most wanted first.</param>
    /// <param name="beside">The files that are taken where they are there.</param>
    /// <param name="settings">Where the cache and the hub are.</param>
    /// <exception cref="CheckpointException">The folder has none of the files, or something stands against the download.</exception>
    public string Locate(IReadOnlyCollection<string> weights, IReadOnlyCollection<string> beside, HubSettings settings)
    {
        if (new HubCache(Id, settings.Cache).FindSnapshot() is { } found && weights.Any(name => HubCache.IsThere(PathOf(found, name))))
            return PathOf(found, "");
        if (settings.IsOffline)
            throw HubRefusals.Offline(Id, settings);
        // On a thread of its own, so that a caller's context cannot wait for itself.
        string snapshot = Task.Run(() => new HubDownload(Id, settings, progress: null).RunAsync(Chosen, default)).GetAwaiter().GetResult();
        return PathOf(snapshot, "");

        // The weights are last: a folder that has them has the rest.
        IReadOnlyList<string> Chosen(IReadOnlyCollection<string> all) =>
            weights.Select(InRepository).FirstOrDefault(all.Contains) is { } chosen
                ? [.. beside.Select(InRepository).Where(all.Contains), chosen]
                : throw Nothing(weights, all);
    }

    /// <summary>The folder in the cache with several files of it; what is missing is downloaded.</summary>
    /// <param name="choose">
    /// Which files are needed, of the names of those that are there, below the folder; <see langword="null"/> where those do not suffice.
    /// </param>
    /// <param name="wanted">What is needed, for the message where the hub has it not.</param>
    /// <param name="settings">Where the cache and the hub are.</param>
    /// <exception cref="CheckpointException">The hub does not suffice either, or something stands against the download.</exception>
    public string Locate(Func<IReadOnlyCollection<string>, IReadOnlyList<string>?> choose, string wanted, HubSettings settings)
    {
        if (new HubCache(Id, settings.Cache).FindSnapshot() is { } found && Directory.Exists(PathOf(found, ""))
            && choose(Below(PathOf(found, ""))) is not null)
            return PathOf(found, "");
        if (settings.IsOffline)
            throw HubRefusals.Offline(Id, settings);
        string snapshot = Task.Run(() => new HubDownload(Id, settings, progress: null).RunAsync(Chosen, default)).GetAwaiter().GetResult();
        return PathOf(snapshot, "");

        IReadOnlyList<string> Chosen(IReadOnlyCollection<string> all)
        {
            string prefix = InRepository("");
            string[] here = [.. all.Where(file => file.StartsWith(prefix, StringComparison.Ordinal)).Select(file => file[prefix.Length..])];
            return choose(here) is { } chosen
                ? [.. chosen.Select(InRepository)]
                : throw new CheckpointException($"{this}", $"has not {wanted}.");
        }
    }

    /// <summary>The names of the files below a folder, with forward slashes.</summary>
    public static IReadOnlyCollection<string> Below(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(HubCache.IsThere).Select(file => Path.GetRelativePath(folder, file).Replace('\\', '/')).Order(StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public override string ToString() => Name.Length == 0 ? $"{Id}" : $"{Id}/{Name}";

    private string InRepository(string file) => Name.Length == 0 ? file : $"{Name}/{file}";

    private string PathOf(string snapshot, string file) => Path.Combine([snapshot, .. Name.Split('/'), file]);

    private CheckpointException Nothing(IReadOnlyCollection<string> weights, IReadOnlyCollection<string> all)
    {
        string[] folders = [.. all.Where(file => weights.Contains(file[(file.LastIndexOf('/') + 1)..]))
            .Select(file => file[..Math.Max(0, file.LastIndexOf('/'))]).Distinct().Order(StringComparer.Ordinal)];
        string more = folders.Length > 8 ? ", …" : "";
        string others = folders.Length == 0 ? "." : $"; folders that have one: {string.Join(", ", folders.Take(8))}{more}.";
        return new CheckpointException($"{this}", $"has none of {string.Join(", ", weights)}{others}");
    }

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_.-]*\z")]
    private static partial Regex Segment();
}
