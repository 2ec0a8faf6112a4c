using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using Interventions.Models;
using Interventions.Sites;

namespace Interventions.Tool;

/// <summary>
/// The command line: what can be said, and what is done about it. Every error is one line on the stream of errors, and exit code 1.
/// </summary>
internal sealed class ToolCommands
{
    private const string Name = "interventions", Model = "A folder, a file of weights, or a hub id in the cache.";

    private readonly ToolConsole _console;
    private readonly Command _root = new(Name, "What is in a language model: for people, and with --json for programs.");
    private readonly Option<bool> _json = new("--json") { Description = "Answer with one JSON document.", Recursive = true };
    private readonly Argument<string> _model = new("MODEL") { Description = Model };

    public ToolCommands(ToolConsole console)
    {
        _console = console;
        _root.Options.Add(_json);
        _root.Options.Add(new HelpOption());
        _root.Options.Add(new VersionOption());
        _root.SetAction(result => new HelpAction().Invoke(result));
        foreach (Command command in (Command[])[Hooks(), Inspect(), Tokenize(), Schema(), Download(), Generate()])
            _root.Subcommands.Add(command);
    }

    /// <summary>Runs the tool.</summary>
    /// <returns>The exit code: 0, or 1 after an error.</returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken = default)
    {
        // A text that begins with @ is a text.
        ParseResult result = _root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            if (result.Errors.Count > 0 && !arguments.Any(argument => argument is "--help" or "-h" or "-?"))
                throw new ToolException(Usage(result));
            return await result.InvokeAsync(
                new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = _console.Output, Error = _console.Error },
                cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (IsTold(error))
        {
            _console.Fail(Sentence(error));
            return 1;
        }
    }

    private Command Hooks()
    {
        Argument<string?> model = new("MODEL") { Description = Model, Arity = ArgumentArity.ZeroOrOne };
        Argument<string?> pattern = new("PATTERN")
        {
            Description = "Which sites, such as 'blocks.3.*' or '*.attn.*'.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        Option<string?> config = new("--config") { Description = "A config.json alone, instead of MODEL.", HelpName = "FILE" };
        return Answering(
            new Command("hooks", "List a model's sites: names, axes, sizes, ports.") { model, pattern, config },
            result => HooksCommand.Answer(result.GetValue(model), result.GetValue(pattern), result.GetValue(config)));
    }

    private Command Inspect()
    {
        Argument<string> file = new("FILE")
        {
            Description = "Weights, a saved result, tokenizer.json, config.json, or an index.",
        };
        return Answering(
            new Command("inspect", "Say what is in a file.") { file }, result => InspectCommand.Answer(result.GetRequiredValue(file)));
    }

    private Command Tokenize()
    {
        Argument<string?> text = new("TEXT") { Description = "The text to encode.", Arity = ArgumentArity.ZeroOrOne };
        Option<int[]> ids = new("--ids")
        {
            Description = "Token ids to decode, instead of TEXT.",
            AllowMultipleArgumentsPerToken = true,
            HelpName = "ID ...",
        };
        Option<bool> plain = new("--no-special-tokens") { Description = "Add no tokens around the text." };
        return Answering(
            new Command("tokenize", "Show a text's tokens, or the text of tokens.") { _model, text, ids, plain },
            result => TokenizeCommand.Answer(
                result.GetRequiredValue(_model), result.GetValue(text), result.GetResult(ids) is null ? null : result.GetValue(ids),
                addSpecialTokens: !result.GetValue(plain)));
    }

    private Command Schema()
    {
        Option<string?> name = new("--name") { Description = "The class's name. Default: made of the model's.", HelpName = "NAME" };
        Option<string?> space = new("--namespace") { Description = "Its namespace. Default: none.", HelpName = "NAMESPACE" };
        return Answering(
            new Command("schema", "Print a model's class: schema MODEL > Model.cs.") { _model, name, space },
            result => SchemaCommand.Answer(result.GetRequiredValue(_model), result.GetValue(name), result.GetValue(space)));
    }

    private Command Download()
    {
        Argument<string> id = new("ID") { Description = "A hub id: owner/name, owner/name@revision, or with a file, owner/name/FILE." };
        Command command = new("download", "Get a model's files from the hub into the cache.") { id };
        command.SetAction(async (result, cancellationToken) =>
        {
            await DownloadCommand.RunAsync(result.GetRequiredValue(id), _console, result.GetValue(_json), cancellationToken)
                .ConfigureAwait(false);
            return 0;
        });
        return command;
    }

    private Command Generate()
    {
        Argument<string> text = new("TEXT") { Description = "The text to continue; with --chat, what the user says." };
        Option<bool> chat = new("--chat") { Description = "Answer TEXT, in the format of the model's chat template." };
        Option<string?> system = new("--system") { Description = "With --chat: the system's message before.", HelpName = "TEXT" };
        Option<int> tokens = new("--tokens")
        {
            Description = "The most tokens to add.",
            DefaultValueFactory = _ => 20,
            HelpName = "N",
        };
        Option<double> temperature = new("--temperature")
        {
            Description = "The divisor of logits before a draw; 0 takes the likeliest.",
            DefaultValueFactory = _ => 0,
            HelpName = "T",
        };
        Option<int> seed = new("--seed") { Description = "Equal seeds draw equal tokens.", DefaultValueFactory = _ => 0, HelpName = "N" };
        Command command = new("generate", "Continue a text, or answer it.")
        {
            _model, text, chat, system, tokens, temperature, seed,
        };
        command.SetAction((result, cancellationToken) =>
        {
            GenerateCommand.Run(
                new(result.GetRequiredValue(_model), result.GetRequiredValue(text),
                    Chat(result.GetRequiredValue(text), result.GetValue(chat), result.GetValue(system)),
                    result.GetValue(tokens), result.GetValue(temperature), result.GetValue(seed)),
                _console, result.GetValue(_json), cancellationToken);
            return Task.FromResult(0);
        });
        return command;

        static IReadOnlyList<ChatMessage>? Chat(string text, bool isChat, string? system) => (isChat, system) switch
        {
            (false, null) => null,
            (false, _) => throw new ToolException("--system belongs to a chat: add --chat."),
            (_, null) => [("user", text)],
            _ => [("system", system), ("user", text)],
        };
    }

    private Command Answering(Command command, Func<ParseResult, ToolAnswer> answer)
    {
        command.SetAction(result =>
        {
            ToolAnswer answered = answer(result);
            _console.Output.Write(result.GetValue(_json) ? ToolAnswer.ToText(answered.Json()) : answered.Text());
            return 0;
        });
        return command;
    }

    /// <summary>What is wrong with the command line, and where to read what is right.</summary>
    private string Usage(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        string help = command == _root ? $"{Name} --help" : $"{Name} {command.Name} --help";
        if (command == _root && result.UnmatchedTokens is [{ } unknown, ..])
        {
            string? nearest = Spelling.Nearest(unknown, _root.Subcommands.Select(known => known.Name));
            return $"There is no command '{unknown}'{(nearest is null ? "" : $"; did you mean '{nearest}'?")} (see '{help}').";
        }
        ParseError first = result.Errors[0];
        return $"{first.Message.TrimEnd('.')} (see '{help}').";
    }

    /// <summary>An error's message, without the name of a parameter that the user did not write.</summary>
    private static string Sentence(Exception error) => error switch
    {
        OperationCanceledException => "Stopped.",
        ArgumentException { ParamName: { } parameter } => error.Message.Split($" (Parameter '{parameter}')")[0],
        _ => error.Message,
    };

    /// <summary>Whether an error's message is meant for the user. Everything else is a mistake of the tool.</summary>
    private static bool IsTold(Exception error) => error is ToolException or IOException or UnauthorizedAccessException
        or InterventionException or ArgumentException or InvalidDataException or NotSupportedException or InvalidOperationException
        or OperationCanceledException;
}
