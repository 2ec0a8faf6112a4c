using System.Globalization;

namespace Interventions.Models.Tokenization;

/// <summary>
/// Combining classes, decompositions and compositions, from the embedded <c>normalization.txt</c>. <see cref="string.Normalize()"/> is no
/// substitute: an application with InvariantGlobalization gets its text back unchanged, without a word, and would encode other ids.
/// </summary>
internal sealed class UnicodeData
{
    private static readonly Lazy<UnicodeData> s_instance = new(() => new UnicodeData());

    private readonly Dictionary<int, int> _classes = [];
    private readonly Dictionary<int, (bool Compatibility, int[] CodePoints)> _decompositions = [];
    private readonly Dictionary<(int, int), int> _compositions = [];

    private UnicodeData()
    {
        using var stream = typeof(UnicodeData).Assembly.GetManifestResourceStream("Interventions.Models.normalization.txt")
            ?? throw new InvalidOperationException("normalization.txt is not embedded in this assembly");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
            if (!line.StartsWith('#')) Add(line.Split(' '));
    }

    public static UnicodeData Instance => s_instance.Value;

    /// <summary>The canonical combining class: 0 for everything that is not moved.</summary>
    public int CombiningClass(int codePoint) => _classes.GetValueOrDefault(codePoint);

    /// <summary>One step of decomposition, or <see langword="null"/>.</summary>
    public int[]? Decomposition(int codePoint, bool compatibility) =>
        _decompositions.TryGetValue(codePoint, out var found) && (compatibility || !found.Compatibility) ? found.CodePoints : null;

    /// <summary>The one character that two compose to, or <see langword="null"/>.</summary>
    public int? Composition(int first, int second) => _compositions.TryGetValue((first, second), out int composed) ? composed : null;

    private void Add(string[] fields)
    {
        int codePoint = Hex(fields[0]);
        if (int.Parse(fields[1], CultureInfo.InvariantCulture) is > 0 and int combiningClass) _classes[codePoint] = combiningClass;
        if (fields.Length == 2) return;
        bool compatibility = fields[2].StartsWith('~');
        bool composes = !compatibility && fields[^1] != "!";
        int[] parts = [.. fields[2..].Where(field => field != "!").Select(field => Hex(field.TrimStart('~')))];
        _decompositions[codePoint] = (compatibility, parts);
        if (composes && parts.Length == 2) _compositions[(parts[0], parts[1])] = codePoint;
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
