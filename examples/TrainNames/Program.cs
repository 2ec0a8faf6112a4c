// Trains the small model of examples/IndirectObject: dotnet run -c Release --project examples/TrainNames -- [FOLDER] [STEPS] [SEED]
using System.Diagnostics;
using System.Globalization;
using Interventions;
using Interventions.Examples;
using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Sites;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

const int Layers = 4, Heads = 4, Width = 96, Context = 48, BatchSize = 64;
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string folder = args.ElementAtOrDefault(0) ?? "examples/TrainNames/model";
int steps = int.Parse(args.ElementAtOrDefault(1) ?? "5000"), seed = int.Parse(args.ElementAtOrDefault(2) ?? "1");

set_num_threads(1); // the order of sums, and so the result, must not depend on how many cores there are
Directory.CreateDirectory(folder);
TokenizerFile.Write(Path.Combine(folder, "tokenizer.json"), Sentences.Vocabulary());
HuggingFaceTokenizer tokenizer = HuggingFaceTokenizer.Load(folder);
using DecoderModel model = DecoderModel.Random(Gpt2Model.Configure(Layers, Heads, Width, tokenizer.VocabularySize, Context), seed);
// The very weights of the model, as an optimiser wants them.
Parameter[] trained = [.. model.Weights.Values.Select(weight => new Parameter(weight.alias()))];
Console.WriteLine($"{model.Weights.Values.Sum(weight => weight.numel()):N0} parameters, {tokenizer.VocabularySize} tokens");

const double Peak = 3e-3;
var optimizer = optim.AdamW(trained, lr: Peak, beta1: 0.9, beta2: 0.98, weight_decay: 0.05);
Random random = new(seed);
Stopwatch clock = Stopwatch.StartNew();
double average = 0;
for (int step = 1; step <= steps; step++)
{
    using DisposeScope scope = NewDisposeScope();
    // Warm up, then down to nothing along a cosine.
    double rate = Peak * Math.Min(1, step / 200.0) * 0.5 * (1 + Math.Cos(Math.PI * step / steps));
    foreach (var group in optimizer.ParamGroups)
        group.LearningRate = rate;
    optimizer.zero_grad();
    Tensor loss = Loss(random, BatchSize);
    loss.backward();
    using (Finalizers.Pause()) // no number of the step is freed under it
    {
        nn.utils.clip_grad_norm_(trained, 1.0);
        optimizer.step();
    }
    average = step == 1 ? loss.item<float>() : (0.98 * average) + (0.02 * loss.item<float>());
    if (step % 250 == 0)
        Console.WriteLine(
            $"step {step,6}  loss {average:0.0000}  held-out accuracy {Accuracy(512, prompt => prompt.Text):P1}  {clock.Elapsed:mm\\:ss}");
}

foreach (Parameter weight in trained)
    weight.requires_grad_(false);
model.Save(folder);
using (no_grad())
using (NewDisposeScope())
{
    Random names = new(seed);
    Console.WriteLine($"""
        loss on fresh texts                            {Loss(new Random(seed + 1), 1024).item<float>(),10:0.000}
        indirect object over subject, never seen       {Accuracy(4096, prompt => prompt.Text),10:P2}
        the same, the actor replaced by a third person {Accuracy(4096, prompt => prompt.With(prompt.A, prompt.B, Sentences.RandomPrompt(names).S)),10:P2}
        the same, the actor replaced by the other one  {Accuracy(4096, prompt => prompt.With(prompt.A, prompt.B, prompt.IO)),10:P2}
        the same, all three names of other prompts     {Accuracy(4096, prompt => Sentences.RandomPrompt(names) is var other ? prompt.With(other.A, other.B, other.S) : ""),10:P2}
        trained in                                     {clock.Elapsed,10:mm\:ss}
        """);
}

// Next-token loss over whole documents; padding is not counted.
Tensor Loss(Random source, int count)
{
    int[][] texts = [.. Enumerable.Range(0, count).Select(
        _ => tokenizer.EncodeToIds(Sentences.RandomDocument(source)).Take(Context).ToArray())];
    int length = texts.Max(text => text.Length);
    const long Ignored = -100;
    Tensor inputs = Batch(texts, length - 1, (text, i) => i < text.Length ? text[i] : 0);
    Tensor targets = Batch(texts, length - 1, (text, i) => i + 1 < text.Length ? text[i + 1] : Ignored);
    Tensor logits = GraphEvaluator.Evaluate(model.Graph, inputs, ["logits"])["logits"];
    return nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index: Ignored);
}

// How often the indirect object's logit beats the subject's, on combinations that training never saw.
double Accuracy(int count, Func<Sentences.Prompt, string> write)
{
    using var _ = no_grad();
    using DisposeScope scope = NewDisposeScope();
    Random held = new(12345);
    Sentences.Prompt[] prompts = [.. Enumerable.Range(0, count).Select(_ => Sentences.RandomHeldOut(held))];
    int[][] texts = [.. prompts.Select(prompt => tokenizer.EncodeToIds(write(prompt)).ToArray())];
    int right = 0;
    foreach (var group in Enumerable.Range(0, count).GroupBy(i => texts[i].Length))
    {
        int[] rows = [.. group];
        Tensor last = model.Forward(Batch([.. rows.Select(i => texts[i])], group.Key, (text, i) => text[i])).select(1, -1);
        for (int i = 0; i < rows.Length; i++)
            right += Logit(last[i], prompts[rows[i]].IO) > Logit(last[i], prompts[rows[i]].S) ? 1 : 0;
    }
    return (double)right / count;

    float Logit(Tensor logits, string name) => logits[tokenizer.TokenToId(" " + name)!.Value].item<float>();
}

static Tensor Batch(int[][] texts, int length, Func<int[], int, long> token) =>
    tensor(texts.SelectMany(text => Enumerable.Range(0, length).Select(i => token(text, i))).ToArray()).view(texts.Length, length);
