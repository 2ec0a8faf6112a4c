using System.Diagnostics;
using Interventions.Models.Checkpoints;

namespace Interventions.Models.Hub;

/// <summary>Downloads what the cache lacks of a model.</summary>
internal sealed class HubDownload(HubId id, HubSettings settings, IProgress<DownloadProgress>? progress)
{
    private readonly HubClient _client = new(id, settings);
    private readonly HubCache _cache = new(id, settings.Cache);
    private readonly Stopwatch _sinceReport = new();
    private long _total, _done;

    /// <summary>Downloads.</summary>
    /// <returns>The folder, or the file that the id names.</returns>
    /// <exception cref="CheckpointException">Something stands against it.</exception>
    public Task<string> RunAsync(CancellationToken cancellationToken) => CarefullyAsync(() => TakeAsync(cancellationToken));

    /// <summary>Downloads files that are not a model's.</summary>
    /// <param name="choose">Which of all files, in which order; it throws where what is needed is not there.</param>
    /// <param name="cancellationToken">Stops; what has arrived is kept.</param>
    /// <returns>The folder of all files.</returns>
    /// <exception cref="CheckpointException">Something stands against it.</exception>
    public Task<string> RunAsync(
        Func<IReadOnlyCollection<string>, IReadOnlyList<string>> choose, CancellationToken cancellationToken) =>
        CarefullyAsync(async () =>
        {
            (string commit, IReadOnlyCollection<string> all) = await _client.ListAsync(cancellationToken).ConfigureAwait(false);
            await TakeAsync(commit, choose(all), cancellationToken).ConfigureAwait(false);
            _cache.Note(commit, []);
            return _cache.Snapshot(commit);
        });

    private async Task<string> CarefullyAsync(Func<Task<string>> take)
    {
        try
        {
            return await take().ConfigureAwait(false);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not CheckpointException)
        {
            throw new CheckpointException(settings.Cache,
                $"cannot take '{id}' ({error.Message.TrimEnd('.')}): set HF_HOME or HF_HUB_CACHE to a folder that you may write to.",
                error);
        }
    }

    private async Task<string> TakeAsync(CancellationToken cancellationToken)
    {
        (string commit, IReadOnlyCollection<string> all) = await _client.ListAsync(cancellationToken).ConfigureAwait(false);
        string snapshot = _cache.Snapshot(commit), weights = ModelFiles.Weights(id, all);
        IEnumerable<string> shards = [];
        if (TensorFolder.IsIndex(weights))
        {
            await TakeAsync(commit, [weights], cancellationToken).ConfigureAwait(false);
            shards = ModelFiles.Shards(Path.Combine(snapshot, weights));
            if (shards.FirstOrDefault(shard => !all.Contains(shard)) is { } missing)
                throw new CheckpointException($"{id}", $"is incomplete on the hub: '{weights}' names '{missing}', which is not there.");
        }
        await TakeAsync(commit, [.. ModelFiles.Beside(id, all), weights, .. shards], cancellationToken).ConfigureAwait(false);
        // Last, so that a branch is known in the cache only once its files are there.
        _cache.Note(commit, ModelFiles.Absent(all));
        return id.File is null ? snapshot : Path.Combine(snapshot, id.File);
    }

    private async Task TakeAsync(string commit, IEnumerable<string> names, CancellationToken cancellationToken)
    {
        List<HubFile> missing = [];
        foreach (string name in names.Where(name => !HubCache.IsThere(Path.Combine(_cache.Snapshot(commit), name))))
            missing.Add(await _client.DescribeAsync(commit, name, cancellationToken).ConfigureAwait(false));
        _total += missing.Sum(file => file.Size);
        CheckRoom(missing);
        foreach (HubFile file in missing)
            await TakeAsync(commit, file, cancellationToken).ConfigureAwait(false);
    }

    private async Task TakeAsync(string commit, HubFile file, CancellationToken cancellationToken)
    {
        string blob = _cache.Blob(file.Hash);
        using IDisposable held = await _cache.LockAsync(file.Hash, cancellationToken).ConfigureAwait(false);
        if (!File.Exists(blob) && !HubCache.IsThere(Path.Combine(_cache.Snapshot(commit), file.Name)))
        {
            string partial = blob + ".incomplete";
            using (PartialFile part = await PartialFile.OpenAsync(partial, file, cancellationToken).ConfigureAwait(false))
                await TakeAsync(commit, file, part, cancellationToken).ConfigureAwait(false);
            File.Move(partial, blob, overwrite: true);
        }
        _cache.Place(commit, file.Name, file.Hash);
        _done += file.Size;
        Report(file, 0, isLast: true);
    }

    private async Task TakeAsync(string commit, HubFile file, PartialFile part, CancellationToken cancellationToken)
    {
        bool wasResumed = part.IsResumed;
        while (true)
        {
            await _client.FetchAsync(
                commit, file, part, () => Report(file, part.Length, isLast: false), cancellationToken).ConfigureAwait(false);
            string hash = part.Hash();
            if (hash == file.Hash)
                break;
            part.Restart();
            if (!wasResumed)
                throw HubRefusals.Contradiction(id, file, $"the hub says that its hash is {file.Hash}, and it is {hash}");
            wasResumed = false; // what an earlier download left may be to blame
        }
        part.Flush();
    }

    private void Report(HubFile file, long arrived, bool isLast)
    {
        if (progress is null || (!isLast && _sinceReport.IsRunning && _sinceReport.ElapsedMilliseconds < 100))
            return;
        _sinceReport.Restart();
        progress.Report(new DownloadProgress(file.Name, _done + arrived, _total));
    }

    private void CheckRoom(IEnumerable<HubFile> missing)
    {
        long needed = missing.Where(file => !File.Exists(_cache.Blob(file.Hash))).Sum(file => file.Size - Kept(file));
        Directory.CreateDirectory(settings.Cache);
        if (Free(settings.Cache) is { } free && needed > free)
            throw HubRefusals.NoRoom(id, settings, needed, free);
    }

    /// <summary>How many bytes of a file an earlier download left.</summary>
    private long Kept(HubFile file) =>
        new FileInfo(_cache.Blob(file.Hash) + ".incomplete") is { Exists: true } part ? Math.Min(part.Length, file.Size) : 0;

    /// <summary>How many bytes are free where a folder is; of a share in a network that is not known.</summary>
    private static long? Free(string folder)
    {
        try
        {
            return new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
