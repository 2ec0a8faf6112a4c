using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Reads a tokenizer from what is in a folder.</summary>
internal static class TokenizerFile
{
    private const string FileName = "tokenizer.json", VocabularyName = "vocab.json", MergesName = "merges.txt";

    private static readonly HashSet<string> s_members =
        ["version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"];

    /// <summary>Reads a file, or what a folder holds.</summary>
    /// <param name="path">A <c>tokenizer.json</c>, or a folder.</param>
    /// <param name="folder">Where the files beside it are.</param>
    public static TokenizerPipeline Read(string path, out string folder)
    {
        if (!Directory.Exists(path))
        {
            if (!File.Exists(path)) throw new FileNotFoundException($"{path}: there is no such tokenizer file or folder", path);
            folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return ReadJson(path);
        }
        folder = path;
        string file = Path.Combine(path, FileName);
        string vocabulary = Path.Combine(path, VocabularyName), merges = Path.Combine(path, MergesName);
        if (File.Exists(file)) return ReadJson(file);
        if (File.Exists(vocabulary) && File.Exists(merges)) return ReadGpt2(vocabulary, merges);
        throw new FileNotFoundException($"{path}: the folder has neither {FileName} nor {VocabularyName} with {MergesName}", file);
    }

    private static TokenizerPipeline ReadJson(string path)
    {
        var root = JsonField.OfFile(path);
        foreach (var (name, value) in root.Members())
            if (!s_members.Contains(name)) throw value.Invalid("the format has no such member");
        if (root.Optional("version") is { } version && version.String() != "1.0")
            throw version.Invalid($"the format's version is '{version.String()}'; only 1.0 is known");
        CheckTruncation(root);

        var model = TokenModels.Read(root.Required("model"));
        var added = root.Optional("added_tokens") is { } addedField ? AddedVocabulary.Read(addedField, model.Vocabulary) : [];
        var ids = model.Vocabulary.Values.Concat(added.Select(token => token.Id)).ToHashSet();
        var normalizer = root.Optional("normalizer") is { } normalizerField ? Normalizers.Read(normalizerField) : null;
        return new TokenizerPipeline(
            model,
            added,
            normalizer,
            root.Optional("pre_tokenizer") is { } preTokenizer ? PreTokenizers.Read(preTokenizer) : null,
            root.Optional("post_processor") is { } postProcessor ? PostProcessors.Read(postProcessor, ids) : null,
            root.Optional("decoder") is { } decoder ? Decoders.Read(decoder) : null);
    }

    /// <summary>Truncation and padding are for whoever makes batches, so they are not applied; but they must be readable.</summary>
    private static void CheckTruncation(JsonField root)
    {
        if (root.Optional("truncation") is { } truncation) truncation.Required("max_length").Id();
        root.Optional("padding")?.Members().Count();
    }

    /// <summary>GPT-2's own files say nothing but the vocabulary and the merges; the rest of its pipeline is known.</summary>
    private static TokenizerPipeline ReadGpt2(string vocabularyPath, string mergesPath)
    {
        const string end = "<|endoftext|>";
        var vocabulary = JsonField.OfFile(vocabularyPath).Vocabulary();
        List<AddedToken> added = vocabulary.TryGetValue(end, out int id) ? [new(id, end, false, false, false, true, true)] : [];
        return new TokenizerPipeline(
            new BpeModel(vocabulary, BpeReader.ReadText(mergesPath, vocabulary), new BpeOptions(null, false, false, false)),
            added,
            null,
            new ByteLevelPreTokenizer(addPrefixSpace: false, useRegex: true),
            null,
            new ByteLevelDecoder());
    }
}
