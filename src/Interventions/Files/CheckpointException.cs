namespace Interventions;

/// <summary>A checkpoint, or another file of tensors, that cannot be read as what it claims to be. The message names the file and the reason.</summary>
public sealed class CheckpointException : IOException
{
    /// <summary>Names the file and the reason.</summary>
    public CheckpointException(string file, string reason, Exception? inner = null)
        : base($"'{file}' {reason}", inner)
    {
        File = file;
        Reason = reason;
    }

    /// <summary>The file, or the folder where a file is missing.</summary>
    public string File { get; }

    /// <summary>What is wrong with it; reads on from the file's name.</summary>
    public string Reason { get; }
}
