using System.Text.Json;
using Interventions.Models.Decoder;
using Interventions.Testing.Support;

namespace Interventions.Tool.Tests;

public sealed class GenerateTests
{
    private const string Text = "When Mary and Tom went to the store, Tom gave a drink to";

    [Fact]
    public void A_text_goes_on_as_the_library_says()
    {
        using DecoderModel model = DecoderModel.Load(ToolRun.Model);
        GenerationOptions options = new() { MaxNewTokens = 4, StopTokens = model.Tokenizer.EosId is { } end ? [end] : [] };
        GeneratedRun run = model.Generate([[.. model.Encode(Text)!]], options);
        Assert.Equal($"{Text}{run.Texts[0]}\n", ToolRun.Of("generate", ToolRun.Model, Text, "--tokens", "4").Output);
        JsonElement json = ToolRun.Json("generate", ToolRun.Model, Text, "--tokens", "4");
        Assert.Equal(run.Texts[0], json.GetProperty("text").GetString());
        Assert.Equal(run.Tokens[0], json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("id").GetInt64()));
        Assert.Equal(
            run.LogProbabilities[0],
            json.GetProperty("tokens").EnumerateArray().Select(token => token.GetProperty("logProbability").GetDouble()));
    }

    [Fact]
    public void Draws_follow_the_seed()
    {
        string[] texts =
        [
            .. ((int[])[1, 1, 2]).Select(seed => ToolRun.Of(
                "generate", ToolRun.Model, "When Mary and", "--tokens", "8", "--temperature", "1.5", "--seed", $"{seed}").Output),
        ];
        Assert.Equal(texts[0], texts[1]);
        Assert.NotEqual(texts[0], texts[2]);
    }

    /// <summary>The text grows token by token: each token is reported before the next one is chosen.</summary>
    [Fact]
    public void Tokens_are_reported_as_they_are_chosen()
    {
        using DecoderModel model = DecoderModel.Load(ToolRun.Model);
        List<string> events = [];
        GenerationOptions options = new()
        {
            MaxNewTokens = 3,
            Continuations = 2,
            Temperature = 1,
            Progress = new Receiver<RunProgress>(progress => events.Add($"pass {progress.Done}")),
            Tokens = new Receiver<(int Point, int Prompt, int Continuation, long Token)>(
                token => events.Add($"{token.Point}.{token.Prompt}.{token.Continuation}: {token.Token}")),
        };
        GeneratedRun run = model.Generate([[.. model.Encode(Text)!], [.. model.Encode("When Anna")!]], options);
        string[] expected =
        [
            .. Enumerable.Range(0, 3).SelectMany(step => (string[])
            [
                .. from continuation in Enumerable.Range(0, 2)
                from prompt in Enumerable.Range(0, 2)
                select $"0.{prompt}.{continuation}: {run.Continuations[prompt][continuation].Tokens[step]}",
                $"pass {step + 1}",
            ]),
        ];
        Assert.Equal(expected, events);
    }

    [SharedFact("models/SmolLM2-135M")]
    public void A_gguf_file_goes_on() => Assert.StartsWith(
        "The capital of France is Paris",
        ToolRun.Of("generate", SharedData.Path("models/SmolLM2-135M"), "The capital of France is", "--tokens", "3").Output,
        StringComparison.Ordinal);

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.StartsWith("Cannot parse argument 'x' for option '--tokens'", Refusal(Text, "--tokens", "x"), StringComparison.Ordinal);
        Assert.StartsWith("At least one token is generated.", Refusal(Text, "--tokens", "0"), StringComparison.Ordinal);
        Assert.StartsWith("A temperature is 0 or more.", Refusal(Text, "--temperature", "-1"), StringComparison.Ordinal);
        Assert.Equal("The text has no tokens: give at least one word.", Refusal(""));

        static string Refusal(params string[] rest) => ToolRun.Refusal(["generate", ToolRun.Model, .. rest]);
    }
}
