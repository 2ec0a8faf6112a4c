namespace Interventions.Features;

/// <summary>Where the nodes of a picture are: a column a token, a row a layer; those of one token and layer beside each other.</summary>
internal sealed class GraphPlaces
{
    public const int Margin = 16, LabelWidth = 56, Heading = 66, Step = 17, RowGap = 26, Foot = 34;

    private const int NarrowestColumn = 46, MostBesideEachOther = 6;

    private readonly Dictionary<AttributionNode, (double X, double Y)> _places = [];
    private readonly double[] _columnLefts, _columnWidths, _rowTops, _rowHeights;

    public GraphPlaces(PrunedGraph graph)
    {
        int rows = graph.Whole.Layers + 2, columns = graph.Whole.TokenTexts.Length;
        ILookup<(int Row, int Column), AttributionNode> cells =
            graph.Nodes.ToLookup(node => (Row: RowOf(node), Column: node.Position));
        _columnWidths = [.. Enumerable.Range(0, columns).Select(column => Math.Max(
            NarrowestColumn,
            Step * (1 + Enumerable.Range(0, rows).Max(row => Math.Min(MostBesideEachOther, cells[(row, column)].Count())))))];
        _rowHeights = [.. Enumerable.Range(0, rows).Select(row => (double)Step * Math.Max(
            1, Enumerable.Range(0, columns).Max(column => Lines(cells[(row, column)].Count()))))];
        _columnLefts = Sums(_columnWidths, Margin + LabelWidth, 0);
        // The logits are at the top.
        double[] fromTop = Sums([.. _rowHeights.Reverse()], Margin + Heading, RowGap);
        _rowTops = [.. fromTop.Reverse()];
        Width = _columnLefts[^1] + _columnWidths[^1] + Margin;
        Height = _rowTops[0] + _rowHeights[0] + Foot + Margin;
        foreach (IGrouping<(int Row, int Column), AttributionNode> cell in cells)
            Place(cell.Key, [.. cell]);
        Rows = rows;
    }

    public double Width { get; }

    public double Height { get; }

    /// <summary>How many rows there are: tokens, layers, logits.</summary>
    public int Rows { get; }

    public (double X, double Y) Of(AttributionNode node) => _places[node];

    /// <summary>The middle of a row: of the tokens 0, of the layers from 1 on, of the logits the last.</summary>
    public double MiddleOf(int row) => _rowTops[row] + (_rowHeights[row] / 2);

    /// <summary>The left side and the width of a token's column.</summary>
    public (double Left, double Width) Column(int token) => (_columnLefts[token], _columnWidths[token]);

    private static int RowOf(AttributionNode node) => node.Layer + 1;

    private static int Lines(int count) => (count + MostBesideEachOther - 1) / MostBesideEachOther;

    private static double[] Sums(double[] sizes, double first, double gap)
    {
        double[] starts = new double[sizes.Length];
        foreach ((int i, double size) in sizes.Index())
            (starts[i], first) = (first, first + size + gap);
        return starts;
    }

    private void Place((int Row, int Column) cell, AttributionNode[] nodes)
    {
        double middle = _columnLefts[cell.Column] + (_columnWidths[cell.Column] / 2), top = _rowTops[cell.Row];
        top += (_rowHeights[cell.Row] - (Step * Lines(nodes.Length))) / 2;
        foreach ((int line, AttributionNode[] beside) in nodes.Chunk(MostBesideEachOther).Index())
            foreach ((int i, AttributionNode node) in beside.Index())
                _places[node] = (middle + (Step * (i - ((beside.Length - 1) / 2.0))), top + (Step * (line + 0.5)));
    }
}
