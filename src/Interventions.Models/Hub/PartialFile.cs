using System.Security.Cryptography;
using System.Text;

namespace Interventions.Models.Hub;

/// <summary>A file of the hub: its name and what the hub says of its content.</summary>
/// <param name="Name">The name in the repository.</param>
/// <param name="Hash">SHA-256 in 64 hexadecimal digits, or in 40 the SHA-1 that Git gives a content.</param>
/// <param name="Size">Bytes.</param>
internal sealed record HubFile(string Name, string Hash, long Size);

/// <summary>The part of a content that has arrived, in a file that an interrupted download leaves to the next one.</summary>
internal sealed class PartialFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream _stream;
    private readonly HubFile _file;
    private IncrementalHash _hash;

    private PartialFile(string path, HubFile file, FileStream stream) =>
        (_path, _file, _stream, _hash) = (path, file, stream, NewHash(file));

    /// <summary>How many bytes are there.</summary>
    public long Length { get; private set; }

    /// <summary>Whether an earlier download left the first of them.</summary>
    public bool IsResumed { get; private set; }

    /// <summary>Opens what an earlier download left, or begins anew.</summary>
    public static async Task<PartialFile> OpenAsync(string path, HubFile file, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        FileStream stream = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16, useAsync: true);
        PartialFile part = new(path, file, stream);
        try
        {
            await part.ReadKeptAsync(cancellationToken).ConfigureAwait(false);
            return part;
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    /// <exception cref="CheckpointException">The disk is full.</exception>
    public async Task AppendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            await _stream.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw HubRefusals.Unwritable(_path, error);
        }
        _hash.AppendData(bytes.Span);
        Length += bytes.Length;
    }

    /// <summary>Throws away what is there.</summary>
    public void Restart()
    {
        _stream.SetLength(0);
        _hash.Dispose();
        _hash = NewHash(_file);
        (Length, IsResumed) = (0, false);
    }

    /// <summary>The hash of what is there.</summary>
    public string Hash() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>Writes all of it to the disk.</summary>
    public void Flush()
    {
        try
        {
            _stream.Flush(flushToDisk: true);
        }
        catch (IOException error)
        {
            throw HubRefusals.Unwritable(_path, error);
        }
    }

    public void Dispose()
    {
        _hash.Dispose();
        try
        {
            _stream.Dispose();
        }
        catch (IOException)
        {
            // What could not be written was said when it was appended.
        }
    }

    private async Task ReadKeptAsync(CancellationToken cancellationToken)
    {
        if (_stream.Length > _file.Size)
            Restart();
        byte[] buffer = new byte[1 << 20];
        while (await _stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and int count)
        {
            _hash.AppendData(buffer.AsSpan(0, count));
            Length += count;
        }
        IsResumed = Length > 0;
    }

    private static IncrementalHash NewHash(HubFile file)
    {
        if (file.Hash.Length == 64)
            return IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
        hash.AppendData(Encoding.ASCII.GetBytes($"blob {file.Size}\0"));
        return hash;
    }
}
