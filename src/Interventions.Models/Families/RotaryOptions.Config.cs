using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>
/// Rotary positions in configurations: <c>rope_parameters</c> today, <c>rope_theta</c> and <c>rope_scaling</c> before version 5.
/// </summary>
internal static partial class RotaryOptions
{
    /// <summary>Reads either spelling. It fails where the scaling is malformed or unsupported.</summary>
    public static RotaryConfig Read(IConfig config, double defaultTheta, int context)
    {
        IConfig? today = config.Section("rope_parameters");
        IConfig? scaling = today ?? config.Section("rope_scaling");
        double theta = (today ?? config).Number("rope_theta", defaultTheta);
        return new RotaryConfig(theta, scaling is null ? null : Scaling(scaling, context));
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
}
