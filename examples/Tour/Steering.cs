using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Steering towards a name: the mean difference of two kinds of sentences, added in every layer with several strengths.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
[Sweep("alpha", 0.5, 1, 2)]
public sealed partial class Steering<TModel> : NameTask<TModel>
    where TModel : DecoderModel
{
    [Add("blocks.{layer}.resid_post[pos=end]", "{alpha}")]
    public required Tensor Direction { get; init; }

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using Tensor direction = TowardsMary(model, report);
        IoiPrompts tom = IoiPrompts.About(model, "Tom", "Mary", 8, seed: 3);
        using var run = new Steering<TModel> { Direction = direction }.Run(model, tom, report.Options);
        report.Show("Tom - Mary, steered towards Mary", run.LogitDifference);
    }

    /// <summary>The last layer's mean where Mary is right, less that where Tom is: [d_model].</summary>
    public static Tensor TowardsMary(TModel model, Report report)
    {
        using var mary = new Lens<TModel>().Run(model, IoiPrompts.About(model, "Mary", "Tom", 8, seed: 2), report.Options);
        using var tom = new Lens<TModel>().Run(model, IoiPrompts.About(model, "Tom", "Mary", 8, seed: 4), report.Options);
        return (mary.Clean.Residual - tom.Clean.Residual).mean([1L])[^1];
    }
}
