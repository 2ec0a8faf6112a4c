using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// Rotary positions in configurations: <c>rope_parameters</c> today, <c>rope_theta</c> and <c>rope_scaling</c> before version 5 of
/// transformers. A number that the first leaves out is taken from the others; where both say it, they must agree.
/// </summary>
internal static class RotaryKeys
{
    private const string Today = "rope_parameters", Before = "rope_scaling", Full = "full_attention", Sliding = "sliding_attention";

    /// <summary>One way of turning for all layers.</summary>
    /// <param name="theta">The older names of the base, separated by <c>|</c>.</param>
    /// <param name="part">The older names of the part of each head that turns.</param>
    /// <param name="usualPart">That part where it is left out.</param>
    /// <param name="phi3">The original context of Phi-3, whose files call <c>longrope</c> by other names too.</param>
    public static ConfigKey Of(
        string theta = "rope_theta", string part = "partial_rotary_factor", double usualPart = 1, int? phi3 = null)
    {
        Older older = new(theta, part, usualPart, phi3);
        return new(
            [Today, Before, RotaryKinds.Original, .. theta.Split('|'), .. part.Split('|')],
            (config, known) => Within(known with { Rotary = Read(config, Section(config), older, known, known.Rotary!) }),
            known => [(Today, Written(known.Rotary!, known))])
        {
            Unread = config => Unread(Section(config), older.LongRope),
        };
    }

    /// <summary>One way for layers with a window, another for those without.</summary>
    public static ConfigKey ByLayerKind => new(
        [Today, Before, "rope_theta", "rope_local_base_freq"],
        (config, known) => Within(known with
        {
            Rotary = Read(config, Section(config, Full), new("rope_theta", "", 1, null), known, known.Rotary!),
            WindowRotary = Read(config, Section(config, Sliding), new("rope_local_base_freq", "", 1, null), known, known.WindowRotary!),
        }),
        known =>
        [
            (Today, new (string, object?)[] { (Full, Written(known.Rotary!, known)), (Sliding, Written(known.WindowRotary!, known)) }),
        ])
    {
        Unread = config => Unread(Section(config, Full), []).Concat(Unread(Section(config, Sliding), [])).Distinct(),
    };

    /// <summary>A decoder that reads no prompts so long that the frequencies of all their positions would change.</summary>
    private static DecoderConfig Within(DecoderConfig config) =>
        config with { ContextLength = config.LongRopes.Select(scaling => scaling.OriginalContext).Append(config.ContextLength).Min() };

    /// <summary>The section of all layers, or of one kind of layers; the older one had none for those with a window.</summary>
    private static IConfig? Section(IConfig config, string? kind = null)
    {
        IConfig? today = config.Section(Today), before = config.Section(Before);
        if (today is not null && before is not null)
            throw config.Wrong(Before, $"is there beside '{Today}', which is the same thing: leave one out");
        return kind is null ? today ?? before : today?.Section(kind) ?? (kind == Full ? before : null);
    }

    private static IEnumerable<string> Unread(IConfig? section, IReadOnlyList<string> longrope) =>
        section is null ? [] : RotaryKinds.Unread(section, RotaryKinds.Of(section, longrope));

    private static RotaryConfig Read(IConfig config, IConfig? section, Older older, DecoderConfig known, RotaryConfig usual)
    {
        double theta = Number(config, section, "rope_theta", older.Theta) ?? usual.Theta;
        double part =
            (older.Part.Length == 0 ? null : Number(config, section, "partial_rotary_factor", older.Part)) ?? older.UsualPart;
        // As in transformers, a part of a coordinate is none.
        int width = (int)(known.DHead * part);
        if (width < 2 || width % 2 != 0 || width > known.DHead)
        {
            throw config.Wrong(
                older.Part.Split('|')[0],
                $"makes {width} of a head's {known.DHead} coordinates turn; an even number from 2 on is needed");
        }
        return new RotaryConfig(theta, section is null ? null : Scaling(config, section, older, known.ContextLength, width / 2))
        {
            Width = width == known.DHead ? null : width,
            Neighbours = usual.Neighbours,
        };
    }

    private static RotaryScaling? Scaling(IConfig config, IConfig section, Older older, int context, int frequencies)
    {
        RotaryKind kind = RotaryKinds.Of(section, older.LongRope);
        double original = !kind.Keys.Contains(RotaryKinds.Original) ? context
            : Number(config, section, RotaryKinds.Original, RotaryKinds.Original) ?? older.Phi3 ?? context;
        return original is >= 1 and <= int.MaxValue && original == Math.Floor(original)
            ? kind.Read(new RotarySection(section, context, (int)original, frequencies))
            : throw config.Wrong(RotaryKinds.Original, FormattableString.Invariant($"is {original}; a number of tokens is needed"));
    }

    /// <summary>A number that the section says, or one of the older keys beside it; both must say the same.</summary>
    private static double? Number(IConfig config, IConfig? section, string name, string olderName)
    {
        double? inside = section?.Has(name) == true ? section.Number(name) : null;
        string[] olderNames = olderName.Split('|');
        double? outside = olderNames.Any(config.Has) ? ConfigKeys.Said(config, olderNames, older => config.Number(older)) : null;
        return inside is { } a && outside is { } b && a != b
            ? throw config.Wrong(
                olderNames.First(config.Has),
                FormattableString.Invariant($"is {b}, and the rotary parameters say {a}: leave one out"))
            : inside ?? outside;
    }

    /// <summary>Today's spelling.</summary>
    private static (string, object?)[] Written(RotaryConfig rotary, DecoderConfig known)
    {
        (string, object?)[] part = rotary.Width is { } width ? [("partial_rotary_factor", Part(width, known.DHead))] : [];
        return [("rope_theta", rotary.Theta), .. RotaryKinds.Written(rotary.Scaling), .. part];
    }

    /// <summary>The part of a head that is read as that many coordinates again.</summary>
    private static double Part(int width, int d_head)
    {
        double part = (double)width / d_head;
        return (int)(d_head * part) == width ? part : (width + 0.5) / d_head;
    }

    /// <summary>How a family said it before, and what it takes where nothing is said.</summary>
    private sealed record Older(string Theta, string Part, double UsualPart, int? Phi3)
    {
        public string[] LongRope => Phi3 is null ? [] : ["su", "yarn"];
    }
}
