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
        GenerationOptions options = new() { MaxNewTokens = 4, StopAtEnd = model.EndTokens.Count > 0 };
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

    /// <summary>A chat is written by the model's template, and answered; a text ends where the model ends it, and says so.</summary>
    [Fact]
    public void A_chat_is_answered_up_to_the_models_end()
    {
        using TemporaryFolder folder = new();
        foreach (string name in new[] { "config.json", "model.safetensors", "tokenizer.json" })
            File.Copy(Path.Combine(ToolRun.Model, name), folder[name]);
        File.WriteAllText(
            folder["tokenizer_config.json"], """{"chat_template": "{% for turn in messages %}{{ turn.content }}{% endfor %}"}""");
        string[] chat = ["generate", folder.Path, " Tom gave a drink to", "--chat", "--system", "When Mary and Tom went to the store,"];
        JsonElement free = ToolRun.Json([.. chat, "--tokens", "4"]), text = ToolRun.Json("generate", ToolRun.Model, Text, "--tokens", "4");
        Assert.Equal(text.GetProperty("text").GetString(), free.GetProperty("text").GetString());
        Assert.Equal(("length", null), Stopped(free));
        Assert.Equal(free.GetProperty("text").GetString() + "\n", ToolRun.Of([.. chat, "--tokens", "4"]).Output);
        Assert.Equal(
            free.GetProperty("text").GetString(),
            ToolRun.Json("generate", folder.Path, Text, "--chat", "--tokens", "4").GetProperty("text").GetString());

        JsonElement second = free.GetProperty("tokens")[1];
        File.WriteAllText(folder["generation_config.json"], $$"""{"eos_token_id": [{{second.GetProperty("id")}}]}""");
        JsonElement stopped = ToolRun.Json([.. chat, "--tokens", "4"]);
        Assert.InRange(stopped.GetProperty("tokens").GetArrayLength(), 1, 2);
        Assert.Equal(("end", second.GetProperty("token").GetString()), Stopped(stopped));

        static (string?, string?) Stopped(JsonElement answer) =>
            (answer.GetProperty("stopped").GetString(), answer.GetProperty("stoppedBy").GetString());
    }

    [SharedFact("models/SmolLM2-135M")]
    public void A_gguf_chat_ends_with_its_turn() => Assert.Equal(
        "The capital of France is Paris.\n",
        ToolRun.Of([
            "generate", SharedData.Path("models/SmolLM2-135M"), "What is the capital of France?", "--chat", "--system", "Be brief.",
        ]).Output);

    [SharedFact("models/SmolLM2-135M")]
    public void A_gguf_file_goes_on() => Assert.StartsWith(
        "The capital of France is Paris",
        ToolRun.Of("generate", SharedData.Path("models/SmolLM2-135M"), "The capital of France is", "--tokens", "3").Output,
        StringComparison.Ordinal);

    [Fact]
    public void What_cannot_be_is_refused()
    {
        Assert.StartsWith("Cannot parse argument 'x' for option '--tokens'", Refusal(Text, "--tokens", "x"), StringComparison.Ordinal);
        Assert.Equal("--tokens is 0: at least 1 token is added.", Refusal(Text, "--tokens", "0"));
        Assert.Equal("--tokens is -1: at least 1 token is added.", Refusal(Text, "--tokens", "-1"));
        Assert.Equal("--temperature is -1: a temperature is 0 or more.", Refusal(Text, "--temperature", "-1"));
        Assert.Contains(" has 1 token, and 100 are to be generated", Refusal("When", "--tokens", "100"), StringComparison.Ordinal);
        Assert.Equal("--system belongs to a chat: add --chat.", Refusal(Text, "--system", "Hi"));
        Assert.EndsWith("has no chat template: it continues a text, without --chat.", Refusal(Text, "--chat"), StringComparison.Ordinal);
        Assert.Equal("The text has no tokens: give at least one word.", Refusal(""));

        static string Refusal(params string[] rest) => ToolRun.Refusal(["generate", ToolRun.Model, .. rest]);
    }
}
