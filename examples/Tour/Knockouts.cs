using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Mean ablation of one head at a time: its output at the end becomes the mean over corrupted prompts of the same template.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
[Mean("blocks.{layer}.attn.z[head={head}; pos=end]", From = "corrupted")]
public sealed partial class Knockouts<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Knockouts<TModel>().Run(model, prompts, report.Options);
        report.Show("without one head", run.LogitDifference);
    }
}
