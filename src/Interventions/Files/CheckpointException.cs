using Interventions.Files;

namespace Interventions;

/// <summary>A checkpoint, or another file of tensors, that cannot be read. The message names the file and the reason.</summary>
public sealed class CheckpointException : IOException
{
    /// <summary>The longest reason: what a file holds may be part of it.</summary>
    private const int LongestReason = 1500;

    /// <summary>Creates the exception.</summary>
    public CheckpointException(string file, string reason, Exception? inner = null)
        : base($"'{file}' {FileText.Shown(reason, LongestReason)}", inner)
    {
        File = file;
        Reason = FileText.Shown(reason, LongestReason);
    }

    /// <summary>The file, or the folder in which a file is missing.</summary>
    public string File { get; }

    /// <summary>The problem, as a sentence that the file's name begins, on one line.</summary>
    public string Reason { get; }
}
