// Which heads of a small language model name the indirect object, and what happens without them?
// dotnet run --project examples/IndirectObject -- [--study] [--model PATH] [--prompts N] [--seed N]
using System.Globalization;
using Interventions;
using Interventions.Examples;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
bool isStudy = args.Contains("--study");
args = [.. args.Where(name => name != "--study")];
try
{
    if (args.Where((_, i) => i % 2 == 0).FirstOrDefault(name => name is not ("--model" or "--prompts" or "--seed")) is string unknown)
        throw new ArgumentException($"There is no option '{unknown}': --study, --model PATH, --prompts N and --seed N are known.");
    using DecoderModel model = DecoderModel.Load(Option("--model", Path.Combine(AppContext.BaseDirectory, "model")));
    if (isStudy)
        Study.Run(model, Number("--prompts", 64), Number("--seed", 1));
    else
        Demo(model, Number("--prompts", 128), new Random(Number("--seed", 1)));
    return 0;
}
catch (Exception problem) when (
    problem is IOException or InvalidDataException or NotSupportedException or ArgumentException or InterventionException)
{
    Console.Error.WriteLine(problem.Message);
    return 1;
}

static void Demo<TModel>(TModel model, int count, Random random)
    where TModel : DecoderModel
{
    IoiPrompts prompts = IoiPrompts.Create(model.Tokenizer, Pairs(model, random).Take(count));
    RunOptions options = new() { BatchSize = 64, Progress = new ProgressLine() };
    using var sweep = new HeadSweep<TModel>().Run(model, prompts, options);
    Console.WriteLine($"""
        {count} prompts, such as
          {Shortest(model, prompts)} ...
        corrupted: three other people in the same sentence

                                   logit difference IO - S     IO over S
        clean                      {Mean(sweep.Clean.LogitDifference),23:0.00}    {Share(sweep.Clean.LogitDifference),10:P1}
        corrupted                  {Mean(sweep.Corrupted.LogitDifference),23:0.00}    {Share(sweep.Corrupted.LogitDifference),10:P1}

        One head's output at `end`, taken from the corrupted prompt: the ten that matter
        head    logit difference    change   attention: end-IO   end-S2   S1+1-S1
        """);
    IReadOnlyList<SweptPoint> top = sweep.LogitDifference.Top(10);
    foreach (SweptPoint point in top)
    {
        (int layer, int head) = (point["layer"], point["head"]);
        (double toIO, double toS2) = (Mean(sweep.Clean.EndToIO[layer, .., head]), Mean(sweep.Clean.EndToS2[layer, .., head]));
        double toS1 = Mean(sweep.Clean.AfterS1ToS1[layer, .., head]);
        Console.WriteLine(
            $"{layer}.{head}     {point.Value,16:0.00}    {point.Change,6:+0.00;-0.00}   {toIO,17:0.00}   {toS2,6:0.00}   {toS1,7:0.00}");
    }

    Console.WriteLine("""

        Knockout: these heads' output at `end` set to zero, one after the other
        heads                      logit difference IO - S     IO over S
        """);
    using Tensor keep = ones(model.Config.Layers, model.Config.Heads);
    foreach (SweptPoint point in top.Take(5))
    {
        keep[point["layer"], point["head"]] = 0;
        using var knockout = new Knockout<TModel> { Keep = keep }.Run(model, prompts, options);
        string added = $"{(point == top[0] ? "" : "and ")}{point["layer"]}.{point["head"]}";
        Console.WriteLine($"{added,-26} {Mean(knockout.LogitDifference),23:0.00}    {Share(knockout.LogitDifference),10:P1}");
    }
}

static double Mean(Tensor values) => values.mean().ToDouble();
static double Share(Tensor difference) => Mean(difference.gt(0).to(float64));
static string Shortest(DecoderModel model, IoiPrompts prompts) => prompts.Prompts
    .Select(prompt => model.Tokenizer.Decode(prompt.Runs[0].Ids.Select(id => (int)id))).MinBy(text => text.Length)!;

string Option(string name, string otherwise) =>
    Array.IndexOf(args, name) is var at and >= 0
        ? args.ElementAtOrDefault(at + 1) ?? throw new ArgumentException($"{name} wants a value.")
        : otherwise;

int Number(string name, int otherwise) =>
    int.TryParse(Option(name, $"{otherwise}"), out int number) && number > 0
        ? number
        : throw new ArgumentException($"{name} wants a positive number.");

// Names that are one token of the model. The corrupted prompt repeats nobody: its three people are others.
static IEnumerable<IoiPrompts.Prompt> Pairs(DecoderModel model, Random random)
{
    string[] names = [.. Sentences.Names.Where(name => model.Encode(" " + name) is { Count: 1 })];
    if (names.Length < 5)
        throw new ArgumentException($"Of the sentences' names, {names.Length} are one token of this model's tokenizer; five are needed.");
    while (true)
    {
        Sentences.Prompt clean = Sentences.RandomHeldOut(random);
        if (!names.Contains(clean.IO) || !names.Contains(clean.S))
            continue;
        string[] others = [.. names.Except([clean.IO, clean.S])];
        random.Shuffle(others);
        yield return new()
        {
            Clean = clean.Marked(clean.A, clean.B, clean.S),
            Corrupted = clean.Marked(others[0], others[1], others[2]),
            IO = " " + clean.IO,
            S = " " + clean.S,
        };
    }
}

[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IoiPrompts : PromptSet;

/// <summary>Each head's output at the last position, one at a time, from the corrupted prompt.</summary>
/// <typeparam name="TModel">The model.</typeparam>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class HeadSweep<TModel>
    where TModel : DecoderModel
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.attn.pattern[query=end; key=IO]")]
    static Tensor EndToIO(Tensor pattern) => pattern.flatten(1);

    [Capture("blocks.*.attn.pattern[query=end; key=S2]")]
    static Tensor EndToS2(Tensor pattern) => pattern.flatten(1);

    [Capture("blocks.*.attn.pattern[query=S1+1; key=S1]")]
    static Tensor AfterS1ToS1(Tensor pattern) => pattern.flatten(1);

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}

/// <summary>Heads taken away at the last position: Keep is [layer, head], 0 where a head is knocked out.</summary>
/// <typeparam name="TModel">The model.</typeparam>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class Knockout<TModel>
    where TModel : DecoderModel
{
    [Mix("blocks.*.attn.z[pos=end]", "layer", "head", Ablation = Ablation.Zero)]
    public required Tensor Keep { get; init; }

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
