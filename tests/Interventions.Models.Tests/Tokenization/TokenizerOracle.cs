using Library = Tokenizers.DotNet.Tokenizer;

namespace Interventions.Models.Tests.Tokenization;

/// <summary>
/// A tokenizer of the library that writes <c>tokenizer.json</c>. It adds special tokens, and drops them where it decodes.
/// </summary>
internal sealed class TokenizerOracle
{
    private readonly Library _library;

    public TokenizerOracle(string json)
    {
        using TokenizerFolder folder = new TokenizerFolder().Write("tokenizer.json", json);
        _library = new(Path.Combine(folder.FullPath, "tokenizer.json"));
        Own = HuggingFaceTokenizer.Load(folder.FullPath);
    }

    /// <summary>Why there is no such library here, or <see langword="null"/>.</summary>
    public static string? WhyNot { get; } = Find();

    /// <summary>Ours, of the same file.</summary>
    public HuggingFaceTokenizer Own { get; }

    /// <summary>What is different of a text's ids or of their text, or <see langword="null"/>.</summary>
    public string? Difference(string text)
    {
        int[] expected = [.. _library.Encode(text).Select(id => (int)id)];
        EncodedText actual = Own.Encode(text);
        if (!expected.SequenceEqual(actual.Ids))
            return $"\"{text}\" is {Names(expected)}, not {Names(actual.Ids)}";
        return expected.Length == 0 ? null : DecodedDifference(expected);
    }

    /// <summary>What is different of the text of ids, or <see langword="null"/>.</summary>
    public string? DecodedDifference(int[] ids)
    {
        string expected = _library.Decode([.. ids.Select(id => (uint)id)]), actual = Own.Decode(ids, skipSpecialTokens: true);
        return expected == actual ? null : $"{Names(ids)} is the text \"{expected}\", not \"{actual}\"";
    }

    private string Names(IEnumerable<int> ids) => string.Join(' ', ids.Select(id => $"{id}:{Own.IdToToken(id)}"));

    private static string? Find()
    {
        try
        {
            return new TokenizerOracle(SmallFiles.Words).Difference("When Mary");
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException or EntryPointNotFoundException)
        {
            return $"the reference's native library does not load here: {error.Message}";
        }
    }
}

/// <summary>A theory that compares with <see cref="TokenizerOracle"/>, skipped where its library does not load.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class OracleTheoryAttribute : TheoryAttribute
{
    /// <param name="path">Shared data that it needs too, if it needs any.</param>
    public OracleTheoryAttribute(string? path = null) =>
        Skip = TokenizerOracle.WhyNot ?? (path is null || SharedData.Exists(path) ? null : $"needs the shared data '{path}'");
}
