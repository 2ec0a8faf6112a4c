using Interventions.Models.Decoder;

namespace Interventions.Examples.Tour;

/// <summary>What a head reads for its queries, keys or values, of the corrupted prompt: three sweeps that differ in a word.</summary>
public static class QueriesKeysValues
{
    public static void Study(DecoderModel model, IoiPrompts prompts, Report report)
    {
        foreach (string port in (string[])["q_input", "k_input", "v_input"])
        {
            using RunResult run = Intervention.On(model)
                .Patch($"blocks.{{layer}}.attn.{port}[head={{head}}]", from: "corrupted").LogitDifference("IO", "S")
                .Run(prompts, report.Options);
            report.Show($"one head's {port} from the corrupted prompt", run["LogitDifference"]);
        }
    }
}
