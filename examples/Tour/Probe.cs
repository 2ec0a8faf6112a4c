using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>
/// A linear probe a layer: is the indirect object the one who is mentioned first? Logistic regression on one half of the prompts, counted on
/// the other (Alain and Bengio 2017, arXiv:1610.01644).
/// </summary>
public static class Probe<TModel>
    where TModel : DecoderModel
{
    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Lens<TModel>().Run(model, prompts, report.Options);
        using Tensor x = nn.functional.normalize(run.Clean.Residual, dim: -1); // [layer, batch, d_model]
        using Tensor y = tensor(prompts.Prompts.Select(prompt => prompt.Runs[0].Positions[0] < prompt.Runs[0].Positions[1] ? 1f : 0f).ToArray());
        int half = prompts.Prompts.Count / 2;
        using var probe = new TorchSharp.Modules.Parameter(zeros(model.Config.Layers, model.Config.DModel, 1));
        using var optimizer = optim.LBFGS([probe], lr: 1, max_iter: 50);
        optimizer.step(Loss);
        report.Show("right on the other half", Logits(half, x.shape[1] - half).gt(0).eq(Labels(half)).to(float32).mean([1L]));
    }
}
