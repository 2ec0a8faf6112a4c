// Interventions of papers, each a class of a few lines, on a small trained model.
// dotnet run --project examples/Papers -- [FOLDER]
using System.Globalization;
using Interventions.Examples.Papers;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
using NamesModel model = NamesModel.Load(args.FirstOrDefault() ?? Path.Combine(AppContext.BaseDirectory, "model"));
Console.WriteLine("intervention          measured              before   after   where");
foreach (StudyResult result in Studies.Run(model, count: 32, steps: 30))
    Console.WriteLine($"{result.Paper,-21} {result.What,-20} {result.Before,7:0.00} {result.After,7:0.00}   {result.Where}");
