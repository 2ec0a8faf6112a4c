using Interventions.Models.Decoder;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>
/// A linear probe a layer: is the indirect object the one who is mentioned first? Logistic regression on one half of the prompts, counted
/// on the other (Alain and Bengio 2016, arXiv:1610.01644).
/// </summary>
public static class Probe<TModel>
    where TModel : DecoderModel
{
    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        IoiPrompts many = IoiPrompts.Random(model, 64, seed: 6);
        using var run = new Lens<TModel>().Run(model, many, report.Options);
        using Tensor x = nn.functional.normalize(run.Clean.Residual, dim: -1); // [layer, batch, d_model]
        using Tensor y = tensor(many.Prompts.Select(prompt => prompt.Runs[0].Positions is [int io, int s, ..] && io < s).ToArray());
        int half = many.Prompts.Count / 2;
        using Parameter weights = nn.Parameter(zeros(model.Config.Layers, model.Config.DModel, 1, x.dtype));
        using var optimizer = optim.Adam([weights], lr: 0.3);
        for (int step = 0; step < 50; step++)
            using (Finalizers.Pause())
            using (NewDisposeScope())
            {
                optimizer.zero_grad();
                Tensor labels = y.narrow(0, 0, half).to(x.dtype).expand(model.Config.Layers, half);
                nn.functional.binary_cross_entropy_with_logits(x.narrow(1, 0, half).matmul(weights).squeeze(-1), labels).backward();
                optimizer.step();
            }
        using Tensor said = x.narrow(1, half, x.shape[1] - half).matmul(weights).squeeze(-1).gt(0);
        report.Show("right on the other half", said.eq(y.narrow(0, half, y.shape[0] - half)).to(float32).mean([1L]));
    }
}
