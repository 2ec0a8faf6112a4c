using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Runtime;

/// <summary>A further run of the tokens of a run of the prompt set.</summary>
/// <param name="Name">Its name.</param>
/// <param name="From">The run of the prompt set; <see langword="null"/> is the one that the declaration changes.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record DerivedRun(string Name, string? From = null);

/// <summary>A user's method, its arguments in the order of the node's reads. It is pure: it writes into no argument.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public delegate Tensor MethodBody(ReadOnlySpan<Tensor> arguments);

/// <summary>A method of a declaration.</summary>
/// <param name="Reads">Its parameters.</param>
/// <param name="Body">The method.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record GraphMethod(ImmutableArray<Read> Reads, MethodBody Body);

/// <summary>Keeps a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">The method's parameters.</param>
/// <param name="Body">The method.</param>
/// <param name="BeforeWrites">Whether the value is the one before the writes to the site.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record CaptureNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, bool BeforeWrites = false)
{
    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>Keeps a metric's gradient with respect to a site's selected values, reduced by the method.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">The method's parameters; <see cref="Read.Gradient"/> is the gradient.</param>
/// <param name="Body">The method.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record GradientNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, string? Metric = null)
{
    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>One number a prompt.</summary>
/// <param name="Name">The method, and the name on the result.</param>
/// <param name="Reads">The method's parameters.</param>
/// <param name="Body">The method; returns <c>[batch]</c>.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record MetricNode(string Name, ImmutableArray<Read> Reads, MethodBody Body)
{
    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }
}

/// <summary>A trained value, whose gradient is kept.</summary>
/// <param name="Name">The property; the gradient is kept as <c>{Name}Gradient</c>.</param>
/// <param name="Value">The tensor, which the declaration borrows; and which requires gradients.</param>
/// <param name="Metric">The metric; <see langword="null"/> is the only one.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ParameterNode(string Name, Tensor Value, string? Metric = null);

/// <summary>A property's tensor with its declared axes, see <see cref="ShapeAttribute"/>; it is measured before the pass.</summary>
/// <param name="Name">The property.</param>
/// <param name="Value">The tensor, which the declaration borrows.</param>
/// <param name="Axes">The axes, outermost first.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record ShapedTensor(string Name, Tensor Value, ImmutableArray<string> Axes);

/// <summary>An encoder–decoder in the model, see <see cref="SpliceAttribute"/>.</summary>
/// <param name="Name">The property.</param>
/// <param name="Site">The path of the replaced site.</param>
/// <param name="Splices">One for all layers, or one for each, in the order of the path.</param>
/// <param name="Reads">The path of the encoded site; <see langword="null"/> for the replaced one.</param>
/// <param name="DetachError">Whether gradients hold the error term constant.</param>
/// <param name="Features">The declared number of features; <see langword="null"/> where none is declared.</param>
/// <param name="WritesBefore">The number of the graph's writes that stand before it: they change the value that is encoded.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record SpliceNode(
    string Name,
    string Site,
    ImmutableArray<ISplice> Splices,
    string? Reads = null,
    bool DetachError = false,
    int? Features = null,
    int WritesBefore = 0)
{
    /// <summary>The splice's site names, with the encoder–decoders' own number of features where none is declared.</summary>
    internal SpliceNames Names => new(Name, Site, Reads, Features ?? CommonFeatures());

    /// <summary>The number of features that all encoder–decoders have.</summary>
    private int? CommonFeatures() => Splices.Select(splice => splice.Features).Distinct().ToArray() is [int same] ? same : null;
}

/// <summary>Overwrites the selected values of a site.</summary>
/// <param name="Name">The method, property or attribute, for messages.</param>
/// <param name="Site">The site path, selectors included.</param>
/// <param name="Reads">The arguments of the body.</param>
/// <param name="Body">Returns the selection's shape, or one that broadcasts to it.</param>
/// <param name="Run">The derived run that is written; <see langword="null"/> is the changed run.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record WriteNode(string Name, string Site, ImmutableArray<Read> Reads, MethodBody Body, string? Run = null)
{
    /// <summary>A write without a method.</summary>
    public WriteNode(string name, string site, WriteKind kind, string? run = null)
        : this(name, site, kind.Reads, kind.Apply, run) => Kind = kind;

    /// <summary>The kind of a built-in write; <see langword="null"/> for a user's method, and for several writes that are one.</summary>
    public WriteKind? Kind { get; }

    /// <summary>The declared shape of the body's result, outermost axis first; default where none is declared.</summary>
    public ImmutableArray<string> Shape { get; init; }

    /// <summary>
    /// Whether the method promises that its result at a position depends on that selected position alone, so that it may be called for some
    /// of them.
    /// </summary>
    public bool Pointwise { get; init; }

    /// <summary>Whether the method mixes prompts, so that it is called for all of them at once.</summary>
    public bool AcrossBatch { get; init; }

    /// <summary>
    /// Whether nobody asks what it changes, as of a method that writes all of what it needs: then its values are not compared with those
    /// that it finds, and it is not reported where it changes nothing.
    /// </summary>
    public bool Uncompared { get; init; }

    /// <summary>Whether it is a lambda that nobody named: then it can be saved under no name.</summary>
    internal bool IsNameless { get; init; }

    /// <summary>The declared writes that this one consists of, in order; none for a single one.</summary>
    public ImmutableArray<WriteNode> Parts { get; private init; } = [];

    /// <summary>The declared writes: the parts, or this one.</summary>
    public IEnumerable<WriteNode> Declared => Parts.IsEmpty ? [this] : Parts;

    /// <summary>
    /// Fuses several writes to one selection in one run into one, which reads and writes the selection once: each part reads the result of
    /// the part before it as its value. Called by generated code.
    /// </summary>
    /// <param name="writes">The writes, in their order: two at least, of equal site and run.</param>
    /// <exception cref="ArgumentException">There are less than two, or they write different places.</exception>
    public static WriteNode Fuse(params WriteNode[] writes)
    {
        ArgumentNullException.ThrowIfNull(writes);
        ImmutableArray<WriteNode> parts = [.. writes.SelectMany(write => write.Declared)];
        if (parts.Length < 2 || parts.Any(part => part.Site != parts[0].Site || part.Run != parts[0].Run))
        {
            throw new ArgumentException(
                "Only writes to one site path in one run can be one write, and it takes two of them.", nameof(writes));
        }
        IEnumerable<Read> others = parts.SelectMany(part => part.Reads).Where(read => read is not Read.Value).Distinct();
        ImmutableArray<Read> reads = [new Read.Value(), .. others];
        // The places of each part's arguments among those of the whole.
        int[][] places = [.. parts.Select(part => part.Reads.Select(read => reads.IndexOf(read)).ToArray())];
        string name = string.Join(", ", parts.Select(part => part.Name));
        return new WriteNode(name, parts[0].Site, reads, arguments => Body(arguments, null), parts[0].Run)
        {
            Parts = parts,
            AcrossBatch = parts.Any(part => part.AcrossBatch),
            Observed = Body,
        };

        Tensor Body(ReadOnlySpan<Tensor> arguments, PartObserver? observe)
        {
            Tensor[] values = arguments.ToArray();
            for (int i = 0; i < parts.Length; i++)
            {
                Tensor written = parts[i].Over(values[0], [.. places[i].Select(place => values[place])]);
                observe?.Invoke(i, values[0], written);
                values[0] = written;
            }
            return values[0];
        }
    }

    /// <summary>The body of several writes that are one; it also reports the value before and after each part.</summary>
    internal ObservedBody? Observed { get; private init; }

    /// <summary>This write as one of an included intervention, named by its property. A class attribute's write keeps its name.</summary>
    internal WriteNode Of(string include) =>
        !Parts.IsEmpty ? Fuse([.. Parts.Select(part => part.Of(include))])
        : Kind is null or { Tensors.IsEmpty: false } ? this with { Name = $"{include}.{Name}" }
        : this;

    /// <summary>Compares the body's result with the declared shape.</summary>
    /// <exception cref="InterventionException">It has another shape.</exception>
    internal void CheckShape(Tensor returned, long[] selected)
    {
        if (Shape.IsDefault)
            return;
        // Aligned at the last axis; names were compared before the pass.
        long[] sizes = [.. Shape.Select((axis, i) => axis == DeclaredShape.Repeated ? 1 : selected[selected.Length - Shape.Length + i])];
        if (returned.shape.AsSpan().SequenceEqual(sizes))
            return;
        IEnumerable<string> declared = Shape.Zip(sizes, (axis, size) => axis == DeclaredShape.Repeated ? axis : $"{axis}={size}");
        throw new InterventionException(
            $"{Name} returned {Shapes.Describe(returned)}, and its [Shape] says {DeclaredShape.List(declared)}.");
    }

    /// <summary>The same write with the runs renamed.</summary>
    internal WriteNode InRuns(Func<string?, string?> name)
    {
        return !Parts.IsEmpty ? Fuse([.. Parts.Select(part => part.InRuns(name))])
            : Kind is { } kind ? new WriteNode(Name, Site, kind.InRuns(name), name(Run))
            : this with { Run = name(Run), Reads = [.. Reads.Select(Renamed)] };

        Read Renamed(Read read) => read switch
        {
            Read.From donor => donor with { Run = name(donor.Run) },
            Read.Shared { Node: var node } => new Read.Shared(node with { Reads = new(node.Reads.Select(Renamed)) }),
            _ => read,
        };
    }

    /// <summary>The value after this write, in the value's shape and type.</summary>
    private Tensor Over(Tensor value, Tensor[] arguments)
    {
        Tensor written = PureCall.Run<ReadOnlySpan<Tensor>>(arguments, Body.Invoke)
            ?? throw new InterventionException($"{Name} returned null; it must return a tensor.");
        CheckShape(written, value.shape);
        return Shapes.Broadcasts(written.shape, value.shape)
            ? written.to(value.dtype).expand(value.shape)
            : throw new InterventionException(
                $"{Name} returned {Shapes.Describe(written)}, which does not broadcast to the values that '{Site}' selects, "
                + $"{Shapes.Describe(value)}.");
    }
}

/// <summary>Receives the value before and after a part of a write.</summary>
internal delegate void PartObserver(int part, Tensor found, Tensor written);

/// <summary>A body of several parts.</summary>
internal delegate Tensor ObservedBody(ReadOnlySpan<Tensor> arguments, PartObserver? observe);

/// <summary>
/// A value that several methods read: it is computed once for all of them, of a run or of several, in the prompts that they see together.
/// </summary>
/// <param name="Name">A name, for messages.</param>
/// <param name="Reads">The arguments of the body: other sites, or further shared values. It has no site of its own.</param>
/// <param name="Body">Returns a tensor of any shape.</param>
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed record SharedNode(string Name, EquatableArray<Read> Reads, MethodBody Body)
{
    private static readonly MethodBody s_join = values => cat([.. values]);

    /// <summary>
    /// Values one after another along their first axis. Where the first is such a value itself, the others are written behind it, so that a
    /// value that grows from layer to layer is not copied at each.
    /// </summary>
    /// <param name="name">A name, for messages.</param>
    /// <param name="reads">The values.</param>
    public static SharedNode Joined(string name, EquatableArray<Read> reads) => new(name, reads, s_join);

    /// <summary>Whether it was made by <see cref="Joined"/>.</summary>
    internal bool IsJoined => ReferenceEquals(Body, s_join);
}

/// <summary>The value of one parameter of a method.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public abstract record Read
{
    private Read()
    {
    }

    /// <summary>The method's own site in a run, by the run's name.</summary>
    public static implicit operator Read(string run) => new From(run);

    /// <summary>The path of another site that it names; <see langword="null"/> where it names none.</summary>
    internal string? OtherPath => this switch
    {
        From from => from.Site,
        Of of => of.Site,
        Gradient gradient => gradient.Site,
        Mean mean => mean.Site,
        _ => null,
    };

    /// <summary>The placeholder that stands for the run that it reads; <see langword="null"/> where none does.</summary>
    internal string? SweptRun => BracedName.Read(this switch
    {
        From from => from.Run,
        Partner partner => partner.Run,
        Mean mean => mean.Run,
        _ => null,
    });

    /// <summary>The selected value of the method's own site, in the method's own run.</summary>
    public sealed record Value : Read;

    /// <summary>
    /// The gradient of the metric with respect to the selected value of the method's own site, or, in a gradient's method, of another.
    /// </summary>
    public sealed record Gradient(string? Site = null) : Read;

    /// <summary>
    /// The value in another run, of the prompt set (unchanged) or derived: of the method's own site, or of another. Without a name: in the
    /// run that the declaration changes, as it is without any write. A name in braces is swept.
    /// </summary>
    public sealed record From(string? Run, string? Site = null) : Read;

    /// <summary>
    /// The value of the method's own site that another prompt has in a run. The seed and the prompt's place in the set decide which other
    /// prompt.
    /// </summary>
    public sealed record Partner(string? Run, int Seed) : Read;

    /// <summary>The mean of a site over prompts of a run, see <see cref="MeanAttribute"/>.</summary>
    /// <param name="Run">The run; without a name the one that the declaration changes, or the first run of <paramref name="Over"/>.</param>
    /// <param name="Pooled">Whether one mean is taken over all selected positions of all prompts.</param>
    /// <param name="Over">The prompts; <see langword="null"/> for those of the run itself.</param>
    /// <param name="AcrossTemplates">Whether prompts of all templates count, not only those of the same template.</param>
    /// <param name="Site">The path of another site; <see langword="null"/> for the method's own.</param>
    /// <param name="AtIndices">
    /// Whether selected positions are numbers: what is averaged then stands at the same index in all prompts that reach it, whatever name
    /// the index has there; and what is pooled are all positions. Otherwise the path selects in the averaged prompts, too, so that a name
    /// means each prompt's own position.
    /// </param>
    /// <param name="Fewest">Of fewer prompts than these, a mean is worth a warning.</param>
    public sealed record Mean(
        string? Run,
        bool Pooled,
        IPromptSet? Over = null,
        bool AcrossTemplates = false,
        string? Site = null,
        bool AtIndices = false,
        int Fewest = 0) : Read;

    /// <summary>
    /// A tensor of the declaration, laid along axes of the method's own site, so that it broadcasts to the selected value.
    /// </summary>
    /// <param name="Tensor">The tensor: one axis for each of <paramref name="Axes"/>.</param>
    /// <param name="Axes">
    /// Axes of the site, in its order, with <c>layer</c> first where the path names several layers; none for a tensor that broadcasts as it
    /// is.
    /// </param>
    public sealed record Along(Tensor Tensor, EquatableArray<string> Axes) : Read;

    /// <summary>The selected value of another site in the method's own run.</summary>
    public sealed record Of(string Site) : Read;

    /// <summary>The logit of an answer at a position: <c>[batch]</c>; in the run that is measured, or in another.</summary>
    public sealed record Logit(string Answer, string At, string? In = null) : Read;

    /// <summary>
    /// The logits of listed words at a position: <c>[batch, word]</c>; in the run that is measured, or in another. The model's tokenizer
    /// says which token a word is.
    /// </summary>
    /// <param name="Name">The property that lists them.</param>
    /// <param name="Words">The words, one token each.</param>
    /// <param name="At">The position.</param>
    /// <param name="In">The run; <see langword="null"/> is the measured one.</param>
    public sealed record WordLogits(string Name, EquatableArray<string> Words, string At, string? In = null) : Read
    {
        /// <summary>The words that a property holds. Called by generated code.</summary>
        public static WordLogits Listed(string name, IEnumerable<string>? words, string at, string? run = null) =>
            new(name, new(words ?? []), at, run);
    }

    /// <summary>All logits at a position: <c>[batch, vocab]</c>; in the run that is measured, or in another.</summary>
    public sealed record Logits(string At, string? In = null) : Read;

    /// <summary>The number at which a sweep stands: a scalar, float64, on the CPU.</summary>
    public sealed record Swept(string Name) : Read;

    /// <summary>The token ids of an answer: <c>[batch]</c>, int64.</summary>
    public sealed record AnswerIds(string Answer) : Read;

    /// <summary>A value that methods have in common.</summary>
    public sealed record Shared(SharedNode Node) : Read;
}

/// <summary>What methods read in the end.</summary>
internal static class ReadLeaves
{
    /// <summary>The reads, and in place of shared values what these read.</summary>
    public static IEnumerable<Read> Leaves(this IEnumerable<Read> reads) =>
        reads.SelectMany(read => read is Read.Shared shared ? shared.Node.Reads.Leaves() : [read]);
}
