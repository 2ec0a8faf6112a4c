using System.Collections.Immutable;
using System.Globalization;
using Interventions.Files;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// A linear probe: a direction and a threshold that tell two classes of values apart. It shows that something can be read there, not that
/// the model reads it: see <see cref="CausalCheck"/>. It owns its weight.
/// </summary>
public sealed class Probe : IDisposable
{
    private const string WeightName = "weight", BiasName = "bias", MethodKey = "interventions.probe";

    private Probe(string method, Tensor weight, double bias, ImmutableArray<int> columns) =>
        (Method, Weight, Bias, Columns) = (method, weight.DetachFromDisposeScope(), bias, columns);

    /// <summary>How it was found.</summary>
    public string Method { get; }

    /// <summary>The direction, of values as they are: <c>[d]</c>, float64, on the CPU. A difference in means has length 1.</summary>
    public Tensor Weight { get; }

    /// <summary>What is added: the threshold is where weight · x + bias is 0.</summary>
    public double Bias { get; }

    /// <summary>The columns that it reads, the highest ranked first, where they were chosen; others have weight 0. Else none.</summary>
    public ImmutableArray<int> Columns { get; }

    /// <summary>Fits a probe to values.</summary>
    /// <param name="rows">Values <c>[row, d]</c> with their classes; rows of both.</param>
    /// <param name="method">How. Default: logistic regression, balanced, of scaled columns.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    /// <exception cref="InterventionException">No minimum was found.</exception>
    public static Probe Fit(LabelledRows rows, ProbeMethod? method = null)
    {
        ArgumentNullException.ThrowIfNull(rows);
        method ??= new ProbeMethod.Logistic();
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        (Tensor weight, double bias) = Solve(rows, rows.Doubles(), method);
        return new Probe($"{method}", weight, bias, []);
    }

    /// <summary>Fits a probe to values.</summary>
    /// <param name="x">Values, <c>[row, d]</c>.</param>
    /// <param name="labels">Whether each row is of the positive class.</param>
    /// <param name="method">How. Default: logistic regression, balanced, of scaled columns.</param>
    /// <exception cref="ArgumentException">The shapes do not fit, a value is not finite, or a class has no row.</exception>
    /// <exception cref="InterventionException">No minimum was found.</exception>
    public static Probe Fit(Tensor x, IReadOnlyList<bool> labels, ProbeMethod? method = null) => Fit(new LabelledRows(x, labels), method);

    /// <summary>
    /// Fits a probe at each of many sites, of one run that captures them all, on some of the prompts, and measures it on the others.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="prompts">The prompts, of which the first run counts.</param>
    /// <param name="site">
    /// The path of the values; placeholders go through sites, <c>blocks.{layer}.resid_post[pos=end]</c>,
    /// <c>blocks.{layer=0..3}.attn.z[head={head}; pos=end]</c>. Where it selects several positions, each is a row.
    /// </param>
    /// <param name="labels">Whether each prompt is of the positive class; or each row, prompt by prompt.</param>
    /// <param name="options">The method, the split, controls, and how to run.</param>
    /// <param name="cancellationToken">Looked at between nodes of the forward pass, and between probes.</param>
    /// <exception cref="InterventionException">The path is none of the model's, or selects attention.</exception>
    /// <exception cref="ArgumentException">There are more or fewer labels, or a class is missing on one side of the split.</exception>
    public static ProbeSweep Fit(
        HookedModel model, IPromptSet prompts, string site, IReadOnlyList<bool> labels, ProbeOptions? options = null,
        CancellationToken cancellationToken = default) =>
        ProbeSweep.Of(model, prompts, site, labels, options ?? new ProbeOptions(), cancellationToken);

    /// <summary>A probe of some columns alone.</summary>
    internal static Probe OfColumns(LabelledRows rows, IReadOnlyList<int> columns, ProbeMethod method)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor places = tensor(columns.Select(column => (long)column).ToArray());
        (Tensor weight, double bias) = Solve(rows, rows.Doubles().index_select(1, places), method);
        Tensor all = zeros([rows.X.shape[1]], ScalarType.Float64).index_copy(0, places, weight);
        return new Probe($"{method} of {columns.Count} columns", all, bias, [.. columns]);
    }

    /// <summary>How far each value lies on the positive side: weight · x + bias, of positive values more.</summary>
    /// <param name="x"><c>[…, d]</c>.</param>
    /// <returns><c>[…]</c>, float64, on the CPU; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The values have another width.</exception>
    public Tensor Scores(Tensor x)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0 || x.shape[^1] != Weight.shape[0])
            throw new ArgumentException(
                $"This probe reads values of width {Weight.shape[0]}, and these are {Shapes.Describe(x)}.", nameof(x));
        using DisposeScope scope = NewDisposeScope();
        return x.detach().to(ScalarType.Float64).cpu().matmul(Weight).plus(Bias).MoveToOuterDisposeScope();
    }

    /// <summary>How well it tells classes apart, best on rows that it was not fitted to.</summary>
    public ProbeMetrics Evaluate(LabelledRows rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        using Tensor scores = Scores(rows.X);
        return ProbeMetrics.Of(scores.Doubles(), rows.Labels);
    }

    /// <summary>Writes the weight and the bias as safetensors.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path)
    {
        using Tensor bias = tensor(new[] { Bias });
        SafeTensors.Save(
            path, new Dictionary<string, Tensor> { [WeightName] = Weight, [BiasName] = bias },
            new Dictionary<string, string>
            {
                ["format"] = "pt",
                [MethodKey] = Method,
                ["columns"] = string.Join(' ', Columns),
            });
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="CheckpointException">The file is missing, malformed, or no probe.</exception>
    public static Probe Load(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        if (!file.Metadata.TryGetValue(MethodKey, out string? method))
            throw new CheckpointException(path, "is no probe: its metadata do not name a method.");
        using DisposeScope scope = NewDisposeScope();
        (Tensor weight, Tensor bias) = (file.Read(WeightName), file.Read(BiasName));
        int[] columns = [.. file.Metadata.GetValueOrDefault("columns", "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(column => int.TryParse(column, CultureInfo.InvariantCulture, out int number) ? number : -1)];
        return weight.dim() == 1 && weight.dtype == ScalarType.Float64 && bias.shape is [1] && bias.dtype == ScalarType.Float64
            && columns.All(column => column >= 0 && column < weight.shape[0])
            ? new Probe(method, weight.clone(), bias.item<double>(), [.. columns])
            : throw new CheckpointException(path, "is no probe: it has not one weight [d] and one bias, in float64, and columns of these.");
    }

    /// <summary>Frees the weight.</summary>
    public void Dispose() => Weight.Dispose();

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"probe of width {Weight.shape[0]} by {Method}, bias {Bias:g4}");

    private static (Tensor Weight, double Bias) Solve(LabelledRows rows, Tensor x, ProbeMethod method)
    {
        double[] signs = rows.Signs();
        switch (method)
        {
            case ProbeMethod.Logistic logistic:
                Tensor y = tensor(signs);
                (int positive, int negative) = rows.Counts();
                Tensor weights = tensor(signs.Select(sign =>
                    logistic.Balanced ? logistic.C * signs.Length / (2.0 * (sign > 0 ? positive : negative)) : logistic.C).ToArray());
                if (!logistic.Scaled)
                    return NewtonLogistic.Solve(x, y, weights);
                Tensor scale = x.std([0L], unbiased: false).at_least(1e-3).times(10.0);
                (Tensor scaled, double bias) = NewtonLogistic.Solve(x.div(scale), y, weights);
                return (scaled.div(scale), bias);
            case ProbeMethod.LinearSvm machine:
                return HingeMachine.Solve(x, tensor(signs), machine.C);
            case ProbeMethod.SparseLogistic sparse:
                Tensor mean = x.mean([0L]);
                double[][] columns = [.. x.sub(mean).t().Doubles().Chunk(signs.Length)];
                (double[] found, double centred) = CoordinateDescent.Solve(columns, signs, sparse.C, sparse.L1Share);
                Tensor weight = tensor(found);
                return (weight, centred - weight.dot(mean).item<double>());
            default:
                return OfMeans(rows, x, method);
        }
    }

    /// <summary>Probes in closed form, of the means of the classes and the covariance within them.</summary>
    private static (Tensor Weight, double Bias) OfMeans(LabelledRows rows, Tensor x, ProbeMethod method)
    {
        Tensor positive = rows.OfClass(x, true), negative = rows.OfClass(x, false);
        Tensor difference = positive.mean([0L]).sub(negative.mean([0L]));
        Tensor midpoint = positive.mean([0L]).plus(negative.mean([0L])).times(0.5);
        Tensor weight = method is ProbeMethod.DifferenceInMeans
            ? difference.div(difference.norm().at_least(1e-300))
            : linalg.pinv(Within(), rtol: 1e-10, hermitian: true).mv(difference);
        double prior = method is ProbeMethod.LinearDiscriminant ? Math.Log((double)positive.shape[0] / negative.shape[0]) : 0;
        return (weight, prior - weight.dot(midpoint).item<double>());

        Tensor Within()
        {
            Tensor within = cat([positive.sub(positive.mean([0L])), negative.sub(negative.mean([0L]))], 0);
            return within.t().matmul(within).over(x.shape[0]);
        }
    }
}
