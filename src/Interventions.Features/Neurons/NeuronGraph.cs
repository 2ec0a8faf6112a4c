using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Interventions.Files;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>
/// What a neuron looks at, as a graph of tokens (Neuron to Graph, Foote et al. 2023, arXiv:2305.19911): from each token on which it fires,
/// back over those in front of it that matter. It predicts activations from text alone.
/// </summary>
public sealed partial class NeuronGraph : IActivationPredictor
{
    private readonly NeuronTrie _trie;

    /// <summary>A graph of merged paths.</summary>
    internal NeuronGraph(Neuron neuron, double maximum, IEnumerable<NeuronPath> paths)
    {
        (Neuron, Maximum) = (neuron, maximum);
        _trie = NeuronTrie.Of(paths);
        Paths = _trie.Paths();
    }

    /// <summary>The neuron.</summary>
    public Neuron Neuron { get; }

    /// <summary>Its largest activation on the corpus.</summary>
    public double Maximum { get; }

    /// <summary>All paths, those with the largest activations first.</summary>
    public ImmutableArray<NeuronPath> Paths { get; }

    /// <summary>How many texts were put into it: cut examples, and the same with a token substituted.</summary>
    public int Texts { get; init; }

    /// <summary>How well it predicts the examples that were held out; null where there were none.</summary>
    public PredictionScores? HeldOut { get; init; }

    /// <summary>How well a table of tokens' largest activations, of the graph's examples, predicts those; null without any.</summary>
    public PredictionScores? Baseline { get; init; }

    /// <summary>Keys of the tokens on which it fires, in ordinal order.</summary>
    public ImmutableSortedSet<string> Activating => Keys(path => path.Steps.Take(1));

    /// <summary>Keys of the tokens in front of those that matter, in ordinal order.</summary>
    public ImmutableSortedSet<string> Context => Keys(path => path.Steps.Skip(1));

    /// <summary>
    /// A token as graphs know it: words without the spaces around them and without a capital at the beginning; all else as it is.
    /// </summary>
    /// <param name="text">The token's text.</param>
    public static string KeyOf(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        string word = text.Trim(' ');
        if (word.Length == 0 || !word.All(char.IsLetter))
            return text;
        return char.IsUpper(word[0]) && word.Skip(1).All(char.IsLower) ? word.ToLowerInvariant() : word;
    }

    /// <summary>
    /// Predicts the activation at each token: it walks back over the text as long as there is a step for the token, its own one rather
    /// than any token's, and gives the activation of the last path that ended on the way; 0 where none did.
    /// </summary>
    /// <inheritdoc/>
    public double[] Predict(IReadOnlyList<string> texts)
    {
        ArgumentNullException.ThrowIfNull(texts);
        string[] keys = [.. texts.Select(KeyOf)];
        return [.. Enumerable.Range(0, keys.Length).Select(token => _trie.Predict(keys, token))];
    }

    /// <summary>How well it predicts some texts.</summary>
    /// <param name="examples">Texts with true activations.</param>
    /// <param name="share">A token fires where its activation is at least this share of the largest.</param>
    public PredictionScores Validate(IEnumerable<NeuronExample> examples, double share = PredictionScores.UsualShare) =>
        PredictionScores.Of(this, examples, Maximum, share);

    /// <summary>The graph as JSON.</summary>
    public string ToJson() => JsonFields.Write(fields => Fields(fields, this));

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <exception cref="InterventionException">The text is malformed.</exception>
    public static NeuronGraph FromJson(string json) =>
        StoredJson.Read(json, "This is no graph of a neuron", fields => Fields(fields, null));

    /// <summary>Writes the graph as JSON. The file appears under its name only when it is complete.</summary>
    public void Save(string path) => StoredJson.Write(path, fields => Fields(fields, this));

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InterventionException">The file is malformed.</exception>
    public static NeuronGraph Load(string path) => Read(File.ReadAllText(path), path).Graph;

    /// <summary>The neuron, how well the graph predicts it, and the paths with the largest activations.</summary>
    public override string ToString()
    {
        const int shown = 15;
        StringBuilder text = new();
        string paths = TextTable.Count(Paths.Length, "path"), texts = TextTable.Count(Texts, "text");
        text.Append(CultureInfo.InvariantCulture, $"{Neuron}: {paths} of {texts}, max {Maximum:0.###}\n");
        if (HeldOut is not null && Baseline is not null)
            text.Append(CultureInfo.InvariantCulture, $"held out: firing precision {HeldOut.Firing.Precision:0.00}, ")
                .Append(CultureInfo.InvariantCulture, $"recall {HeldOut.Firing.Recall:0.00}, F1 {HeldOut.Firing.F1:0.00}; ")
                .Append(CultureInfo.InvariantCulture, $"each token alone: {Baseline.Firing.F1:0.00}\n")
                .Append(HeldOut.Firing.F1 > Baseline.Firing.F1
                    ? "" : "what stands in front of a token tells no more than the token does\n");
        foreach (NeuronPath path in Paths.Take(shown))
        {
            string line = $"  {path}";
            text.Append(line.Length <= TextTable.Width ? line : $"  …{line[^(TextTable.Width - 3)..]}").Append('\n');
        }
        return text.Append(TextTable.Others(Paths.Length - shown, "path")).ToString();
    }

    /// <summary>The same with scores.</summary>
    internal NeuronGraph With(PredictionScores heldOut, PredictionScores baseline) =>
        new(Neuron, Maximum, Paths) { Texts = Texts, HeldOut = heldOut, Baseline = baseline };

    /// <summary>A graph in a file, and what the file was begun with.</summary>
    internal static (NeuronGraph Graph, ImmutableArray<string> Origin) Read(string json, string path) =>
        StoredJson.Read(json, $"'{path}' has no graph of a neuron", fields =>
        {
            ImmutableArray<string> origin = NeuronFolder.Origin(fields, default);
            return (Fields(fields, null), origin);
        });

    /// <summary>Writes or reads it.</summary>
    internal static NeuronGraph Fields(JsonFields fields, NeuronGraph? graph)
    {
        NeuronFolder.Origin(fields, default);
        return new(
            Neuron.Fields(fields, graph?.Neuron), fields.Number("maximum", graph?.Maximum),
            fields.List<NeuronPath>("paths", graph?.Paths ?? default, NeuronPath.Fields))
        {
            Texts = fields.Integer("texts", graph?.Texts),
            HeldOut = One("heldOut", graph?.HeldOut),
            Baseline = One("baseline", graph?.Baseline),
        };

        PredictionScores? One(string name, PredictionScores? scores) => fields.List<PredictionScores>(
            name, scores is null ? default : [scores], PredictionScores.Fields).FirstOrDefault();
    }

    private ImmutableSortedSet<string> Keys(Func<NeuronPath, IEnumerable<NeuronStep>> steps) =>
        Paths.SelectMany(steps).Select(step => step.Token).OfType<string>().ToImmutableSortedSet(StringComparer.Ordinal);
}
