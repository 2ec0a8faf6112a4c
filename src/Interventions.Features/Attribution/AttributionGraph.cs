using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Results;
using Interventions.Tables;

namespace Interventions.Features;

/// <summary>
/// What features of transcoders, errors and tokens do to each other and to the logits of a prompt, directly: with attention patterns and
/// the scales of norms frozen, and feed-forward blocks replaced by transcoders and their errors (Ameisen et al. 2025, "Circuit Tracing").
/// Every target's value is the sum of what all sources below it add, and a constant.
/// </summary>
public sealed class AttributionGraph
{
    private const int Printed = 12;

    private readonly double[][] _effects;
    private readonly Dictionary<AttributionNode, int> _places;

    internal AttributionGraph(ImmutableArray<AttributionNode> nodes, int features, double[][] effects, ImmutableArray<TargetTerms> terms)
    {
        (Nodes, FeatureCount, _effects, Terms) = (nodes, features, effects, terms);
        _places = nodes.Select((node, place) => (node, place)).ToDictionary(pair => pair.node, pair => pair.place);
        Influences = [.. GraphInfluence.Of(this)];
    }

    /// <summary>
    /// The nodes: features by layer, position and number; errors by layer and position; tokens; logits, the likeliest first.
    /// </summary>
    public ImmutableArray<AttributionNode> Nodes { get; }

    /// <summary>How many of the nodes, the first ones, are features.</summary>
    public int FeatureCount { get; }

    /// <summary>How many features are active in the prompt, nodes or not.</summary>
    public required int ActiveFeatures { get; init; }

    /// <summary>The tokens of the prompt.</summary>
    public required ImmutableArray<long> Tokens { get; init; }

    /// <summary>Their texts.</summary>
    public required ImmutableArray<string> TokenTexts { get; init; }

    /// <summary>The number of layers.</summary>
    public required int Layers { get; init; }

    /// <summary>The name of the set of transcoders, if it has one.</summary>
    public string? TranscoderName { get; init; }

    /// <summary>What makes up the value of each target: of the features, then of the logits, in the order of the nodes.</summary>
    public ImmutableArray<TargetTerms> Terms { get; }

    /// <summary>
    /// How much of the logits comes through each node: shares of the targets' inputs, by absolute direct effects, along all paths; logits
    /// are weighted by their probability, and have 0 themselves.
    /// </summary>
    public ImmutableArray<double> Influences { get; }

    /// <summary>Of the influence of tokens and errors, the part of the tokens: 1 where features explain everything.</summary>
    public double ReplacementScore => GraphInfluence.ReplacementScore(this);

    /// <summary>How much of the nodes' inputs comes from no error, as a mean weighted by influence.</summary>
    public double CompletenessScore => GraphInfluence.CompletenessScore(this);

    /// <summary>The number of sources: all nodes but the logits.</summary>
    internal int SourceCount => Nodes.Length - LogitCount;

    internal int LogitCount => Terms.Length - FeatureCount;

    /// <summary>The direct effect of a node on another one; 0 where there is none.</summary>
    /// <exception cref="ArgumentException">One is not of this graph.</exception>
    public double this[AttributionNode source, AttributionNode target]
    {
        get
        {
            (int from, int to) = (PlaceOf(source), PlaceOf(target));
            return from < SourceCount && RowOf(to) is >= 0 and int row ? _effects[row][from] : 0;
        }
    }

    /// <summary>A graph of a text.</summary>
    /// <param name="model">The model.</param>
    /// <param name="transcoders">A transcoder for each layer.</param>
    /// <param name="text">The prompt.</param>
    /// <param name="options">What goes in, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of each pass.</param>
    /// <exception cref="InterventionException">The transcoders do not fit, or the model is not linear with all that frozen.</exception>
    public static AttributionGraph Of(
        DecoderModel model, TranscoderSet transcoders, string text, AttributionGraphOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(text);
        IReadOnlyList<long> tokens = model.Encode(text)
            ?? throw new InterventionException($"{model.Schema.Model} has no tokenizer: give the prompt as token ids.");
        return Of(model, transcoders, tokens, options, cancellationToken);
    }

    /// <summary>A graph of token ids.</summary>
    /// <inheritdoc cref="Of(DecoderModel, TranscoderSet, string, AttributionGraphOptions, CancellationToken)"/>
    public static AttributionGraph Of(
        DecoderModel model, TranscoderSet transcoders, IReadOnlyList<long> tokens, AttributionGraphOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(transcoders);
        ArgumentNullException.ThrowIfNull(tokens);
        options ??= new AttributionGraphOptions();
        options.Check();
        using LocalReplacement replacement = new(model, transcoders, tokens, options, cancellationToken);
        return new AttributionSearch(model, replacement, tokens, options) { Name = transcoders.Name }.Run(cancellationToken);
    }

    /// <summary>The direct effects on a node, the largest first.</summary>
    public IReadOnlyList<AttributionEdge> InputsOf(AttributionNode target)
    {
        int to = PlaceOf(target);
        return Edges(Enumerable.Range(0, SourceCount).Select(source => (source, to)));
    }

    /// <summary>The direct effects of a node, the largest first.</summary>
    public IReadOnlyList<AttributionEdge> OutputsOf(AttributionNode source)
    {
        int from = PlaceOf(source);
        return Edges(Enumerable.Range(0, Nodes.Length).Select(target => (from, target)));
    }

    /// <summary>
    /// The part of the graph that carries the most influence. Nodes are kept, the most influential first, until they have the first share
    /// of all influence; of the edges between them those that have the second share. Tokens and logits stay; features that are left without
    /// inputs, and features and errors without outputs, go.
    /// </summary>
    /// <param name="nodes">The share of influence that nodes keep, from 0 to 1.</param>
    /// <param name="edges">The share of influence that edges keep, from 0 to 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">One is no share.</exception>
    public PrunedGraph Prune(double nodes = 0.8, double edges = 0.98) => new GraphPruning(this, nodes, edges).Run();

    /// <summary>Writes a row for each direct effect that is not 0: source, its token, target, its token, effect.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void SaveCsv(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        IEnumerable<AttributionEdge> edges = Terms.SelectMany(terms => InputsOf(terms.Target));
        CsvFile.Write(path, ["source", "source_token", "target", "target_token", "effect"], edges.Select(edge => new[]
        {
            edge.Source.Name, edge.Source.Text, edge.Target.Name, edge.Target.Text, edge.Weight.ToString("R", CultureInfo.InvariantCulture),
        }));
    }

    /// <summary>The nodes with the most influence: a table of at most 80 columns.</summary>
    public override string ToString()
    {
        int[] ranked = [.. Enumerable.Range(0, SourceCount).OrderByDescending(place => Influences[place])];
        string[] shares = ShortNumbers.Format([.. ranked.Take(Printed).Select(place => Influences[place])]);
        TextTable table = new(
            new("node"), new("token"), new("active", IsNumber: true), new("influence", IsNumber: true), new("strongest output"));
        foreach ((int place, string share) in ranked.Take(Printed).Zip(shares))
        {
            AttributionNode node = Nodes[place];
            string active = node.Kind == AttributionNodeKind.Feature ? Short(node.Activation, "0.000") : "";
            string output = OutputsOf(node) is [{ } strongest, ..] ? $"{Short(strongest.Weight, "+0.000;-0.000")} {strongest.Target}" : "";
            table.Add(node.Name, TextTable.Quote(node.Text), active, share, output);
        }
        IEnumerable<string> logits = Nodes.Skip(SourceCount).Take(3)
            .Select(node => $"{TextTable.Quote(node.Text)} {Short(node.Probability, "0.00")}");
        string heading = TextTable.Wrap(
            $"attribution graph of {TextTable.Count(Tokens.Length, "token")}: {FeatureCount} of {ActiveFeatures} active features; logits "
            + $"{string.Join(", ", logits)}{(LogitCount > 3 ? ", …" : "")}; replacement score {Short(ReplacementScore, "0.00")}, "
            + $"completeness {Short(CompletenessScore, "0.00")}", 2);
        return $"{heading}\n{table.Print()}{TextTable.Others(ranked.Length - Printed, "node")}";

        static string Short(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
    }

    /// <summary>The direct effects on the target of a row: of all sources.</summary>
    internal double[] Row(int row) => _effects[row];

    /// <summary>The row of a node's inputs; −1 where it has none.</summary>
    internal int RowOf(int place) => place < FeatureCount ? place : place >= SourceCount ? place - SourceCount + FeatureCount : -1;

    /// <summary>The place of a row's target among the nodes.</summary>
    internal int PlaceOf(int row) => row < FeatureCount ? row : row - FeatureCount + SourceCount;

    private AttributionEdge[] Edges(IEnumerable<(int Source, int Target)> pairs) =>
    [
        .. pairs.Where(pair => pair.Source < SourceCount && RowOf(pair.Target) >= 0)
            .Select(pair => new AttributionEdge(Nodes[pair.Source], Nodes[pair.Target], _effects[RowOf(pair.Target)][pair.Source]))
            .Where(edge => edge.Weight != 0).OrderByDescending(edge => Math.Abs(edge.Weight)),
    ];

    private int PlaceOf(AttributionNode node) => _places.TryGetValue(node, out int place) ? place
        : throw new ArgumentException($"'{node}' is no node of this graph.", nameof(node));
}

/// <summary>What makes up a target's value.</summary>
/// <param name="Target">A feature or a logit.</param>
/// <param name="Value">
/// The value that is explained: a feature's before its activation, a logit less the mean (or less another one) before a soft cap.
/// </param>
/// <param name="Inputs">The sum of the direct effects of all nodes of the graph.</param>
/// <param name="Others">The sum of the direct effects of active features that are no nodes.</param>
/// <param name="Constant">What is there where nothing is written but biases.</param>
public sealed record TargetTerms(AttributionNode Target, double Value, double Inputs, double Others, double Constant)
{
    /// <summary>What is left: rounding.</summary>
    public double Unexplained => Value - Inputs - Others - Constant;
}
