using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>How probes of many sites are fitted and measured.</summary>
public sealed record ProbeOptions
{
    /// <summary>How each is fitted. Default: logistic regression, balanced, of scaled columns.</summary>
    public ProbeMethod Method { get; init; } = new ProbeMethod.Logistic();

    /// <summary>
    /// The entity or word of each prompt: prompts of one are on the same side of the split. Default: prompts of the same tokens are.
    /// </summary>
    public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>The share of the groups that is left for measuring. Default: 0.2.</summary>
    public double TestShare { get; init; } = 0.2;

    /// <summary>How many probes of each site are fitted to shuffled labels, as a control. Default: 1.</summary>
    public int ShuffledFits { get; init; } = 1;

    /// <summary>Of the split and the shuffled labels. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>Batch size and memory budget of the run that captures. Its progress is that of the run, then of each probe.</summary>
    public RunOptions Run { get; init; } = new();
}

/// <summary>A probe of one site.</summary>
/// <param name="Site">The path of its values, without placeholders.</param>
/// <param name="Point">What stood for the placeholders, in their order.</param>
/// <param name="Probe">The probe; owned by the sweep.</param>
/// <param name="Train">How it does on the rows that it was fitted to.</param>
/// <param name="Test">How it does on others.</param>
/// <param name="Shuffled">How probes of shuffled labels do on these, with their true labels.</param>
public sealed record SiteProbe(
    string Site, ImmutableArray<(string Name, string Value)> Point, Probe Probe, ProbeMetrics Train, ProbeMetrics Test,
    ImmutableArray<ProbeMetrics> Shuffled)
{
    /// <summary>The site, and how the probe does.</summary>
    public override string ToString() => FormattableString.Invariant(
        $"probe of {Site}: ROC-AUC {Test.RocAuc:0.000}, F1 {Test.F1:0.000}; of its own rows {Train.RocAuc:0.000}");
}

/// <summary>Probes of one question at many sites, from one run. It owns the probes.</summary>
public sealed class ProbeSweep : IDisposable
{
    private const int Printed = 32;

    private ProbeSweep(string site, ImmutableArray<SiteProbe> probes, ProbeSplit split) => (Site, Probes, Split) = (site, probes, split);

    /// <summary>The path with its placeholders.</summary>
    public string Site { get; }

    /// <summary>The probes, in the order of the sites.</summary>
    public ImmutableArray<SiteProbe> Probes { get; }

    /// <summary>The rows of both sides.</summary>
    public ProbeSplit Split { get; }

    /// <summary>The probe that does best on the other rows, by ROC-AUC.</summary>
    public SiteProbe Best => Probes.MaxBy(probe => probe.Test.RocAuc)!;

    /// <summary>The probe at a point: <c>sweep["3"]</c> of layer 3, <c>sweep["3", "1"]</c> of head 1 there.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public SiteProbe this[params string[] point] =>
        Probes.FirstOrDefault(probe => probe.Point.Select(one => one.Value).SequenceEqual(point)) ?? throw new ArgumentException(
            $"There is no probe at [{string.Join(", ", point)}] of '{Site}'; the first is at "
            + $"[{string.Join(", ", Probes[0].Point.Select(one => one.Value))}].");

    /// <summary>Frees the probes.</summary>
    public void Dispose()
    {
        foreach (SiteProbe probe in Probes)
            probe.Probe.Dispose();
    }

    /// <summary>Writes a row a probe: its placeholders, its path, and metrics of both sides, and of the first shuffled fit.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path) => CsvFile.Write(
        path,
        [
            .. Probes[0].Point.Select(one => one.Name), "site", .. ProbeColumns.Names("train"), .. ProbeColumns.Names("test"),
            .. Probes[0].Shuffled.Take(1).SelectMany(_ => ProbeColumns.Names("shuffled")),
        ],
        Probes.Select(probe => (string[])
        [
            .. probe.Point.Select(one => one.Value), probe.Site, .. ProbeColumns.Values(probe.Train), .. ProbeColumns.Values(probe.Test),
            .. probe.Shuffled.Take(1).SelectMany(ProbeColumns.Values),
        ]));

    /// <summary>A line a site, or of many those that tell most; on rows that the probes were not fitted to.</summary>
    public override string ToString()
    {
        bool isCut = Probes.Length > Printed, isControlled = !Probes[0].Shuffled.IsEmpty;
        IEnumerable<SiteProbe> shown = isCut ? Probes.OrderByDescending(probe => probe.Test.RocAuc).Take(Printed) : Probes;
        TextTable table = new(
        [
            .. Probes[0].Point.Select(one => new TextColumn(one.Name, true)), new("ROC-AUC", true), new("F1", true), new("MCC", true),
            new("train\nROC-AUC", true), .. isControlled ? [new("shuffled\nROC-AUC", true)] : Array.Empty<TextColumn>(),
        ]);
        foreach (SiteProbe probe in shown)
            table.Add(
            [
                .. probe.Point.Select(one => one.Value), ProbeColumns.Short(probe.Test.RocAuc), ProbeColumns.Short(probe.Test.F1),
                ProbeColumns.Short(probe.Test.Mcc), ProbeColumns.Short(probe.Train.RocAuc),
                .. isControlled ? [ProbeColumns.Short(probe.Shuffled.Average(one => one.RocAuc))] : Array.Empty<string>(),
            ]);
        string title = $"{Site}: {TextTable.Count(Split.Train.Length, "row")} to fit, {Split.Test.Length} to measure";
        // Not the values, but the fit is to blame where a probe does not even know its own rows.
        string note = Probes.Max(probe => probe.Train.RocAuc) >= 0.8 ? "" : TextTable.Wrap(
            "No probe tells apart the rows that it was fitted to, so these numbers do not say that nothing is there: give a method a "
            + $"larger C, or take {nameof(ProbeMethod)}.{nameof(ProbeMethod.MassMean)}.", 2) + "\n";
        return TextTable.Wrap(title, 2) + "\n" + table.Print() + TextTable.Others(Probes.Length - Printed, "site") + note;
    }

    internal static ProbeSweep Of(
        HookedModel model, IPromptSet prompts, string site, IReadOnlyList<bool> labels, ProbeOptions options,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(labels);
        IProgress<RunProgress>? progress = options.Run.Progress;
        ImmutableArray<SiteRows> sites = SiteRows.Of(model, prompts, site, options.Run with { Progress = null }, cancellationToken);
        List<SiteProbe> probes = [];
        try
        {
            progress?.Report(new RunProgress(1, sites.Length + 1));
            bool[] ofRows = RowLabels(labels, sites[0].Prompts, prompts.Prompts.Count);
            string[] groups = Groups(prompts, options.Groups);
            ProbeSplit split = ProbeSplit.ByGroup(
                [.. sites[0].Prompts.Select(prompt => groups[prompt])], options.TestShare, options.Seed);
            CheckSides(ofRows, split);
            foreach (SiteRows values in sites)
            {
                cancellationToken.ThrowIfCancellationRequested();
                probes.Add(Fitted(values, ofRows, split, options));
                progress?.Report(new RunProgress(probes.Count + 1, sites.Length + 1));
            }
            return new ProbeSweep(site, [.. probes], split);
        }
        catch
        {
            foreach (SiteProbe probe in probes)
                probe.Probe.Dispose();
            throw;
        }
        finally
        {
            foreach (SiteRows values in sites)
                values.Dispose();
        }
    }

    private static SiteProbe Fitted(SiteRows values, bool[] labels, ProbeSplit split, ProbeOptions options)
    {
        LabelledRows all = new(values.Rows, labels), train = all.Of(split.Train), test = all.Of(split.Test);
        using IDisposable trained = train.X, tested = test.X;
        Probe probe = Probe.Fit(train, options.Method);
        return new SiteProbe(
            values.Site, values.Point, probe, probe.Evaluate(train), probe.Evaluate(test),
            [.. Enumerable.Range(1, options.ShuffledFits).Select(fit =>
            {
                using Probe control = Probe.Fit(train.Shuffled(options.Seed + fit), options.Method);
                return control.Evaluate(test);
            })]);
    }

    private static void CheckSides(bool[] labels, ProbeSplit split)
    {
        foreach ((string side, ImmutableArray<int> rows) in new[] { ("are fitted to", split.Train), ("are measured on", split.Test) })
            if (rows.Select(row => labels[row]).Distinct().Count() < 2)
                throw new ArgumentException(
                    $"All of the {rows.Length} rows that probes {side} have the label {labels[rows[0]]}, of {labels.Length} rows that were "
                    + $"split: give more prompts of both classes, another {nameof(ProbeOptions.TestShare)} or {nameof(ProbeOptions.Seed)}.",
                    nameof(labels));
    }

    private static bool[] RowLabels(IReadOnlyList<bool> labels, ImmutableArray<int> prompts, int count) =>
        labels.Count == count ? [.. prompts.Select(prompt => labels[prompt])]
        : labels.Count == prompts.Length ? [.. labels]
        : throw new ArgumentException(
            $"There are {labels.Count} labels for {count} prompts of {prompts.Length} rows: one is needed for each prompt, or each row.",
            nameof(labels));

    private static string[] Groups(IPromptSet prompts, IReadOnlyList<string>? groups) =>
        groups is null ? [.. prompts.Prompts.Select(prompt => string.Join(' ', prompt.Runs[0].Ids))]
        : groups.Count == prompts.Prompts.Count ? [.. groups]
        : throw new ArgumentException(
            $"{nameof(ProbeOptions)}.{nameof(ProbeOptions.Groups)} has {groups.Count} entries for {prompts.Prompts.Count} prompts.",
            nameof(groups));
}
