using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Declarations;

/// <summary>The write of a mask, for calls and for classes that reflection reads.</summary>
internal static class MaskedWrites
{
    /// <summary>The write.</summary>
    /// <param name="said">What is said of it.</param>
    /// <param name="name">The name of the mask.</param>
    /// <param name="mask">The mask.</param>
    /// <param name="over">The prompts of a mean.</param>
    public static WriteNode Of(MixAttribute said, string name, Tensor mask, IPromptSet? over)
    {
        WriteNode? ablation = said.Ablation switch
        {
            Ablation.Mean => BuiltInWrites.Mean(said.Site, said.From, said.Pooled, null, over, said.AcrossTemplates),
            Ablation.Zero => BuiltInWrites.Zero(said.Site),
            Ablation.Resample => BuiltInWrites.Resample(said.Site, said.From, said.Seed),
            _ => null,
        };
        return ablation is null
            ? BuiltInWrites.Mix(name, said.Site, mask, said.From ?? "corrupted", said.Axes, said.In)
            : BuiltInWrites.Mix(name, said.Site, mask, ablation, said.Axes, said.In);
    }

    /// <summary>What is said and not read; null where all of it is.</summary>
    public static string? Problem(MixAttribute said, string name)
    {
        bool isMean = said.Ablation == Ablation.Mean, isResample = said.Ablation == Ablation.Resample;
        string? unread =
            said.From is not null && said.Ablation == Ablation.Zero ? nameof(said.From) :
            said.Over is not null && !isMean ? nameof(said.Over) :
            said.Pooled && !isMean ? nameof(said.Pooled) :
            said.AcrossTemplates && !isMean ? nameof(said.AcrossTemplates) :
            said.Seed != 0 && !isResample ? nameof(said.Seed) :
            null;
        string reader = said.Ablation == Ablation.OtherRun ? "another run's value" : $"Ablation.{said.Ablation}";
        return unread is null ? null : Sentences.Of(Sentences.UnreadOption, name, unread, reader);
    }
}
