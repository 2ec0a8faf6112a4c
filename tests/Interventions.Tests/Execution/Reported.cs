namespace Interventions.Tests.Execution;

/// <summary>Progress on the thread that makes it.</summary>
internal sealed class Reported(Action<RunProgress> report) : IProgress<RunProgress>
{
    public void Report(RunProgress value) => report(value);
}
