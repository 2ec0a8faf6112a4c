using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// Proposes tokens that might stand in a token's place: of a masked language model, of a list of synonyms, or by
/// <see cref="Substitutes.OfEmbeddings"/>.
/// </summary>
/// <param name="tokens">A text's token ids.</param>
/// <param name="position">The place of the token that is substituted.</param>
/// <returns>Token ids, the best first; as many as are asked for are taken, those that fit in case.</returns>
public delegate IEnumerable<long> TokenSubstitutes(IReadOnlyList<long> tokens, int position);

/// <summary>Sources of substitutes.</summary>
public static class Substitutes
{
    /// <summary>
    /// The tokens whose embeddings are the nearest, by the cosine after the mean embedding is subtracted. It needs no other model.
    /// </summary>
    /// <param name="model">The model; its embedding must not change while the source is in use.</param>
    /// <param name="nearest">How many are proposed. Default: 100.</param>
    public static TokenSubstitutes OfEmbeddings(DecoderModel model, int nearest = 100)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(nearest);
        Dictionary<long, long[]> known = [];
        double[]? inverseNorms = null, mean = null;
        return (tokens, position) =>
        {
            ArgumentNullException.ThrowIfNull(tokens);
            lock (known)
            {
                long token = tokens[position];
                if (!known.TryGetValue(token, out long[]? found))
                    known[token] = found = Nearest(token);
                return found;
            }
        };

        long[] Nearest(long token)
        {
            using DisposeScope scope = NewDisposeScope();
            using IDisposable mode = no_grad();
            Tensor embedding = model.Weights["embed.weight"];
            // A centred copy would take as much memory again: of it, only the mean and the norms are kept.
            if (mean is null || inverseNorms is null)
            {
                Tensor average = embedding.mean([0L]);
                Tensor squares = embedding.squared().sum([-1L]).sub(embedding.mv(average).times(2.0)).plus(average.dot(average));
                mean = Numbers(average);
                inverseNorms = [.. Numbers(squares).Select(square => 1 / Math.Sqrt(Math.Max(square, 1e-24)))];
            }
            Tensor centre = tensor(mean, device: embedding.device).to_type(embedding.dtype);
            Tensor query = embedding.select(0, token).sub(centre);
            double[] products = Numbers(embedding.mv(query).sub(centre.dot(query)));
            double[] norms = inverseNorms;
            return [.. Enumerable.Range(0, products.Length).Where(other => other != token)
                .OrderByDescending(other => products[other] * norms[other]).Take(nearest).Select(other => (long)other)];
        }

        static double[] Numbers(Tensor values) => values.to_type(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }
}
