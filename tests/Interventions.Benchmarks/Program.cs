// ./build.sh bench [REPEATS | engine [REPEATS [ROW]] | editor]: each claim of speed is a row here, both sides in one run. `engine` is the table of sweeps, which takes long. `editor` is what the generators and analyzers cost.
using Interventions.Benchmarks;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Decoder;
using TorchSharp;
using static TorchSharp.torch;

if (args is ["editor", ..])
{
    await EditorSpeed.Print();
    return;
}

bool isEngine = args is ["engine", ..];
if (isEngine)
    args = args[1..];
int repeats = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 9;
using var noGrad = no_grad();
Console.WriteLine($"{get_num_threads()} threads");
Interleaved.PrintHeader();

// GPT-2 small's geometry with random weights, batch 8, 16 tokens.
using DecoderModel model = DecoderModel.Random(Gpt2Model.Configure(layers: 12, heads: 12, d_model: 768, vocabularySize: 50257, contextLength: 1024));
if (isEngine)
{
    EngineTable.Print(model, repeats, args.ElementAtOrDefault(1) ?? "");
    return;
}

using Tensor ids = randint(0, 50257, [8, 16], dtype: ScalarType.Int64);
Interleaved.Compare("empty intervention, 8 x 16 tokens", "straight-line forward", () => model.Forward(ids), () => StraightLine.Gpt2(model, ids), repeats);

// Generating: new positions alone, or the whole text anew at every step.
long[][] prompts = [.. Enumerable.Range(0, 4).Select(row => Enumerable.Range(0, 32).Select(i => (long)((row * 997) + (i * 31)) % 50257).ToArray())];
Interventions.GenerationOptions generation = new() { MaxNewTokens = 16 };
Interleaved.Compare("16 tokens behind 4 x 32, cached", "the whole text at every step",
    () => model.Generate(prompts, generation), () => model.Generate(prompts, generation with { UseCache = false }), Math.Min(repeats, 5));

// What a call costs beside its arithmetic: 10,000 sums of 4 x 4 numbers against 10,000 of 64 x 64.
using Tensor small = ones(4, 4), large = ones(64, 64);
Interleaved.Compare("10,000 sums, 4 x 4", "10,000 sums, 64 x 64", () => Sums(small), () => Sums(large), repeats);

static void Sums(Tensor x)
{
    for (int i = 0; i < 10_000; i++)
        (x + x).Dispose();
}
