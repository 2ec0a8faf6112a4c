using System.Collections.Immutable;
using Interventions.Declarations;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions;

/// <summary>What a declaration says: its writes, captures and metrics in textual order. Built by generated code, without reflection.</summary>
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

    /// <summary>What placeholders of strengths and runs go through.</summary>
    public ImmutableArray<SweepAxis> Sweeps { get; init; } = [];

    /// <summary>Further runs that writes change.</summary>
    public ImmutableArray<DerivedRun> Runs { get; init; } = [];

    /// <summary>What is overwritten, in textual order: includes, class attributes, members.</summary>
    public ImmutableArray<WriteNode> Writes { get; init; } = [];

    /// <summary>What is kept.</summary>
    public ImmutableArray<CaptureNode> Captures { get; init; } = [];

    /// <summary>Gradients that are kept.</summary>
    public ImmutableArray<GradientNode> Gradients { get; init; } = [];

    /// <summary>The metrics.</summary>
    public ImmutableArray<MetricNode> Metrics { get; init; } = [];

    /// <summary>Trained values.</summary>
    public ImmutableArray<ParameterNode> Parameters { get; init; } = [];

    /// <summary>Tensors of properties whose shape is declared.</summary>
    public ImmutableArray<ShapedTensor> Shapes { get; init; } = [];

    /// <summary>This graph after another one's writes, splices, derived runs and sweeps.</summary>
    /// <param name="included">The other one. What it keeps and measures stays its own.</param>
    /// <param name="name">What its methods, tensors, parameters and derived runs are called by: <c>name.Method</c>. Two includes then never share one.</param>
    public InterventionGraph Including(InterventionGraph included, string name) => Joined(Within(included, name), this);

    /// <summary>This graph, and then another one's writes, splices, derived runs and sweeps.</summary>
    /// <param name="included">The other one. What it keeps and measures stays its own.</param>
    /// <param name="name">What its methods, tensors, parameters and derived runs are called by: <c>name.Method</c>. Two includes then never share one.</param>
    public InterventionGraph Then(InterventionGraph included, string name) => Joined(this, Within(included, name));

    /// <summary>One graph's writes before another's, in this graph.</summary>
    private InterventionGraph Joined(InterventionGraph first, InterventionGraph second) => this with
    {
        Splices = first.Splices.AddRange(second.Splices.Select(splice => splice with { WritesBefore = splice.WritesBefore + first.Writes.Length })),
        Sweeps = first.Sweeps.AddRange(second.Sweeps),
        Runs = first.Runs.AddRange(second.Runs),
        Writes = first.Writes.AddRange(second.Writes),
        Parameters = first.Parameters.AddRange(second.Parameters),
        Shapes = first.Shapes.AddRange(second.Shapes),
    };

    /// <summary>This graph with further writes, after its own.</summary>
    public InterventionGraph Then(params WriteNode[] writes) => this with { Writes = Writes.AddRange(writes) };

    /// <summary>Encoder–decoders that stand in the model, in textual order.</summary>
    public ImmutableArray<SpliceNode> Splices { get; init; } = [];

    /// <summary>This graph with a splice, after its writes so far. Called by generated code.</summary>
    /// <param name="name">The property.</param>
    /// <param name="site">The path of what is replaced.</param>
    /// <param name="splice">The encoder–decoder, the same for every layer.</param>
    /// <param name="reads">The path of what is encoded; <see langword="null"/> for what is replaced.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    /// <param name="features">How many features the declaration says.</param>
    /// <exception cref="InterventionException">The property is null.</exception>
    public InterventionGraph Splice(
        string name, string site, ISplice splice, string? reads = null, bool errorTerm = true, bool detachError = false, int? features = null) =>
        Splice(name, site, [splice], reads, errorTerm, detachError, features);

    /// <summary>This graph with a splice for each layer, after its writes so far. Called by generated code.</summary>
    /// <param name="name">The property.</param>
    /// <param name="site">The path of what is replaced.</param>
    /// <param name="splices">The encoder–decoders, one for each layer in the order of the path.</param>
    /// <param name="reads">The path of what is encoded; <see langword="null"/> for what is replaced.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error term.</param>
    /// <param name="detachError">Whether gradients hold the error term constant.</param>
    /// <param name="features">How many features the declaration says.</param>
    /// <exception cref="InterventionException">The property, or an item of it, is null.</exception>
    public InterventionGraph Splice(
        string name, string site, IReadOnlyList<ISplice> splices, string? reads = null, bool errorTerm = true, bool detachError = false, int? features = null)
    {
        if (splices is null || splices.Contains(null))
            throw new InterventionException($"{Name}.{name} is null; a splice needs its encoder–decoder.");
        SpliceNode node = new(name, site, [.. splices], reads, detachError, features, Writes.Length);
        InterventionGraph spliced = this with { Splices = Splices.Add(node) };
        return errorTerm ? spliced : spliced.Then(BuiltInWrites.Zero(node.Names.Inner(site, SplicedSites.Error)) with { Name = name });
    }

    /// <summary>This graph as lines of text: one for every write and for everything that is kept.</summary>
    public string ToText() => GraphText.Print(this);

    /// <summary>This graph as a Mermaid flowchart (https://mermaid.js.org): runs, writes, sites, captures and metrics.</summary>
    public string ToMermaid() => GraphMermaid.Print(this);

    /// <summary>
    /// This graph as JSON. Methods and tensors are referred to by name: methods are code, and tensors are saved beside it, <see cref="GraphMembers.Of"/> has them.
    /// </summary>
    public string ToJson() => GraphWriter.Write(this);

    /// <summary>The graph of a JSON text. Like any other, it is compared with the model and the prompts when it runs.</summary>
    /// <param name="json">What <see cref="ToJson"/> gave.</param>
    /// <param name="members">The methods and tensors that it names: most often <c>Members</c> of the declaration. Default: none.</param>
    /// <exception cref="InterventionException">
    /// It is no graph, has a newer format, or names a method or tensor that is not given, that has other parameters, or another shape or type.
    /// </exception>
    public static InterventionGraph FromJson(string json, GraphMembers? members = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        return SavedGraph.Read(json, members ?? GraphMembers.None);
    }

    /// <inheritdoc cref="ToText"/>
    public override string ToString() => ToText();

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
