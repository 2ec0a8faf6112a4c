using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using Interventions.Tables;

namespace Interventions.Tool;

/// <summary>What is to be generated.</summary>
/// <param name="Model">The checkpoint.</param>
/// <param name="Text">The text that is continued; of a chat, what the user says.</param>
/// <param name="Chat">The chat whose reply is generated; <see langword="null"/> to continue the text.</param>
/// <param name="Tokens">The most tokens that are added.</param>
/// <param name="Temperature">What logits are divided by; 0 takes the likeliest token.</param>
/// <param name="Seed">Equal seeds draw equal tokens.</param>
internal sealed record GenerateRequest(
    string Model, string Text, IReadOnlyList<ChatMessage>? Chat, int Tokens, double Temperature, int Seed);

/// <summary>
/// <c>interventions generate</c>: a text is continued, and shown as it is made. The one command that computes, and that needs libtorch.
/// </summary>
internal static class GenerateCommand
{
    /// <summary>Continues the text.</summary>
    /// <exception cref="ToolException">
    /// An option is out of range, there is no libtorch, the model has no tokenizer, or the text no tokens.
    /// </exception>
    /// <exception cref="CheckpointException">There is no such model, or it is not supported.</exception>
    /// <exception cref="InterventionException">The text with its new tokens does not fit into the model's context.</exception>
    public static void Run(GenerateRequest request, ToolConsole console, bool asJson, CancellationToken cancellationToken)
    {
        // What can be said before a model is loaded is said before.
        if (request.Tokens < 1)
            throw new ToolException($"--tokens is {request.Tokens}: at least 1 token is added.");
        if (!(request.Temperature >= 0 && double.IsFinite(request.Temperature)))
            throw new ToolException(string.Create(
                CultureInfo.InvariantCulture, $"--temperature is {request.Temperature}: a temperature is 0 or more."));
        if (TorchLoader.Lack() is { } lack)
            throw new ToolException(
                $"generate needs libtorch, and there is none for {RuntimeInformation.RuntimeIdentifier} in this installation ({lack}); "
                + "the tool's packages for linux-x64, win-x64 and osx-arm64 carry it.");
        Continue(request, console, asJson, cancellationToken);
    }

    private static void Continue(GenerateRequest request, ToolConsole console, bool asJson, CancellationToken cancellationToken)
    {
        string path = LocalModel.Of(request.Model);
        using DecoderModel model = console.Watched($"loading {request.Model}", () => DecoderModel.Load(path));
        IReadOnlyList<long> prompt = Prompt(request, model);
        HuggingFaceTokenizer tokenizer = model.Tokenizer;
        // A chat is answered, a text goes on.
        string begin = request.Chat is null ? request.Text : "";
        TextStream stream = new(tokenizer, prompt, asJson ? TextWriter.Null : console.Output);
        GenerationOptions options = new()
        {
            MaxNewTokens = request.Tokens,
            Temperature = request.Temperature,
            Seed = request.Seed,
            StopAtEnd = model.EndTokens.Count > 0,
            Tokens = new Receiver<(int Point, int Prompt, int Continuation, long Token)>(token => stream.Add(begin, token.Token)),
        };
        GeneratedRun run = model.Generate([prompt], options, cancellationToken);
        string text = stream.Finish();
        if (asJson)
            console.Output.Write(ToolAnswer.ToText(Json(request, prompt, text, run, tokenizer)));
        else
            console.Note(run.StoppedBy[0] is { } end
                ? $"ended by {tokenizer.IdToToken((int)end)}, {TextTable.Count(run.Tokens[0].Count, "token")}"
                : $"cut off behind {TextTable.Count(request.Tokens, "token")}: more with --tokens");
    }

    private static IReadOnlyList<long> Prompt(GenerateRequest request, DecoderModel model)
    {
        if (!model.HasTokenizer)
            throw new ToolException($"'{request.Model}' has no tokenizer.");
        if (request.Chat is not null && model.Tokenizer.ChatTemplate is null)
            throw new ToolException($"'{request.Model}' has no chat template: it continues a text, without --chat.");
        IReadOnlyList<long> prompt =
            request.Chat is null ? model.Encode(request.Text)! : [.. model.Tokenizer.EncodeChat(request.Chat).Ids.Select(id => (long)id)];
        return prompt.Count > 0 ? prompt : throw new ToolException("The text has no tokens: give at least one word.");
    }

    private static JsonObject Json(
        GenerateRequest request, IReadOnlyList<long> prompt, string text, GeneratedRun run, HuggingFaceTokenizer tokenizer) => new()
        {
            ["model"] = request.Model,
            ["prompt"] = request.Text,
            ["promptTokens"] = ToolAnswer.List(prompt, id => id),
            ["text"] = text,
            ["tokens"] = ToolAnswer.List(run.Tokens[0].Zip(run.LogProbabilities[0]), token => new JsonObject
            {
                ["id"] = token.First,
                ["token"] = tokenizer.IdToToken((int)token.First),
                ["logProbability"] = token.Second,
            }),
            ["stopped"] = run.StoppedBy[0] is null ? "length" : "end",
            ["stoppedBy"] = run.StoppedBy[0] is { } end ? tokenizer.IdToToken((int)end) : null,
        };

    /// <summary>What tokens add to the text of a prompt, written as soon as it is certain.</summary>
    private sealed class TextStream
    {
        private readonly DecodeStream _stream;
        private readonly TextWriter _output;
        private readonly StringBuilder _added = new();
        private bool _hasBegun;

        public TextStream(HuggingFaceTokenizer tokenizer, IReadOnlyList<long> prompt, TextWriter output)
        {
            (_stream, _output) = (new DecodeStream(tokenizer), output);
            // The space between two tokens may depend on both, so the prompt's come first.
            foreach (long token in prompt)
                _stream.Add(checked((int)token));
        }

        public void Add(string prompt, long token)
        {
            if (!_hasBegun)
                _output.Write(prompt);
            _hasBegun = true;
            Write(_stream.Add(checked((int)token)));
        }

        /// <summary>All that was added.</summary>
        public string Finish()
        {
            Write(_stream.Finish() + "\n");
            return _added.ToString(0, _added.Length - 1);
        }

        private void Write(string piece)
        {
            _added.Append(piece);
            _output.Write(piece);
            _output.Flush();
        }
    }
}
