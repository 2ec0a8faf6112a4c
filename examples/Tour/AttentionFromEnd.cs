using Interventions.Models.Decoder;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>Where every head looks from the end of the sentence.</summary>
[Intervention(Prompts = typeof(IoiPrompts))]
public sealed partial class AttentionFromEnd<TModel>
    where TModel : DecoderModel
{
    [Capture("blocks.*.attn.pattern[query=end; key=IO,S1,S2]")]
    static Tensor Pattern(Tensor pattern) => pattern.squeeze(2); // [layer, batch, head, key]

    public static void Study(TModel model, IoiPrompts prompts, Report report)
    {
        using var run = new AttentionFromEnd<TModel>().Run(model, prompts, report.Options);
        using Tensor mean = run.Clean.Pattern.mean([1L]);
        foreach ((int i, string name) in ((string[])["IO", "S1", "S2"]).Index())
            report.Heads($"from the end to {name}", mean.select(2, i));
    }
}
