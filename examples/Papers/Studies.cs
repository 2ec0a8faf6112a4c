using System.Globalization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Interventions.Examples.Papers;

/// <summary>One line of the table.</summary>
/// <param name="Paper">The intervention.</param>
/// <param name="What">What is measured.</param>
/// <param name="Before">Without it.</param>
/// <param name="After">With it; of a sweep, at the point that changes most.</param>
/// <param name="Where">That point, or another remark.</param>
public sealed record StudyResult(string Paper, string What, double Before, double After, string Where = "")
{
    /// <summary>What stands above the lines.</summary>
    public const string Header = "intervention          measured              before   after   where";

    /// <summary>The line, for a terminal of 80 columns.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Paper,-21} {What,-20} {Before,7:0.00} {After,7:0.00}   {Where}");
}

/// <summary>Runs the interventions of the papers on the repository's model.</summary>
public static class Studies
{
    private const string LogitDifference = "logit IO - S";

    /// <summary>All of them, one after the other.</summary>
    public static IEnumerable<StudyResult> Run(NamesModel model, int count, int steps)
    {
        IoiPrompts prompts = IoiPrompts.OthersIn(model, count, seed: 1);
        using (var run = new AcrossLayers().Run(model, prompts))
            yield return Swept(nameof(AcrossLayers), run.Clean.LogitDifference, run.LogitDifference.Top(1));
        double[] exact;
        using (var run = new ActivationPatching().Run(model, prompts))
        {
            exact = [.. run.LogitDifference.Points().Select(point => point.Change)];
            yield return Swept(nameof(ActivationPatching), run.Clean.LogitDifference, run.LogitDifference.Top(1));
        }
        using (var run = new AttentionPatternPatch().Run(model, prompts))
            yield return Swept(nameof(AttentionPatternPatch), run.Clean.LogitDifference, run.LogitDifference.Top(1));
        using (var run = new AttributionPatching().Run(model, prompts))
        {
            double[] estimate = [.. run.Estimate.mean([1L]).flatten().to(ScalarType.Float64).data<double>()];
            yield return new StudyResult(
                nameof(AttributionPatching), "largest effect", exact.MaxBy(Math.Abs), estimate.MaxBy(Math.Abs),
                $"correlation {Correlation(exact, estimate):0.00}");
        }
        using (var run = new DirectEffect().Run(model, prompts))
            yield return Swept(nameof(DirectEffect), run.Clean.LogitDifference, run.LogitDifference.Top(1));
        foreach (StudyResult result in AlongADirection(model, count))
            yield return result;
        yield return Alignment(model, count, steps);
        yield return Mask(model, prompts, steps);
        using (var run = new MeanKnockout().Run(model, prompts))
            yield return new StudyResult(
                nameof(MeanKnockout), LogitDifference, Mean(run.Clean.LogitDifference), Mean(run.LogitDifference), "4 heads in 2 layers");
        using (var run = new PathToNameMovers().Run(model, prompts))
            yield return Swept(nameof(PathToNameMovers), run.Clean.LogitDifference, run.LogitDifference.Top(1));
    }

    /// <summary>
    /// Steering towards a name, and away from it, with the difference of what the model thinks before it says the one or the other.
    /// </summary>
    private static IEnumerable<StudyResult> AlongADirection(NamesModel model, int count)
    {
        IoiPrompts mary = IoiPrompts.About(model, "Mary", "Tom", count, seed: 2);
        IoiPrompts tom = IoiPrompts.About(model, "Tom", "Mary", count, seed: 3);
        using Tensor nothing = zeros(model.Config.DModel);
        using var towards = new Steering { Vector = nothing }.Run(model, mary);
        using var away = new Steering { Vector = nothing }.Run(model, tom);
        using Tensor vector = towards.Residual.mean([0L]) - away.Residual.mean([0L]);
        using var ablated = new DirectionAblation { Direction = vector }.Run(model, mary);
        yield return new StudyResult(
            nameof(DirectionAblation), "logit Mary - Tom", Mean(ablated.Clean.LogitDifference), Mean(ablated.LogitDifference),
            "Mary is right");
        using var steered = new Steering { Vector = vector }.Run(model, tom);
        yield return new StudyResult(
            nameof(Steering), "logit Mary - Tom", -Mean(steered.Clean.LogitDifference), -Mean(steered.LogitDifference), "Tom is right");
        using var written = new GenerationSteering { Vector = vector }.Generate(
            model, tom, new GenerationOptions { MaxNewTokens = 4, WithBase = true });
        yield return new StudyResult(
            nameof(GenerationSteering), "logit Mary - Tom", -Mean(written.Base.LogitDifference.Steps),
            -Mean(written.Changed.LogitDifference.Steps), written.Changed.Texts[0].Trim());
    }

    /// <summary>Trains the direction on some prompts and measures it on others.</summary>
    private static StudyResult Alignment(NamesModel model, int count, int steps)
    {
        IoiPrompts training = IoiPrompts.OfTwo(model, "Mary", "Tom", count, seed: 4);
        IoiPrompts test = IoiPrompts.OfTwo(model, "Mary", "Tom", count, seed: 5);
        using Generator random = new(6);
        using Parameter direction = nn.Parameter(randn(model.Config.DModel, generator: random));
        using var untrained = new DistributedAlignment { Direction = direction }.Run(model, test);
        var optimizer = optim.Adam([direction], lr: 0.1);
        for (int step = 0; step < steps; step++)
        {
            using var run = new DistributedAlignment { Direction = direction }.Run(model, training);
            using (Finalizers.Pause())
            {
                direction.grad = run.DirectionGradient / count;
                optimizer.step();
            }
        }
        using var trained = new DistributedAlignment { Direction = direction }.Run(model, test);
        return new StudyResult(
            nameof(DistributedAlignment), "interchange accuracy", Mean(untrained.Accuracy), Mean(trained.Accuracy), "one dimension");
    }

    /// <summary>Trains the mask: every head costs something, and so does every answer that changes.</summary>
    private static StudyResult Mask(NamesModel model, IoiPrompts prompts, int steps)
    {
        const double Price = 0.05;
        using Parameter mask = nn.Parameter(full([model.Config.Layers, model.Config.Heads], 0.5f));
        var optimizer = optim.Adam([mask], lr: 0.05);
        double first = 0, last = 0;
        for (int step = 0; step <= steps; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            using var run = new HeadMask { Mask = mask }.Run(model, prompts);
            last = Mean(run.Divergence) + (Price * mask.detach().sum().ToDouble());
            first = step == 0 ? last : first;
            using (Finalizers.Pause())
            using (no_grad())
            {
                mask.grad = (run.MaskGradient / prompts.Prompts.Count) + Price;
                optimizer.step();
                mask.clamp_(0, 1);
            }
        }
        return new StudyResult(nameof(HeadMask), "KL and price", first, last, $"{mask.detach().gt(0.5).sum().ToInt64()} heads are kept");
    }

    private static StudyResult Swept(string paper, Tensor clean, IReadOnlyList<SweptPoint> top) =>
        new(paper, LogitDifference, Mean(clean), top[0].Value, string.Join(
            ' ', top[0].Point.Axes.Zip(top[0].Point.Coordinates, (axis, at) => $"{axis.Name} {at}")));

    private static double Mean(Tensor values) => values.mean().ToDouble();

    private static double Correlation(double[] x, double[] y)
    {
        double meanX = x.Average(), meanY = y.Average();
        double Product(double[] a, double meanA, double[] b, double meanB) => a.Zip(b, (p, q) => (p - meanA) * (q - meanB)).Sum();
        return Product(x, meanX, y, meanY) / Math.Sqrt(Product(x, meanX, x, meanX) * Product(y, meanY, y, meanY));
    }
}
