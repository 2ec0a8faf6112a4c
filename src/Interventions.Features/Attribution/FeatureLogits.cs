using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// What features write into the logits directly: their decoder rows through the last norm, without its scale and bias, and the unembedding
/// (the logit lens of a feature). Divided by the scale of a residual stream, it is what one unit of activation adds there.
/// </summary>
public static class FeatureLogits
{
    /// <summary>The logits of decoder rows.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sae">The dictionary; its rows are as wide as the stream.</param>
    /// <param name="features">Which features. Default: all; mind that features · vocabulary may be large.</param>
    /// <returns><c>[feature, vocab]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">Rows have another width than the stream, or there is no such feature.</exception>
    public static Tensor Of(DecoderModel model, Sae sae, IReadOnlyList<int>? features = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(sae);
        if (features?.FirstOrDefault(feature => feature < 0 || feature >= sae.Features, -1) is >= 0 and int strange)
            throw new ArgumentException($"There is no feature {strange}: {sae}.", nameof(features));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor rows = sae.Directions();
        if (features is not null)
            rows = rows.Pick(0, tensor(features.Select(feature => (long)feature).ToArray(), device: rows.device));
        rows = rows.to_type(model.Weights["embed.weight"].dtype);
        Tensor? scale = model.Config.FinalNorm ? ones(rows.shape[0], 1, dtype: rows.dtype, device: rows.device) : null;
        return model.Unembed(model.FinalNorm(rows, scale, bias: false), bias: false).MoveToOuterDisposeScope();
    }

    /// <summary>The tokens that a feature promotes most, and those that it suppresses most.</summary>
    /// <param name="model">The model.</param>
    /// <param name="sae">The dictionary.</param>
    /// <param name="feature">The feature's number.</param>
    /// <param name="count">How many of each.</param>
    public static FeatureTokens Top(DecoderModel model, Sae sae, int feature, int count = 10)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = Of(model, sae, [feature]).reshape(-1);
        int most = (int)Math.Min(count, logits.shape[0]);
        return new FeatureTokens(feature, Sorted(largest: true), Sorted(largest: false));

        ImmutableArray<(string, double)> Sorted(bool largest)
        {
            (Tensor values, Tensor tokens) = logits.topk(most, 0, largest, sorted: true);
            return [.. tokens.cpu().data<long>().ToArray().Select(token => TokenTexts.Of(model, token))
                .Zip(values.to_type(ScalarType.Float64).cpu().data<double>().ToArray())];
        }
    }
}

/// <summary>The tokens that a feature's direction points to and away from.</summary>
/// <param name="Feature">The feature's number.</param>
/// <param name="Promoted">Tokens and logits, the largest first.</param>
/// <param name="Suppressed">Tokens and logits, the smallest first.</param>
public sealed record FeatureTokens(
    int Feature, ImmutableArray<(string Token, double Logit)> Promoted, ImmutableArray<(string Token, double Logit)> Suppressed)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        TextTable table = new(new("promoted"), new("logit", IsNumber: true), new("suppressed"), new("logit", IsNumber: true));
        foreach (((string Token, double Logit) up, (string Token, double Logit) down) in Promoted.Zip(Suppressed))
            table.Add(TextTable.Quote(up.Token), Number(up.Logit), TextTable.Quote(down.Token), Number(down.Logit));
        return $"feature {Feature}\n{table.Print()}";

        static string Number(double logit) => logit.ToString("+0.000;-0.000;0.000", CultureInfo.InvariantCulture);
    }
}
