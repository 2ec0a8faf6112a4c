using System.Collections.Immutable;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Binding;

/// <summary>
/// An intervention graph whose every name was found in one model's schema and one prompt set's vocabulary. Runs are numbers: first those of the prompt set, then the derived
/// ones, in an order in which each reads earlier ones only.
/// </summary>
internal sealed record BoundIntervention(
    string Name,
    int BaseRun,
    ImmutableArray<BoundRun> Runs,
    ImmutableArray<SweepAxis> Sweep,
    ImmutableArray<BoundWrite> Writes,
    ImmutableArray<BoundCapture> Captures,
    ImmutableArray<BoundGradient> Gradients,
    ImmutableArray<BoundMetric> Metrics,
    ImmutableArray<BoundParameter> Parameters)
{
    /// <summary>Captures and gradients.</summary>
    public IEnumerable<BoundKeep> Kept => Captures.Concat<BoundKeep>(Gradients);

    /// <summary>What the methods of writes, captures, gradients and metrics read.</summary>
    public IEnumerable<BoundRead> Reads => Writes.SelectMany(write => write.Reads)
        .Concat(Kept.SelectMany(keep => keep.Reads)).Concat(Metrics.SelectMany(metric => metric.Reads));

    /// <summary>The means that are read.</summary>
    public IEnumerable<BoundRead.Mean> Means => Writes.SelectMany(write => write.Reads)
        .Concat(Captures.Concat<BoundKeep>(Gradients).SelectMany(keep => keep.Reads)).OfType<BoundRead.Mean>();

    /// <summary>Every combination of the placeholders' values, the last placeholder fastest; one empty point without placeholders.</summary>
    public IEnumerable<SweepPoint> Points()
    {
        IEnumerable<ImmutableArray<SweepValue>> points = [[]];
        foreach (SweepAxis axis in Sweep)
            points = points.SelectMany(head => axis.Values.Select(head.Add));
        return points.Select(values => new SweepPoint(Sweep, values));
    }
}

/// <summary>A derived run.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Of">The run of the prompt set whose tokens it reads.</param>
/// <param name="Name">Its name.</param>
internal sealed record BoundRun(int Number, int Of, string Name);

/// <summary>A write; <paramref name="Run"/> is the derived run's number, or null for the changed run.</summary>
internal sealed record BoundWrite(WriteNode Node, BoundSite Site, ImmutableArray<BoundRead> Reads, int? Run)
{
    /// <summary>The declared writes that it consists of; none for a single one.</summary>
    public ImmutableArray<BoundWrite> Parts { get; init; } = [];

    /// <summary>Its place among the declared writes; of several that are one, the first one's.</summary>
    public int Number { get; init; }

    /// <summary>The declared writes: the parts, or this one.</summary>
    public IEnumerable<BoundWrite> Declared => Parts.IsEmpty ? [this] : Parts;

    /// <summary>Whether it takes over another run's values as they are.</summary>
    public bool IsCopy => Node.Kind is WriteKind.Freeze or WriteKind.Copy;

    /// <summary>
    /// Whether what it puts at one selected position depends on that position alone, so that it can be called for some of them. A built-in write whose tensor has an axis of positions
    /// lines up with all of them.
    /// </summary>
    public bool IsPointwise => Node.Kind switch
    {
        WriteKind.Add add => add.Vector.shape.Length < Site.Axes.Length - Site.PositionAxis,
        WriteKind.Mix { Axes.Count: > 0 } mix => !mix.Axes.Contains(Site.Definition.Axes[Site.PositionAxis]),
        WriteKind.Mix mix => mix.Mask.shape.Length < Site.Axes.Length - Site.PositionAxis,
        WriteKind.AddSwept add => add.Vector.shape.Length < Site.Axes.Length - Site.PositionAxis,
        WriteKind.Zero or WriteKind.Scale or WriteKind.ScaleSwept or WriteKind.ProjectOut or WriteKind.ProjectOnto or WriteKind.Freeze or WriteKind.Copy or WriteKind.Mean or WriteKind.Resample => true,
        // What it reads of another site it sees whole.
        _ => Node.Pointwise && !Reads.OtherSites().Any(),
    };

    /// <summary>The sites whose selection decides which prompts the method sees together.</summary>
    public IEnumerable<BoundSite> Selected => Reads.OtherSites().Prepend(Site);
}

/// <summary>Something kept of a site: a capture or a gradient.</summary>
internal abstract record BoundKeep(string Name, BoundSite Site, ImmutableArray<BoundRead> Reads, MethodBody Body)
{
    /// <summary>What the method reads, as declared.</summary>
    public abstract ImmutableArray<Read> Declared { get; }

    /// <summary>Whether the method mixes prompts.</summary>
    public abstract bool AcrossBatch { get; }

    /// <summary>Whether the sweep's point decides what is kept, in unchanged runs too.</summary>
    public bool IsSwept => Site.IsSwept || Reads.Any(read => read.IsSwept);
}

internal sealed record BoundCapture(CaptureNode Node, BoundSite Site, ImmutableArray<BoundRead> Reads) : BoundKeep(Node.Name, Site, Reads, Node.Body)
{
    public override ImmutableArray<Read> Declared => Node.Reads;

    public override bool AcrossBatch => Node.AcrossBatch;
}

internal sealed record BoundGradient(GradientNode Node, BoundSite Site, ImmutableArray<BoundRead> Reads, BoundMetric Metric) : BoundKeep(Node.Name, Site, Reads, Node.Body)
{
    public override ImmutableArray<Read> Declared => Node.Reads;

    public override bool AcrossBatch => Node.AcrossBatch;
}

internal sealed record BoundMetric(MetricNode Node, ImmutableArray<BoundRead> Reads)
{
    /// <summary>Whether the sweep's point decides what is kept, in unchanged runs too.</summary>
    public bool IsSwept => Reads.Any(read => read.IsSwept);
}

internal sealed record BoundParameter(ParameterNode Node, BoundMetric Metric);

internal abstract record BoundRead
{
    private BoundRead()
    {
    }

    /// <summary>The site that is read where it is not the method's own.</summary>
    public BoundSite? OtherSite => this switch { From from => from.Site, Of of => of.Site, _ => null };

    /// <summary>The site that is named where one is: that of another value, or of logits.</summary>
    public BoundSite? NamedSite => this is Logits logits ? logits.At : OtherSite;

    /// <summary>Whether what is read beside the method's own site depends on the sweep's point.</summary>
    public bool IsSwept => OtherSite is { IsSwept: true } || Sweep is not null;

    /// <summary>The placeholder of a run or a number that is swept.</summary>
    public string? Sweep => this switch
    {
        From from => from.Run.Sweep,
        Partner partner => partner.Run.Sweep,
        Mean mean => mean.Run.Sweep,
        Swept swept => swept.Name,
        _ => null,
    };

    public sealed record Value : BoundRead;

    public sealed record Gradient : BoundRead;

    /// <summary>Another run's value; <paramref name="Site"/> is null for the method's own site.</summary>
    public sealed record From(DonorRun Run, BoundSite? Site) : BoundRead;

    public sealed record Partner(DonorRun Run, int Seed) : BoundRead;

    public sealed record Mean(DonorRun Run, bool Pooled, bool AcrossTemplates, IPromptSet Over) : BoundRead
    {
        /// <summary>The site in the prompts over which the mean is taken: positions of other prompts have other names.</summary>
        public BoundSite In(BoundSite site) => site with { Vocabulary = Over.Vocabulary };
    }

    /// <summary>A tensor along axes of the method's own site, the layer first.</summary>
    public sealed record Along(Tensor Tensor, ImmutableArray<int> Axes) : BoundRead
    {
        /// <summary>The axis that counts the layers which the site's path names.</summary>
        public const int Layer = -1;
    }

    public sealed record Of(BoundSite Site) : BoundRead;

    /// <summary>Logits in a run of the prompt set, or where <paramref name="Run"/> is null in the one that is measured; one answer's, or all.</summary>
    public sealed record Logits(BoundSite At, int? Run, int? Answer) : BoundRead;

    public sealed record AnswerIds(int Answer) : BoundRead;

    /// <summary>The number at which a sweep stands.</summary>
    public sealed record Swept(string Name) : BoundRead;
}

internal static class BoundReads
{
    /// <summary>The sites that are read beside the method's own.</summary>
    public static IEnumerable<BoundSite> OtherSites(this IEnumerable<BoundRead> reads) => reads.Select(read => read.OtherSite).OfType<BoundSite>();

    /// <summary>The sites that reads name, of other values and of logits.</summary>
    public static IEnumerable<BoundSite> NamedSites(this IEnumerable<BoundRead> reads) => reads.Select(read => read.NamedSite).OfType<BoundSite>();
}
