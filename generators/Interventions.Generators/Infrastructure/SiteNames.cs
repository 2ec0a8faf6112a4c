using System.Text;

namespace Interventions.Generators.Infrastructure;

/// <summary>
/// Names the classes and constants of a model's <c>Sites</c>: <c>Sites.Blocks.All.Attn.Z</c> is <c>blocks.*.attn.z</c>. Each name stands
/// for one segment and can be read back: a generator does not see the constants that another generator adds, so their names have to say
/// their values.
/// </summary>
internal static class SiteNames
{
    /// <summary>The class of constants.</summary>
    public const string Class = "Sites";

    /// <summary>Every layer: <c>*</c>.</summary>
    public const string All = "All";

    /// <summary>One layer at a time: <c>{layer}</c>.</summary>
    public const string Each = "Each";

    /// <summary>The part of a path behind the layer.</summary>
    public const string Inside = "Inside";

    /// <summary>The segment of a schema's path that stands for the layer.</summary>
    public const string Layer = "{layer}";

    /// <summary>
    /// A segment's name: <c>mlp_out</c> becomes <c>MlpOut</c>. A name that is taken, or could not be read back, is the segment itself:
    /// <c>_mlp_out</c>.
    /// </summary>
    public static string Of(string segment, params string[] taken)
    {
        string pascal = Literals.Pascal(segment);
        return pascal is All or Each or Inside || taken.Contains(pascal) || Segment(pascal) != segment ? "_" + segment : pascal;
    }

    /// <summary>The path that a constant stands for, by the names behind <c>Sites</c>.</summary>
    public static string Path(IEnumerable<string> names)
    {
        var segments = new List<string>();
        foreach (string name in names)
        {
            if (name == Inside)
                segments.Clear();
            else
                segments.Add(name switch { All => "*", Each => Layer, _ => Segment(name) });
        }
        return string.Join(".", segments);
    }

    private static string Segment(string name)
    {
        if (name.Length > 0 && name[0] == '_')
            return name.Substring(1);
        var segment = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsUpper(c) && segment.Length > 0)
                segment.Append('_');
            segment.Append(char.ToLowerInvariant(c));
        }
        return segment.ToString();
    }
}
