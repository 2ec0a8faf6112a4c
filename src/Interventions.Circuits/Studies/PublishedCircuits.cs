namespace Interventions.Circuits;

/// <summary>
/// Circuits that papers found by hand, as data. They name heads of one model's weights, so they run on models of its geometry alone; of
/// others they are refused with both geometries. Positions are those of <see cref="Models.IoiTask"/>.
/// </summary>
public static class PublishedCircuits
{
    private const string Mover = "name mover", Backup = "backup name mover", Negative = "negative name mover",
        Inhibition = "S-inhibition", Induction = "induction", Duplicate = "duplicate token", Previous = "previous token";

    private static string[] Movers => [Mover, Backup, Negative];

    private static readonly CircuitGraph s_gpt2Small = new(layers: 12, heads: 12);

    private static readonly (string Class, string At, (int Layer, int Head)[] Heads)[] s_ioi =
    [
        (Mover, "end", [(9, 9), (10, 0), (9, 6)]),
        (Backup, "end", [(9, 0), (9, 7), (10, 1), (10, 2), (10, 6), (10, 10), (11, 2), (11, 9)]),
        (Negative, "end", [(10, 7), (11, 10)]),
        (Inhibition, "end", [(7, 3), (7, 9), (8, 6), (8, 10)]),
        (Induction, "S2", [(5, 5), (6, 9), (5, 8), (5, 9)]),
        (Duplicate, "S2", [(0, 1), (3, 0), (0, 10)]),
        (Previous, "S1+1", [(2, 2), (4, 11)]),
    ];

    private static readonly (int Layer, int Head)[] s_naive =
        [(9, 6), (9, 9), (10, 0), (7, 3), (7, 9), (8, 6), (8, 10), (5, 5), (5, 9), (3, 0), (0, 10), (2, 2), (4, 11)];

    /// <summary>Which class reads which, by which inputs; null is the embedding, or the logits.</summary>
    private static readonly (string? Source, string? Target, PortInput[] Inputs)[] s_routes =
    [
        (null, Previous, [PortInput.Query, PortInput.Key, PortInput.Value]),
        (null, Duplicate, [PortInput.Query, PortInput.Key, PortInput.Value]),
        (null, Inhibition, [PortInput.Query]),
        .. Movers.Select(mover => ((string?)null, (string?)mover, new[] { PortInput.Key, PortInput.Value })),
        (Previous, Induction, [PortInput.Key, PortInput.Value]),
        (Induction, Inhibition, [PortInput.Key, PortInput.Value]),
        (Duplicate, Inhibition, [PortInput.Key, PortInput.Value]),
        .. Movers.Select(mover => ((string?)Inhibition, (string?)mover, new[] { PortInput.Query })),
        .. Movers.Select(mover => ((string?)mover, (string?)null, new[] { PortInput.All })),
    ];

    /// <summary>
    /// Indirect objects in GPT-2 small, 26 heads in seven classes with the positions at which they are kept (Wang et al. 2022,
    /// arXiv:2211.00593): name movers and their backups copy the name to the last token, negative ones write against it, S-inhibition heads
    /// turn them from the subject, of which induction and duplicate-token heads know that it was there before.
    /// </summary>
    public static NodeCircuit Ioi { get; } = new(
        s_gpt2Small,
        s_ioi.SelectMany(kind => kind.Heads.Select(head => new CircuitNode(Component.OfHead(head.Layer, head.Head), kind.Class, kind.At))));

    /// <summary>
    /// The paper's naive circuit of the same task, 13 heads without the backups and the negative name movers. It is nearly as faithful and
    /// far less complete.
    /// </summary>
    public static NodeCircuit NaiveIoi { get; } = new(
        s_gpt2Small, Ioi.Nodes.Where(node => s_naive.Contains((node.Component.Layer, node.Component.Head))));

    /// <summary>
    /// The 26 heads as edges, to compare found circuits with (Conmy et al. 2023, arXiv:2304.14997): the routes between their classes, and
    /// every edge between these heads, the embedding, the feed-forward blocks and the logits that begins or ends at such a block. These are
    /// 963; the paper's 1,041 count the way from each of the 78 ports of a head to its queries, keys or values, too.
    /// </summary>
    public static Circuit IoiEdges { get; } = new(
        s_gpt2Small,
        s_gpt2Small.Edges.Where(ThroughBlocks).Union(s_routes.SelectMany(Along)));

    /// <summary>
    /// Whether an edge lies between the circuit's components, and does not lead from the embedding or a head to a head or the logits.
    /// </summary>
    private static bool ThroughBlocks(Edge edge) =>
        IsPart(edge.Source) && IsPart(edge.Target.Component)
        && (edge.Source.Kind == ComponentKind.Mlp
            || edge.Target.Component.Kind == ComponentKind.Mlp
            || (edge.Source == Component.Embed && edge.Target.Component == Component.Logits));

    private static bool IsPart(Component component) =>
        component.Kind != ComponentKind.Head || Ioi.Nodes.Any(node => node.Component == component);

    /// <summary>The edges of a route: from each source to each target behind it.</summary>
    private static IEnumerable<Edge> Along((string? Source, string? Target, PortInput[] Inputs) route) =>
        from source in route.Source is null ? [Component.Embed] : HeadsOf(route.Source)
        from target in route.Target is null ? [Component.Logits] : HeadsOf(route.Target)
        where route.Source is null || route.Target is null || source.Layer < target.Layer
        from input in route.Inputs
        select new Edge(source, new Port(target, input));

    private static IEnumerable<Component> HeadsOf(string kind) =>
        Ioi.Nodes.Where(node => node.Class == kind).Select(node => node.Component);
}
