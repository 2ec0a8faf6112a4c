namespace Interventions;

/// <summary>A checkpoint, or another file of tensors, that cannot be read. The message names the file and the reason.</summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Creates the exception.</summary>
    public CheckpointException(string file, string reason, Exception? inner = null)
        : base($"'{file}' {reason}", inner)
    {
        File = file;
        Reason = reason;
    }

    /// <summary>The file, or the folder in which a file is missing.</summary>
    public string File { get; }

    /// <summary>The problem, as a sentence that the file's name begins.</summary>
    public string Reason { get; }
}
