using System.Text.Json;
using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>Reads a tokenizer from a file or a folder.</summary>
internal static class TokenizerFile
{
    private const string FileName = "tokenizer.json", VocabularyName = "vocab.json", MergesName = "merges.txt";

    private static readonly HashSet<string> s_members =
        ["version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model"];

    /// <param name="path">A <c>tokenizer.json</c>, or a folder.</param>
    /// <param name="folder">The folder of the tokenizer, which may hold further files about it.</param>
    public static TokenizerPipeline Read(string path, out string folder)
    {
        if (!Directory.Exists(path))
        {
            if (!File.Exists(path))
                throw new FileNotFoundException($"{path}: there is no such tokenizer file or folder", path);
            folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
            return Read(JsonField.OfFile(path));
        }
        folder = path;
        string file = Path.Combine(path, FileName);
        string vocabulary = Path.Combine(path, VocabularyName), merges = Path.Combine(path, MergesName);
        if (File.Exists(file))
            return Read(JsonField.OfFile(file));
        if (File.Exists(vocabulary) && File.Exists(merges))
            return ReadGpt2(vocabulary, merges);
        throw new FileNotFoundException($"{path}: the folder has neither {FileName} nor {VocabularyName} with {MergesName}", file);
    }

    /// <param name="root">The content of a <c>tokenizer.json</c>.</param>
    public static TokenizerPipeline Read(JsonField root)
    {
        foreach ((string name, JsonField value) in root.Members())
            if (!s_members.Contains(name))
                throw value.Invalid("the format has no such member");
        if (root.Optional("version") is { } version && version.String() != "1.0")
            throw version.Invalid($"the format's version is '{version.String()}'; only 1.0 is known");
        CheckTruncation(root);

        TokenModel model = TokenModels.Read(root.Required("model"));
        List<AddedToken> added = root.Optional("added_tokens") is { } tokens ? AddedVocabulary.Read(tokens, model.Vocabulary) : [];
        HashSet<int> ids = [.. model.Vocabulary.Values, .. added.Select(token => token.Id)];
        return new TokenizerPipeline(
            model,
            added,
            root.Optional("normalizer") is { } normalizer ? Normalizers.Read(normalizer) : null,
            root.Optional("pre_tokenizer") is { } preTokenizer ? PreTokenizers.Read(preTokenizer) : null,
            root.Optional("post_processor") is { } postProcessor ? PostProcessors.Read(postProcessor, ids) : null,
            root.Optional("decoder") is { } decoder ? Decoders.Read(decoder) : null);
    }

    /// <summary>Checks truncation and padding for form only: they are settings for batches, which the tokenizer does not make.</summary>
    private static void CheckTruncation(JsonField root)
    {
        if (root.Optional("truncation") is { } truncation)
            truncation.Required("max_length").Id();
        root.Optional("padding")?.Members().Count();
    }

    /// <summary>GPT-2's own files hold only the vocabulary and the merges; the rest of its pipeline is fixed.</summary>
    private static TokenizerPipeline ReadGpt2(string vocabularyPath, string mergesPath)
    {
        const string end = "<|endoftext|>";
        Dictionary<string, int> vocabulary = JsonField.OfFile(vocabularyPath).Vocabulary();
        List<AddedToken> added = vocabulary.TryGetValue(end, out int id)
            ? [new(id, end, SingleWord: false, StripLeft: false, StripRight: false, Normalized: true, Special: true)]
            : [];
        return new TokenizerPipeline(
            new BpeModel(vocabulary, BpeMerges.ReadText(mergesPath, vocabulary), new BpeOptions()),
            added,
            Normalizer: null,
            PreTokenizers.ByteLevel(addPrefixSpace: false, useRegex: true),
            PostProcessor: null,
            Decoders.ByteLevel);
    }
}

/// <summary>
/// The tokens that begin a text, end it and pad it. <c>tokenizer.json</c> does not name them; the files beside it do, and otherwise the
/// template that is put around a text.
/// </summary>
internal sealed record SpecialTokenNames(string? Bos, string? Eos, string? Pad)
{
    public static SpecialTokenNames Read(SpecialTokenFiles notes, TokenizerPipeline pipeline, Func<int, string?> tokenOf)
    {
        (IReadOnlyList<JsonField> files, JsonField? ids) = notes;
        TemplatePostProcessor? template = Template(pipeline.PostProcessor);
        // GPT-2's family has one special token for all purposes.
        AddedToken[] special = [.. pipeline.AddedTokens.Where(token => token.Special)];
        string? only = special is [{ Content: "<|endoftext|>" } one] ? one.Content : null;

        return new(
            Named("bos_token") ?? Numbered("bos_token_id") ?? TokenOf(template?.Before) ?? only,
            Named("eos_token") ?? Numbered("eos_token_id") ?? TokenOf(template?.After) ?? only,
            Named("pad_token") ?? Numbered("pad_token_id"));

        string? Named(string name) => files
            .Select(file => file.Optional(name))
            .Select(field => field?.Kind == JsonValueKind.Object ? field?.Required("content").String() : field?.String())
            .FirstOrDefault(token => token is not null);

        // Several ids (some chat models list their ends) name no single token.
        string? Numbered(string name) => ids?.Optional(name) is { Kind: JsonValueKind.Number } id ? tokenOf(id.Id()) : null;

        string? TokenOf(IReadOnlyList<PipelineToken>? tokens) => tokens is [PipelineToken token] ? tokenOf(token.Id) : null;
    }

    private static TemplatePostProcessor? Template(IPostProcessor? processor) => processor switch
    {
        TemplatePostProcessor template => template,
        PostProcessorSequence sequence => sequence.Steps.Select(Template).FirstOrDefault(template => template is not null),
        _ => null,
    };
}

/// <summary>The files beside a <c>tokenizer.json</c> that name special tokens.</summary>
/// <param name="Names">Those that give the tokens' texts; the first that names a token counts.</param>
/// <param name="Ids">The one that gives their ids: the model's <c>config.json</c>.</param>
internal sealed record SpecialTokenFiles(IReadOnlyList<JsonField> Names, JsonField? Ids)
{
    /// <summary>The chat templates in them and beside them.</summary>
    public ChatTemplates Chats { get; init; } = ChatTemplates.None;

    public static SpecialTokenFiles InFolder(string folder)
    {
        string config = Path.Combine(folder, "config.json");
        JsonField[] names = [.. new[] { "tokenizer_config.json", "special_tokens_map.json" }
            .Select(name => Path.Combine(folder, name)).Where(File.Exists).Select(JsonField.OfFile)];
        return new(names, File.Exists(config) ? JsonField.OfFile(config) : null) { Chats = ChatTemplateFiles.InFolder(folder, names) };
    }
}
