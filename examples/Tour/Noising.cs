using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Noising: each head's output at the end, taken from the corrupted prompt.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class Noising<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new Noising<TModel>().Run(model, prompts, report.Options);
        report.Show("one head from the corrupted prompt", run.LogitDifference);
    }
}
