using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>What every step of planning looks at: the two graphs, the families, and the shape of the prompts.</summary>
internal sealed class PlanContext
{
    private readonly PromptBatch _chunk;
    private readonly bool _isStrict, _looksAhead;
    private readonly Dictionary<string, int> _index = new() { [ModelGraph.Tokens] = 0, [ModelGraph.Positions] = 1 };

    public PlanContext(ModelGraph graph, NodeShapes shapes, BoundIntervention intervention, PromptBatch chunk, int runs, bool isStrict)
    {
        _isStrict = isStrict;
        _looksAhead = graph.LooksAhead;
        Graph = graph;
        Intervention = intervention;
        RunCount = runs;
        Shapes = shapes;
        _chunk = chunk;
        Nodes = graph.Nodes;
        foreach (ModelNode node in Nodes)
            _index[node.Name] = _index.Count;
        Points = [.. intervention.Points()];
        Pulled = PulledSite.Of(graph, shapes, intervention, Points).ToDictionary(pulled => Index(pulled.Site));
        Families = Planning.Families.Expand(graph, shapes, intervention, runs, Pulled.Values.Select(pulled => pulled.Site).ToHashSet());
        Classes = PromptClass.Of(chunk, runs);
        foreach (VariantGroup family in Families)
            CheckAxes(family);
        Answers = AnswerColumns.Of(this);
        Differentiated = Planning.Families.Differentiated(intervention, Points).Select(Index).Select(node => Pulled.TryGetValue(node, out PulledSite? pulled) ? Index(pulled.Node) : node).ToHashSet();
        FirstDifferentiated = Differentiated.DefaultIfEmpty(int.MaxValue).Min();
    }

    public BoundIntervention Intervention { get; }

    public ModelGraph Graph { get; }

    public NodeShapes Shapes { get; }

    /// <summary>How many runs the prompt set has: that many families come first.</summary>
    public int RunCount { get; }

    /// <summary>The model's nodes; node <c>i</c> of a plan is <c>Nodes[i - 2]</c>, after tokens and positions.</summary>
    public ImmutableArray<ModelNode> Nodes { get; }

    public int NodeCount => Nodes.Length + 2;

    public ImmutableArray<SweepPoint> Points { get; }

    public ImmutableArray<VariantGroup> Families { get; }

    public ImmutableArray<PromptClass> Classes { get; }

    /// <summary>The length of the longest prompt.</summary>
    public int Longest => Classes.Max(prompts => prompts.Length);

    /// <summary>Where of the logits only some answers' are read; null where all of them are.</summary>
    public AnswerColumns? Answers { get; }

    /// <summary>A row's axes in the tables of a node.</summary>
    public long[] RowShape(int node) => Answers?.Node == node ? [Answers.Answers.Length] : Shapes[Name(node)].RowShape(Longest);

    /// <summary>The bytes of one row in the tables of a node.</summary>
    public long RowBytes(int node)
    {
        NodeShape shape = Shapes[Name(node)];
        return Answers?.Node == node ? Answers.Answers.Length * sizeof(double) : shape.Bytes * (shape.IsPair ? Longest : 1);
    }

    /// <summary>Sites whose gradients are pulled back from that of another node.</summary>
    public IReadOnlyDictionary<int, PulledSite> Pulled { get; }

    /// <summary>The nodes whose gradients are taken.</summary>
    public IReadOnlySet<int> Differentiated { get; }

    /// <summary>The first of them; from there on measured runs share nothing.</summary>
    public int FirstDifferentiated { get; }

    public int Index(string node) => _index[node];

    public string Name(int node) => node switch { 0 => ModelGraph.Tokens, 1 => ModelGraph.Positions, _ => Nodes[node - 2].Name };

    /// <summary>Refuses selections of a node that has other axes in a family, whether or not anybody computes it.</summary>
    private void CheckAxes(VariantGroup family)
    {
        IEnumerable<BoundSite> sites = [.. family.Writes.Values.SelectMany(writes => writes).Select(write => write.Site), .. family.IsMeasured ? Kept() : []];
        foreach (BoundSite site in sites)
            foreach (SweepPoint point in family.IsUnchanged && site.IsSwept ? Points : [family.Point])
                foreach (string node in site.Names(point))
                    if (family.Definitions.TryGetValue(node, out Definition? definition) && Shapes.Reshaped(definition) is { } shape)
                        site.CheckAxes(shape);

        IEnumerable<BoundSite> Kept() => Intervention.Kept.Select(keep => keep.Site);
    }

    /// <summary>Whether a node's gradient is taken in a family, or flows through it: then its rows are its own.</summary>
    public bool IsUnshared(VariantGroup family, int node) => node >= FirstDifferentiated && IsDifferentiated(family);

    /// <summary>Whether gradients of the family's metric are its own: the changed run without writes is the base run.</summary>
    public bool IsDifferentiated(VariantGroup family) =>
        family.IsUnchanged || (family.Run is null && (family.Writes.Count > 0 || !Intervention.Parameters.IsEmpty));

    /// <summary>The family that is a run (null: the changed one) at a family's points, or the run of the prompt set.</summary>
    public VariantGroup RunOf(VariantGroup family, int run)
    {
        if (run < RunCount)
            return Families[run];
        int size = Intervention.Runs.Length + 1, group = (family.Index - RunCount) / size;
        return Families[RunCount + (group * size) + (run - RunCount)];
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
    public int Exempt(BoundWrite write, VariantGroup family, int promptClass) => Exemptions.Leading(
        Intervention, write, family.Point, family.TokensOf, run => _chunk.Tokens(run, Classes[promptClass].Representative), _looksAhead);

    /// <summary>How many values a site selects at each selected position of a class's prompts.</summary>
    public long ValuesAtAPosition(BoundSite site, VariantGroup family, int promptClass)
    {
        int row = Classes[promptClass].Representative;
        return site.ValuesAtAPosition(family.Point, _chunk.Tokens(family.TokensOf, row), _chunk.Describe(family.TokensOf, row));
    }

    /// <summary>The family that has rows of its own of a node where another one only inherits them.</summary>
    public VariantGroup Owner(RowMap own, VariantGroup family, int node, int promptClass, int position)
    {
        while (family.Parent is int parent && !own[family.Index, node, promptClass].Contains(position))
            family = Families[parent];
        return family;
    }
}
