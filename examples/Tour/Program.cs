// Sixteen small studies of one model: dotnet run --project examples/Tour -- [--model FOLDER] [TASK ...]
// Without a folder the model is the repository's; with one it is SmolLM2-135M.
using Interventions;
using Interventions.Examples.Tour;
using Interventions.Models;

try
{
    int option = Array.IndexOf(args, "--model");
    string? folder = option < 0 ? null : args.ElementAtOrDefault(option + 1) ?? throw new ArgumentException("--model wants a folder.");
    string[] tasks = [.. args.Where((_, i) => option < 0 || (i != option && i != option + 1))];
    if (folder is null)
    {
        using NamesModel model = NamesModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        Tour.Run(model, IoiPrompts.Random(model, 32, seed: 1), tasks, Console.Out);
    }
    else
    {
        using SmolLm2_135M model = SmolLm2_135M.Load(folder);
        Tour.Run(model, IoiPrompts.Random(model, 16, seed: 1), tasks, Console.Out);
    }
    return 0;
}
catch (Exception problem) when (problem is IOException or CheckpointException or ArgumentException or InterventionException)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}
