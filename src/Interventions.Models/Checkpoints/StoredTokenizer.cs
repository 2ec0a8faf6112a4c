using Interventions.Models.Tokenization;

namespace Interventions.Models.Checkpoints;

/// <summary>The tokenizer that came with a checkpoint: how it is read, and its files in the Hugging Face layout.</summary>
/// <param name="Exists">Whether there is one.</param>
/// <param name="Load">Reads it.</param>
/// <param name="Files">The contents of its files by name, to be saved beside weights.</param>
internal sealed record StoredTokenizer(
    bool Exists, Func<HuggingFaceTokenizer> Load, Func<IEnumerable<(string Name, byte[] Content)>> Files)
{
    private const string FileName = "tokenizer.json", ConfigName = "tokenizer_config.json";

    private static readonly string[] s_names = [FileName, ConfigName, "special_tokens_map.json", "vocab.json", "merges.txt"];

    /// <summary>No tokenizer.</summary>
    /// <param name="path">The checkpoint, for messages.</param>
    /// <param name="why">Why it has none.</param>
    public static StoredTokenizer None(string path, string why) =>
        new(false, () => throw new InvalidOperationException($"'{path}' has no tokenizer: {why}."), () => []);

    /// <summary>The tokenizer of a checkpoint on this machine, without its weights.</summary>
    /// <param name="path">A folder, a file of weights, a <c>tokenizer.json</c>, or a hub id whose files are in the cache.</param>
    /// <exception cref="CheckpointException">There is no such checkpoint.</exception>
    public static StoredTokenizer Of(string path)
    {
        if (Path.GetExtension(path) == ".json" && File.Exists(path))
            return new(true, () => HuggingFaceTokenizer.Load(path), () => []);
        (string folder, FileInfo? file) = Decoder.DecoderCheckpoint.Locate(path);
        return file?.Extension == GgufFile.Extension ? InGguf(GgufHeader.Read(file.FullName)) : InFolder(folder);
    }

    /// <summary>The tokenizer in a folder.</summary>
    public static StoredTokenizer InFolder(string folder)
    {
        IEnumerable<string> names =
            [.. s_names.Where(name => File.Exists(Path.Combine(folder, name))), .. ChatTemplateFiles.NamesIn(folder)];
        return new(
            File.Exists(Path.Combine(folder, FileName)), () => HuggingFaceTokenizer.Load(folder),
            () => names.Select(name => (name, File.ReadAllBytes(Path.Combine(folder, name)))));
    }

    /// <summary>The tokenizer in the keys of a GGUF file.</summary>
    public static StoredTokenizer InGguf(GgufHeader header)
    {
        if (!GgufTokenizer.IsIn(header))
            return None(header.Path, "the file holds weights alone");
        return new(true, () =>
        {
            (byte[] tokenizer, byte[] config) = GgufTokenizer.Write(header);
            try
            {
                return HuggingFaceTokenizer.Parse(header.Path, tokenizer, config);
            }
            catch (InvalidDataException error)
            {
                string reason = error.Message[(header.Path.Length + 2)..];
                throw new CheckpointException(header.Path, $"has a tokenizer that cannot be used: {reason}.", error);
            }
        }, () =>
        {
            (byte[] tokenizer, byte[] config) = GgufTokenizer.Write(header);
            return [(FileName, tokenizer), (ConfigName, config)];
        });
    }
}
