using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// Rotary positions in configurations: <c>rope_parameters</c> today, <c>rope_theta</c> and <c>rope_scaling</c> before version 5 of
/// transformers. A number that the first leaves out is taken from the others; where both say it, they must agree.
/// </summary>
internal static class RotaryKeys
{
    private const string Today = "rope_parameters", Before = "rope_scaling";

    /// <summary>One way of turning for all layers.</summary>
    /// <param name="theta">The older names of the base, separated by <c>|</c>.</param>
    /// <param name="part">The older names of the part of each head that turns.</param>
    /// <param name="usualPart">That part where it is left out.</param>
    public static ConfigKey Of(string theta = "rope_theta", string part = "partial_rotary_factor", double usualPart = 1) => new(
        [Today, Before, .. theta.Split('|'), .. part.Split('|')],
        (config, known) =>
        {
            if (config.Has(Today) && config.Has(Before))
                throw config.Wrong(Before, $"is there beside '{Today}', which is the same thing: leave one out");
            IConfig? section = config.Section(Today) ?? config.Section(Before);
            return known with { Rotary = Read(config, section, (theta, part, usualPart), known, known.Rotary!) };
        },
        known => [(Today, Written(known.Rotary!, known))]);

    /// <summary>One way for layers with a window, another for those without.</summary>
    public static ConfigKey ByLayerKind => new(
        [Today, Before, "rope_theta", "rope_local_base_freq"],
        (config, known) =>
        {
            IConfig? today = config.Section(Today), before = config.Section(Before);
            if (today is not null && before is not null)
                throw config.Wrong(Before, $"is there beside '{Today}', which is the same thing: leave one out");
            IConfig? global = today?.Section("full_attention") ?? before, local = today?.Section("sliding_attention");
            return known with
            {
                Rotary = Read(config, global, ("rope_theta", "", 1), known, known.Rotary!),
                WindowRotary = Read(config, local, ("rope_local_base_freq", "", 1), known, known.WindowRotary!),
            };
        },
        known =>
        [
            (Today, new (string, object?)[]
            {
                ("full_attention", Written(known.Rotary!, known)), ("sliding_attention", Written(known.WindowRotary!, known)),
            }),
        ]);

    private static RotaryConfig Read(
        IConfig config, IConfig? section, (string Theta, string Part, double UsualPart) older, DecoderConfig known, RotaryConfig usual)
    {
        double theta = Number("rope_theta", older.Theta) ?? usual.Theta;
        double part = (older.Part.Length == 0 ? null : Number("partial_rotary_factor", older.Part)) ?? older.UsualPart;
        // As in transformers, a part of a coordinate is none.
        int width = (int)(known.DHead * part);
        if (width < 2 || width % 2 != 0 || width > known.DHead)
        {
            throw config.Wrong(
                older.Part.Split('|')[0],
                $"makes {width} of a head's {known.DHead} coordinates turn; an even number from 2 on is needed");
        }
        return new RotaryConfig(theta, section is null ? null : Scaling(section, known.ContextLength))
        {
            Width = width == known.DHead ? null : width,
            Neighbours = usual.Neighbours,
        };

        double? Number(string name, string olderName)
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
    }

    private static RotaryScaling? Scaling(IConfig config, int context)
    {
        string property = config.Has("rope_type") ? "rope_type" : "type";
        string type = config.Text(property, "default");
        return type switch
        {
            "default" => null,
            "linear" => new RotaryScaling.Linear(config.Number("factor")),
            "llama3" => new RotaryScaling.Llama3(
                config.Number("factor"), config.Number("low_freq_factor"), config.Number("high_freq_factor"),
                config.Integer("original_max_position_embeddings", context)),
            _ => throw config.Wrong(property, $"is '{type}'; supported are default, linear, llama3"),
        };
    }

    /// <summary>Today's spelling.</summary>
    private static (string, object?)[] Written(RotaryConfig rotary, DecoderConfig known)
    {
        (string, object?)[] scaling = rotary.Scaling switch
        {
            null => [("rope_type", "default")],
            RotaryScaling.Linear linear => [("rope_type", "linear"), ("factor", linear.Factor)],
            RotaryScaling.Llama3 llama3 =>
            [
                ("rope_type", "llama3"), ("factor", llama3.Factor), ("low_freq_factor", llama3.LowTurns),
                ("high_freq_factor", llama3.HighTurns), ("original_max_position_embeddings", llama3.OriginalContext),
            ],
            _ => throw new InvalidOperationException($"{rotary.Scaling.GetType().Name} has no name in configurations."),
        };
        (string, object?)[] part = rotary.Width is { } width ? [("partial_rotary_factor", Part(width, known.DHead))] : [];
        return [("rope_theta", rotary.Theta), .. scaling, .. part];
    }

    /// <summary>The part of a head that is read as that many coordinates again.</summary>
    private static double Part(int width, int d_head)
    {
        double part = (double)width / d_head;
        return (int)(d_head * part) == width ? part : (width + 0.5) / d_head;
    }
}
