using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A token within a word, by the code points it covers. <see cref="Missing"/> marks characters that no token stands for.</summary>
internal readonly record struct ModelToken(int Id, int Start, int End)
{
    public const int Missing = -1;
}

/// <summary>Turns a word into tokens: the format's <c>model</c>.</summary>
internal abstract class TokenModel(IReadOnlyDictionary<string, int> vocabulary)
{
    /// <summary>The model's own tokens and their ids. Added tokens may lie outside.</summary>
    public IReadOnlyDictionary<string, int> Vocabulary => vocabulary;

    /// <summary>The token for what is not in the vocabulary, if the file names one.</summary>
    public abstract string? UnknownToken { get; }

    /// <summary>The tokens of a word, in order. Safe from several threads.</summary>
    public abstract IReadOnlyList<ModelToken> Tokenize(AlignedText word);
}

/// <summary>Chooses a model by its <c>type</c>.</summary>
internal static class TokenModels
{
    public static TokenModel Read(JsonField field)
    {
        // Older files leave the type out; what has merges is byte-pair encoding.
        string? type = field.Optional("type")?.String() ?? (field.Optional("merges") is null ? null : "BPE");
        return type switch
        {
            "BPE" => BpeReader.Read(field),
            "WordLevel" => WordLevelModel.Read(field),
            "Unigram" => UnigramModel.Read(field),
            null => throw field.Invalid("has neither a type nor merges"),
            _ => throw field.Unsupported("model", type),
        };
    }
}
