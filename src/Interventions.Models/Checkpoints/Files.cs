namespace Interventions.Models.Checkpoints;

/// <summary>Files that are never seen half written.</summary>
internal static class Files
{
    /// <summary>
    /// Writes beside the file, then renames: a reader sees the old file or the new one, and a mapped old one stays intact.
    /// </summary>
    public static void Replace(string path, Action<Stream> write)
    {
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
                write(stream);
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
