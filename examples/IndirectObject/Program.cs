// Which heads of a small language model name the indirect object, and what happens without them?
// dotnet run --project examples/IndirectObject -- [--model FOLDER] [--prompts N] [--seed N]
using System.Globalization;
using Interventions;
using Interventions.Examples;
using Interventions.Models;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string folder = Option("--model", Path.Combine(AppContext.BaseDirectory, "model"));
int count = int.Parse(Option("--prompts", "128"));
Random random = new(int.Parse(Option("--seed", "1")));

using NamesModel model = NamesModel.Load(folder);
IoiPrompts prompts = IoiPrompts.Create(model.Tokenizer, Enumerable.Range(0, count).Select(_ => RandomPair(random)));
RunOptions options = new() { BatchSize = 64, Progress = new ProgressLine() };

using var sweep = new HeadSweep().Run(model, prompts, options);
double clean = sweep.Clean.LogitDifference.mean().ToDouble(), corrupted = sweep.Corrupted.LogitDifference.mean().ToDouble();
Console.WriteLine($"""
    {count} prompts such as "{Example(prompts)} ..."
    corrupted: three other names in the same sentence

                                    logit difference IO - S   IO over S
    clean                           {clean,23:0.00}   {Share(sweep.Clean.LogitDifference),9:P1}
    corrupted                       {corrupted,23:0.00}   {Share(sweep.Corrupted.LogitDifference),9:P1}

    One head's output at `end`, taken from the corrupted prompt: the ten that matter
    head    logit difference   change     attention from end to IO    to S2
    """);
foreach (SweptPoint point in sweep.LogitDifference.Top(10))
{
    (int layer, int head) = (point["layer"], point["head"]);
    double toIO = sweep.Clean.EndToIO[layer, TensorIndex.Colon, head].mean().ToDouble();
    double toS2 = sweep.Clean.EndToS2[layer, TensorIndex.Colon, head].mean().ToDouble();
    Console.WriteLine($"{layer}.{head}     {point.Value,16:0.00}   {point.Change,6:+0.00;-0.00}     {toIO,24:0.00}    {toS2,5:0.00}");
}

Console.WriteLine("""

    Knockout: the output of the first k of these heads at `end`, all taken away
    heads                           logit difference IO - S   IO over S
    """);
Tensor keep = ones(model.Config.Layers, model.Config.Heads);
foreach (SweptPoint point in sweep.LogitDifference.Top(5))
{
    keep[point["layer"], point["head"]] = 0;
    using var knockout = new Knockout { Keep = keep }.Run(model, prompts, options);
    Console.WriteLine($"and {point["layer"]}.{point["head"]}                         {knockout.LogitDifference.mean().ToDouble(),23:0.00}   {Share(knockout.LogitDifference),9:P1}");
}

string Option(string name, string otherwise) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : otherwise;

double Share(Tensor difference) => difference.gt(0).to(float64).mean().ToDouble();

string Example(IoiPrompts set) => model.Tokenizer.Decode(set.Prompts[0].Runs[0].Ids.Select(id => (int)id)) ?? "";

static IoiPrompts.Prompt RandomPair(Random random)
{
    Sentences.Prompt clean = Sentences.RandomHeldOut(random);
    string[] others = [.. Sentences.Names.Except([clean.IO, clean.S])];
    random.Shuffle(others);
    // The corrupted prompt repeats nobody: A, B and S are three other people.
    return new()
    {
        Clean = clean.Marked(clean.A, clean.B, clean.S),
        Corrupted = clean.Marked(others[0], others[1], others[2]),
        IO = " " + clean.IO,
        S = " " + clean.S,
    };
}

[ModelSchema]
[Axis("layer", 4), Axis("head", 4), Axis("kv_head", 4), Axis("d_head", 24), Axis("d_model", 96), Axis("neuron", 384), Axis("vocab", 347)]
public sealed partial class NamesModel : Gpt2Model;

[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IoiPrompts : PromptSet;

/// <summary>Each head's output at the last position, one at a time, from the corrupted prompt.</summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class HeadSweep
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.attn.pattern[query=end; key=IO]")]
    static Tensor EndToIO(Tensor pattern) => pattern.flatten(1);

    [Capture("blocks.*.attn.pattern[query=end; key=S2]")]
    static Tensor EndToS2(Tensor pattern) => pattern.flatten(1);

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}

/// <summary>Heads taken away at the last position: Keep is [layer, head], 0 where a head is knocked out.</summary>
[Intervention<NamesModel, IoiPrompts>]
public sealed partial class Knockout
{
    public required Tensor Keep { get; init; }

    [Patch("blocks.0.attn.z[pos=end]")] Tensor Layer0(Tensor z) => z * Keep[0].unsqueeze(-1);
    [Patch("blocks.1.attn.z[pos=end]")] Tensor Layer1(Tensor z) => z * Keep[1].unsqueeze(-1);
    [Patch("blocks.2.attn.z[pos=end]")] Tensor Layer2(Tensor z) => z * Keep[2].unsqueeze(-1);
    [Patch("blocks.3.attn.z[pos=end]")] Tensor Layer3(Tensor z) => z * Keep[3].unsqueeze(-1);

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
