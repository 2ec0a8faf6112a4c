using System.Collections.Immutable;
using System.IO.Compression;
using System.IO.Enumeration;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Interventions.Files;

namespace Interventions.Features;

/// <summary>The documents in files and folders, each a sequence of pieces of text.</summary>
internal static class TextFiles
{
    private const string Packed = ".gz", Lines = ".jsonl";

    /// <summary>How many bytes of a file say whether it is text.</summary>
    private const int Looked = 1 << 13;

    /// <param name="paths">Files and folders.</param>
    /// <param name="field">The field of a line of JSON that has the text.</param>
    public static IEnumerable<IEnumerable<string>> Documents(ImmutableArray<string> paths, string field)
    {
        foreach (string path in paths)
        {
            bool isFolder = Directory.Exists(path);
            foreach (string file in isFolder ? InFolder(path) : [path])
            {
                if (!IsText(file))
                {
                    if (isFolder)
                        continue;
                    throw new InterventionException($"'{file}' is no text in UTF-8.");
                }
                if (Unpacked(file).EndsWith(Lines, StringComparison.OrdinalIgnoreCase))
                {
                    foreach (string text in TextsOfLines(file, field))
                        yield return TextPieces.Of(text);
                }
                else
                {
                    yield return Pieces(file);
                }
            }
        }
    }

    /// <summary>The files in a folder and in its folders, in the order of their paths; none of them twice.</summary>
    private static IEnumerable<string> InFolder(string folder)
    {
        IEnumerable<string> files = new FileSystemEnumerable<string>(
            folder, (ref FileSystemEntry entry) => entry.ToSpecifiedFullPath(), new EnumerationOptions { RecurseSubdirectories = true })
        {
            ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory,
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        // A link may lead nowhere.
        return files.Order(StringComparer.Ordinal).Select(file => (Name: file, Target: Target(file))).Where(file => file.Target.Exists)
            .DistinctBy(file => file.Target.FullName).Select(file => file.Name);

        static FileSystemInfo Target(string file)
        {
            FileInfo info = new(file);
            return info.ResolveLinkTarget(returnFinalTarget: true) ?? info;
        }
    }

    private static bool IsText(string file)
    {
        byte[] head = new byte[Looked];
        int count;
        try
        {
            using Stream stream = Open(file);
            count = stream.ReadAtLeast(head, Looked, throwOnEndOfStream: false);
        }
        catch (InvalidDataException)
        {
            return false;
        }
        ReadOnlySpan<byte> bytes = head.AsSpan(0, count);
        // The last character may be cut in two.
        int end = count == Looked ? Math.Max(0, count - 4) : count;
        while (end < count && (bytes[end] & 0xC0) == 0x80)
            end++;
        return !bytes.Contains((byte)0) && Utf8.IsValid(bytes[..end]);
    }

    private static IEnumerable<string> Pieces(string file)
    {
        using StreamReader reader = new(Open(file), Encoding.UTF8);
        foreach (string piece in TextPieces.Of(reader))
            yield return piece;
    }

    private static IEnumerable<string> TextsOfLines(string file, string field)
    {
        using StreamReader reader = new(Open(file), Encoding.UTF8);
        for (int number = 1; reader.ReadLine() is { } line; number++)
            if (!string.IsNullOrWhiteSpace(line))
                yield return TextOf(line, field, $"'{file}', line {number}");
    }

    private static string TextOf(string line, string field, string where)
    {
        try
        {
            using JsonDocument json = FileText.ParseJson(Encoding.UTF8.GetBytes(line));
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty(field, out JsonElement text)
                && text.ValueKind == JsonValueKind.String
                ? text.GetString()!
                : throw new InterventionException(
                    $"{where}: this is no object with a text under '{field}'; {nameof(CorpusOptions)}.{nameof(CorpusOptions.Field)} names "
                    + "another field.");
        }
        catch (JsonException wrong)
        {
            throw new InterventionException($"{where}: this is no JSON: {FileText.Explained(wrong)}", wrong);
        }
    }

    private static Stream Open(string file)
    {
        FileStream stream = new(file, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.SequentialScan);
        return Unpacked(file) == file ? stream : new GZipStream(stream, CompressionMode.Decompress);
    }

    /// <summary>A file's name without the ending of packed files.</summary>
    private static string Unpacked(string file) =>
        file.EndsWith(Packed, StringComparison.OrdinalIgnoreCase) ? file[..^Packed.Length] : file;
}

/// <summary>Long texts in pieces, which are cut where tokens are hardly ever: behind an end of line.</summary>
internal static class TextPieces
{
    /// <summary>The most characters of a piece.</summary>
    public const int Longest = 1 << 18;

    /// <summary>The pieces of a text.</summary>
    public static IEnumerable<string> Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int from = 0;
        while (text.Length - from > Longest)
        {
            int length = Cut(text.AsSpan(from, Longest));
            yield return text.Substring(from, length);
            from += length;
        }
        if (from < text.Length)
            yield return text[from..];
    }

    /// <summary>The pieces of what a reader reads.</summary>
    public static IEnumerable<string> Of(TextReader reader)
    {
        char[] buffer = new char[Longest];
        int count = 0;
        while (true)
        {
            int read = reader.ReadBlock(buffer, count, Longest - count);
            count += read;
            if (count < Longest)
                break;
            int end = Cut(buffer);
            yield return new string(buffer, 0, end);
            buffer.AsSpan(end, count - end).CopyTo(buffer);
            count -= end;
        }
        if (count > 0)
            yield return new string(buffer, 0, count);
    }

    /// <summary>Where a text is cut: behind its last line, before its last word, or at its end; white space stays together.</summary>
    private static int Cut(ReadOnlySpan<char> text)
    {
        for (int i = text.Length - 1; i > 0; i--)
            if (text[i - 1] == '\n' && !char.IsWhiteSpace(text[i]))
                return i;
        for (int i = text.Length - 1; i > 0; i--)
            if (text[i] == ' ' && !char.IsWhiteSpace(text[i - 1]))
                return i;
        return char.IsHighSurrogate(text[^1]) ? text.Length - 1 : text.Length;
    }
}
