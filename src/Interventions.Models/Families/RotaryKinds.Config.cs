using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>One <c>rope_type</c> of configurations.</summary>
/// <param name="Name">The type.</param>
/// <param name="Keys">The numbers that it reads beside the base and the part of each head that turns.</param>
/// <param name="Read">The scaling.</param>
/// <param name="Write">The numbers of a scaling; <see langword="null"/> for a scaling of another type.</param>
internal sealed record RotaryKind(
    string Name, string[] Keys, Func<RotarySection, RotaryScaling?> Read, Func<RotaryScaling?, (string, object?)[]?> Write);

/// <summary>A section of a configuration that says how rotary positions are scaled.</summary>
/// <param name="Config">The section.</param>
/// <param name="Context">The context length that the configuration says.</param>
/// <param name="OriginalContext">The context length before scaling.</param>
/// <param name="Frequencies">How many frequencies there are.</param>
internal sealed record RotarySection(IConfig Config, int Context, int OriginalContext, int Frequencies)
{
    /// <summary>How many times the original context the extended one is: said, or told by the two lengths.</summary>
    public double Factor => Config.Number("factor", (double)Context / OriginalContext);

    /// <summary>A number for each frequency.</summary>
    public EquatableArray<double> Factors(string name)
    {
        IReadOnlyList<double> factors = Config.Numbers(name) ?? throw Config.Wrong(name, "is missing");
        return factors.Count == Frequencies
            ? factors.ToEquatableArray()
            : throw Config.Wrong(name, $"has {factors.Count} numbers, and there are {Frequencies} frequencies");
    }
}

/// <summary>The types of scaling, each with what it reads and writes.</summary>
internal static class RotaryKinds
{
    /// <summary>The context length before scaling; some families have it outside the section.</summary>
    public const string Original = "original_max_position_embeddings";

    // What every section may say.
    private static readonly string[] s_common = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];

    private static readonly RotaryKind[] s_kinds =
    [
        new("default", [], _ => null, scaling => scaling is null ? [] : null),
        new(
            "linear", ["factor"], section => new RotaryScaling.Linear(section.Config.Number("factor")),
            scaling => scaling is RotaryScaling.Linear linear ? [("factor", linear.Factor)] : null),
        // The original context is said by some files, and read by nobody.
        new(
            "dynamic", ["factor", Original], section => new RotaryScaling.Dynamic(section.Config.Number("factor")),
            scaling => scaling is RotaryScaling.Dynamic dynamic ? [("factor", dynamic.Factor)] : null),
        new(
            "llama3", ["factor", "low_freq_factor", "high_freq_factor", Original],
            section => new RotaryScaling.Llama3(
                section.Config.Number("factor"), section.Config.Number("low_freq_factor"), section.Config.Number("high_freq_factor"),
                section.OriginalContext),
            scaling => scaling is not RotaryScaling.Llama3 llama3 ? null :
            [
                ("factor", llama3.Factor), ("low_freq_factor", llama3.LowTurns), ("high_freq_factor", llama3.HighTurns),
                (Original, llama3.OriginalContext),
            ]),
        new(
            "yarn", ["factor", Original, "attention_factor", "mscale", "mscale_all_dim", "beta_fast", "beta_slow", "truncate"], Yarn,
            scaling => scaling is not RotaryScaling.Yarn yarn ? null :
            [
                ("factor", yarn.Factor), (Original, yarn.OriginalContext), ("attention_factor", yarn.CosineFactor),
                ("beta_fast", yarn.HighTurns), ("beta_slow", yarn.LowTurns), ("truncate", yarn.Truncated),
            ]),
        new(
            "longrope", ["factor", Original, "attention_factor", "short_factor", "long_factor"], LongRope,
            scaling => scaling is not RotaryScaling.LongRope longrope ? null :
            [
                ("factor", longrope.Factor), (Original, longrope.OriginalContext), ("attention_factor", longrope.CosineFactor),
                ("short_factor", longrope.ShortFactors), ("long_factor", longrope.LongFactors),
            ]),
    ];

    /// <summary>The type of a section.</summary>
    /// <param name="config">The section.</param>
    /// <param name="longrope">Older names of <c>longrope</c>, which elsewhere have another meaning or none.</param>
    public static RotaryKind Of(IConfig config, IReadOnlyList<string> longrope)
    {
        string property = config.Has("rope_type") ? "rope_type" : "type";
        string name = Known(config.Text(property, "default"));
        if (property == "rope_type" && config.Has("type") && Known(config.Text("type")) != name)
            throw config.Wrong("type", $"is '{config.Text("type")}', and 'rope_type' is '{name}': leave one out");
        return Array.Find(s_kinds, kind => kind.Name == name)
            ?? throw config.Wrong(property, $"is '{name}'; supported are {string.Join(", ", s_kinds.Select(kind => kind.Name))}");

        string Known(string written) => longrope.Contains(written) ? "longrope" : written;
    }

    /// <summary>Today's spelling of a scaling.</summary>
    public static (string, object?)[] Written(RotaryScaling? scaling)
    {
        foreach (RotaryKind kind in s_kinds)
            if (kind.Write(scaling) is { } numbers)
                return [("rope_type", kind.Name), .. numbers];
        throw new InvalidOperationException($"{scaling!.GetType().Name} has no name in configurations.");
    }

    /// <summary>The keys of a section that its type does not read.</summary>
    public static IEnumerable<string> Unread(IConfig section, RotaryKind kind) =>
        section.Names.Where(name => !s_common.Concat(kind.Keys).Contains(name.Split('.').Last()));

    private static RotaryScaling.Yarn Yarn(RotarySection section)
    {
        (IConfig config, double factor) = (section.Config, section.Factor);
        // As in transformers, one of the two alone has no effect.
        double usual = config.Has("mscale") && config.Has("mscale_all_dim")
            ? RotaryScaling.Yarn.DefaultFactor(factor, config.Number("mscale"))
                / RotaryScaling.Yarn.DefaultFactor(factor, config.Number("mscale_all_dim"))
            : RotaryScaling.Yarn.DefaultFactor(factor);
        return new RotaryScaling.Yarn(factor, section.OriginalContext)
        {
            CosineFactor = config.Number("attention_factor", usual),
            HighTurns = config.Number("beta_fast", 32),
            LowTurns = config.Number("beta_slow", 1),
            Truncated = config.Flag("truncate", true),
        };
    }

    private static RotaryScaling.LongRope LongRope(RotarySection section)
    {
        RotaryScaling.LongRope usual = new(
            section.Factors("short_factor"), section.Factors("long_factor"), section.Factor, section.OriginalContext);
        return usual with { CosineFactor = section.Config.Number("attention_factor", usual.CosineFactor) };
    }
}
