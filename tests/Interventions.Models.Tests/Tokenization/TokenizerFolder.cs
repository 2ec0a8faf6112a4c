namespace Interventions.Models.Tests.Tokenization;

/// <summary>A folder of tokenizer files that is gone after the test.</summary>
internal sealed class TokenizerFolder : IDisposable
{
    public string FullPath { get; } = Directory.CreateTempSubdirectory("tokenizer-").FullName;

    public TokenizerFolder Write(string name, string content)
    {
        File.WriteAllText(Path.Combine(FullPath, name), content);
        return this;
    }

    public void Dispose() => Directory.Delete(FullPath, recursive: true);

    /// <summary>Loads a tokenizer from the text of a <c>tokenizer.json</c>.</summary>
    public static HuggingFaceTokenizer Load(string json)
    {
        using var folder = new TokenizerFolder().Write("tokenizer.json", json);
        return HuggingFaceTokenizer.Load(folder.FullPath);
    }

    /// <summary>Asserts that this text is no tokenizer, and gives the error's text.</summary>
    public static string Refused<TException>(string json) where TException : Exception
    {
        using var folder = new TokenizerFolder().Write("tokenizer.json", json);
        string message = Assert.Throws<TException>(() => HuggingFaceTokenizer.Load(folder.FullPath)).Message;
        Assert.StartsWith(Path.Combine(folder.FullPath, "tokenizer.json"), message);
        return message;
    }
}
