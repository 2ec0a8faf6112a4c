using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>Windows in some layers, in configurations.</summary>
internal static class LayerKinds
{
    private const string Sliding = "sliding_attention", Full = "full_attention";

    /// <summary>
    /// <c>sliding_window</c> with <c>layer_types</c>. Where the latter is left out, a function says which layers have the window; keys that
    /// only such a function reads do not count beside <c>layer_types</c>.
    /// </summary>
    /// <param name="others">Other keys that decide.</param>
    /// <param name="isOn">Whether there is a window at all.</param>
    /// <param name="isWindowed">Whether a layer, counted from 0, has the window.</param>
    public static ConfigKey Keys(string[] others, Func<IConfig, bool> isOn, Func<IConfig, int, bool> isWindowed) => new(
        ["sliding_window", "layer_types", .. others],
        (config, known) =>
        {
            const string key = "sliding_window";
            int? said = !config.Says(key) ? known.Window : config.Has(key) ? config.Integer(key) : null;
            int? window = isOn(config) ? said : null;
            IReadOnlyList<string>? kinds = Checked(config, known.Layers);
            int[] global =
                [.. Enumerable.Range(0, known.Layers).Where(layer => kinds is null ? !isWindowed(config, layer) : kinds[layer] == Full)];
            if (window is null && kinds?.Contains(Sliding) == true)
                throw config.Wrong("layer_types", $"has '{Sliding}', and there is no sliding window");
            return window is null || global.Length == known.Layers
                ? known with { Window = null, GlobalLayers = default }
                : known with { Window = window, GlobalLayers = global.ToEquatableArray() };
        },
        known =>
        [
            ("sliding_window", known.Window),
            ("layer_types", Enumerable.Range(0, known.Layers).Select(layer => known.WindowOf(layer) is null ? Full : Sliding)),
            .. others.Where(key => key == "use_sliding_window").Select(key => (key, (object?)(known.Window is not null))),
        ]);

    private static IReadOnlyList<string>? Checked(IConfig config, int layers)
    {
        if (config.Texts("layer_types") is not { } kinds)
            return null;
        if (kinds.Count != layers)
            throw config.Wrong("layer_types", $"has {kinds.Count} entries, and there are {layers} layers");
        return kinds.FirstOrDefault(kind => kind is not (Sliding or Full)) is { } strange
            ? throw config.Wrong("layer_types", $"has '{strange}'; supported are {Full}, {Sliding}")
            : kinds;
    }
}
