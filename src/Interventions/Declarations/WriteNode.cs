using System.Collections.Immutable;
using System.ComponentModel;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Runtime;

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

        Read Renamed(Read read) => read is Read.From donor ? donor with { Run = name(donor.Run) } : read;
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
