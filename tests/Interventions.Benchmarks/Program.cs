// ./build.sh bench [REPEATS | engine [REPEATS [ROW]] [--whole] | circuits [REPEATS [ROW]] | features [REPEATS [ROW]] |
// store [REPEATS [ROW]] | neurons [REPEATS [ROW]] | generation [REPEATS] | memory | soak [MINUTES] | tokenizers [MB] | editor |
// fuzz [COUNT [FORMAT [FIRST]]]]: each claim of speed is a row here, all sides in one run.
// `engine` is the table of sweeps: rows whose name contains ROW, the naive run whole or a sample of it. `circuits` is what the methods of
// circuits cost in plain passes. `features` is dictionaries beside plain code for the same maths. `store` is what a store of activations
// costs beside plain passes. `neurons` is graphs of neurons and passes over a corpus. `generation` is the text of a sweep's points against
// that of as many prompts. `memory` is what a sweep holds within a budget. `soak` is an hour of runs on several threads while another one
// collects garbage all the time: no wrong number, no growth. `tokenizers` is how fast texts become tokens. `editor` is what the generators
// and analyzers cost. `fuzz` reads COUNT damaged files of each FORMAT, from number FIRST on: each is read, or refused with one clear
// exception.
using System.Globalization;
using Interventions.Benchmarks;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

if (args is ["editor", ..])
{
    await EditorSpeed.Print();
    return;
}

if (args is ["tokenizers", ..])
{
    Environment.ExitCode = TokenizerTable.Print(int.Parse(args.ElementAtOrDefault(1) ?? "4", CultureInfo.InvariantCulture)) ? 0 : 1;
    return;
}

if (args is ["soak", ..])
{
    Environment.ExitCode = Soak.Print(double.Parse(args.ElementAtOrDefault(1) ?? "60", CultureInfo.InvariantCulture)) ? 0 : 1;
    return;
}

if (args is ["fuzz", ..])
{
    Environment.ExitCode = Fuzz.Print(args.ElementAtOrDefault(1), args.ElementAtOrDefault(2), args.ElementAtOrDefault(3)) ? 0 : 1;
    return;
}

if (args is ["features", ..])
{
    using var quiet = no_grad();
    Console.WriteLine($"{get_num_threads()} threads");
    new FeaturesTable(int.Parse(args.ElementAtOrDefault(1) ?? "9", CultureInfo.InvariantCulture), args.ElementAtOrDefault(2) ?? "").Print();
    BenchmarkRow.PrintSummary();
    return;
}

string verb = args is ["engine" or "circuits" or "store" or "neurons" or "generation" or "memory", ..] ? args[0] : "";
string[] rest = [.. args.Skip(verb.Length > 0 ? 1 : 0).Where(arg => arg != "--whole")];
string? count = rest.ElementAtOrDefault(0), row = rest.ElementAtOrDefault(1);
using var noGrad = no_grad();
Console.WriteLine($"{get_num_threads()} threads; GPT-2 small's geometry, 8 prompts of 16 tokens");

// GPT-2 small's geometry with random weights.
using DecoderModel model = DecoderModel.Random(
    Gpt2Model.Configure(layers: 12, heads: 12, d_model: 768, vocabularySize: 50257, contextLength: 1024));
if (verb == "engine")
{
    int repeats = int.Parse(count ?? "5", CultureInfo.InvariantCulture);
    new EngineTable(model, repeats, row ?? "", args.Contains("--whole")).Print();
    if (row is null or "planning")
        PlanningTable.Print(model, repeats);
    if (row is null or "growth")
        GrowthTable.Print(model);
    BenchmarkRow.PrintSummary();
    return;
}

if (verb == "circuits")
{
    new CircuitsTable(model, int.Parse(count ?? "5", CultureInfo.InvariantCulture), row ?? "").Print();
    BenchmarkRow.PrintSummary();
    return;
}

if (verb == "neurons")
{
    new NeuronsTable(model, int.Parse(count ?? "5", CultureInfo.InvariantCulture), row ?? "").Print();
    BenchmarkRow.PrintSummary();
    return;
}

if (verb == "store")
{
    new StoreTable(model, int.Parse(count ?? "5", CultureInfo.InvariantCulture), row ?? "").Print();
    BenchmarkRow.PrintSummary();
    return;
}

if (verb == "memory")
    MemoryTable.Print(model);
else if (verb == "generation")
    GenerationTable.Print(model, int.Parse(count ?? "5", CultureInfo.InvariantCulture));
else
    SmallTable.Print(model, int.Parse(count ?? "9", CultureInfo.InvariantCulture));
