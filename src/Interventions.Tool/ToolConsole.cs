using Spectre.Console;

namespace Interventions.Tool;

/// <summary>Where the tool writes: answers to the output; progress and errors to the other stream, progress on a terminal alone.</summary>
/// <param name="Output">The output.</param>
/// <param name="Error">The stream of errors.</param>
/// <param name="IsTerminal">Whether somebody watches the stream of errors.</param>
internal sealed record ToolConsole(TextWriter Output, TextWriter Error, bool IsTerminal)
{
    private readonly IAnsiConsole _terminal = AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(Error),
        Ansi = IsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
        ColorSystem = IsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        Interactive = IsTerminal ? InteractionSupport.Detect : InteractionSupport.No,
    });

    /// <summary>The console of the process.</summary>
    public static ToolConsole OfProcess() => new(Console.Out, Console.Error, !Console.IsErrorRedirected);

    /// <summary>Says what went wrong, in one line.</summary>
    public void Fail(string sentence)
    {
        const StringSplitOptions options = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        string line = string.Join(' ', sentence.Split('\n', options));
        line = line is [.., '.' or '?' or '!'] ? line : line + ".";
        if (IsTerminal)
            _terminal.Markup("[red]interventions:[/] ");
        else
            Error.Write("interventions: ");
        Error.WriteLine(line);
    }

    /// <summary>Says something beside the answer, to somebody who watches.</summary>
    public void Note(string words)
    {
        if (IsTerminal)
            _terminal.MarkupLine($"[grey]({Markup.Escape(words)})[/]");
    }

    /// <summary>Does something that may take a while, beside a word that says what.</summary>
    public T Watched<T>(string what, Func<T> work) =>
        IsTerminal ? _terminal.Status().Spinner(Spinner.Known.Dots).Start($"{Markup.Escape(what)} …", _ => work()) : work();

    /// <summary>Does something that says how far it has come, from 0 to 1, beside a bar.</summary>
    public Task<T> WithBarAsync<T>(string what, Func<IProgress<double>, Task<T>> work)
    {
        if (!IsTerminal)
            return work(new Receiver<double>(_ => { }));
        ProgressColumn[] columns =
        [
            new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
            new RemainingTimeColumn(),
        ];
        return _terminal.Progress().AutoClear(true).Columns(columns).StartAsync(async progress =>
        {
            ProgressTask task = progress.AddTask(Markup.Escape(what), maxValue: 1);
            return await work(new Receiver<double>(done => task.Value = done)).ConfigureAwait(false);
        });
    }
}

/// <summary>Progress that is received where it is reported, on the same thread.</summary>
internal sealed class Receiver<T>(Action<T> receive) : IProgress<T>
{
    /// <inheritdoc/>
    public void Report(T value) => receive(value);
}
