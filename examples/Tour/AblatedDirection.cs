using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>A direction along which no layer can write any more (Arditi et al. 2024, arXiv:2406.11717).</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class AblatedDirection<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [ProjectOut("blocks.*.resid_mid"), ProjectOut("blocks.*.resid_post")]
    public required Tensor Direction { get; init; }

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using Tensor direction = Steering<TModel>.TowardsMary(model, report);
        IoiPrompts mary = IoiPrompts.About(model, "Mary", "Tom", 8, seed: 5);
        using var run = new AblatedDirection<TModel> { Direction = direction }.Run(model, mary, report.Options);
        report.Show("Mary - Tom, with the direction and without it", stack([run.Clean.LogitDifference.mean(), run.LogitDifference.mean()]));
    }
}
