using System.Globalization;
using System.Text;
using Interventions.Runtime;

namespace Interventions.Declarations;

/// <summary>
/// A graph as a Mermaid flowchart, from left to right: the runs that are read, the writes in their order, the sites they change, and what is kept.
/// </summary>
internal sealed class GraphMermaid
{
    private readonly InterventionGraph _graph;
    private readonly StringBuilder _text = new("flowchart LR\n");
    private readonly Dictionary<string, string> _ids = new(StringComparer.Ordinal);
    private readonly List<string> _edges = [];

    private GraphMermaid(InterventionGraph graph) => _graph = graph;

    public static string Print(InterventionGraph graph) => new GraphMermaid(graph).Print();

    private string Print()
    {
        // Runs of the prompt set are where values come from; the changed and the derived ones hold what is written in them.
        foreach (string run in _graph.Writes.SelectMany(write => write.Declared).SelectMany(write => write.Reads)
            .Concat(_graph.Captures.SelectMany(capture => capture.Reads)).Concat(_graph.Gradients.SelectMany(gradient => gradient.Reads))
            .Concat(_graph.Metrics.SelectMany(metric => metric.Reads)).Select(Donor).OfType<string>().Distinct().Where(run => !IsDerived(run)))
            Node("", "run:" + run, $"([{Quote(run)}])");
        foreach (DerivedRun run in _graph.Runs)
            Run(run.Name, $"{run.Name}: derived from {run.Of ?? Base}");
        Run(null, $"changed: {Base}");
        foreach (string edge in _edges)
            _text.Append("    ").Append(edge).Append('\n');
        return _text.ToString();
    }

    private string Base => _graph.Changes ?? "the first run";

    private bool IsDerived(string run) => _graph.Runs.Any(derived => derived.Name == run);

    /// <summary>The run that a read takes its value from, if it is another one.</summary>
    private string? Donor(Read read) => read switch
    {
        Read.From from => from.Run ?? Base,
        Read.Partner partner => partner.Run ?? Base,
        // Other prompts have runs of their own.
        Read.Mean { Over: null } mean => mean.Run ?? Base,
        Read.Logit { Run: { } run } => run,
        Read.Logits { Run: { } run } => run,
        _ => null,
    };

    /// <summary>A run with its writes, and what is kept of it.</summary>
    private void Run(string? run, string title)
    {
        _text.Append("    subgraph ").Append(Id(run is null ? "changed" : "run:" + run)).Append('[').Append(Quote(title)).Append("]\n");
        string indent = "    ";
        int number = 0;
        foreach (WriteNode write in _graph.Writes.Where(write => write.Run == run).SelectMany(write => write.Declared))
        {
            string id = Node(indent, $"write:{run}:{number++}", $"[{Quote(GraphText.Describe(write))}]");
            string site = Node(indent, $"site:{run}:{write.Site}", $"[({Quote(write.Site)})]");
            OwnReads(indent, id, write.Reads, run);
            Reads(id, write.Reads);
            _edges.Add($"{id} --> {site}");
        }
        if (run is null)
            Kept(indent);
        _text.Append("    end\n");
    }

    private void Kept(string indent)
    {
        foreach (CaptureNode capture in _graph.Captures)
            Keep("capture", capture.Name, capture.Site, "[/", "/]", capture.Reads, capture.BeforeWrites ? "before writes" : "value");
        foreach (GradientNode gradient in _graph.Gradients)
            Keep("gradient", gradient.Name, gradient.Site, "[\\", "\\]", gradient.Reads, "gradient");
        foreach (MetricNode metric in _graph.Metrics)
        {
            string id = Node(indent, "metric:" + metric.Name, $"{{{{{Quote(metric.Name)}}}}}");
            OwnReads(indent, id, metric.Reads, null);
            foreach (Read read in metric.Reads.Where(read => read is Read.Logit { Run: null } or Read.Logits { Run: null }))
                _edges.Add($"{Node(indent, "site::logits", $"[({Quote("logits")})]")} -- {Quote(GraphText.Describe(read))} --> {id}");
            Reads(id, metric.Reads);
        }
        foreach (GradientNode gradient in _graph.Gradients)
            Differentiates(gradient.Metric, Id("gradient:" + gradient.Name));
        foreach (ParameterNode parameter in _graph.Parameters)
            Differentiates(parameter.Metric, Node(indent, "parameter:" + parameter.Name, $"([{Quote(parameter.Name)}])"));

        void Keep(string kind, string name, string site, string open, string close, IEnumerable<Read> reads, string label)
        {
            string from = Node(indent, $"site::{site}", $"[({Quote(site)})]"), id = Node(indent, $"{kind}:{name}", $"{open}{Quote(name)}{close}");
            _edges.Add($"{from} -- {Quote(label)} --> {id}");
            OwnReads(indent, id, reads, null);
            Reads(id, reads);
        }

        void Differentiates(string? metric, string id)
        {
            foreach (MetricNode node in _graph.Metrics.Where(node => metric is null || node.Name == metric))
                _edges.Add($"{Id("metric:" + node.Name)} -. {Quote("gradient")} .-> {id}");
        }
    }

    /// <summary>Other sites of the same run.</summary>
    private void OwnReads(string indent, string id, IEnumerable<Read> reads, string? run)
    {
        foreach (Read.Of of in reads.OfType<Read.Of>())
            _edges.Add($"{Node(indent, $"site:{run}:{of.Site}", $"[({Quote(of.Site)})]")} --> {id}");
    }

    private void Reads(string id, IEnumerable<Read> reads)
    {
        foreach (Read read in reads)
            if (Donor(read) is { } donor)
                _edges.Add($"{Id("run:" + donor)} -- {Quote(GraphText.Describe(read))} --> {id}");
    }

    /// <summary>Writes a node, once.</summary>
    private string Node(string indent, string key, string shape)
    {
        bool isNew = !_ids.ContainsKey(key);
        string id = Id(key);
        if (isNew)
            _text.Append(indent).Append("    ").Append(id).Append(shape).Append('\n');
        return id;
    }

    private string Id(string key)
    {
        if (!_ids.TryGetValue(key, out string? id))
            _ids[key] = id = string.Create(CultureInfo.InvariantCulture, $"n{_ids.Count}");
        return id;
    }

    /// <summary>A text in which Mermaid sees no syntax; an empty one would be a mistake to it.</summary>
    private static string Quote(string text)
    {
        StringBuilder quoted = new("\"");
        foreach (char c in text)
            quoted.Append(c switch
            {
                '"' or '#' or '<' or '>' or '&' or '`' or ';' or '\\' => string.Create(CultureInfo.InvariantCulture, $"#{(int)c};"),
                '\r' or '\n' => " ",
                _ => c.ToString(),
            });
        return quoted.Append(text.Length == 0 ? " " : "").Append('"').ToString();
    }
}
