using System.Collections.Immutable;
using System.Globalization;
using Interventions.ModelGraphs;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What a vector v does to a value x, with a strength c; u is v with norm 1.</summary>
public enum SteeringRule
{
    /// <summary>x + c v.</summary>
    Add,

    /// <summary>(x + c v) ‖x‖ / ‖x + c v‖: the value is turned, and as long as before.</summary>
    AddKeepingNorm,

    /// <summary>x + (c − x·u) u: the component along v becomes c.</summary>
    SetProjection,

    /// <summary>x − c (x·u) u: 1 removes the component along v, 2 turns its sign.</summary>
    Remove,
}

/// <summary>
/// Steering vectors and what is done with them: one, several together, or those of several layers one at a time. A strength makes an
/// intervention of it, and several strengths a sweep, which runs as one plan. Vectors are borrowed.
/// </summary>
public sealed record Steering
{
    private const string Strength = "strength", LayerName = "layer";

    private Steering(ImmutableArray<SteeringVector> vectors, bool areSwept, string name) =>
        (Vectors, AreSwept, Name) = (vectors, areSwept, name);

    /// <summary>The vectors.</summary>
    public ImmutableArray<SteeringVector> Vectors { get; }

    /// <summary>Whether each layer's vector is applied alone, layer after layer.</summary>
    public bool AreSwept { get; }

    /// <summary>What it is called in tables.</summary>
    public string Name { get; init; }

    /// <summary>What is done with the vectors. Default: they are added.</summary>
    public SteeringRule Rule { get; init; }

    /// <summary>
    /// The positions at which values are changed, as in a site path: <c>end,new</c> (from the prompt's last token on), <c>0..4</c>,
    /// <c>!=0</c> (all but the first, new ones too). Default: all, prompt and new tokens; of vectors with a row for each position, those.
    /// </summary>
    public string? At { get; init; }

    /// <summary>One vector.</summary>
    public static Steering With(SteeringVector vector)
    {
        ArgumentNullException.ThrowIfNull(vector);
        return new Steering([vector], areSwept: false, vector.Name);
    }

    /// <summary>Several vectors at once, all with the same strength.</summary>
    /// <param name="name">What it is called in tables.</param>
    /// <param name="vectors">At least one.</param>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Steering Together(string name, params IEnumerable<SteeringVector> vectors)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ImmutableArray<SteeringVector> all = [.. vectors];
        return all.IsEmpty
            ? throw new ArgumentException("There is no vector.", nameof(vectors))
            : new Steering(all, areSwept: false, name);
    }

    /// <summary>The vectors of several layers, one at a time: a sweep over layers beside that over strengths.</summary>
    /// <param name="vectors">
    /// Vectors of one site of different layers, for example <see cref="ContrastivePairs.DifferencesOfMeans"/>.
    /// </param>
    /// <exception cref="ArgumentException">There is none, or they are not of one site of different layers.</exception>
    public static Steering EachLayer(params IEnumerable<SteeringVector> vectors)
    {
        ImmutableArray<SteeringVector> all = [.. vectors];
        if (all.IsEmpty)
            throw new ArgumentException("There is no vector.", nameof(vectors));
        if (all.Any(vector => vector.Layer is null) || all.Select(Template).Distinct().Count() > 1
            || all.Select(vector => vector.Positions).Distinct().Count() > 1 || all.DistinctBy(vector => vector.Layer).Count() < all.Length)
            throw new ArgumentException(
                $"A sweep over layers takes one vector of each layer, all of the same site: {string.Join("; ", all)}.", nameof(vectors));
        return new Steering(all, areSwept: true, all[0].Name);
    }

    /// <summary>The steering with one strength, as an intervention to run, to generate with, or to include in others.</summary>
    /// <param name="model">The model.</param>
    /// <param name="strength">The strength c.</param>
    /// <exception cref="InterventionException">The model has no such site; or the vectors are of layers one at a time.</exception>
    public Intervention On(HookedModel model, double strength = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (AreSwept)
            throw new InterventionException($"'{Name}' is of one layer after the other: give a list of strengths, or take one vector.");
        Intervention steered = Start(model);
        foreach (SteeringVector vector in Vectors)
            steered = Rule == SteeringRule.Add
                ? steered.Add(PathOf(vector.Site), vector.Value, strength, name: vector.Name)
                : steered.Patch(
                    PathOf(vector.Site), x => Changed(x, vector.Value, strength), name: vector.Name, pointwise: vector.Positions is null);
        return steered;
    }

    /// <summary>
    /// The steering with each of several strengths: a sweep over <c>strength</c>, and of layers one at a time over <c>layer</c> and
    /// <c>strength</c>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="strengths">The strengths, each once.</param>
    /// <exception cref="InterventionException">The model has no such site.</exception>
    public Intervention On(HookedModel model, IReadOnlyList<double> strengths)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(strengths);
        Intervention steered = Start(model);
        if (AreSwept)
        {
            Dictionary<int, Tensor> ofLayers = Vectors.ToDictionary(vector => vector.Layer!.Value, vector => vector.Value);
            return steered.Sweep(LayerName, ofLayers.Keys.Select(layer => (double)layer).ToArray()).Sweep(Strength, strengths.ToArray())
                .Patch(
                    PathOf(Template(Vectors[0])),
                    (x, layer, c) => Changed(x, ofLayers[(int)layer.item<double>()], c.item<double>()),
                    from: [Reads.Swept(LayerName), Reads.Swept(Strength)], name: Name, pointwise: Vectors[0].Positions is null);
        }
        steered = steered.Sweep(Strength, strengths.ToArray());
        foreach (SteeringVector vector in Vectors)
            steered = Rule == SteeringRule.Add
                ? steered.Add(PathOf(vector.Site), vector.Value, $"{{{Strength}}}", name: vector.Name)
                : steered.Patch(
                    PathOf(vector.Site), (x, c) => Changed(x, vector.Value, c.item<double>()), from: Reads.Swept(Strength),
                    name: vector.Name, pointwise: vector.Positions is null);
        return steered;
    }

    /// <summary>
    /// The norm of what is added, of all vectors and their positions together; null where nothing of a fixed length is added.
    /// </summary>
    /// <param name="strength">The strength c.</param>
    /// <param name="layer">The layer, of layers one at a time.</param>
    public double? NormOf(double strength, int? layer = null)
    {
        IEnumerable<double> norms = Vectors.Where(vector => !AreSwept || vector.Layer == layer).Select(vector => vector.Norm);
        return Rule is SteeringRule.Add or SteeringRule.AddKeepingNorm
            ? Math.Abs(strength) * Math.Sqrt(norms.Sum(norm => norm * norm))
            : null;
    }

    /// <summary>The same of one of the layers.</summary>
    internal Steering Only(SteeringVector vector) => new([vector], AreSwept, Name) { Rule = Rule, At = At };

    /// <summary>Its name, its rule, its positions and its vectors.</summary>
    public override string ToString() =>
        $"{Name}: {Rule} at {Positions ?? "all positions"}{(AreSwept ? ", one layer at a time" : "")}; {string.Join("; ", Vectors)}";

    /// <summary>The positions, as a selector says them; null is all.</summary>
    internal string? Positions => At ?? (Vectors[0].Positions is { } count ? $"0..{count - 1}" : null);

    private Intervention Start(HookedModel model) =>
        Rule is SteeringRule.SetProjection or SteeringRule.Remove
            && Vectors.FirstOrDefault(vector => vector.Positions is not null) is { } rows
            ? throw new InterventionException($"{Rule} is along one direction, and '{rows}' has one for each position.")
            : Intervention.On(model, nameof(Steering));

    private string PathOf(string site) => SteeredPositions.Path(site, Positions);

    /// <summary>The site's path with a placeholder for the layer.</summary>
    private static string Template(SteeringVector vector) => string.Join('.', SitePath.Parse(vector.Site).Segments.Select(segment =>
        segment.Name ?? $"{{{LayerName}}}"));

    private Tensor Changed(Tensor x, Tensor vector, double strength)
    {
        if (Rule == SteeringRule.SetProjection)
            return DirectionEdits.WithProjection(x, vector, strength);
        using DisposeScope scope = NewDisposeScope();
        Tensor v = vector.to(x.dtype, x.device);
        Tensor changed = Rule switch
        {
            SteeringRule.Remove => x - (x - DirectionEdits.Removed(x, vector)).times(strength),
            SteeringRule.AddKeepingNorm => AsLongAs(x.plus(v.times(strength)), x),
            _ => x.plus(v.times(strength)),
        };
        return changed.MoveToOuterDisposeScope();

        static Tensor AsLongAs(Tensor y, Tensor x) => y.mul(x.norm(-1, keepdim: true)).div(y.norm(-1, keepdim: true));
    }
}
