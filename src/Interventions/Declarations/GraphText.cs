using System.Globalization;
using System.Text;
using Interventions.Runtime;
using Interventions.Tables;

namespace Interventions.Declarations;

/// <summary>A graph as lines of text.</summary>
internal static class GraphText
{
    public static string Print(InterventionGraph graph)
    {
        StringBuilder text = new(graph.Name);
        text.Append(" changes ").Append(graph.Changes ?? "the first run").Append('\n');
        Section("sweeps", graph.Sweeps, sweep => $"{sweep.Name}: {string.Join(", ", sweep.Coordinates)}");
        Section("runs", graph.Runs, run => $"{run.Name}: the tokens of {run.From ?? "the changed run"}");
        Section("writes", graph.Writes.SelectMany(write => write.Declared), write =>
            $"{write.Site}{(write.Run is null ? "" : $" in {write.Run}")} = {Describe(write)}");
        Section("splices", graph.Splices, splice => $"{splice.Site} = {splice.Name}, which encodes {splice.Reads ?? "what it replaces"}");
        Section("captures", graph.Captures, capture =>
            $"{capture.Name}({Describe(capture.Reads)}) of {capture.Site}"
            + $"{(capture.BeforeWrites ? " before its writes" : "")}{Batch(capture.AcrossBatch)}");
        Section("gradients", graph.Gradients, gradient =>
            $"{gradient.Name}({Describe(gradient.Reads)}) of {gradient.Metric ?? "the metric"} "
            + $"with respect to {gradient.Site}{Batch(gradient.AcrossBatch)}");
        Section("metrics", graph.Metrics, metric => $"{metric.Name}({Describe(metric.Reads)}){Batch(metric.AcrossBatch)}");
        Section("parameters", graph.Parameters, parameter => $"{parameter.Name} of {parameter.Metric ?? "the metric"}");
        Section("shapes", graph.Shapes, shaped => $"{shaped.Name}[{string.Join(", ", shaped.Axes)}]");
        return text.ToString();

        void Section<T>(string title, IEnumerable<T> items, Func<T, string> describe)
        {
            string[] lines = [.. items.Select(describe)];
            if (lines.Length == 0)
                return;
            text.Append("  ").Append(title).Append('\n');
            foreach (string line in lines)
                text.Append(TextTable.Wrap($"    {line}", indent: 8)).Append('\n');
        }
    }

    /// <summary>The value that a write gives the site.</summary>
    public static string Describe(WriteNode write) => write.Kind switch
    {
        null => $"{write.Name}({Describe(write.Reads)}){(write.Pointwise ? ", position by position" : "")}{Batch(write.AcrossBatch)}",
        WriteKind.Zero => "0",
        WriteKind.Scale scale => $"value × {Number(scale.Factor)}",
        WriteKind.Add add => $"value + {write.Name} × {Number(add.Strength)}",
        WriteKind.ScaleSwept scale => $"value × {scale.Sweep}",
        WriteKind.AddSwept add => $"value + {write.Name} × {add.Sweep}",
        WriteKind.ProjectOut => $"value without its component along {write.Name}",
        WriteKind.ProjectOnto => $"component of value along {write.Name}",
        WriteKind.Freeze freeze => $"frozen to {freeze.From ?? "the changed run before its writes"}",
        WriteKind.Mix mix =>
            $"value where {write.Name}{(mix.Axes.Count == 0 ? "" : $" by {string.Join(", ", mix.Axes)}")} is 1, where it is 0 "
            + (mix.Other is WriteKind.Zero ? "0" : Describe(mix.Other.Reads)),
        var kind => $"{(write.Name == kind.GetType().Name ? "" : write.Name + ": ")}{Describe(kind.Reads)}",
    };

    /// <summary>The parameters of a method.</summary>
    public static string Describe(IEnumerable<Read> reads) => string.Join(", ", reads.Select(Describe));

    /// <summary>A parameter of a method.</summary>
    public static string Describe(Read read) => read switch
    {
        Read.Value => "value",
        Read.Gradient gradient => gradient.Site is null ? "gradient" : $"gradient of {gradient.Site}",
        Read.From from => from.Site is null ? Run(from.Run) : $"{from.Site} in {Run(from.Run)}",
        Read.Partner partner => $"another prompt's in {Run(partner.Run)}, seed {partner.Seed}",
        Read.Mean { Over: { } over } mean =>
            $"mean{Of(mean)} over {over.Vocabulary.PromptSet}{Pooled(mean)}{(mean.Run is null ? "" : " of " + mean.Run)}",
        Read.Mean mean => $"mean{Of(mean)} over the prompts{Pooled(mean)} of {Run(mean.Run)}",
        Read.Along along => along.Axes.Count == 0 ? "mask" : $"mask by {string.Join(", ", along.Axes)}",
        Read.Of of => of.Site,
        Read.Logit logit => $"logit of {logit.Answer} at {logit.At}{In(logit.In)}",
        Read.WordLogits words => $"logits of {words.Name} at {words.At}{In(words.In)}",
        Read.Logits logits => $"logits at {logits.At}{In(logits.In)}",
        Read.Swept swept => swept.Name,
        Read.Shared { Node: var node } => $"{node.Name}({Describe(node.Reads)})",
        Read.AnswerIds answer => $"token of {answer.Answer}",
        _ => read.GetType().Name,
    };

    private static string Of(Read.Mean mean) => mean.Site is null ? "" : $" of {mean.Site}";

    private static string Pooled(Read.Mean mean) =>
        (mean.Pooled ? " and positions" : mean.AcrossTemplates ? " of all templates" : "") + (mean.AtIndices ? " by index" : "");

    private static string Run(string? run) => run ?? "the changed run before its writes";

    private static string Batch(bool isAcross) => isAcross ? ", across the batch" : "";

    private static string In(string? run) => run is null ? "" : $" in {run}";

    private static string Number(double number) => number.ToString(CultureInfo.InvariantCulture);
}
