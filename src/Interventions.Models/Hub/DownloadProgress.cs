namespace Interventions.Models;

/// <summary>How far a download has come.</summary>
/// <param name="File">The file that is downloaded now.</param>
/// <param name="Bytes">How many bytes of all files are there, those of earlier attempts included.</param>
/// <param name="TotalBytes">How many bytes all files have that were missing.</param>
public sealed record DownloadProgress(string File, long Bytes, long TotalBytes)
{
    /// <summary>The part that is there, from 0 to 1.</summary>
    public double Fraction => TotalBytes == 0 ? 1 : (double)Bytes / TotalBytes;
}
