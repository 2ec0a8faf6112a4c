using System.Text.Json;
using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

internal static partial class RotaryOptions
{
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
}
