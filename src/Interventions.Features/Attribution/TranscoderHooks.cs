using System.Text.RegularExpressions;
using Interventions.Features.Files;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Between which values of a block transcoders stand, as their files say it.</summary>
/// <param name="Site">The site that is read.</param>
/// <param name="IsBeforeGain">
/// Whether the files mean the norm's value before its gain and bias: then these are taken out of the encoder, since the site is behind
/// them.
/// </param>
/// <param name="Output">The hook that is written, if it is said.</param>
/// <param name="Path">The files, for messages.</param>
internal sealed partial record TranscoderHooks(string Site, bool IsBeforeGain, string? Output, string Path)
{
    private const string BeforeGain = "ln2.hook_normalized";

    /// <summary>What the options or the files say.</summary>
    /// <exception cref="CheckpointException">Nobody says what is read, or it is nothing that a feed-forward block reads.</exception>
    public static TranscoderHooks Of(string path, Sae[] read, TranscoderConfig? config, TranscoderSetOptions options)
    {
        string[] hooks = [.. read.Select(sae => sae.Config.Site).OfType<string>().Select(site => Layer().Replace(site, "")).Distinct()];
        bool isGemmaScope = read.All(sae => sae.Config is { Activation: Activation.JumpRelu, Site: null, Model: null });
        string hook = options.Reads ?? config?.Reads ?? (hooks is [string one] ? one : isGemmaScope ? BeforeGain : null)
            ?? throw new CheckpointException(
                path, $"does not say {(hooks.Length > 1 ? "one thing about " : "")}what its transcoders read: say "
                + $"{nameof(TranscoderSetOptions)}.{nameof(TranscoderSetOptions.Reads)}.");
        return hook switch
        {
            "mlp_in" or "resid_mid" or "hook_mlp_in" or "hook_resid_mid" => new(TranscoderSet.MlpIn, false, config?.Writes, path),
            "ln2.normalized" or "mlp.hook_in" => new(TranscoderSet.Normalized, false, config?.Writes, path),
            BeforeGain => new(TranscoderSet.Normalized, true, config?.Writes, path),
            _ => throw new CheckpointException(
                path, $"has transcoders that read '{hook}': known are hook_resid_mid (mlp_in), mlp.hook_in (ln2.normalized) and "
                + $"{BeforeGain}."),
        };
    }

    /// <summary>Refuses outputs that are not what the feed-forward block adds to the stream.</summary>
    public void CheckOutput(DecoderModel model)
    {
        bool isAddedAsProjected = model.Config is { NormsAfter: false, ResidualScale: 1 };
        if (!(Output is null or "mlp_out" or "hook_mlp_out" || (Output == "mlp.hook_out" && isAddedAsProjected)))
            throw new CheckpointException(
                Path, $"has transcoders that write '{Output}', which is not what {model.Schema.Model}'s blocks add to the stream "
                + "(hook_mlp_out).");
    }

    /// <summary>A transcoder for the site, marked as one. It takes over the weights of the one that is given.</summary>
    public Sae Fitted(Sae sae, DecoderModel model, int layer)
    {
        Sae marked = sae.Config.IsTranscoder || sae.Config.SubtractsDecoderBias || sae.Config.InputNorm != InputNorm.None
            ? sae : new Sae(sae.Config with { IsTranscoder = true }, sae.Weights);
        string norm = $"blocks.{layer}.ln2";
        if (!IsBeforeGain || !model.Weights.ContainsKey($"{norm}.gain"))
            return marked;
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor stored = model.Weights[$"{norm}.gain"], gain = model.Config.GainsAboveOne ? stored.plus(1.0) : stored;
        Tensor? bias = model.Weights.TryGetValue($"{norm}.bias", out Tensor? found) ? found : null;
        if (gain.eq(zeros_like(gain)).any().cpu().item<bool>() || marked.Config.InputNorm != InputNorm.None
            || marked.Weights.Encoder is null)
            throw new CheckpointException(
                Path, $"has a transcoder of layer {layer} that reads before the gain of '{norm}', which cannot be taken out of its "
                + "encoder: a gain is 0, or it normalises its input.");
        using (marked)
            return Behind(marked, gain, bias);
    }

    /// <summary>
    /// With n = g·h + b, what h W_enc is of n: n (W_enc / g) − (b / g) W_enc; the same for a skip connection.
    /// </summary>
    private static Sae Behind(Sae sae, Tensor gain, Tensor? bias)
    {
        SaeWeights weights = sae.Weights;
        Tensor? shift = bias is null ? null : bias.div(gain).matmul(weights.Encoder!);
        Tensor? skipped = bias is null || weights.Skip is null ? null : bias.div(gain).matmul(weights.Skip.t());
        bool isGated = sae.Config.Activation is Activation.Gated;
        SaeWeights changed = weights.Select((name, weight) => name switch
        {
            "W_enc" => weight.div(gain.unsqueeze(-1)),
            "W_skip" => weight.div(gain),
            "b_enc" or "b_gate" when shift is not null => weight.sub(shift),
            "b_mag" when shift is not null => weight.sub(shift.mul(weights.LogMagnitude!.exp())),
            "b_dec" when skipped is not null => weight.sub(skipped),
            _ => weight.clone(),
        });
        if (shift is not null && !isGated && changed.EncoderBias is null)
            changed = changed with { EncoderBias = shift.neg() };
        return new Sae(sae.Config, changed);
    }

    [GeneratedRegex(@"^blocks\.\d+\.")]
    private static partial Regex Layer();
}
