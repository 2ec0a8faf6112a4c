// Interventions of papers, each a class of a few lines, on a small trained model.
// dotnet run --project examples/Papers -- [FOLDER]
using Interventions.Examples.Papers;

using NamesModel model = NamesModel.Load(args.FirstOrDefault() ?? Path.Combine(AppContext.BaseDirectory, "model"));
Console.WriteLine(StudyResult.Header);
foreach (StudyResult result in Studies.Run(model, count: 32, steps: 30))
    Console.WriteLine(result);
