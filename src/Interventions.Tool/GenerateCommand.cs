using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Tool;

/// <summary>What is to be generated.</summary>
/// <param name="Model">The checkpoint.</param>
/// <param name="Text">The text that is continued.</param>
/// <param name="Tokens">The most tokens that are added.</param>
/// <param name="Temperature">What logits are divided by; 0 takes the likeliest token.</param>
/// <param name="Seed">Equal seeds draw equal tokens.</param>
internal sealed record GenerateRequest(string Model, string Text, int Tokens, double Temperature, int Seed);

/// <summary>
/// <c>interventions generate</c>: a text is continued, and shown as it is made. The one command that computes, and that needs libtorch.
/// </summary>
internal static class GenerateCommand
{
    /// <summary>Continues the text.</summary>
    /// <exception cref="ToolException">There is no libtorch, the model has no tokenizer, or the text no tokens.</exception>
    /// <exception cref="CheckpointException">There is no such model, or it is not supported.</exception>
    /// <exception cref="InterventionException">The text with its new tokens does not fit into the model's context.</exception>
    public static void Run(GenerateRequest request, ToolConsole console, bool asJson, CancellationToken cancellationToken)
    {
        if (TorchLoader.Lack() is { } lack)
            throw new ToolException(
                $"generate needs libtorch, and there is none for {RuntimeInformation.RuntimeIdentifier} in this installation ({lack}); "
                + "the tool's packages for linux-x64, win-x64 and osx-arm64 carry it.");
        Continue(request, console, asJson, cancellationToken);
    }

    private static void Continue(GenerateRequest request, ToolConsole console, bool asJson, CancellationToken cancellationToken)
    {
        using DecoderModel model = console.Watched($"loading {request.Model}", () => DecoderModel.Load(request.Model));
        IReadOnlyList<long> prompt = model.Encode(request.Text) ?? throw new ToolException($"'{request.Model}' has no tokenizer.");
        if (prompt.Count == 0)
            throw new ToolException("The text has no tokens: give at least one word.");
        HuggingFaceTokenizer tokenizer = model.Tokenizer;
        using TextStream? stream = asJson ? null : new(tokenizer, request.Text, prompt, console.Output);
        GenerationOptions options = new()
        {
            MaxNewTokens = request.Tokens,
            Temperature = request.Temperature,
            Seed = request.Seed,
            StopTokens = tokenizer.EosId is { } end ? [end] : [],
            Tokens = new Receiver<GeneratedToken>(token => stream?.Add(token.Token)),
        };
        GeneratedRun run = model.Generate([prompt], options, cancellationToken);
        if (asJson)
            console.Output.Write(ToolAnswer.ToText(Json(request, prompt, run, tokenizer)));
    }

    private static JsonObject Json(
        GenerateRequest request, IReadOnlyList<long> prompt, GeneratedRun run, HuggingFaceTokenizer tokenizer) => new()
    {
        ["model"] = request.Model,
        ["prompt"] = request.Text,
        ["promptTokens"] = ToolAnswer.List(prompt, id => id),
        ["text"] = Added(tokenizer, prompt, run.Tokens[0]),
        ["tokens"] = ToolAnswer.List(run.Tokens[0].Zip(run.LogProbabilities[0]), token => new JsonObject
        {
            ["id"] = token.First,
            ["token"] = tokenizer.IdToToken((int)token.First),
            ["logProbability"] = token.Second,
        }),
        ["stopped"] = tokenizer.EosId is { } end && run.Tokens[0].LastOrDefault() == end ? "end" : "length",
    };

    /// <summary>What tokens add to the text of the prompt: the space between them may depend on both.</summary>
    private static string Added(HuggingFaceTokenizer tokenizer, IReadOnlyList<long> prompt, IEnumerable<long> tokens) =>
        Decoded(tokenizer, prompt.Concat(tokens))[Decoded(tokenizer, prompt).Length..];

    private static string Decoded(HuggingFaceTokenizer tokenizer, IEnumerable<long> ids) =>
        tokenizer.Decode(ids.Select(id => checked((int)id)), skipSpecialTokens: true);

    /// <summary>A text that grows on the output: a character whose bytes are not all there yet waits for them.</summary>
    private sealed class TextStream : IDisposable
    {
        private readonly HuggingFaceTokenizer _tokenizer;
        private readonly string _text;
        private readonly IReadOnlyList<long> _prompt;
        private readonly TextWriter _output;
        private readonly List<long> _tokens = [];
        private int _written;

        public TextStream(HuggingFaceTokenizer tokenizer, string text, IReadOnlyList<long> prompt, TextWriter output)
        {
            (_tokenizer, _text, _prompt, _output) = (tokenizer, text, prompt, output);
        }

        public void Add(long token)
        {
            if (_tokens.Count == 0)
                _output.Write(_text);
            _tokens.Add(token);
            Write(Added(_tokenizer, _prompt, _tokens).TrimEnd('\uFFFD'));
        }

        public void Dispose()
        {
            if (_tokens.Count == 0)
                return; // Something went wrong before.
            Write(Added(_tokenizer, _prompt, _tokens));
            _output.WriteLine();
        }

        private void Write(string text)
        {
            if (text.Length <= _written)
                return;
            _output.Write(text.AsSpan(_written));
            _output.Flush();
            _written = text.Length;
        }
    }
}
