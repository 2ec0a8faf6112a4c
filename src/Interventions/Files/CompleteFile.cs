namespace Interventions.Files;

/// <summary>Writes files so that no reader sees one half written.</summary>
internal static class CompleteFile
{
    /// <summary>
    /// Writes a file beside the old one, then renames it: a reader sees the old file or the new one, and a mapped old file stays intact.
    /// </summary>
    /// <param name="path">The file; its folder is made if it is missing.</param>
    /// <param name="write">Writes the content.</param>
    public static void Replace(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string full = Path.GetFullPath(path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        string temporary = $"{full}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream stream = File.Create(temporary))
            {
                write(stream);
                // After a power failure a file system may have kept the rename and lost the content.
                stream.Flush(flushToDisk: true);
            }
            File.Move(temporary, full, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }
}
