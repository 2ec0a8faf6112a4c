using System.Collections.Immutable;
using System.Globalization;
using Interventions.Sites;

namespace Interventions.Binding;

/// <summary>A placeholder and what it runs through.</summary>
internal sealed record SweepAxis(string Placeholder, ImmutableArray<SweepValue> Values)
{
    /// <summary>How results are indexed.</summary>
    public ImmutableArray<SweepCoordinate> Coordinates => [.. Values.Select(value => value.Coordinate)];
}

/// <summary>One step of a sweep's axis.</summary>
internal abstract record SweepValue
{
    private SweepValue()
    {
    }

    /// <summary>What the result calls it.</summary>
    public abstract SweepCoordinate Coordinate { get; }

    /// <summary>A single index, or a named position.</summary>
    public sealed record Place(SelectionItem Item) : SweepValue
    {
        public override SweepCoordinate Coordinate =>
            Item.Name is null ? Item.First
            : Item == NewTokens.Every || (Item.First == 0 && !Item.IsNew()) ? Item.Name
            : Item.Name + Item.First.ToString("+0;-0", CultureInfo.InvariantCulture);
    }

    /// <summary>A strength.</summary>
    public sealed record Number(double Value) : SweepValue
    {
        public override SweepCoordinate Coordinate => Value;
    }

    /// <summary>A run of the prompt set.</summary>
    public sealed record Run(int Index, string Name) : SweepValue
    {
        public override SweepCoordinate Coordinate => Name;
    }
}

/// <summary>One value for every placeholder.</summary>
internal sealed record SweepPoint(ImmutableArray<SweepAxis> Sweep, ImmutableArray<SweepValue> Values)
{
    public static SweepPoint None { get; } = new([], []);

    /// <summary>The index or position of a placeholder in a site path.</summary>
    public SelectionItem this[string placeholder] => ((SweepValue.Place)Value(placeholder)).Item;

    /// <summary>The number of a swept strength.</summary>
    public double Number(string placeholder) => ((SweepValue.Number)Value(placeholder)).Value;

    /// <summary>The run of a swept donor.</summary>
    public int Run(string placeholder) => ((SweepValue.Run)Value(placeholder)).Index;

    /// <summary>The value of a placeholder.</summary>
    public SweepValue Value(string placeholder)
    {
        for (int i = 0; i < Sweep.Length; i++)
            if (Sweep[i].Placeholder == placeholder)
                return Values[i];
        throw new KeyNotFoundException($"No placeholder '{placeholder}' is swept.");
    }
}

/// <summary>The run that is read: always the same one, or the one at which a sweep stands.</summary>
internal sealed record DonorRun
{
    private readonly int _run;

    public DonorRun(int run) => _run = run;

    public DonorRun(string sweep) => Sweep = sweep;

    /// <summary>The placeholder; null for a run that is not swept.</summary>
    public string? Sweep { get; }

    /// <summary>The run at a point.</summary>
    public int At(SweepPoint point) => Sweep is null ? _run : point.Run(Sweep);
}
