using System.Text.Json;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// Rotary positions in configurations: <c>rope_parameters</c> today, <c>rope_theta</c> and <c>rope_scaling</c> before version 5.
/// </summary>
internal static class RotaryOptions
{
    /// <summary>Reads either spelling.</summary>
    /// <exception cref="CheckpointException">The scaling is malformed or unsupported.</exception>
    public static RotaryConfig Read(ConfigFile file, double defaultTheta, int context)
    {
        ConfigFile? today = file.Section("rope_parameters");
        ConfigFile? scaling = today ?? file.Section("rope_scaling");
        double theta = (today ?? file).Number("rope_theta", defaultTheta);
        return new RotaryConfig(theta, scaling is null ? null : Scaling(scaling, context));
    }

    /// <summary>Writes today's spelling.</summary>
    public static void Write(RotaryConfig rotary, Utf8JsonWriter json)
    {
        json.WriteStartObject("rope_parameters");
        json.WriteNumber("rope_theta", rotary.Theta);
        json.WriteString("rope_type", rotary.Scaling switch
        {
            null => "default",
            RotaryScaling.Linear => "linear",
            RotaryScaling.Llama3 => "llama3",
            _ => throw new InvalidOperationException($"{rotary.Scaling.GetType().Name} has no name in configurations."),
        });
        if (rotary.Scaling is RotaryScaling.Linear linear)
            json.WriteNumber("factor", linear.Factor);
        if (rotary.Scaling is RotaryScaling.Llama3 llama3)
        {
            json.WriteNumber("factor", llama3.Factor);
            json.WriteNumber("low_freq_factor", llama3.LowTurns);
            json.WriteNumber("high_freq_factor", llama3.HighTurns);
            json.WriteNumber("original_max_position_embeddings", llama3.OriginalContext);
        }
        json.WriteEndObject();
    }

    private static RotaryScaling? Scaling(ConfigFile file, int context)
    {
        string property = file.Has("rope_type") ? "rope_type" : "type";
        string type = file.Text(property, "default");
        return type switch
        {
            "default" => null,
            "linear" => new RotaryScaling.Linear(file.Number("factor")),
            "llama3" => new RotaryScaling.Llama3(
                file.Number("factor"), file.Number("low_freq_factor"), file.Number("high_freq_factor"),
                file.Integer("original_max_position_embeddings", context)),
            _ => throw file.Wrong(property, $"is '{type}'; supported are default, linear, llama3"),
        };
    }
}
