// A dictionary of the features of one layer: rows of the layer's values go into a store, dictionaries are trained on it with and without
// resampling of dead features, and measured in the model on contexts that they were not trained on.
// dotnet run -c Release --project examples/Dictionary -- [--model PATH] [--text PATH] [--layer N] [--features N] [--active N]
//     [--minutes N] [--seeds N] [--store FOLDER]      (minutes: of filling the store, and of each training)
// Without --model: the repository's small model, and sentences of its language. Without --text: what the Debian packages on this machine
// bring: documentation, licences and manual pages, .gz or not.
using System.Diagnostics;
using System.Globalization;
using Interventions;
using Interventions.Examples;
using Interventions.Features;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
string[] known = ["--model", "--text", "--layer", "--features", "--active", "--minutes", "--seeds", "--store"];
if (args.Where((_, i) => i % 2 == 0).FirstOrDefault(name => !known.Contains(name)) is string unknown)
{
    Console.Error.WriteLine($"There is no option '{unknown}': {string.Join(", ", known)} are known, each with a value.");
    return 1;
}
bool isSmall = Option("--model") is null;
using DecoderModel model = DecoderModel.Load(Option("--model") ?? Path.Combine(AppContext.BaseDirectory, "model"));
int length = Math.Min(128, model.Config.ContextLength), seeds = Number("--seeds", 3), active = Number("--active", isSmall ? 8 : 32);
double minutes = double.Parse(Option("--minutes") ?? (isSmall ? "0.2" : "10"));
string site = $"blocks.{Number("--layer", model.Config.Layers / 2)}.resid_post";

Corpus all = Text();
Console.Write($"text: {all}");
Corpus training = Corpus.OfTokens(all.Contexts.Where((_, i) => i % 16 != 0), model.Tokenizer);
Corpus held = Corpus.OfTokens(all.Contexts.Where((context, i) => i % 16 == 0 && context.Count == length).Take(400), model.Tokenizer);
using ActivationStore store = Filled(Option("--store") ?? Directory.CreateTempSubdirectory("dictionary-").FullName);
Console.WriteLine(store);

SaeTrainingOptions options = new()
{
    Objective = new SaeObjective.TopK(active),
    Features = Number("--features", isSmall ? 512 : 4096),
    Steps = 20,
    LearningRate = 1e-3,
    ScaleBatches = 20,
    Site = site,
};
IActivationBatches batches = store.Batches(Math.Min(1024, (int)store.Count / 2), seed: 1);
Stopwatch clock = Stopwatch.StartNew();
SaeTraining.Train(batches, options).Dispose();
int steps = Math.Max(100, (int)(minutes * 60 * options.Steps / clock.Elapsed.TotalSeconds));
options = options with { Steps = steps, RecordEvery = steps };
Resampling resampling = new() { At = [3 * steps / 10, 6 * steps / 10], Window = steps / 10 };

Console.WriteLine($"{options.Features} features, {active} active, {steps} steps; {held.Contexts.Count()} contexts to measure on");
Console.WriteLine("seed  resampled  explained variance     L0  loss recovered  loss increase  dead");
Sae? best = null;
DictionaryEvaluation? itsEvaluation = null;
foreach (int seed in Enumerable.Range(1, seeds))
{
    foreach (bool isResampled in new[] { false, true })
    {
        SaeTrainingResult result = SaeTraining.Train(batches, options with { Seed = seed, Resampling = isResampled ? resampling : null });
        DictionaryEvaluation it = DictionaryEvaluation.Of(model, held, result.Sae, site, new() { Contexts = 64 });
        Console.WriteLine(
            $"{seed,4}  {(isResampled ? "yes" : "no"),9}  {it.Metrics.ExplainedVariance,18:0.000}  {it.Metrics.L0,5:0.0}  "
            + $"{it.LossRecovered,14:0.0%}  {it.LossIncrease,13:0.000}  {it.DeadFeatures.Count,4}");
        if (itsEvaluation is null || it.LossRecovered > itsEvaluation.LossRecovered)
            (best, itsEvaluation) = (result.Sae, it);
    }
}
Console.WriteLine($"\nthe one that recovers most:\n{itsEvaluation}");
foreach (string line in Examples(best!))
    Console.WriteLine(line);
return 0;

string? Option(string name) => Array.IndexOf(args, name) is >= 0 and int at && at + 1 < args.Length ? args[at + 1] : null;

int Number(string name, int otherwise) => Option(name) is { } text ? int.Parse(text) : otherwise;

Corpus Text()
{
    CorpusOptions cutting = new() { ContextLength = length, Beginning = isSmall ? BoundaryToken.None : BoundaryToken.Bos };
    string[] ofDebian = ["/usr/share/common-licenses", "/usr/share/doc", "/usr/share/man"];
    if (Option("--text") is { } path)
        return Corpus.OfFiles(path, model.Tokenizer, cutting);
    return isSmall
        ? Corpus.OfTexts(Documents(), model.Tokenizer, cutting)
        : Corpus.OfFiles(ofDebian.Where(Directory.Exists), model.Tokenizer, cutting);

    static IEnumerable<string> Documents()
    {
        Random random = new(1); // of every pass, which so gives the same
        for (int i = 0; i < 20_000; i++)
            yield return Sentences.RandomDocument(random);
    }
}

// What there is after some minutes: a store keeps what was finished when it is stopped.
ActivationStore Filled(string folder)
{
    using CancellationTokenSource time = new(TimeSpan.FromMinutes(minutes));
    try
    {
        return ActivationStore.Fill(model, training, site, folder, new() { ShardBytes = isSmall ? 1 << 20 : 8 << 20 }, time.Token);
    }
    catch (OperationCanceledException)
    {
        return ActivationStore.Open(folder);
    }
}

// Of the features that are active at one of 100 to one of 10,000 positions, those with the largest activations: where they are largest. Not
// at the first tokens of a context, whose values are of another size in many models; and no two features with the same place.
IEnumerable<string> Examples(Sae sae)
{
    const int Features = 10, Contexts = 3, Before = 12, After = 4, First = 8;
    IReadOnlyList<long>[] contexts = [.. held.Contexts];
    List<Tensor> peaks = [], places = [];
    foreach (IReadOnlyList<long>[] some in contexts.Chunk(16))
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Intervention.On(model).Capture("Rows", $"{site}[pos={First}..]")
            .Run(Texts.FromTokens([.. some.Select(ids => ids.ToArray())]));
        (Tensor peak, Tensor place) = sae.Encode(run["Rows"].Values).max(1);
        peaks.Add(peak.MoveToOuterDisposeScope());
        places.Add(place.MoveToOuterDisposeScope());
    }
    using Tensor ofContexts = cat(peaks), at = cat(places); // [context, feature]
    (Tensor largest, Tensor largestIn) = ofContexts.max(0);
    float[] sizes = [.. largest.data<float>()];
    (long Context, long Place) Of(int feature) => (largestIn[feature].item<long>(), at[largestIn[feature], feature].item<long>());
    foreach (int feature in Enumerable.Range(0, sae.Features)
        .Where(feature => itsEvaluation!.Metrics.Frequencies[feature] is >= 1e-4 and <= 1e-2)
        .OrderByDescending(feature => sizes[feature]).DistinctBy(Of).Take(Features))
    {
        yield return $"feature {feature}, active at {itsEvaluation!.Metrics.Frequencies[feature]:0.00%} of positions";
        float[] own = [.. ofContexts.select(1, feature).contiguous().data<float>()];
        foreach (int context in Enumerable.Range(0, own.Length).OrderByDescending(i => own[i]).Take(Contexts))
        {
            int place = First + (int)at[context, feature].item<long>();
            string Decoded(Range tokens) => model.Decode(contexts[context].Take(tokens))!.ReplaceLineEndings(" ");
            yield return $"  {own[context],6:0.0}  …{Decoded(Math.Max(0, place - Before)..place)}"
                + $" >>{Decoded(place..(place + 1))}<<{Decoded((place + 1)..(place + 1 + After))}…";
        }
    }
}
