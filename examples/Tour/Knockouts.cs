using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Mean ablation: without one head at a time, then with five heads alone, which is a circuit by hand.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
[Mean("blocks.{layer}.attn.z[head={head}; pos=end]", From = "corrupted")]
public sealed partial class Knockouts<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Knockouts<TModel>().Run(model, prompts, report.Options);
        report.Show("without one head", run.LogitDifference);
        using Tensor keep = zeros(model.Config.Layers, model.Config.Heads);
        foreach (SweptPoint point in run.LogitDifference.Top(5))
            keep[point["layer"], point["head"]] = 1;
        using var kept = new KeptHeads<TModel> { Keep = keep }.Run(model, prompts, report.Options);
        report.Show("with five heads alone", kept.LogitDifference.mean());
    }
}

/// <summary>The heads of a mask; all others have their mean over corrupted prompts of the same template.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class KeptHeads<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [Mix("blocks.*.attn.z[pos=end]", "layer", "head", Ablation = Ablation.Mean, From = "corrupted")]
    public required Tensor Keep { get; init; }
}
