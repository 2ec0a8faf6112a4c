using Interventions.Runtime;

namespace Interventions.Models.Tokenization;

/// <summary>A word is a token, or unknown.</summary>
internal sealed class WordLevelModel(IReadOnlyDictionary<string, int> vocabulary, string unknown) : TokenModel(vocabulary)
{
    private readonly int _unknownId = vocabulary[unknown];

    public override string UnknownToken => unknown;

    public static WordLevelModel Read(JsonField field)
    {
        var vocabulary = field.Required("vocab").Vocabulary();
        var unknown = field.Required("unk_token");
        string token = unknown.String();
        return vocabulary.ContainsKey(token) ? new(vocabulary, token) : throw unknown.Invalid($"'{token}' is not in the vocabulary");
    }

    public override IReadOnlyList<ModelToken> Tokenize(AlignedText word) =>
        [new(Vocabulary.GetValueOrDefault(word.Text, _unknownId), 0, word.Length)];
}
