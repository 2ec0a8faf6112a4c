using System.Globalization;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// The features of a positive and a negative value, position by position or of means, and steering vectors that are made of some of them.
/// It owns the features.
/// </summary>
public sealed class FeatureContrast : IDisposable
{
    private readonly Sae _sae;
    private readonly string _site;
    private readonly Tensor _x, _y; // the values, [pos, d]
    private readonly bool _hasPositions;

    private FeatureContrast(Sae sae, string site, Tensor x, Tensor y, bool hasPositions)
    {
        (_sae, _site, _x, _y, _hasPositions) = (sae, site, x, y, hasPositions);
        (Positive, Negative) = (sae.Encode(x).DetachFromDisposeScope(), sae.Encode(y).DetachFromDisposeScope());
    }

    /// <summary>f₊, <c>[pos, feature]</c>; one row where there are no positions.</summary>
    public Tensor Positive { get; }

    /// <summary>f₋, <c>[pos, feature]</c>; one row where there are no positions.</summary>
    public Tensor Negative { get; }

    /// <summary>Encodes both values.</summary>
    /// <param name="sae">The dictionary of their site; borrowed.</param>
    /// <param name="positive">
    /// <c>[d_model]</c>, such as <see cref="ContrastivePairs.PositiveMean"/>, or <c>[pos, d_model]</c>.
    /// </param>
    /// <param name="negative">The same of the other side.</param>
    /// <param name="site">The site. Default: that which the dictionary's files name.</param>
    /// <exception cref="ArgumentException">The shapes differ or are others, no site is known, or it is a transcoder.</exception>
    public static FeatureContrast Of(Sae sae, Tensor positive, Tensor negative, string? site = null)
    {
        ArgumentNullException.ThrowIfNull(sae);
        ArgumentNullException.ThrowIfNull(positive);
        ArgumentNullException.ThrowIfNull(negative);
        if (sae.Config.IsTranscoder || sae.Config.FlattensHeads)
            throw new ArgumentException(
                $"{sae} is of heads, or decodes another site's values than it encodes: a vector is of one site's d_model.", nameof(sae));
        if (positive.shape is not ([> 0] or [> 0, > 0]) || !positive.shape.SequenceEqual(negative.shape))
            throw new ArgumentException(
                $"Both values are [d_model] or [pos, d_model]; these are {Shapes.Describe(positive)} and {Shapes.Describe(negative)}.",
                nameof(negative));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor x = Rows(positive), y = Rows(negative);
        return new FeatureContrast(sae, site ?? SteeringVector.SiteOf(sae), x, y, positive.dim() == 2);

        static Tensor Rows(Tensor value) => value.detach().reshape(-1, value.shape[^1]).clone().DetachFromDisposeScope();
    }

    /// <summary>SAE(h₊) − SAE(h₋): all features. It is shorter than h₊ − h₋, so compare at equal norms.</summary>
    /// <returns>A vector that the caller owns.</returns>
    public SteeringVector Reconstruction()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        return Vector(_sae.Decode(Positive, _x) - _sae.Decode(Negative, _y), "reconstruction");
    }

    /// <summary>What some features add at every position: Σ (f₊ − f₋) d, in the units of the model's values.</summary>
    /// <param name="features">The features' numbers.</param>
    /// <returns>A vector that the caller owns.</returns>
    /// <exception cref="ArgumentException">There is no such feature, or none is given.</exception>
    public SteeringVector Of(params IReadOnlyList<int> features) => Of(
        [.. features.SelectMany(feature => Enumerable.Range(0, (int)Positive.shape[0]).Select(position => (position, feature)))]);

    /// <summary>What some features add, each at a position.</summary>
    /// <param name="places">Positions and features.</param>
    /// <returns>A vector that the caller owns.</returns>
    /// <exception cref="ArgumentException">There is no such place, or none is given.</exception>
    public SteeringVector Of(IReadOnlyCollection<(int Position, int Feature)> places)
    {
        ArgumentNullException.ThrowIfNull(places);
        if (places.Count == 0)
            throw new ArgumentException("A vector is made of at least one feature.", nameof(places));
        foreach ((int position, int feature) in places)
            if (position < 0 || position >= Positive.shape[0] || feature < 0 || feature >= _sae.Features)
                throw new ArgumentException(
                    $"There is no feature {feature} at position {position}: {_sae.Features} features, {Positive.shape[0]} positions.",
                    nameof(places));
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        long[] flat = [.. places.Select(place => ((long)place.Position * _sae.Features) + place.Feature).Distinct()];
        Tensor mask = zeros_like(Positive).view(-1)
            .scatter(0, tensor(flat, device: Positive.device), ones([flat.Length], Positive.dtype, Positive.device)).view(Positive.shape);
        int[] features = [.. places.Select(place => place.Feature).Distinct()];
        string name = features.Length == 1 ? "feature" : "features";
        return Vector(
            Part(Positive * mask, _x) - Part(Negative * mask, _y), $"{name} {TextTable.First(features)}");

        // What features add to a value, the bias and the mean of the value left out.
        Tensor Part(Tensor f, Tensor x) => _sae.Decode(f, x) - _sae.Decode(zeros_like(f), x);
    }

    /// <summary>
    /// The features that are active on the negative value at some position, and on the positive one at none, the largest contributions
    /// first. A vector of few of them does much of what the whole difference does.
    /// </summary>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> OnlyNegative(int count) => Ranked(Only(Negative, Positive), count);

    /// <summary>The features that are active on the positive value alone, the largest contributions first.</summary>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> OnlyPositive(int count) => Ranked(Only(Positive, Negative), count);

    /// <summary>The features that differ most, by the norm of what they add.</summary>
    /// <param name="count">How many at most.</param>
    public IReadOnlyList<int> Top(int count)
    {
        using DisposeScope scope = NewDisposeScope();
        return Ranked(Numbers(Positive.ne(Negative).any(0)), count);
    }

    /// <summary>A row a feature, those that differ most first: its largest activations, and the norm of what it adds.</summary>
    public override string ToString()
    {
        const int Shown = 12;
        TextTable table = new(
            new TextColumn("feature", IsNumber: true), new TextColumn("positive", IsNumber: true),
            new TextColumn("negative", IsNumber: true), new TextColumn("norm", IsNumber: true));
        IReadOnlyList<int> all = Top(int.MaxValue);
        using DisposeScope scope = NewDisposeScope();
        double[] sizes = Sizes();
        foreach (int feature in all.Take(Shown))
            table.Add(
                feature.ToString(CultureInfo.InvariantCulture), Text(Positive.select(1, feature).max()),
                Text(Negative.select(1, feature).max()), sizes[feature].ToString("0.000", CultureInfo.InvariantCulture));
        return table.Print() + TextTable.Others(all.Count - Shown, "feature");

        static string Text(Tensor number) => number.to(ScalarType.Float64).item<double>().ToString("0.000", CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Positive.Dispose();
        Negative.Dispose();
        _x.Dispose();
        _y.Dispose();
    }

    private SteeringVector Vector(Tensor value, string name) => new(_site, _hasPositions ? value : value.squeeze(0), name);

    /// <summary>Which features are active somewhere in one value, and nowhere in the other.</summary>
    private static bool[] Only(Tensor here, Tensor there)
    {
        using DisposeScope scope = NewDisposeScope();
        return [.. Numbers(Active(here)).Zip(Numbers(Active(there)), (own, other) => own && !other)];

        static Tensor Active(Tensor features) => features.to_type(ScalarType.Bool).any(0);
    }

    private static bool[] Numbers(Tensor mask) => [.. mask.cpu().contiguous().data<bool>()];

    /// <summary>The features of a mask, the largest contributions first.</summary>
    private int[] Ranked(bool[] mask, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        double[] sizes = Sizes();
        return [.. Enumerable.Range(0, mask.Length).Where(feature => mask[feature])
            .OrderByDescending(feature => sizes[feature]).Take(count)];
    }

    /// <summary>The norm of what each feature adds, over all positions: ‖f₊ − f₋‖ ‖d‖.</summary>
    private double[] Sizes()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor norms = _sae.Weights.Decoder.norm(-1);
        Tensor change = (Positive - Negative).norm(0);
        Tensor sizes = _sae.Config.RescalesByDecoderNorm ? change : change * norms;
        return [.. sizes.to(ScalarType.Float64).cpu().contiguous().data<double>()];
    }
}
