using System.Globalization;
using Interventions.Files;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// A training as a file: weights, Adam's moments, counts of activity, numbers and metrics so far. What is drawn depends on the seed and the
/// step, so these are all that goes on.
/// </summary>
/// <param name="options">How it is trained; its path is the file.</param>
/// <param name="batches">A checksum of the first batch.</param>
internal sealed class SaeTrainingFile(SaeTrainingOptions options, string batches)
{
    private const string Kind = "kind", Training = "dictionary training", Options = "options", Batches = "batches", Steps = "steps",
        Rows = "rows", Scale = "scale", Threshold = "threshold", Terms = "terms";

    private const string First = "adam.first.", Second = "adam.second.", Begun = "adam.begun", Idle = "idle", Fired = "fired",
        History = "history";

    /// <summary>Writes the file, which appears under its name only when it is complete.</summary>
    public void Write(SaeTrainer trainer, IReadOnlyList<SaeTrainingStep> history)
    {
        using DisposeScope scope = NewDisposeScope();
        string[] terms = [.. history.SelectMany(step => step.Terms.Keys).Distinct().Order(StringComparer.Ordinal)];
        Dictionary<string, Tensor> tensors = new()
        {
            [Idle] = trainer.Idle,
            [Fired] = trainer.Fired,
            [History] = tensor(history.SelectMany(step => step.Numbers(terms)).ToArray(), dtype: ScalarType.Float64),
        };
        foreach ((string name, Tensor weight) in trainer.Weights.Named)
            tensors.Add(name, weight);
        foreach ((string name, Tensor moment) in trainer.Adam.Second.Named)
            tensors.Add(Second + name, moment);
        foreach ((string name, Tensor moment) in trainer.Adam.First?.Named ?? [])
            tensors.Add(First + name, moment);
        if (trainer.Adam.Begun is { } begun)
            tensors.Add(Begun, begun);
        SafeTensors.Save(options.Path!, tensors, new Dictionary<string, string>
        {
            [Kind] = Training,
            [Options] = options.Described,
            [Batches] = batches,
            [Steps] = Text(trainer.Steps),
            [Rows] = Text(trainer.Rows),
            [Scale] = Text(trainer.Scale),
            [Threshold] = Text(trainer.Threshold),
            [Terms] = string.Join(' ', terms),
        });

        static string Text(double number) => number.ToString("R", CultureInfo.InvariantCulture);
    }

    /// <summary>Reads the file.</summary>
    /// <param name="device">Where training goes on.</param>
    /// <returns>The training, which the caller disposes of, and what it recorded.</returns>
    /// <exception cref="InterventionException">The training was begun with something else.</exception>
    /// <exception cref="CheckpointException">It is no such file.</exception>
    public (SaeTrainer Trainer, List<SaeTrainingStep> History) Read(Device device)
    {
        using SafeTensorFile file = SafeTensorFile.Open(options.Path!);
        Check(file);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        SaeWeights weights = Weights(file, "", device), second = Weights(file, Second, device);
        SaeWeights? first = options.Beta1 > 0 ? Weights(file, First, device) : null;
        string[] terms = Note(file, Terms).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int columns = SaeTrainingStep.Columns(terms).Count();
        Tensor stored = file.Read(History);
        double[] recorded = stored.numel() == 0 ? [] : [.. stored.data<double>()];
        SaeTrainingStep[] history = [.. recorded.Chunk(columns).Select(numbers => SaeTrainingStep.Of(numbers, terms))];
        SaeTrainer trainer = new(
            options, weights.Select((_, weight) => weight.requires_grad_()),
            new Adam(first, second, options.Beta1) { Begun = file.Entries.ContainsKey(Begun) ? Owned(file.Read(Begun), device) : null },
            Owned(file.Read(Idle), device), Owned(file.Read(Fired), device))
        {
            Steps = (int)Number(file, Steps),
            Rows = (long)Number(file, Rows),
            Scale = Number(file, Scale),
            Threshold = Number(file, Threshold),
        };
        return (trainer, [.. history]);
    }

    private void Check(SafeTensorFile file)
    {
        if (file.Metadata.GetValueOrDefault(Kind) != Training)
            throw new CheckpointException(file.Path, "is no training of a dictionary: give another path, or delete it.");
        (string begun, string now) = (Note(file, Options), options.Described);
        if (begun != now)
            throw new InterventionException(
                $"'{file.Path}' was begun as {Difference(begun, now)}, and this is {Difference(now, begun)}: go on with the same, "
                + "give another path, or delete it.");
        if (Note(file, Batches) != batches)
            throw new InterventionException(
                $"'{file.Path}' was begun on other batches: their first one differs. Go on with the same, give another path, or delete "
                + "it.");
    }

    /// <summary>What a text says otherwise than another one, without what both begin and end with.</summary>
    private static string Difference(string text, string other)
    {
        string[] parts = text.Split(", "), others = other.Split(", ");
        string[] own = [.. parts.Except(others)];
        return $"'{string.Join(", ", own.Length > 0 ? own : parts)}'";
    }

    private SaeWeights Weights(SafeTensorFile file, string prefix, Device device)
    {
        return new SaeWeights
        {
            Encoder = Find("W_enc"),
            EncoderBias = Find("b_enc"),
            Decoder = Owned(file.Read(prefix + "W_dec"), device),
            DecoderBias = Owned(file.Read(prefix + "b_dec"), device),
            Threshold = Find("threshold"),
            GateBias = Find("b_gate"),
            MagnitudeBias = Find("b_mag"),
            LogMagnitude = Find("r_mag"),
            Skip = Find("W_skip"),
        };

        Tensor? Find(string name) => file.Entries.ContainsKey(prefix + name) ? Owned(file.Read(prefix + name), device) : null;
    }

    /// <summary>A copy: the file is replaced while the training goes on.</summary>
    private static Tensor Owned(Tensor mapped, Device device) => mapped.clone().to(device).DetachFromDisposeScope();

    private static double Number(SafeTensorFile file, string name) =>
        double.TryParse(Note(file, name), CultureInfo.InvariantCulture, out double number) ? number
            : throw new CheckpointException(file.Path, $"says '{name}' with no number.");

    private static string Note(SafeTensorFile file, string name) => file.Metadata.GetValueOrDefault(name)
        ?? throw new CheckpointException(file.Path, $"does not say '{name}'.");
}
