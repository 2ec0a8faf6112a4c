using System.Collections.Immutable;
using System.Globalization;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>A trained dictionary, and how it came about. It owns the dictionary.</summary>
public sealed class SaeTrainingResult : IDisposable
{
    private const int Printed = 10;

    internal SaeTrainingResult(Sae sae, ImmutableArray<SaeTrainingStep> history, double scale) =>
        (Sae, History, Scale) = (sae, history, scale);

    /// <summary>The dictionary, for values as they are: what was folded in or averaged in training is in its weights.</summary>
    public Sae Sae { get; }

    /// <summary>What was recorded, every <see cref="SaeTrainingOptions.RecordEvery"/> steps and at the last one.</summary>
    public ImmutableArray<SaeTrainingStep> History { get; }

    /// <summary>The factor s that inputs were multiplied by in training, which is in the weights; 1 where there was none.</summary>
    public double Scale { get; }

    private string[] Terms => [.. History.SelectMany(step => step.Terms.Keys).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>
    /// Writes what was recorded as comma-separated values: <c>step</c>, <c>learning_rate</c>, <c>l0_features</c>,
    /// <c>explained_variance</c>, <c>dead_features</c>, <c>gradient_norm</c>, and each term of the loss (empty where it was absent).
    /// </summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path, SaeTrainingStep.Columns(Terms), History.Select(step => step.Numbers(Terms).Select(number =>
            double.IsNaN(number) ? "" : number.ToString("R", CultureInfo.InvariantCulture))));

    /// <summary>The dictionary, and what was recorded: the last step, and others evenly spread.</summary>
    public override string ToString()
    {
        int shown = Math.Min(Printed, History.Length);
        SaeTrainingStep[] steps = [.. Enumerable.Range(1, shown).Select(i => History[(i * History.Length / shown) - 1])];
        TextTable table = new(
            [.. new[] { "step", "L0", "expl.var.", "dead", "loss" }.Concat(Terms).Select(name => new TextColumn(name, IsNumber: true))]);
        string[][] columns =
        [
            [.. steps.Select(step => $"{step.Step}")],
            ShortNumbers.Format([.. steps.Select(step => step.L0)]),
            [.. steps.Select(step => step.ExplainedVariance.ToString("0.000", CultureInfo.InvariantCulture))],
            [.. steps.Select(step => $"{step.DeadFeatures}")],
            ShortNumbers.Format([.. steps.Select(step => step.Loss)]),
            .. Terms.Select(term => ShortNumbers.Format(
                [.. steps.Select(step => step.Terms.TryGetValue(term, out double value) ? value : 0)])),
        ];
        for (int i = 0; i < shown; i++)
            table.Add([.. columns.Select(column => column[i])]);
        return $"{Sae}\n{table.Print()}" + (History.Length > shown ? $"{shown} of {History.Length} recorded steps\n" : "");
    }

    /// <inheritdoc/>
    public void Dispose() => Sae.Dispose();
}
