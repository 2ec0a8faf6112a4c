using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>What every step of planning looks at: the two graphs, the groups, and the shape of the prompts.</summary>
internal sealed class Expansion
{
    private readonly PromptBatch _chunk;
    private readonly bool _isStrict, _looksAhead;
    private readonly Dictionary<string, NodeId> _ids = new() { [ModelGraph.Tokens] = NodeId.Tokens, [ModelGraph.Positions] = NodeId.Positions };

    public Expansion(ModelGraph graph, NodeShapes shapes, BoundIntervention intervention, PromptBatch chunk, int runs, bool isStrict)
    {
        _isStrict = isStrict;
        _looksAhead = graph.LooksAhead;
        Graph = graph;
        Intervention = intervention;
        RunCount = runs;
        Shapes = shapes;
        _chunk = chunk;
        for (int i = 0; i < graph.Nodes.Length; i++)
            _ids[graph.Nodes[i].Name] = NodeId.OfModel(i);
        NodeIds = [.. Enumerable.Range(0, NodeCount).Select(index => new NodeId(index))];
        Points = [.. intervention.Points()];
        Pulled = PulledSite.Of(graph, shapes, intervention, Points).ToDictionary(pulled => Id(pulled.Site));
        Groups = VariantGrouping.Of(graph, shapes, intervention, runs, Pulled.Values.Select(pulled => pulled.Site).ToHashSet());
        Classes = PromptClass.Of(chunk, runs);
        foreach (VariantGroup group in Groups)
            CheckAxes(group);
        Answers = AnswerColumns.Of(this);
        Differentiated = VariantGrouping.Differentiated(intervention, Points).Select(Id).Select(node => Pulled.TryGetValue(node, out PulledSite? pulled) ? Id(pulled.Node) : node).ToHashSet();
        FirstDifferentiated = Differentiated.DefaultIfEmpty(NodeId.AfterAll).MinBy(node => node.Index);
    }

    public BoundIntervention Intervention { get; }

    public ModelGraph Graph { get; }

    public NodeShapes Shapes { get; }

    /// <summary>How many runs the prompt set has: that many groups come first.</summary>
    public int RunCount { get; }

    /// <summary>All nodes, in the order of computation.</summary>
    public ImmutableArray<NodeId> NodeIds { get; }

    public int NodeCount => NodeId.OfModel(Graph.Nodes.Length).Index;

    public ImmutableArray<SweepPoint> Points { get; }

    public ImmutableArray<VariantGroup> Groups { get; }

    public ImmutableArray<PromptClass> Classes { get; }

    /// <summary>The length of the longest prompt.</summary>
    public int Longest => Classes.Max(prompts => prompts.Length);

    /// <summary>Where of the logits only some answers' are read; null where all of them are.</summary>
    public AnswerColumns? Answers { get; }

    /// <summary>A row's axes in the tables of a node.</summary>
    public long[] RowShape(NodeId node) => Answers?.Node == node ? [Answers.Answers.Length] : Shapes[Name(node)].RowShape(Longest);

    /// <summary>The bytes of one row in the tables of a node.</summary>
    public long RowBytes(NodeId node)
    {
        NodeShape shape = Shapes[Name(node)];
        return Answers?.Node == node ? Answers.Answers.Length * sizeof(double) : shape.Bytes * (shape.IsPair ? Longest : 1);
    }

    /// <summary>Sites whose gradients are pulled back from that of another node.</summary>
    public IReadOnlyDictionary<NodeId, PulledSite> Pulled { get; }

    /// <summary>The nodes whose gradients are taken.</summary>
    public IReadOnlySet<NodeId> Differentiated { get; }

    /// <summary>The first of them; from there on measured runs share nothing.</summary>
    public NodeId FirstDifferentiated { get; }

    /// <summary>The number of a node.</summary>
    public NodeId Id(string node) => _ids[node];

    /// <summary>A node of the model graph.</summary>
    public ModelNode Node(NodeId node) => Graph.Nodes[node.ModelIndex];

    /// <summary>The name of a node.</summary>
    public string Name(NodeId node) => node == NodeId.Tokens ? ModelGraph.Tokens : node == NodeId.Positions ? ModelGraph.Positions : Node(node).Name;

    /// <summary>Refuses selections of a node that has other axes in a group, whether or not anybody computes it.</summary>
    private void CheckAxes(VariantGroup group)
    {
        IEnumerable<BoundSite> sites = [.. group.Writes.Values.SelectMany(writes => writes).Select(write => write.Site), .. group.IsMeasured ? Kept() : []];
        foreach (BoundSite site in sites)
            foreach (SweepPoint point in group.IsUnchanged && site.IsSwept ? Points : [group.Point])
                foreach (string node in site.Names(point))
                    if (group.Definitions.TryGetValue(node, out Definition? definition) && Shapes.Reshaped(definition) is { } shape)
                        site.CheckAxes(shape);

        IEnumerable<BoundSite> Kept() => Intervention.Kept.Select(keep => keep.Site);
    }

    /// <summary>Whether a node's gradient is taken in a group, or flows through it: then its rows are its own.</summary>
    public bool IsUnshared(VariantGroup group, NodeId node) => node >= FirstDifferentiated && IsDifferentiated(group);

    /// <summary>Whether gradients of the group's metric are its own: the changed run without writes is the base run.</summary>
    public bool IsDifferentiated(VariantGroup group) =>
        group.IsUnchanged || (group.Run is null && (group.Writes.Count > 0 || !Intervention.Parameters.IsEmpty));

    /// <summary>The group that is a run (null: the changed one) at a group's points, or the run of the prompt set.</summary>
    public VariantGroup RunOf(VariantGroup group, int run)
    {
        if (run < RunCount)
            return Groups[run];
        int size = Intervention.Runs.Length + 1, points = (group.Index - RunCount) / size;
        return Groups[RunCount + (points * size) + (run - RunCount)];
    }

    /// <summary>The selected token positions of a site in the prompts of a class, in the order of the selection.</summary>
    public IReadOnlyList<int> Positions(BoundSite site, int tokensOf, int promptClass, SweepPoint point)
    {
        int row = Classes[promptClass].Representative;
        return site.PositionIndices(site.PositionAxis, point, _chunk.Tokens(tokensOf, row), _chunk.Describe(tokensOf, row));
    }

    /// <summary>Whether a site's keys are the same tokens in two runs of a class, which may give a named position to different ones.</summary>
    public bool SelectsSameKeys(BoundSite site, int tokensOf, int other, int promptClass, SweepPoint point)
    {
        int row = Classes[promptClass].Representative;
        return Enumerable.Range(site.PositionAxis + 1, site.Axes.Length - site.PositionAxis - 1).Where(site.IsPositional).All(axis => Keys(axis, tokensOf).SequenceEqual(Keys(axis, other)));

        IReadOnlyList<int> Keys(int axis, int run) => site.PositionIndices(axis, point, _chunk.Tokens(run, row), _chunk.Describe(run, row));
    }

    /// <summary>Whether all that a write finds is computed, so that it is known what it changes.</summary>
    public bool FindsAll(BoundWrite write) => _isStrict && write.Node.Kind is not WriteKind.Freeze;

    /// <summary>Whether a method's promises are checked, for which it is called with all that it selects.</summary>
    public bool Checks(BoundWrite write) => _isStrict && write.Node.Kind is null;

    /// <summary>How many of the leading positions of a class's prompts a write need not change.</summary>
    public int Exempt(BoundWrite write, VariantGroup group, int promptClass) => Exemptions.Leading(
        Intervention, write, group.Point, group.TokensOf, run => _chunk.Tokens(run, Classes[promptClass].Representative), _looksAhead);

    /// <summary>How many values a site selects at each selected position of a class's prompts.</summary>
    public long ValuesAtAPosition(BoundSite site, VariantGroup group, int promptClass)
    {
        int row = Classes[promptClass].Representative;
        return site.ValuesAtAPosition(group.Point, _chunk.Tokens(group.TokensOf, row), _chunk.Describe(group.TokensOf, row));
    }

    /// <summary>The group that has rows of its own of a node where another one only inherits them.</summary>
    public VariantGroup Owner(RowMap own, VariantGroup group, NodeId node, int promptClass, int position)
    {
        while (group.Parent is int parent && !own[group, node, promptClass].Contains(position))
            group = Groups[parent];
        return group;
    }
}
