using System.Globalization;
using Interventions.Files;
using Interventions.Models.Decoder;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// What is added to a model's values at a site: one vector for all positions, or one for each of the first positions. It owns its tensor.
/// </summary>
public sealed class SteeringVector : IDisposable
{
    private const string SiteKey = "interventions.site", NameKey = "interventions.name", ValueName = "vector";

    /// <summary>A vector of any making, such as a probe's direction.</summary>
    /// <param name="site">The path of one site, without selectors: <c>blocks.6.resid_post</c>.</param>
    /// <param name="value">
    /// <c>[d_model]</c>, or <c>[pos, d_model]</c> with a row for each position from the first on. It is copied.
    /// </param>
    /// <param name="name">What it is called in tables.</param>
    /// <exception cref="ArgumentException">The value has other axes, or the path names no single site.</exception>
    public SteeringVector(string site, Tensor value, string name = ValueName)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(value);
        ArgumentException.ThrowIfNullOrEmpty(name);
        SitePath path = SitePath.OrNull(site) ?? throw new ArgumentException($"'{site}' is no site path.", nameof(site));
        if (path.SelectorText.Length > 0
            || path.Segments.Any(segment => segment.Indices?.Selection is { IsOne: false } or { IsSweep: true }))
            throw new ArgumentException(
                $"A vector belongs to one site, without selectors: 'blocks.6.resid_post'; '{site}' is another path.", nameof(site));
        if (value.shape is not ([> 0] or [> 0, > 0]))
            throw new ArgumentException(
                $"A steering vector is [d_model] or [pos, d_model], and this one is {Shapes.Describe(value)}.", nameof(value));
        (Site, Name) = (site, name);
        using Tensor detached = value.detach();
        Value = detached.clone().DetachFromDisposeScope();
    }

    /// <summary>The path of the site.</summary>
    public string Site { get; }

    /// <summary>What it is called in tables.</summary>
    public string Name { get; }

    /// <summary><c>[d_model]</c>, or <c>[pos, d_model]</c>; owned by this vector.</summary>
    public Tensor Value { get; }

    /// <summary>How many positions have a row of their own, from the first on; null where one vector is for all.</summary>
    public int? Positions => Value.shape is [long positions, _] ? (int)positions : null;

    /// <summary>The layer that the site's path names; null where it names none.</summary>
    public int? Layer => SitePath.Parse(Site).Segments.Select(segment => segment.Indices?.Selection.Items[0].First)
        .FirstOrDefault(index => index is not null);

    /// <summary>The norm of all its numbers together.</summary>
    public double Norm
    {
        get
        {
            using DisposeScope scope = NewDisposeScope();
            return Value.to(ScalarType.Float64).norm().item<double>();
        }
    }

    /// <summary>The direction of a feature: its decoder row with norm 1, so that a strength is a norm.</summary>
    /// <param name="sae">The dictionary.</param>
    /// <param name="feature">The feature's number.</param>
    /// <param name="site">The site. Default: that which the dictionary's files name.</param>
    /// <exception cref="ArgumentException">There is no such feature, no site is known, or the row is 0.</exception>
    public static SteeringVector OfFeature(Sae sae, int feature, string? site = null)
    {
        ArgumentNullException.ThrowIfNull(sae);
        if (feature < 0 || feature >= sae.Features)
            throw new ArgumentException($"There is no feature {feature} among {sae.Features}.", nameof(feature));
        using SteeringVector row = new(
            site ?? SiteOf(sae), sae.Weights.Decoder[feature], string.Create(CultureInfo.InvariantCulture, $"feature {feature}"));
        return row.Unit();
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="CheckpointException">It is missing, malformed, or holds no steering vector.</exception>
    public static SteeringVector Load(string path)
    {
        using SafeTensorFile file = SafeTensorFile.Open(path);
        if (!file.Entries.ContainsKey(ValueName) || file.Metadata.GetValueOrDefault(SiteKey) is not { } site)
            throw new CheckpointException(path, $"is no steering vector: it has no tensor '{ValueName}' with metadata '{SiteKey}'.");
        using DisposeScope scope = NewDisposeScope();
        try
        {
            return new SteeringVector(site, file.Read(ValueName), file.Metadata.GetValueOrDefault(NameKey) ?? ValueName);
        }
        catch (ArgumentException wrong)
        {
            throw new CheckpointException(path, $"is no steering vector: {wrong.Message}");
        }
    }

    /// <summary>Writes the vector, its site and its name to a file of the safetensors format.</summary>
    /// <param name="path">The file. It appears under its name only when it is complete.</param>
    public void Save(string path) => SafeTensors.Save(
        path, new Dictionary<string, Tensor> { [ValueName] = Value },
        new Dictionary<string, string> { ["format"] = "pt", [SiteKey] = Site, [NameKey] = Name });

    /// <summary>The same direction with norm 1, so that a strength is a norm.</summary>
    /// <exception cref="ArgumentException">The vector is 0.</exception>
    public SteeringVector Unit() => Norm is > 0 and double norm && double.IsFinite(norm)
        ? Of(value => value.over(norm))
        : throw new ArgumentException($"'{Name}' has the norm {Norm}, so it has no direction.");

    /// <summary>The vector times a number.</summary>
    public SteeringVector Times(double factor) => Of(value => value.times(factor));

    /// <summary>
    /// The vector without what it has along some directions, such as those of two features that it should not carry.
    /// </summary>
    /// <param name="directions"><c>[d_model]</c> or <c>[direction, d_model]</c>; they need not be orthogonal.</param>
    /// <exception cref="ArgumentException">They have another shape, or one is 0 or made of the others.</exception>
    public SteeringVector Without(Tensor directions) => Of(value => DirectionEdits.Removed(value, directions));

    /// <summary>The same vector under another name.</summary>
    public SteeringVector Named(string name) => new(Site, Value, name);

    /// <summary>Its name, its site and its norm.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Name} at {Site}, {(Positions is { } positions ? $"{positions} positions, " : "")}norm {Norm:G4}");

    /// <inheritdoc/>
    public void Dispose() => Value.Dispose();

    /// <summary>The site whose values a dictionary encodes.</summary>
    internal static string SiteOf(Sae sae) => sae.Config.Site?.Replace("hook_", "", StringComparison.Ordinal)
        ?? throw new ArgumentException("The files of this dictionary name no site: say site: \"blocks.6.resid_post\".", nameof(sae));

    private SteeringVector Of(Func<Tensor, Tensor> change)
    {
        using DisposeScope scope = NewDisposeScope();
        return new SteeringVector(Site, change(Value), Name);
    }
}
