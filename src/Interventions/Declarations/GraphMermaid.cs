using System.Globalization;
using System.Text;
using Interventions.Runtime;

namespace Interventions.Declarations;

/// <summary>
/// A graph as a Mermaid flowchart, from left to right: the runs that are read, the writes in their order, the sites that they change, and
/// the kept values.
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
        IEnumerable<Read> reads = _graph.Writes.SelectMany(write => write.Declared).SelectMany(write => write.Reads)
            .Concat(_graph.Captures.SelectMany(capture => capture.Reads))
            .Concat(_graph.Gradients.SelectMany(gradient => gradient.Reads))
            .Concat(_graph.Metrics.SelectMany(metric => metric.Reads)).Leaves();
        // A run of the prompt set is one node; the changed run and each derived run is a box around the sites written in it.
        foreach (string run in reads.Select(Donor).OfType<string>().Distinct().Where(run => !IsDerived(run)))
            Node("", "run:" + run, $"([{Quote(run)}])");
        foreach (DerivedRun run in _graph.Runs)
            Run(run.Name, $"{run.Name}: derived from {run.From ?? Base}");
        Run(null, $"changed: {Base}");
        foreach (string edge in _edges)
            _text.Append("    ").Append(edge).Append('\n');
        return _text.ToString();
    }

    private string Base => _graph.Changes ?? "the first run";

    private bool IsDerived(string run) => _graph.Runs.Any(derived => derived.Name == run);

    /// <summary>The run that a value is read from; null for the method's own run.</summary>
    private string? Donor(Read read) => read switch
    {
        Read.From from => from.Run ?? Base,
        Read.Partner partner => partner.Run ?? Base,
        // The runs of other prompts are not drawn.
        Read.Mean { Over: null } mean => mean.Run ?? Base,
        Read.Logit { In: { } run } => run,
        Read.WordLogits { In: { } run } => run,
        Read.Logits { In: { } run } => run,
        _ => null,
    };

    private static bool IsOfLogits(Read read) => read is Read.Logit or Read.WordLogits or Read.Logits;

    /// <summary>Draws a run with its writes, and the kept values of the changed run.</summary>
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
            foreach (Read read in metric.Reads.Where(read => IsOfLogits(read) && Donor(read) is null))
                _edges.Add($"{Node(indent, "site::logits", $"[({Quote("logits")})]")} -- {Quote(GraphText.Describe(read))} --> {id}");
            Reads(id, metric.Reads);
        }
        foreach (GradientNode gradient in _graph.Gradients)
            Differentiates(gradient.Metric, Id("gradient:" + gradient.Name));
        foreach (ParameterNode parameter in _graph.Parameters)
            Differentiates(parameter.Metric, Node(indent, "parameter:" + parameter.Name, $"([{Quote(parameter.Name)}])"));

        void Keep(string kind, string name, string site, string open, string close, IEnumerable<Read> reads, string label)
        {
            string from = Node(indent, $"site::{site}", $"[({Quote(site)})]");
            string id = Node(indent, $"{kind}:{name}", $"{open}{Quote(name)}{close}");
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

    /// <summary>Draws the edges from other sites of the same run.</summary>
    private void OwnReads(string indent, string id, IEnumerable<Read> reads, string? run)
    {
        foreach (Read.Of of in reads.Leaves().OfType<Read.Of>())
            _edges.Add($"{Node(indent, $"site:{run}:{of.Site}", $"[({Quote(of.Site)})]")} --> {id}");
    }

    private void Reads(string id, IEnumerable<Read> reads)
    {
        foreach (Read read in reads.Leaves())
            if (Donor(read) is { } donor)
                _edges.Add($"{Id("run:" + donor)} -- {Quote(GraphText.Describe(read))} --> {id}");
    }

    /// <summary>Draws a node, once, and returns its identifier.</summary>
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

    /// <summary>A text without characters that Mermaid takes for syntax; an empty text, which it refuses, becomes a space.</summary>
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
