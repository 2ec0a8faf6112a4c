using System.Collections.Immutable;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>The subject of a plan: a declaration on a model, a batch of prompts, and the limits of the run.</summary>
/// <param name="Graph">The model's forward pass.</param>
/// <param name="Shapes">The shapes of its values.</param>
/// <param name="Intervention">The declaration.</param>
/// <param name="Batch">The prompts; the plan serves every batch of the same shape.</param>
/// <param name="RunCount">How many runs the prompt set has.</param>
/// <param name="Budget">How many bytes of rows may be alive at once.</param>
/// <param name="IsStrict">Whether effects and promises of all writes are checked.</param>
internal sealed record PlanRequest(
    ModelGraph Graph, NodeShapes Shapes, BoundIntervention Intervention, PromptBatch Batch, int RunCount, long Budget, bool IsStrict);

/// <summary>
/// The first step of planning, expand: the writes are put into the model graph. Variants that write the same nodes and positions are one
/// group, prompts of one shape are one class, and the following steps decide about a group's rows of a node in a class.
/// </summary>
internal sealed record Expansion
{
    /// <summary>The declaration, the model, the prompts, and the limits of the run.</summary>
    public required PlanRequest Request { get; init; }

    /// <summary>The nodes' numbers.</summary>
    public required NodeNumbers Nodes { get; init; }

    /// <summary>The points of the sweep.</summary>
    public required ImmutableArray<SweepPoint> Points { get; init; }

    /// <summary>The variants; the runs of the prompt set come first.</summary>
    public required ImmutableArray<VariantGroup> Groups { get; init; }

    /// <summary>The prompts.</summary>
    public required ImmutableArray<PromptClass> Classes { get; init; }

    /// <summary>The answers whose logits are computed; null if all logits are.</summary>
    public required AnswerColumns? Answers { get; init; }

    /// <summary>Sites whose gradients are pulled back from that of another node.</summary>
    public required IReadOnlyDictionary<NodeId, PulledSite> Pulled { get; init; }

    /// <summary>Sites whose gradients are computed from that of the one node that reads them.</summary>
    public required IReadOnlyDictionary<NodeId, SegmentSite> Segments { get; init; }

    /// <summary>The nodes whose gradients are taken by the backward pass.</summary>
    public required IReadOnlySet<NodeId> Differentiated { get; init; }

    /// <summary>Captures, gradients and metrics of every group.</summary>
    public required ImmutableArray<KeptItem> Kept { get; init; }

    /// <summary>The first node whose gradient is taken: from there on measured runs share nothing.</summary>
    public NodeId FirstDifferentiated { get; private init; } = NodeId.AfterAll;

    /// <summary>The length of the longest prompt.</summary>
    public int Longest { get; private init; }

    public ModelGraph Graph => Request.Graph;

    public NodeShapes Shapes => Request.Shapes;

    public BoundIntervention Intervention => Request.Intervention;

    /// <summary>How many runs the prompt set has: that many groups come first.</summary>
    public int RunCount => Request.RunCount;

    /// <summary>Whether gradients are taken, so that values must be kept until the end of a pass.</summary>
    public bool HasGradients => !Intervention.Gradients.IsEmpty || !Intervention.Parameters.IsEmpty;

    /// <summary>Expands the writes of a declaration.</summary>
    /// <exception cref="InterventionException">A selection has an axis that a node does not have under the writes of its run.</exception>
    public static Expansion Of(PlanRequest request)
    {
        BoundIntervention intervention = request.Intervention;
        NodeNumbers nodes = new(request.Graph);
        ImmutableArray<SweepPoint> points = [.. intervention.Points()];
        Dictionary<NodeId, PulledSite> pulled = Differentiation.Pulled(request, points).ToDictionary(site => nodes[site.Site]);
        Dictionary<NodeId, SegmentSite> segments = Differentiation
            .Segments(request, points, pulled.Values.Select(site => site.Site).ToHashSet()).ToDictionary(site => nodes[site.Site]);
        HashSet<NodeId> differentiated =
        [
            .. points.SelectMany(intervention.Differentiated).Select(name => nodes[name])
                .Select(node => pulled.TryGetValue(node, out PulledSite? site) ? nodes[site.Node]
                    : segments.TryGetValue(node, out SegmentSite? segment) ? nodes[segment.Node]
                    : node),
        ];
        var groups = new VariantGrouping(request, points, pulled.Values.Select(site => site.Site).ToHashSet()).Groups();
        ImmutableArray<PromptClass> classes = PromptClass.Of(request.Batch, request.RunCount);
        Expansion expansion = new()
        {
            Request = request,
            Nodes = nodes,
            Points = points,
            Groups = groups,
            Classes = classes,
            Answers = AnswerColumns.Of(request, nodes),
            Pulled = pulled,
            Segments = segments,
            Differentiated = differentiated,
            Kept = [.. KeptItem.Of(nodes, intervention, groups, points)],
            FirstDifferentiated = differentiated.Concat(segments.Keys).DefaultIfEmpty(NodeId.AfterAll).MinBy(node => node.Index),
            Longest = classes.Max(prompts => prompts.Length),
        };
        foreach (VariantGroup group in groups)
            expansion.CheckAxes(group);
        return expansion;
    }

    /// <summary>The number of a node.</summary>
    public NodeId Id(string node) => Nodes[node];

    /// <summary>A node of the model graph.</summary>
    public ModelNode Node(NodeId node) => Nodes.Node(node);

    /// <summary>The name of a node.</summary>
    public string Name(NodeId node) => Nodes.Name(node);

    /// <summary>A row's axes in the tables of a node.</summary>
    public long[] RowShape(NodeId node) => Answers?.Node == node ? [Answers.Columns.Length] : Shapes[Name(node)].RowShape(Longest);

    /// <summary>The bytes of one row in the tables of a node.</summary>
    public long RowBytes(NodeId node)
    {
        NodeShape shape = Shapes[Name(node)];
        return Answers?.Node == node ? Answers.Columns.Length * sizeof(double) : shape.Bytes * (shape.IsPair ? Longest : 1);
    }

    /// <summary>
    /// Whether gradients flow through a group's rows of a node, so that all of these rows are its own: a gradient belongs to one run.
    /// </summary>
    public bool IsUnshared(VariantGroup group, NodeId node) => node >= FirstDifferentiated && IsDifferentiated(group);

    /// <summary>
    /// Whether a group's rows of a node are constants of every gradient, though others' are not: they lie in tables of their own, through
    /// which no backward pass goes.
    /// </summary>
    public bool IsConstant(VariantGroup group, NodeId node) => node >= FirstDifferentiated && !IsDifferentiated(group);

    /// <summary>
    /// Whether the gradients of a group's metric are its own: the changed run without writes is the base run, if anything is kept of that.
    /// </summary>
    public bool IsDifferentiated(VariantGroup group) => group.IsMeasured
        && (group.IsUnchanged || group.Writes.Count > 0 || !Intervention.Parameters.IsEmpty || !Intervention.Keeps(Intervention.BaseRun));

    /// <summary>
    /// The group that computes a run at the same points of the sweep as another group. A run of the prompt set has one group, for all
    /// points. After those of the prompt set's runs, groups lie as expansion makes them: for each set of points the derived runs, in their
    /// order, and the changed run.
    /// </summary>
    public VariantGroup RunOf(VariantGroup group, int run)
    {
        if (run < RunCount)
            return Groups[run];
        int size = Intervention.Runs.Length + 1, points = (group.Index - RunCount) / size;
        return Groups[RunCount + (points * size) + (run - RunCount)];
    }

    /// <summary>
    /// The group whose row a group has at a position of a node: its own, or the one that it inherits from the nearest ancestor.
    /// </summary>
    /// <param name="own">Each group's own rows.</param>
    /// <param name="group">The group that has the row.</param>
    /// <param name="node">The node.</param>
    /// <param name="promptClass">The prompt class.</param>
    /// <param name="position">The position.</param>
    public VariantGroup Owner(RowMap own, VariantGroup group, NodeId node, int promptClass, int position)
    {
        while (group.Parent is int parent && !own[group, node, promptClass].Contains(position))
            group = Groups[parent];
        return group;
    }

    /// <summary>Whether the value before a write is computed at all its positions, so that its effect can be measured there.</summary>
    public bool FindsAll(BoundWrite write) => Request.IsStrict && write.Node.Kind is not WriteKind.Freeze;

    /// <summary>Whether a method's promises are checked; then it is called with all positions that it selects.</summary>
    public bool Checks(BoundWrite write) => Request.IsStrict && write.Node.Kind is null;

    /// <summary>The selected positions of a site in the prompts of a class, in the order of the selection.</summary>
    public IReadOnlyList<int> Positions(BoundSite site, int tokensOf, int promptClass, SweepPoint point) =>
        Positions(site, site.PositionAxis, tokensOf, promptClass, point);

    /// <summary>Whether a site selects the same keys in two runs, which may name different positions alike.</summary>
    public bool SelectsSameKeys(BoundSite site, int tokensOf, int other, int promptClass, SweepPoint point) =>
        Enumerable.Range(site.PositionAxis + 1, site.Axes.Length - site.PositionAxis - 1).Where(site.IsPositional).All(axis =>
            Positions(site, axis, tokensOf, promptClass, point).SequenceEqual(Positions(site, axis, other, promptClass, point)));

    /// <summary>How many of the leading positions of a class's prompts a write need not change.</summary>
    public int Exempt(BoundWrite write, VariantGroup group, int promptClass) => Exemptions.Leading(
        Intervention, write, group.Point, group.TokensOf,
        run => Request.Batch.Tokens(run, Classes[promptClass].Representative), Graph.LooksAhead);

    /// <summary>How many values a site selects at each selected position of a class's prompts.</summary>
    public long ValuesAtAPosition(BoundSite site, VariantGroup group, int promptClass) =>
        site.ValuesAtAPosition(group.Point, axis => Positions(site, axis, group.TokensOf, promptClass, group.Point).Count);

    private IReadOnlyList<int> Positions(BoundSite site, int axis, int tokensOf, int promptClass, SweepPoint point)
    {
        int row = Classes[promptClass].Representative;
        return site.PositionIndices(axis, point, Request.Batch.Tokens(tokensOf, row), Request.Batch.Describe(tokensOf, row));
    }

    /// <summary>Refuses selections of axes that a node does not have under the writes of a group, whether or not it is computed.</summary>
    private void CheckAxes(VariantGroup group)
    {
        IEnumerable<BoundSite> written = group.Writes.Values.SelectMany(writes => writes).Select(write => write.Site);
        foreach (BoundSite site in group.IsMeasured ? written.Concat(Intervention.Kept.Select(keep => keep.Site)) : written)
            foreach (SweepPoint point in group.IsUnchanged && site.IsSwept ? Points : [group.Point])
                foreach (string node in site.Names(point))
                    if (group.Definitions.TryGetValue(node, out Definition? definition) && Shapes.Reshaped(definition) is { } shape)
                        site.CheckAxes(shape);
    }
}

/// <summary>
/// Variants that write the same nodes at the same positions and differ in the written values only. They are planned once and computed side
/// by side. A run of the prompt set is a group of one variant.
/// </summary>
/// <param name="Index">Its place among the groups: a group reads earlier groups only.</param>
/// <param name="Run">The run's number; null for the changed run.</param>
/// <param name="TokensOf">The run of the prompt set whose tokens it has.</param>
/// <param name="Points">The variants, by their points' places in the sweep; empty for a run of the prompt set.</param>
/// <param name="Point">A point that stands for all of them.</param>
/// <param name="Writes">The writes by node, in order.</param>
/// <param name="Definitions">The detours that it takes, by node.</param>
internal sealed record VariantGroup(
    int Index,
    int? Run,
    int TokensOf,
    ImmutableArray<int> Points,
    SweepPoint Point,
    IReadOnlyDictionary<string, ImmutableArray<BoundWrite>> Writes,
    IReadOnlyDictionary<string, Definition> Definitions)
{
    /// <summary>Whether it is a run of the prompt set.</summary>
    public bool IsUnchanged => Points.IsEmpty;

    /// <summary>How many variants it has.</summary>
    public int Count => IsUnchanged ? 1 : Points.Length;

    /// <summary>The group whose rows it inherits where its own would be the same; null for the first run of the prompt set.</summary>
    public int? Parent => !IsUnchanged ? TokensOf : Index > 0 ? 0 : null;

    /// <summary>Its run's place in an order in which each run reads earlier ones only; the changed run is the last.</summary>
    public int RunOrder => Run ?? int.MaxValue;

    /// <summary>Whether captures, gradients and metrics are kept of it; derived runs are only read.</summary>
    public bool IsMeasured { get; init; }

    /// <summary>
    /// Nodes that have another shape than the parent's and are read as whole sequences. A sequence of two shapes cannot be put together, so
    /// all rows of these nodes are the group's own.
    /// </summary>
    public IReadOnlySet<string> Whole { get; init; } = ImmutableHashSet<string>.Empty;

    /// <summary>How it computes a node.</summary>
    public Definition DefinitionOf(ModelNode node) => Definitions.GetValueOrDefault(node.Name, node.Definition);
}

/// <summary>Puts points of the sweep that write the same nodes at the same positions into one group.</summary>
/// <param name="request">The declaration, the model and the prompts.</param>
/// <param name="points">The points of the sweep.</param>
/// <param name="pulled">Sites whose gradients are pulled back, so that their detours are not taken.</param>
internal sealed class VariantGrouping(PlanRequest request, ImmutableArray<SweepPoint> points, IReadOnlySet<string> pulled)
{
    private readonly BoundIntervention _intervention = request.Intervention;

    /// <summary>The runs of the prompt set, then for each set of points the derived runs and the changed run.</summary>
    public ImmutableArray<VariantGroup> Groups()
    {
        var groups = ImmutableArray.CreateBuilder<VariantGroup>();
        IReadOnlyDictionary<string, Definition> ordinary = Detours(Differentiated(points));
        var none = ImmutableDictionary<string, ImmutableArray<BoundWrite>>.Empty;
        for (int run = 0; run < request.RunCount; run++)
            groups.Add(new VariantGroup(run, run, run, [], SweepPoint.None, none, ordinary) { IsMeasured = _intervention.Keeps(run) });

        string[] structural = [.. Structural()];
        foreach (IGrouping<string, int> alike in Enumerable.Range(0, points.Length)
            .GroupBy(i => string.Join('|', structural.Select(placeholder => points[i][placeholder]))))
        {
            ImmutableArray<int> variants = [.. alike];
            foreach (BoundRun run in _intervention.Runs)
                groups.Add(Group(groups.Count, run.Number, run.Of, variants));
            groups.Add(Group(groups.Count, null, _intervention.BaseRun, variants));
        }
        return groups.ToImmutable();
    }

    private VariantGroup Group(int index, int? run, int tokensOf, ImmutableArray<int> variants)
    {
        SweepPoint point = points[variants[0]];
        Dictionary<string, ImmutableArray<BoundWrite>> writes = _intervention.Writes
            .Where(write => write.Run == run).SelectMany(write => write.Declared)
            .SelectMany(write => write.Site.Names(point).Select(node => (node, write)))
            .GroupBy(pair => pair.node, pair => pair.write).ToDictionary(ofNode => ofNode.Key, ofNode => ofNode.ToImmutableArray());
        HashSet<string> touched = [.. writes.Keys];
        // Gradients are taken in every run that is measured.
        if (run is null)
            touched.UnionWith(Differentiated([point]));
        VariantGroup group = new(index, run, tokensOf, variants, point, writes, Detours(touched));
        return group with { Whole = Whole(group), IsMeasured = run is null };
    }

    private HashSet<string> Differentiated(IEnumerable<SweepPoint> some) =>
        [.. some.SelectMany(_intervention.Differentiated).Except(pulled)];

    /// <summary>Placeholders that decide which nodes or positions are selected. Points that agree in them are one group.</summary>
    private IEnumerable<string> Structural()
    {
        IEnumerable<BoundSite> sites = _intervention.Writes.Select(write => write.Site)
            .Concat(_intervention.Kept.Select(keep => keep.Site)).Concat(_intervention.Reads.OtherSites());
        return sites.SelectMany(site => Enumerable.Range(0, site.Axes.Length).Where(site.IsPositional)
                .Select(axis => site.Axes[axis]).Append(site.Layers))
            .Select(selection => selection?.Placeholder)
            .Concat(_intervention.Reads.OfType<BoundRead.From>().Select(from => from.Run.Sweep))
            .OfType<string>().Distinct();
    }

    private HashSet<string> Whole(VariantGroup group)
    {
        HashSet<string> reshaped = [], readWhole = [];
        foreach ((string node, Definition definition) in group.Definitions)
            if (request.Shapes.Reshaped(definition) is not null)
                reshaped.Add(node);
        if (reshaped.Count == 0)
            return [];
        foreach (ModelNode node in request.Graph.Nodes.Reverse())
        {
            Definition definition = group.DefinitionOf(node);
            if (definition.LooksBeyond ? definition.Piecewise is null : readWhole.Contains(node.Name))
                readWhole.UnionWith(definition.Inputs.Select(input => input.Node));
        }
        reshaped.IntersectWith(readWhole);
        return reshaped;
    }

    /// <summary>The definitions of nodes that are not the ordinary ones when some sites are written or differentiated.</summary>
    private Dictionary<string, Definition> Detours(HashSet<string> touched) => request.Graph.Nodes
        .Where(node => !node.Detours.IsEmpty)
        .Select(node => (node.Name, node.Definition, Under: node.DefinitionUnder(touched)))
        .Where(node => !ReferenceEquals(node.Definition, node.Under)).ToDictionary(node => node.Name, node => node.Under);
}
