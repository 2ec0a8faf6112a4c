using Interventions.Files;

namespace Interventions;

/// <summary>A file that should hold a run's result, and cannot be read as one. The message names the file and the reason.</summary>
public sealed class ResultFileException : IOException
{
    /// <summary>Creates the exception.</summary>
    public ResultFileException(string file, string reason, Exception? inner = null)
        : base($"'{file}' {reason}", inner)
    {
        File = file;
        Reason = reason;
    }

    /// <summary>The file.</summary>
    public string File { get; }

    /// <summary>The problem, as a sentence that the file's name begins.</summary>
    public string Reason { get; }

    /// <summary>Opens a file of a result.</summary>
    /// <exception cref="ResultFileException">It is missing or malformed.</exception>
    internal static SafeTensorFile Open(string path)
    {
        if (!System.IO.File.Exists(path))
            throw new ResultFileException(
                path, "is no result: the file does not exist. A run's Save writes one, and so does RunTo, once its last batch is done.");
        try
        {
            return SafeTensorFile.Open(path);
        }
        catch (CheckpointException malformed)
        {
            throw new ResultFileException(path, malformed.Reason, malformed);
        }
    }
}
