namespace Interventions.Circuits;

/// <summary>
/// Where the parts of a circuit stand in a picture: a row for the heads of a layer and one for its feed-forward block, from below; a column
/// for each number of a head, and one at the right for feed-forward blocks. Embedding and logits are as wide as all of them, so that edges
/// leave and enter them upright.
/// </summary>
internal sealed class CircuitPlaces
{
    public const int Margin = 20;

    private const int Gap = 22, RowHeight = 92, Names = 60, Header = 80, Narrowest = 440, WidestColumn = 150;

    private static readonly double[] s_bends = [0, 55, -55, 85, -85, 120, -120];

    private readonly Dictionary<Component, Box> _boxes = [];

    public CircuitPlaces(Circuit circuit)
    {
        IGrouping<(int, ComponentKind Kind), Component>[] rows = [.. circuit.Ranks()];
        int[] heads = [.. circuit.Components.Where(component => component.Kind == ComponentKind.Head)
            .Select(component => component.Head).Distinct().Order()];
        bool hasMlps = rows.Any(row => row.Key.Kind == ComponentKind.Mlp);
        int columns = Math.Max(heads.Length + (hasMlps ? 1 : 0), 1);
        double column = Math.Clamp(Narrowest / (double)columns, Box.UsualWidth + Gap, WidestColumn), left = Margin + Names + Gap;
        Width = Math.Max(left + (columns * column) + (2 * Margin), 540);
        Height = Header + (Math.Max(rows.Length, 1) * RowHeight) + Margin;
        foreach ((int i, IGrouping<(int, ComponentKind Kind), Component> row) in rows.Index())
        {
            double y = Height - Margin - (RowHeight * (i + 0.5));
            foreach (Component component in row)
                _boxes.Add(component, row.Key.Kind switch
                {
                    ComponentKind.Head => new Box(left + (column * (Array.IndexOf(heads, component.Head) + 0.5)), y, Box.UsualWidth),
                    ComponentKind.Mlp => new Box(left + (column * (columns - 0.5)), y, Box.UsualWidth),
                    _ => new Box(left + (column * columns / 2), y, column * columns),
                });
        }
    }

    public double Width { get; }

    public double Height { get; }

    public IReadOnlyDictionary<Component, Box> Boxes => _boxes;

    /// <summary>A curve from the source's upper side to the target's port, which goes round the boxes between.</summary>
    public Curve CurveOf(Edge edge)
    {
        Box source = _boxes[edge.Source], target = _boxes[edge.Target.Component];
        double end = target.PortX(edge.Target);
        double start = source.IsWide ? source.Near(end) : source.X + Math.Clamp((end - source.X) / 6, -source.Width / 3, source.Width / 3);
        // From the one wide box to the other nothing says where: at the left.
        (start, end) = target.IsWide ? (source.IsWide ? (source.Left + 14, target.Left + 14) : (start, target.Near(start))) : (start, end);
        // Around to the outside first.
        double side = end < start ? -1 : 1;
        return s_bends.Select(bend => Curve.Between((start, source.Top), (end, target.Bottom), side * bend))
            .MinBy(curve => _boxes.Values.Where(box => box != source && box != target).Count(curve.Meets))!;
    }
}

/// <summary>A component's box.</summary>
/// <param name="X">Its middle.</param>
/// <param name="Y">Its middle.</param>
/// <param name="Width">From left to right.</param>
internal sealed record Box(double X, double Y, double Width)
{
    public const int Height = 32, UsualWidth = 66;

    public double Left => X - (Width / 2);

    public double Top => Y - (Height / 2);

    public double Bottom => Y + (Height / 2);

    public bool IsWide => Width > UsualWidth;

    /// <summary>Where edges into a port enter.</summary>
    public double PortX(Port port) => port.Input == PortInput.All ? X : X + ((port.Input - PortInput.Key) * UsualWidth / 3.4);

    /// <summary>A place of it that is nearest to another one.</summary>
    public double Near(double x) => Math.Clamp(x, Left + 8, Left + Width - 8);
}

/// <summary>A cubic curve, upright at both ends.</summary>
internal sealed record Curve((double X, double Y) Start, (double X, double Y) First, (double X, double Y) Second, (double X, double Y) End)
{
    private const int Steps = 24, Clearance = 3;

    /// <summary>A curve that goes aside in the middle.</summary>
    public static Curve Between((double X, double Y) start, (double X, double Y) end, double bend)
    {
        double rise = (start.Y - end.Y) * 0.42;
        return new Curve(start, (start.X + bend, start.Y - rise), (end.X + bend, end.Y + rise), end);
    }

    /// <summary>The point at a part of the way.</summary>
    public (double X, double Y) At(double part)
    {
        double rest = 1 - part;
        (double a, double b, double c, double d) = (rest * rest * rest, 3 * rest * rest * part, 3 * rest * part * part, part * part * part);
        return (
            (a * Start.X) + (b * First.X) + (c * Second.X) + (d * End.X), (a * Start.Y) + (b * First.Y) + (c * Second.Y) + (d * End.Y));
    }

    /// <summary>How far to the right it goes.</summary>
    public double Right => Enumerable.Range(0, Steps + 1).Max(step => At(step / (double)Steps).X);

    /// <summary>Whether it leads through a box.</summary>
    public bool Meets(Box box) => Start.Y >= box.Top && End.Y <= box.Bottom && Enumerable.Range(1, Steps - 1).Any(step =>
    {
        (double x, double y) = At(step / (double)Steps);
        return Math.Abs(x - box.X) < (box.Width / 2) + Clearance && Math.Abs(y - box.Y) < (Box.Height / 2) + Clearance;
    });
}
