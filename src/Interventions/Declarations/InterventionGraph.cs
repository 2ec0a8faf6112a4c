using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Declarations;
using Interventions.Runtime;
using Interventions.Sites;

namespace Interventions;

/// <summary>
/// A declaration as data: its writes, captures, gradients and metrics in textual order. Generated code builds it, without reflection; it
/// can be printed, saved as JSON, read and run again.
/// </summary>
public sealed record InterventionGraph
{
    /// <summary>The declaring class, for messages.</summary>
    public required string Name { get; init; }

    /// <summary>The schema fingerprint of the model type that the declaration was compiled against.</summary>
    public string? ModelFingerprint { get; init; }

    /// <summary>The fingerprint of the prompt vocabulary that the declaration was compiled against.</summary>
    public string? PromptFingerprint { get; init; }

    /// <summary>The run of the prompt set that the writes change; <see langword="null"/> is the first.</summary>
    public string? Changes { get; init; }

    /// <summary>The values of placeholders of strengths and runs.</summary>
    public ImmutableArray<SweepAxis> Sweeps { get; init; } = [];

    /// <summary>Further runs that writes change.</summary>
    public ImmutableArray<DerivedRun> Runs { get; init; } = [];

    /// <summary>The writes, in textual order: includes, class attributes, members.</summary>
    public ImmutableArray<WriteNode> Writes { get; init; } = [];

    /// <summary>Encoder–decoders that stand in the model, in textual order.</summary>
    public ImmutableArray<SpliceNode> Splices { get; init; } = [];

    /// <summary>The captures.</summary>
    public ImmutableArray<CaptureNode> Captures { get; init; } = [];

    /// <summary>The gradients.</summary>
    public ImmutableArray<GradientNode> Gradients { get; init; } = [];

    /// <summary>The metrics.</summary>
    public ImmutableArray<MetricNode> Metrics { get; init; } = [];

    /// <summary>Trained values.</summary>
    public ImmutableArray<ParameterNode> Parameters { get; init; } = [];

    /// <summary>Tensors of properties whose shape is declared.</summary>
    public ImmutableArray<ShapedTensor> Shapes { get; init; } = [];

    /// <summary>Whether no analyzer looked at the declaration: then a run refuses what an analyzer would.</summary>
    internal bool IsUnanalyzed { get; init; }

    /// <summary>Reads the graph of a JSON text. Like any graph, it is compared with the model and the prompts when it runs.</summary>
    /// <param name="json">The text that <see cref="ToJson"/> gave.</param>
    /// <param name="members">The methods and tensors that it names: most often <c>Members</c> of the declaration. Default: none.</param>
    /// <exception cref="InterventionException">
    /// It is no graph, is of another version of the format, or names a method or tensor that is not given, that has other parameters, or
    /// another shape or type.
    /// </exception>
    public static InterventionGraph FromJson(string json, GraphMembers? members = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        return GraphJson.Read(json, members ?? GraphMembers.None);
    }

    /// <summary>
    /// This graph as JSON. It refers to methods, tensors, encoder–decoders and prompts by name: methods are code, and tensors are saved
    /// beside it. <see cref="GraphMembers.Of"/> has them.
    /// </summary>
    /// <exception cref="InterventionException">A lambda has no name.</exception>
    public string ToJson() => GraphJson.Write(this);

    /// <summary>This graph as lines of text: one for every write and for every kept value.</summary>
    public string ToText() => GraphText.Print(this);

    /// <summary>This graph as a Mermaid flowchart (https://mermaid.js.org): runs, writes, sites, captures and metrics.</summary>
    public string ToMermaid() => GraphMermaid.Print(this);

    /// <inheritdoc cref="ToText"/>
    public override string ToString() => ToText();

    /// <summary>This graph, with another one's writes, splices, derived runs and sweeps before its own. Called by generated code.</summary>
    /// <param name="included">The other graph. Its captures, gradients and metrics are left out.</param>
    /// <param name="name">
    /// The prefix of its methods, tensors, parameters and derived runs: <c>name.Method</c>. Two includes then never share a name.
    /// </param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public InterventionGraph Including(InterventionGraph included, string name) => Joined(Within(included, name), this);

    /// <summary>This graph, with another one's writes, splices, derived runs and sweeps after its own. Called by generated code.</summary>
    /// <param name="included">The other graph. Its captures, gradients and metrics are left out.</param>
    /// <param name="name">
    /// The prefix of its methods, tensors, parameters and derived runs: <c>name.Method</c>. Two includes then never share a name.
    /// </param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public InterventionGraph Then(InterventionGraph included, string name) => Joined(this, Within(included, name));

    /// <summary>This graph with further writes, after its own. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public InterventionGraph Then(params WriteNode[] writes) => this with { Writes = Writes.AddRange(writes) };

    /// <summary>This graph with a splice, after its writes so far. Called by generated code.</summary>
    /// <param name="name">The property.</param>
    /// <param name="site">The path of the replaced site.</param>
    /// <param name="splice">The encoder–decoder of all layers.</param>
    /// <param name="reads">The path of the encoded site; <see langword="null"/> for the replaced one.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    /// <param name="features">The declared number of features.</param>
    /// <exception cref="InterventionException">The property is null.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public InterventionGraph Splice(
        string name,
        string site,
        ISplice splice,
        string? reads = null,
        bool errorTerm = true,
        bool detachError = false,
        int? features = null) =>
        Splice(name, site, [splice], reads, errorTerm, detachError, features);

    /// <summary>This graph with a splice for each layer, after its writes so far. Called by generated code.</summary>
    /// <param name="name">The property.</param>
    /// <param name="site">The path of the replaced site.</param>
    /// <param name="splices">The encoder–decoders, one for each layer in the order of the path.</param>
    /// <param name="reads">The path of the encoded site; <see langword="null"/> for the replaced one.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    /// <param name="features">The declared number of features.</param>
    /// <exception cref="InterventionException">The property, or an item of it, is null.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public InterventionGraph Splice(
        string name,
        string site,
        IReadOnlyList<ISplice> splices,
        string? reads = null,
        bool errorTerm = true,
        bool detachError = false,
        int? features = null)
    {
        if (splices is null || splices.Contains(null))
            throw new InterventionException($"{Name}.{name} is null; a splice needs its encoder–decoder.");
        SpliceNode node = new(name, site, [.. splices], reads, detachError, features, Writes.Length);
        InterventionGraph spliced = this with { Splices = Splices.Add(node) };
        return errorTerm ? spliced : spliced.Then(BuiltInWrites.Zero(node.Names.Inner(site, SplicedSites.Error)) with { Name = name });
    }

    /// <summary>
    /// This graph, with everything of the abstract intervention that it derives from before its own. Called by generated code.
    /// </summary>
    /// <param name="inherited">The graph of the base. Its members keep their names.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public InterventionGraph Inheriting(InterventionGraph inherited)
    {
        ArgumentNullException.ThrowIfNull(inherited);
        return Joined(inherited, this.Behind(inherited)) with
        {
            Changes = Changes ?? inherited.Changes,
            Captures = inherited.Captures.AddRange(Captures),
            Gradients = inherited.Gradients.AddRange(Gradients),
            Metrics = inherited.Metrics.AddRange(Metrics),
        };
    }

    /// <summary>This graph, with one graph's writes before another's.</summary>
    private InterventionGraph Joined(InterventionGraph first, InterventionGraph second) => this with
    {
        Splices =
        [
            .. first.Splices,
            .. second.Splices.Select(splice => splice with { WritesBefore = splice.WritesBefore + first.Writes.Length }),
        ],
        Sweeps = first.Sweeps.AddRange(second.Sweeps),
        Runs = first.Runs.AddRange(second.Runs),
        Writes = first.Writes.AddRange(second.Writes),
        Parameters = first.Parameters.AddRange(second.Parameters),
        Shapes = first.Shapes.AddRange(second.Shapes),
    };

    /// <summary>An included graph, its members and derived runs named by the property that includes it.</summary>
    private static InterventionGraph Within(InterventionGraph included, string name)
    {
        ArgumentNullException.ThrowIfNull(included);
        HashSet<string> derived = [.. included.Runs.Select(run => run.Name)];
        return included with
        {
            Runs = [.. included.Runs.Select(run => run with { Name = Inner(run.Name)! })],
            Writes = [.. included.Writes.Select(write => write.Of(name).InRuns(Inner))],
            Parameters = [.. included.Parameters.Select(parameter => parameter with { Name = $"{name}.{parameter.Name}" })],
            Shapes = [.. included.Shapes.Select(shape => shape with { Name = $"{name}.{shape.Name}" })],
        };

        string? Inner(string? run) => run is not null && derived.Contains(run) ? $"{name}.{run}" : run;
    }
}
