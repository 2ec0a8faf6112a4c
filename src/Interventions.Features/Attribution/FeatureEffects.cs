using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What a feature does to a metric at one position of a prompt.</summary>
/// <param name="Prompt">The prompt's number.</param>
/// <param name="Position">The token's index.</param>
/// <param name="Feature">The feature's number.</param>
/// <param name="Activation">Its activation.</param>
/// <param name="Baseline">What stands for it where it is taken away.</param>
/// <param name="Effect">How much of the metric is due to it: metric with it less metric without it, or an estimate of that.</param>
public readonly record struct FeatureEffect(int Prompt, int Position, int Feature, double Activation, double Baseline, double Effect)
{
    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"feature {Feature} at {Position} of prompt {Prompt}: {(Effect > 0 ? "+" : "")}{Effect:G4} ({Activation:G4} active)");
}

/// <summary>
/// The effects of all features that differ from their baseline; of the others they are 0. No value is kept for features that are not
/// active, so that a dictionary may be large.
/// </summary>
public sealed class FeatureEffects
{
    private const int Printed = 12;

    internal FeatureEffects(string title, string metric, ImmutableArray<FeatureEffect> all, double[] measured, int features) =>
        (Title, Metric, All, Measured, Features) = (title, metric, all, [.. measured], features);

    /// <summary>What they are: <c>gradient · activation</c>.</summary>
    public string Title { get; }

    /// <summary>The metric's name.</summary>
    public string Metric { get; }

    /// <summary>All of them, by prompt, position and feature.</summary>
    public ImmutableArray<FeatureEffect> All { get; }

    /// <summary>The metric of each prompt in the run that is explained.</summary>
    public ImmutableArray<double> Measured { get; }

    /// <summary>The number of tokens of the longest prompt.</summary>
    public int Length => Tokens.Select(prompt => prompt.Length).DefaultIfEmpty(0).Max();

    /// <summary>The tokens of each prompt's first run, as text.</summary>
    public required ImmutableArray<ImmutableArray<string>> Tokens { get; init; }

    /// <summary>How many features the dictionary has.</summary>
    public int Features { get; }

    /// <summary>Those with the largest absolute effects, the largest first.</summary>
    public IReadOnlyList<FeatureEffect> Top(int count) => [.. All.OrderByDescending(one => Math.Abs(one.Effect)).Take(count)];

    /// <summary>Those of a prompt.</summary>
    public IEnumerable<FeatureEffect> OfPrompt(int prompt) => All.Where(one => one.Prompt == prompt);

    /// <summary>
    /// Of each feature that is active somewhere, the sum over positions, as a mean over prompts: the largest absolute ones first.
    /// </summary>
    public IReadOnlyList<(int Feature, double Effect)> ByFeature() =>
    [
        .. All.GroupBy(one => one.Feature).Select(group => (Feature: group.Key, Effect: group.Sum(one => one.Effect) / Measured.Length))
            .OrderByDescending(pair => Math.Abs(pair.Effect)).ThenBy(pair => pair.Feature),
    ];

    /// <summary>All effects, zeros included: <c>[prompt, pos, feature]</c>, float64; the caller owns it. Mind its size.</summary>
    public Tensor ToTensor()
    {
        int length = Length;
        double[] values = new double[checked(Measured.Length * length * Features)];
        foreach (FeatureEffect one in All)
            values[(((one.Prompt * length) + one.Position) * Features) + one.Feature] = one.Effect;
        return tensor(values).view(Measured.Length, length, Features);
    }

    /// <summary>Writes a row for each of <see cref="All"/>: prompt, position, feature, activation, baseline, effect.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CsvFile.Write(path, ["prompt", "position", "feature", "activation", "baseline", "effect"], All.Select(one => new[]
        {
            $"{one.Prompt}", $"{one.Position}", $"{one.Feature}", Number(one.Activation), Number(one.Baseline), Number(one.Effect),
        }));

        static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }

    /// <summary>The features with the largest effects: a table of at most 80 columns.</summary>
    public override string ToString()
    {
        (int Feature, double Effect)[] ranked = [.. ByFeature()];
        (int Feature, double Effect)[] shown = ranked[..Math.Min(Printed, ranked.Length)];
        string[] effects = ShortNumbers.Format([.. shown.Select(pair => pair.Effect)], isSigned: true);
        TextTable table = new(
            new("feature", IsNumber: true), new("effect", IsNumber: true), new("places", IsNumber: true), new("most at"));
        ILookup<int, FeatureEffect> places = All.ToLookup(one => one.Feature);
        foreach (((int feature, _), string effect) in shown.Zip(effects))
        {
            FeatureEffect most = places[feature].MaxBy(one => Math.Abs(one.Effect));
            string token = TextTable.Quote(Tokens[most.Prompt][most.Position]);
            table.Add($"{feature}", effect, $"{places[feature].Count()}", $"{token}, token {most.Position} of prompt {most.Prompt}");
        }
        string heading = TextTable.Wrap(
            $"{Title}: what features add to {Metric}, which is {ShortNumbers.Format([Measured.DefaultIfEmpty(0).Average()])[0]}; "
            + $"sums over tokens, means over {TextTable.Count(Measured.Length, "prompt")}", 2);
        return $"{heading}\n{table.Print()}{TextTable.Others(ranked.Length - shown.Length, "feature")}";
    }

    /// <summary>The entries of a group of prompts where features differ from their baselines.</summary>
    /// <param name="prompts">The prompts' numbers.</param>
    /// <param name="features">Activations, <c>[batch, pos, feature]</c>.</param>
    /// <param name="baselines">What stands for them; null for 0.</param>
    /// <param name="effects">Their effects; null where they are not known yet, 0.</param>
    internal static IEnumerable<FeatureEffect> Entries(int[] prompts, Tensor features, Tensor? baselines, Tensor? effects)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor moved = baselines is null ? features : features.sub(baselines), mask = moved.ne(zeros_like(moved));
        long[] places = mask.nonzero().cpu().contiguous().data<long>().ToArray();
        double[] active = Numbers(features, mask), other = Numbers(baselines, mask), effect = Numbers(effects, mask);
        FeatureEffect[] entries = new FeatureEffect[active.Length];
        for (int i = 0; i < entries.Length; i++)
            entries[i] = new FeatureEffect(
                prompts[places[3 * i]], (int)places[(3 * i) + 1], (int)places[(3 * i) + 2], active[i], At(other, i), At(effect, i));
        return entries;

        static double At(double[] values, int i) => values.Length == 0 ? 0 : values[i];
    }

    private static double[] Numbers(Tensor? values, Tensor mask) =>
        values is null ? [] : values.masked_select(mask).to_type(ScalarType.Float64).cpu().data<double>().ToArray();
}
