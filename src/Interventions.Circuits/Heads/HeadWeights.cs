using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// What a model's weights say about its heads, without a prompt (Elhage et al. 2021). Weights are taken as they are; norms are not folded
/// into them unless the model was loaded so (<c>WeightProcessing</c>).
/// </summary>
public static class HeadWeights
{
    /// <summary>The names of the copying scores.</summary>
    public const string Copying = "copying", VocabularyCopying = "vocabulary copying";

    /// <summary>A part of the vocabulary: the embeddings of all tokens would be copied in float64.</summary>
    private const long Tokens = 8192;

    /// <summary>What a head writes of what it reads where it attends: <c>W_V W_O</c>, so that <c>x W_OV</c> is its output.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The query head.</param>
    /// <returns><c>[d_model, d_model]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such head.</exception>
    public static Tensor OutputValue(DecoderModel model, int layer, int head)
    {
        Check(model, layer, head);
        using DisposeScope scope = NewDisposeScope();
        return Values(model, layer).select(0, KeyHead(model, head)).matmul(Weight(model, layer, "W_O").select(0, head))
            .MoveToOuterDisposeScope();
    }

    /// <summary>
    /// How a head's score depends on both tokens: <c>x W_QK yᵀ</c> for a query at x and a key at y, with the model's factor (usually
    /// 1/√d_head), without biases and rotary positions.
    /// </summary>
    /// <inheritdoc cref="OutputValue"/>
    public static Tensor QueryKey(DecoderModel model, int layer, int head)
    {
        Check(model, layer, head);
        using DisposeScope scope = NewDisposeScope();
        Tensor keys = Weight(model, layer, "W_K").select(0, KeyHead(model, head));
        return Weight(model, layer, "W_Q").select(0, head).matmul(keys.t()).times(model.Config.ScoreScale).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// How much each head copies, by the eigenvalues λ of what it does: Re Σλ / Σ|λ|, from −1 (it writes the opposite of what it reads) to
    /// 1 (it writes the same); 0 where all are 0. <c>copying</c> is that of <c>W_OV</c>, <c>vocabulary copying</c> that of the whole way
    /// from tokens to logits, <c>W_E W_OV W_U</c>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="cancellationToken">Looked at between layers.</param>
    public static HeadScores CopyingScores(DecoderModel model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        using DisposeScope scope = NewDisposeScope();
        Tensor vocabulary = TokensToTokens(model, cancellationToken);
        List<Tensor> own = [], whole = [];
        for (int layer = 0; layer < model.Config.Layers; layer++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor values = OfQueryHeads(model, Values(model, layer)), outputs = Weight(model, layer, "W_O").to(ScalarType.Float64);
            // A product has the eigenvalues of the product in the other order, beside zeros: these are [d_head, d_head].
            own.Add(EigenvalueCopying(outputs.matmul(values)));
            whole.Add(EigenvalueCopying(outputs.matmul(vocabulary).matmul(values)));
        }
        return new HeadScores([Copying, VocabularyCopying], stack([stack(own), stack(whole)]).unsqueeze(-1), Ranking.MostPositive);
    }

    /// <summary>
    /// How much each head reads what an earlier one writes: ‖W_OV X‖ / (‖W_OV‖ ‖X‖) in Frobenius norms, where X is what the later head does
    /// with its queries' (<c>W_QK</c>), keys' (its transpose) or values' (<c>W_OV</c>) side. From 0 to 1.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="cancellationToken">Looked at between layers.</param>
    public static CompositionScores Composition(DecoderModel model, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        (int layers, int heads) = (model.Config.Layers, model.Config.Heads);
        using DisposeScope scope = NewDisposeScope();
        LayerFactors[] factors = [.. Enumerable.Range(0, layers).Select(layer => LayerFactors.Of(model, layer))];
        Tensor scores = zeros([3, layers, heads, layers, heads], ScalarType.Float64);
        for (int earlier = 0; earlier < layers; earlier++)
        {
            for (int later = earlier + 1; later < layers; later++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using DisposeScope pair = NewDisposeScope();
                foreach ((int input, Tensor found) in factors[earlier].Into(factors[later]).Index())
                    scores.select(0, input).select(0, earlier).select(1, later).copy_(found);
            }
        }
        return new CompositionScores(layers, heads, [.. scores.data<double>()]);
    }

    /// <summary>What a head writes where it attends to nothing but one token: <c>(x W_V + b_V) W_O</c>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="head">The query head.</param>
    /// <param name="normalized">What the head's values are made of, behind the norm: <c>[…, d_model]</c>.</param>
    /// <param name="bias">Whether the values' bias counts, where there is one.</param>
    internal static Tensor Written(DecoderModel model, int layer, int head, Tensor normalized, bool bias = true)
    {
        int of = KeyHead(model, head);
        Tensor values = normalized.matmul(Values(model, layer).select(0, of));
        if (bias && model.Weights.TryGetValue($"blocks.{layer}.attn.b_V", out Tensor? ofValues))
            values = values.plus(ofValues.select(0, of));
        return values.matmul(Weight(model, layer, "W_O").select(0, head));
    }

    /// <summary>Re Σλ / Σ|λ| over the eigenvalues of the last two axes.</summary>
    internal static Tensor EigenvalueCopying(Tensor matrices)
    {
        Tensor eigenvalues = linalg.eigvals(matrices), sizes = eigenvalues.abs().sum([-1L]);
        return eigenvalues.real.sum([-1L]).div(sizes.where(sizes.ne(zeros_like(sizes)), ones_like(sizes)));
    }

    /// <summary>A layer's keys' or values' weights, for each query head: <c>[head, …]</c> in float64.</summary>
    internal static Tensor OfQueryHeads(DecoderModel model, Tensor weights) =>
        weights.to(ScalarType.Float64).repeat_interleave(model.Config.Heads / model.Config.KvHeads, 0);

    internal static Tensor Weight(DecoderModel model, int layer, string name) => model.Weights[$"blocks.{layer}.attn.{name}"];

    /// <summary>Refuses a head that is not there.</summary>
    internal static void Check(DecoderModel model, int layer, int head)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, model.Config.Layers);
        ArgumentOutOfRangeException.ThrowIfNegative(head);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(head, model.Config.Heads);
    }

    private static Tensor Values(DecoderModel model, int layer) => Weight(model, layer, "W_V");

    private static int KeyHead(DecoderModel model, int head) => head / (model.Config.Heads / model.Config.KvHeads);

    /// <summary><c>W_U W_E</c>, <c>[d_model, d_model]</c>, in float64.</summary>
    private static Tensor TokensToTokens(DecoderModel model, CancellationToken cancellationToken)
    {
        (Tensor unembedding, Tensor embedding) = (model.Weights["W_U"], model.Weights["W_E"]);
        Tensor sum = zeros([model.Config.DModel, model.Config.DModel], ScalarType.Float64, embedding.device);
        for (long token = 0; token < embedding.shape[0]; token += Tokens)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using DisposeScope part = NewDisposeScope();
            long count = Math.Min(Tokens, embedding.shape[0] - token);
            sum.plus_(unembedding.narrow(1, token, count).to(ScalarType.Float64)
                .matmul(embedding.narrow(0, token, count).to(ScalarType.Float64)));
        }
        return sum;
    }

    /// <summary>
    /// A layer's heads as products of tall and narrow matrices, whose norms are those of small triangular ones: with <c>W_V = Q R</c>,
    /// ‖W_V M‖ is ‖R M‖.
    /// </summary>
    private sealed record LayerFactors(Tensor Query, Tensor Key, Tensor Value, Tensor Output)
    {
        private Tensor TriangleOfQuery { get; } = Triangle(Query);

        private Tensor TriangleOfKey { get; } = Triangle(Key);

        private Tensor TriangleOfValue { get; } = Triangle(Value);

        private Tensor TriangleOfOutput { get; } = Triangle(Output.transpose(-1, -2));

        public static LayerFactors Of(DecoderModel model, int layer) => new(
            Weight(model, layer, "W_Q").to(ScalarType.Float64), OfQueryHeads(model, Weight(model, layer, "W_K")),
            OfQueryHeads(model, Values(model, layer)), Weight(model, layer, "W_O").to(ScalarType.Float64));

        /// <summary>
        /// The composition with a later layer's heads by queries, keys and values: each <c>[earlier head, later head]</c>.
        /// </summary>
        public IEnumerable<Tensor> Into(LayerFactors later)
        {
            yield return Ratio(later.Query, later.TriangleOfQuery, later.TriangleOfKey);
            yield return Ratio(later.Key, later.TriangleOfKey, later.TriangleOfQuery);
            yield return Ratio(later.Value, later.TriangleOfValue, later.TriangleOfOutput);

            // The later head's side is first · secondᵀ, both [head, d_model, d_head], the second one by its triangle.
            Tensor Ratio(Tensor first, Tensor triangleOfFirst, Tensor triangleOfSecond)
            {
                Tensor between = Output.unsqueeze(1).matmul(first.unsqueeze(0));
                Tensor product = TriangleOfValue.unsqueeze(1).matmul(between).matmul(triangleOfSecond.transpose(-1, -2).unsqueeze(0));
                Tensor own = Size(TriangleOfValue.matmul(TriangleOfOutput.transpose(-1, -2))).unsqueeze(1);
                Tensor others = Size(triangleOfFirst.matmul(triangleOfSecond.transpose(-1, -2))).unsqueeze(0);
                Tensor sizes = own.mul(others);
                return Size(product).div(sizes.where(sizes.ne(zeros_like(sizes)), ones_like(sizes)));
            }
        }

        private static Tensor Size(Tensor matrices) => matrices.squared().sum([-1L, -2L]).sqrt();

        private static Tensor Triangle(Tensor matrices) => linalg.qr(matrices).R;
    }
}
