using System.Text;
using System.Text.RegularExpressions;
using Interventions.Files;
using Interventions.Models.Checkpoints;

namespace Interventions.Models.Hub;

/// <summary>
/// A model's folder in the cache of Hugging Face tools. <c>refs</c> holds the commit of each branch, <c>blobs</c> each content once under
/// its hash, <c>snapshots</c> a folder for each commit, with links to the blobs.
/// </summary>
internal sealed partial class HubCache(HubId id, string root)
{
    private readonly string _name = $"models--{id.Repository.Replace("/", "--", StringComparison.Ordinal)}";

    /// <summary>The model's folder.</summary>
    public string Folder => Path.Combine(root, _name);

    /// <summary>The folder of a commit.</summary>
    public string Snapshot(string commit) => Path.Combine(Folder, "snapshots", commit);

    /// <summary>The file of a content that has a hash.</summary>
    public string Blob(string hash) => Path.Combine(Folder, "blobs", hash);

    /// <summary>The checkpoint, as <c>Load</c> takes it; <see langword="null"/> if it is not there.</summary>
    /// <param name="isWhole">Whether weights without their tokenizer do not count.</param>
    public string? Find(bool isWhole)
    {
        if (Commit() is not { } commit)
            return null;
        string snapshot = Snapshot(commit);
        if (id.File is { } file)
            return IsThere(Path.Combine(snapshot, file)) ? Path.Combine(snapshot, file) : null;
        return HasWeights(snapshot) && (!isWhole || KnowsTokenizer(commit)) ? snapshot : null;
    }

    /// <summary>The folder of all files of the revision; <see langword="null"/> if none of them was taken.</summary>
    public string? FindSnapshot() => Commit() is { } commit && Directory.Exists(Snapshot(commit)) ? Snapshot(commit) : null;

    /// <summary>Whether a file is there: a link to nothing is not.</summary>
    public static bool IsThere(string file) =>
        File.Exists(file) && (File.ResolveLinkTarget(file, returnFinalTarget: true)?.Exists ?? true);

    /// <summary>Keeps in mind which commit a branch or tag is, and which files the commit does not have.</summary>
    public void Note(string commit, IEnumerable<string> absent)
    {
        string reference = Path.Combine(Folder, "refs", id.Revision);
        if (id.Revision != commit && !(File.Exists(reference) && File.ReadAllText(reference) == commit))
            CompleteFile.Replace(reference, stream => stream.Write(Encoding.ASCII.GetBytes(commit)));
        string nowhere = Path.Combine(Folder, ".no_exist", commit);
        foreach (string name in absent)
        {
            Directory.CreateDirectory(nowhere);
            // Others may do the same at this moment.
            new FileStream(Path.Combine(nowhere, name), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite).Dispose();
        }
    }

    /// <summary>Keeps other processes, Python's among them, from downloading the same content; dispose it to let them.</summary>
    public async Task<IDisposable> LockAsync(string hash, CancellationToken cancellationToken)
    {
        string file = Path.Combine(root, ".locks", _name, $"{hash}.lock");
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        while (true)
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException error) when ((error.HResult & 0xFFFF) is 11 or 32 or 33 or 35)
            {
                // In use: 11 on Linux, 35 on macOS, 32 and 33 on Windows. The system frees the lock of a process that ended.
                await Task.Delay(50, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Puts a content under a file's name into a commit's folder: as a link, or where there are none as the file itself.</summary>
    /// <param name="commit">The commit.</param>
    /// <param name="name">The file's name.</param>
    /// <param name="hash">The content's hash.</param>
    /// <param name="link">Makes a link at a path to a target; default: the system does.</param>
    public void Place(string commit, string name, string hash, Action<string, string>? link = null)
    {
        string file = Path.Combine(Snapshot(commit), name);
        if (IsThere(file))
            return;
        string folder = Path.GetDirectoryName(file)!;
        Directory.CreateDirectory(folder);
        File.Delete(file); // a link to nothing
        try
        {
            (link ?? ((path, target) => File.CreateSymbolicLink(path, target)))(file, Path.GetRelativePath(folder, Blob(hash)));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or PlatformNotSupportedException)
        {
            // Windows allows links to some users, some file systems to none.
            if (!IsThere(file))
                File.Move(Blob(hash), file);
        }
    }

    private string? Commit()
    {
        string reference = Path.Combine(Folder, "refs", id.Revision);
        if (File.Exists(reference))
            return File.ReadAllText(reference).Trim() is var commit && Name().IsMatch(commit) ? commit : null;
        if (Directory.Exists(Snapshot(id.Revision)))
            return id.Revision;
        string all = Path.Combine(Folder, "snapshots");
        return id.Revision == HubId.Main && Directory.Exists(all) && Directory.GetDirectories(all) is [string only]
            ? Path.GetFileName(only)
            : null;
    }

    private static bool HasWeights(string snapshot)
    {
        if (!IsThere(Path.Combine(snapshot, ModelFiles.Config)))
            return Directory.Exists(snapshot) && Directory.GetFiles(snapshot, "*" + GgufFile.Extension).Any(IsThere);
        string? first = TensorFolder.FileNames.FirstOrDefault(name => IsThere(Path.Combine(snapshot, name)));
        try
        {
            return first is not null && (!TensorFolder.IsIndex(first) || ModelFiles.Shards(Path.Combine(snapshot, first))
                .All(shard => IsThere(Path.Combine(snapshot, shard))));
        }
        catch (CheckpointException)
        {
            return true; // a damaged index is the reader's to refuse
        }
    }

    private bool KnowsTokenizer(string commit)
    {
        string snapshot = Snapshot(commit);
        return !IsThere(Path.Combine(snapshot, ModelFiles.Config)) || IsThere(Path.Combine(snapshot, ModelFiles.Tokenizer))
            || File.Exists(Path.Combine(Folder, ".no_exist", commit, ModelFiles.Tokenizer));
    }

    [GeneratedRegex("^[0-9A-Za-z]+$")]
    private static partial Regex Name();
}
