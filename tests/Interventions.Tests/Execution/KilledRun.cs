using Interventions.Execution;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

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
        using Tensor direction = LongStudy.Direction();
        InterventionRunner.RunTo(Graph(direction, pause), model, Prompts, path, Options).Dispose();
    }

    /// <summary>Does everything but put the batches together.</summary>
    public static void ExecuteBatches(string path)
    {
        using ToyModel model = new();
        using Tensor direction = LongStudy.Direction();
        InterventionGraph graph = Graph(direction, pause: 0);
        ResultOrigin origin = ResultOrigin.Of(graph, model, Prompts, Options);
        InterventionRunner.Prepare(graph, model, Prompts, Options).Each(
            _ => true,
            (batch, output) =>
            {
                using (output)
                    output.Save(Path.Combine(path + ".batches", $"{batch:D6}.safetensors"), origin.Metadata);
            },
            CancellationToken.None);
    }

    private static ToyPrompts Prompts => LongStudy.Prompts(40);

    private static RunOptions Options => new() { BatchSize = 2 };

    private static InterventionGraph Graph(Tensor direction, int pause) => LongStudy.Graph(direction, x =>
    {
        Thread.Sleep(pause);
        return x[0] + x[1];
    });
}
