using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>The loss of a batch.</summary>
/// <param name="Features"><c>[row, feature]</c>.</param>
/// <param name="Error">x − x̂, <c>[row, d_out]</c>.</param>
/// <param name="Terms">Numbers whose sum is the loss, with their coefficients.</param>
internal sealed record SaeLosses(Tensor Features, Tensor Error, List<(string Name, Tensor Value)> Terms)
{
    public const string Mse = "mse", InnerMse = "inner_mse_", L1 = "l1", L0 = "l0", Ghost = "ghost",
        Auxiliary = "auxiliary_reconstruction", PreActivation = "pre_act";

    /// <summary>
    /// The smallest feature above 0 that a batch's choice kept, infinite where none is; null where features are not chosen so.
    /// </summary>
    public Tensor? SmallestKept { get; init; }

    /// <summary>The loss.</summary>
    public Tensor Total => Terms.Select(term => term.Value).Aggregate((sum, next) => sum.plus(next));

    /// <summary>The loss of a batch.</summary>
    /// <param name="weights">
    /// The trained weights; the threshold may be its logarithm, see <see cref="SaeObjective.JumpRelu.TrainsLogThreshold"/>.
    /// </param>
    /// <param name="options">Its terms, and what there is of norms and biases.</param>
    /// <param name="rows">The batch.</param>
    public static SaeLosses Of(SaeWeights weights, SaeTrainingOptions options, TrainingRows rows)
    {
        // Features in units of their rows' norms are those of a dictionary whose norms are folded.
        LossPass pass = new(options.Objective.Rescales ? Folded(weights) : weights, options, rows);
        return options.Objective switch
        {
            SaeObjective.Standard standard => Standard(standard, pass),
            SaeObjective.Gated gated => Gated(gated, pass),
            SaeObjective.TopK top => TopK(top, pass),
            SaeObjective.BatchTopK top => BatchTopK(top, pass),
            SaeObjective.JumpRelu jump => JumpRelu(jump, pass),
            _ => throw new ArgumentOutOfRangeException(nameof(options), options.Objective, "There is no such objective."),
        };
    }

    /// <summary>θ of the trained parameter.</summary>
    public static Tensor ThresholdOf(SaeObjective.JumpRelu jump, Tensor trained) =>
        jump.TrainsLogThreshold ? trained.exp() : trained.relu();

    private static SaeLosses Standard(SaeObjective.Standard standard, LossPass pass)
    {
        Tensor z = pass.PreActivations(pass.Weights.EncoderBias!), f = z.relu();
        SaeLosses losses = pass.Reconstructed(f);
        losses.Add(L1, pass.SumOf(f), pass.Rows.Sparsity * standard.L1 / pass.Count);
        if (standard.Ghosts is { } ghosts && pass.Rows.Dead is { } dead)
            losses.Add(Ghost, DeadFeatures.Ghosts(ghosts, pass, z, dead, losses.Error.detach()));
        return losses;
    }

    private static SaeLosses Gated(SaeObjective.Gated gated, LossPass pass)
    {
        SaeWeights w = pass.Weights;
        Tensor product = pass.Product(), gate = product.plus(w.GateBias!), open = gate.relu();
        Tensor magnitude = product.mul(w.LogMagnitude!.exp()).plus(w.MagnitudeBias!).relu();
        SaeLosses losses = pass.Reconstructed(magnitude.mul(open.detach().sign()));
        Tensor penalty = gated.LikeSaeLens ? open.sum([0L]).dot(w.Decoder.norm(-1)) : open.sum();
        losses.Add(L1, penalty, pass.Rows.Sparsity * gated.L1 / pass.Count);
        Tensor by_gate = gated.LikeSaeLens ? pass.Decode(open) : pass.Decode(open, w.Decoder.detach(), w.DecoderBias.detach());
        losses.Add(Auxiliary, pass.SquaredError(pass.Rows.Target.sub(by_gate)));
        return losses;
    }

    private static SaeLosses TopK(SaeObjective.TopK top, LossPass pass)
    {
        Tensor z = pass.PreActivations(pass.Weights.EncoderBias!);
        (Tensor values, Tensor kept) = z.topk(top.K, -1, largest: true, sorted: false);
        SaeLosses losses = pass.Reconstructed(zeros_like(z).scatter(-1, kept, values.relu()));
        if (top.Auxiliary is { } auxiliary && pass.Rows.Dead is { } dead)
            losses.Add(Auxiliary, DeadFeatures.Auxiliary(auxiliary, pass, z, dead, losses.Error.detach()));
        return losses;
    }

    private static SaeLosses BatchTopK(SaeObjective.BatchTopK top, LossPass pass)
    {
        Tensor z = pass.PreActivations(pass.Weights.EncoderBias!), flat = z.relu().flatten();
        (Tensor values, Tensor kept) = flat.topk(Math.Max(1, (int)(top.K * pass.Count)), -1, largest: true, sorted: false);
        Tensor f = zeros_like(flat).scatter(-1, kept, values).view(z.shape);
        SaeLosses losses = pass.Reconstructed(f, top.InnerWidths) with
        {
            SmallestKept = values.detach().filled(values.sign().logical_not(), double.PositiveInfinity).min(),
        };
        if (top.Auxiliary is { } auxiliary && pass.Rows.Dead is { } dead)
            losses.Add(Auxiliary, DeadFeatures.Auxiliary(auxiliary, pass, z, dead, losses.Error.detach()));
        return losses;
    }

    private static SaeLosses JumpRelu(SaeObjective.JumpRelu jump, LossPass pass)
    {
        Tensor z = pass.PreActivations(pass.Weights.EncoderBias!);
        Jump at = Jump.Of(z, ThresholdOf(jump, pass.Weights.Threshold!), jump);
        Tensor f = at.Features;
        SaeLosses losses = pass.Reconstructed(f);
        double coefficient = pass.Rows.Sparsity * jump.Penalty.Coefficient / pass.Count;
        switch (jump.Penalty)
        {
            case JumpPenalty.Step:
                losses.Add(L0, at.Counts.sum(), coefficient);
                break;
            case JumpPenalty.Quadratic quadratic:
                losses.Add(L0, at.Counts.plus(-quadratic.Target).squared().sum(), coefficient * 2 / quadratic.Target);
                break;
            case JumpPenalty.Tanh tanh:
                losses.Add(L0, f.mul(pass.Norms.times(tanh.Scale)).tanh().sum(), coefficient);
                break;
        }
        if (jump.DeadPenalty > 0 && pass.Rows.Dead is { } dead)
        {
            Tensor lacking = at.Threshold.index_select(0, dead).sub(z.index_select(1, dead)).relu();
            losses.Add(PreActivation, lacking.sum([0L]).dot(pass.Norms.index_select(0, dead)), jump.DeadPenalty / pass.Count);
        }
        return losses;
    }

    private void Add(string name, Tensor value, double factor = 1) => Terms.Add((name, factor == 1 ? value : value.times(factor)));

    /// <summary>Decoder rows of norm 1, and their norms in the encoder.</summary>
    private static SaeWeights Folded(SaeWeights weights)
    {
        Tensor norms = weights.Decoder.norm(-1);
        return weights with
        {
            Encoder = weights.Encoder!.mul(norms),
            EncoderBias = weights.EncoderBias!.mul(norms),
            Decoder = weights.Decoder.div(norms.unsqueeze(-1)),
        };
    }
}

/// <summary>
/// A jump at a threshold, whose gradients are those of a rectangle. What has such a gradient and no value is written as a difference of a
/// number and itself, of which one is a constant: so each is 0, and its product is what the gradient goes through.
/// </summary>
/// <param name="Threshold">θ, <c>[feature]</c>.</param>
/// <param name="Features">z where it is above θ, <c>[row, feature]</c>.</param>
/// <param name="Counts">How many are, <c>[row]</c>.</param>
internal sealed record Jump(Tensor Threshold, Tensor Features, Tensor Counts)
{
    /// <summary>A jump.</summary>
    /// <param name="z">Pre-activations, <c>[row, feature]</c>.</param>
    /// <param name="threshold">θ, <c>[feature]</c>.</param>
    /// <param name="jump">The width of the rectangle, and what its gradient goes to.</param>
    public static Jump Of(Tensor z, Tensor threshold, SaeObjective.JumpRelu jump)
    {
        (Tensor values, Tensor at) = (z.detach(), threshold.detach());
        Tensor is_above = values.gt(at).to_type(z.dtype);
        Tensor is_near = values.sub(at).abs_().no_less_than(jump.Bandwidth / 2).logical_not().to_type(z.dtype);
        Tensor falls = at.sub(threshold).over(jump.Bandwidth);                      // [feature], 0: −1/ε by θ
        Tensor f = z.mul(is_above).plus_product(is_near, falls.mul(at)), counts = is_above.sum([-1L]);
        if (jump.Penalty is not JumpPenalty.Tanh)
            counts = counts.plus(is_near.matmul(falls));
        if (!jump.PassesGradientToInput)
            return new Jump(threshold, f, counts);
        Tensor rises = z.sub(values).mul(is_near).over(jump.Bandwidth);             // [row, feature], 0: 1/ε by z
        return new Jump(threshold, f.plus_product(rises, at), counts.plus(rises.sum([-1L])));
    }
}
