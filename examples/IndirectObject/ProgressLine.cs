namespace Interventions.Examples;

/// <summary>
/// One line on the terminal that says how far a run has come, once it takes longer than a moment; nothing when the output is a file.
/// </summary>
public sealed class ProgressLine : IProgress<RunProgress>
{
    private readonly System.Diagnostics.Stopwatch _clock = System.Diagnostics.Stopwatch.StartNew();
    private bool _shown;

    public void Report(RunProgress value)
    {
        if (Console.IsErrorRedirected || (!_shown && _clock.ElapsedMilliseconds < 1_000))
            return;
        _shown = value.Done < value.Total;
        Console.Error.Write(_shown ? $"\r{value.Done} of {value.Total} forward passes " : "\r\e[K");
    }
}
