using System.Collections.Immutable;
using Interventions.Graphs;
using Interventions.Sites;

namespace Interventions.Planning;

/// <summary>An intervention graph whose every name was found in one model's schema and one prompt set's vocabulary.</summary>
internal sealed record BoundIntervention(
    string Name,
    ImmutableArray<SweepAxis> Sweep,
    ImmutableArray<BoundWrite> Writes,
    ImmutableArray<BoundCapture> Captures,
    ImmutableArray<BoundMetric> Metrics)
{
    /// <summary>Every combination of the placeholders' values, the last placeholder fastest; one empty point without placeholders.</summary>
    public IEnumerable<SweepPoint> Points()
    {
        IEnumerable<ImmutableArray<SelectionItem>> points = [[]];
        foreach (SweepAxis axis in Sweep)
            points = points.SelectMany(head => axis.Items.Select(head.Add));
        return points.Select(items => new SweepPoint(Sweep, items));
    }
}

/// <summary>A placeholder and what it runs through: single indices, or named positions.</summary>
internal sealed record SweepAxis(string Placeholder, ImmutableArray<SelectionItem> Items)
{
    /// <summary>How results are indexed: by the indices themselves; named positions by their place in the list.</summary>
    public ImmutableArray<int> Coordinates =>
        Items.Any(item => item.Name is not null) ? [.. Enumerable.Range(0, Items.Length)] : [.. Items.Select(item => item.First)];
}

/// <summary>One item for every placeholder.</summary>
internal sealed record SweepPoint(ImmutableArray<SweepAxis> Sweep, ImmutableArray<SelectionItem> Items)
{
    public static SweepPoint None { get; } = new([], []);

    public SelectionItem this[string placeholder]
    {
        get
        {
            for (int i = 0; i < Sweep.Length; i++)
                if (Sweep[i].Placeholder == placeholder)
                    return Items[i];
            throw new KeyNotFoundException($"No placeholder '{placeholder}' is swept.");
        }
    }
}

internal sealed record BoundWrite(WriteNode Node, BoundSite Site, ImmutableArray<BoundRead> Reads);

internal sealed record BoundCapture(CaptureNode Node, BoundSite Site, ImmutableArray<BoundRead> Reads)
{
    /// <summary>Whether the sweep's point decides what is kept, in unchanged runs too.</summary>
    public bool IsSwept => Site.IsSwept || Reads.Any(read => read.IsSwept);
}

internal sealed record BoundMetric(MetricNode Node, ImmutableArray<BoundRead> Reads)
{
    /// <summary>Whether the sweep's point decides what is kept, in unchanged runs too.</summary>
    public bool IsSwept => Reads.Any(read => read.IsSwept);
}

internal abstract record BoundRead
{
    private BoundRead()
    {
    }

    /// <summary>Whether the read's own path has a placeholder.</summary>
    public bool IsSwept => this is From { Site.IsSwept: true };

    public sealed record Value : BoundRead;

    /// <summary>Another run's value; <paramref name="Site"/> is null for the method's own site.</summary>
    public sealed record From(int Run, BoundSite? Site) : BoundRead;

    public sealed record Logit(int Answer, BoundSite At) : BoundRead;
}
