using Interventions.Execution;
using Interventions.Tests.Execution;
using static TorchSharp.torch;

namespace Interventions.Tests.LongRuns;

/// <summary>A long run in a process of its own, which a test kills: this assembly's entry point.</summary>
internal static class KilledRun
{
    private static int Main(string[] arguments)
    {
        Execute(arguments[0], pause: 2);
        return 0;
    }

    /// <summary>Runs 20 batches into a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="pause">Milliseconds at every point of the sweep, of which a batch has eight.</param>
    public static void Execute(string path, int pause)
    {
        using ToyModel model = new();
        using var direction = LongStudy.Direction();
        InterventionRunner.RunTo(
            LongStudy.Graph(direction, x =>
            {
                Thread.Sleep(pause);
                return x[0] + x[1];
            }),
            model, LongStudy.Prompts(40), path, new RunOptions { BatchSize = 2 }).Dispose();
    }
}
