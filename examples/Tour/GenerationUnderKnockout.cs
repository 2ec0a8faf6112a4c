using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>What the model writes when the five heads that matter most have their values of the corrupted prompt.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class GenerationUnderKnockout<TModel>
    where TModel : DecoderModel
{
    [Mix("blocks.*.attn.z[pos=end,new]", "layer", "head", From = "corrupted")]
    public required Tensor Keep { get; init; }

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var heads = new Noising<TModel>().Run(model, prompts, report.Options);
        using Tensor keep = ones(model.Config.Layers, model.Config.Heads);
        foreach (SweptPoint point in heads.LogitDifference.Top(5))
            keep[point["layer"], point["head"]] = 0;
        using var text = new GenerationUnderKnockout<TModel> { Keep = keep }
            .Generate(model, prompts, new() { MaxNewTokens = 4 });
        report.Show("new tokens", text.Changed.TokenTensor(), text.Changed.Texts.Take(3));
    }
}
