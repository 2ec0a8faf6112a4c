using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Decoder;

/// <summary>How the last norm's output becomes logits.</summary>
/// <param name="Weight"><c>[vocab, d_model]</c>.</param>
/// <param name="Bias"><c>[vocab]</c>.</param>
/// <param name="Divisor">The divisor of the logits.</param>
/// <param name="Cap">If not <see langword="null"/>, logits x become cap · tanh(x / cap).</param>
internal sealed record Unembedding(Tensor Weight, Tensor? Bias, double Divisor, double? Cap)
{
    public static Unembedding Of(DecoderConfig config, IReadOnlyDictionary<string, Tensor> weights) => new(
        weights[config.TiedUnembedding ? "embed.weight" : "unembed.weight"], weights.GetValueOrDefault("unembed.bias"),
        config.LogitDivisor, config.LogitCap);

    /// <summary>The logits: <c>[…, d_model]</c> to <c>[…, vocab]</c>.</summary>
    public Tensor Logits(Tensor normalized) => Finished(linear(normalized, Weight, Bias));

    /// <summary>Those of some tokens, by their ids <c>[entry]</c>: <c>[…, entry]</c>.</summary>
    public Tensor Logits(Tensor normalized, Tensor entries) =>
        Finished(linear(normalized, Weight.Pick(0, entries), Bias?.Pick(0, entries)));

    private Tensor Finished(Tensor logits)
    {
        Tensor divided = Divisor == 1 ? logits : logits.over(Divisor);
        return Cap is { } cap ? divided.over(cap).tanh().times(cap) : divided;
    }
}
