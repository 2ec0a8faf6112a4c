using System.Text.Json;
using Interventions.Models;
using Interventions.Testing.Support;

namespace Interventions.Tool.Tests;

public sealed class TokenizeTests
{
    private const string Text = "When Mary and Tom went";

    [Fact]
    public void A_text() => Snapshot.Verify(ToolRun.Answer("tokenize", ToolRun.Model, Text));

    [Fact]
    public void Ids()
    {
        int[] ids = [.. HuggingFaceTokenizer.Load(ToolRun.Model).Encode(Text).Ids];
        Snapshot.Verify(ToolRun.Answer(["tokenize", ToolRun.Model, "--ids", .. ids.Select(id => $"{id}")]));
        JsonElement json = ToolRun.Json(["tokenize", ToolRun.Model, "--ids", .. ids.Select(id => $"{id}")]);
        Assert.Equal(Text, json.GetProperty("text").GetString()!.TrimStart());
    }

    [Fact]
    public void A_document_has_ids_and_places()
    {
        JsonElement json = ToolRun.Json("tokenize", Path.Combine(ToolRun.Model, "tokenizer.json"), Text);
        EncodedText encoded = HuggingFaceTokenizer.Load(ToolRun.Model).Encode(Text);
        Assert.Equal(encoded.Ids, json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("id").GetInt32()));
        Assert.Equal(
            encoded.Offsets.Select(part => part.End.Value),
            json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("end").GetInt32()));
        Assert.Equal(0, json.GetProperty("missing").GetArrayLength());
    }

    /// <summary>A text is a text, also where a command line could mean something by it.</summary>
    [Theory]
    [InlineData("@Mary")]
    [InlineData("[Mary]")]
    public void A_text_may_begin_with_anything(string text) =>
        Assert.Equal(text, ToolRun.Json("tokenize", ToolRun.Model, text).GetProperty("text").GetString());

    [SharedFact("models/SmolLM2-135M")]
    public void The_tokenizer_in_a_gguf_file()
    {
        JsonElement json = ToolRun.Json("tokenize", SharedData.Path("models/SmolLM2-135M"), "Hello world");
        Assert.Equal([19556, 905], json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("id").GetInt32()));
    }

    [SharedFact("models/stories260K")]
    public void Special_tokens_can_be_left_out()
    {
        string model = SharedData.Path("models/stories260K");
        int[] with = Ids("tokenize", model, "Once"), without = Ids("tokenize", model, "Once", "--no-special-tokens");
        Assert.Equal(with[1..], without);
        Assert.Equal(1, with[0]);

        static int[] Ids(params string[] arguments) =>
            [.. ToolRun.Json(arguments).GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("id").GetInt32())];
    }

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.Equal("Give a TEXT, or ids with --ids.", ToolRun.Refusal("tokenize", ToolRun.Model));
        Assert.Equal("Give either a TEXT or --ids, not both.", ToolRun.Refusal("tokenize", ToolRun.Model, "Mary", "--ids", "1"));
        Assert.Equal(
            "There is no token 999: the tokenizer has the ids 0 to 346.", ToolRun.Refusal("tokenize", ToolRun.Model, "--ids", "999"));
        Assert.StartsWith("'nowhere/at/all' is neither", ToolRun.Refusal("tokenize", "nowhere/at/all", "x"), StringComparison.Ordinal);
    }
}
