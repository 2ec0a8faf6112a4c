using System.Runtime.CompilerServices;
using Interventions.Sites;

namespace Interventions.Generators.Declarations;

/// <summary>
/// Compares paths by the order of computation, in which a schema lists its sites. A path that is in error, or inside a splice, has no place
/// in it and is not compared.
/// </summary>
internal sealed class SiteOrder
{
    private static readonly ConditionalWeakTable<ModelSchema, SiteOrder> s_orders = new();

    private readonly Dictionary<string, Step> _steps = new(StringComparer.Ordinal);

    private SiteOrder(ModelSchema schema)
    {
        Step last = new(0, 0, null);
        foreach (SiteDefinition site in schema.Sites)
        {
            if (site.Splice is not null)
                continue;
            int layer = site.Path.IndexOf(SiteMatcher.Layer, StringComparison.Ordinal);
            string? stack = layer < 0 ? null : site.Path.Substring(0, layer);
            bool isSameStage = stack is null ? last.Stack is null && site.SameStep : last.Stack is not null;
            last = new Step(isSameStage ? last.Stage : last.Stage + 1, site.SameStep ? last.Number : last.Number + 1, stack);
            _steps[site.Path] = last;
        }
    }

    /// <summary>Whether a value surely does not depend on another one: it is computed before it, or in the same step.</summary>
    public static bool IsNotAfter(SitePath path, SitePath other, ModelSchema schema) =>
        Find(path, schema) is { } place && Find(other, schema) is { } otherPlace
        && IsSurelyNotAfter(place, place.Last, otherPlace, otherPlace.First);

    /// <summary>The same at one point of a sweep.</summary>
    /// <param name="path">The path.</param>
    /// <param name="other">The other one.</param>
    /// <param name="layers">The layers for which placeholders stand.</param>
    /// <param name="schema">The model.</param>
    public static bool IsNotAfter(SitePath path, SitePath other, IReadOnlyDictionary<string, int> layers, ModelSchema schema)
    {
        return Find(path, schema) is { } place && Find(other, schema) is { } otherPlace
            && place.Step.IsNotAfter(Layer(place, place.Last), otherPlace.Step, Layer(otherPlace, otherPlace.First));

        int? Layer(Place at, int? otherwise) => at.IsSwept && layers.TryGetValue(at.Placeholder!, out int layer) ? layer : otherwise;
    }

    /// <summary>The same of two nodes.</summary>
    public static bool IsNotAfter(SiteDefinition site, int layer, SiteDefinition other, int otherLayer, ModelSchema schema)
    {
        SiteOrder order = Of(schema);
        return order._steps.TryGetValue(site.Path, out Step? step) && order._steps.TryGetValue(other.Path, out Step? otherStep)
            && step.IsNotAfter(layer, otherStep, otherLayer);
    }

    /// <summary>Whether a written value is surely computed before the value that it reads in the same run, or in the same step.</summary>
    /// <param name="written">The written path.</param>
    /// <param name="read">The path that is read.</param>
    /// <param name="schema">The model.</param>
    /// <param name="layers">The layers at which placeholders stand together: at one of them it is enough.</param>
    public static bool IsTooEarly(SitePath written, SitePath read, ModelSchema schema, SweptLayers layers)
    {
        if (Find(written, schema) is not { } place || Find(read, schema) is not { } readPlace)
            return false;
        bool isPlain = (!place.IsSwept && !readPlace.IsSwept) || place.IsSweptWith(readPlace);
        return !isPlain && layers.Pairs(place.Placeholder, readPlace.Placeholder) is { } pairs
            ? pairs.Any(pair => place.Step.IsNotAfter(pair.Left ?? place.First, readPlace.Step, pair.Right ?? readPlace.First))
            : IsSurelyNotAfter(place, place.First, readPlace, readPlace.First);
    }

    /// <summary>Whether a write may change a value that is read in the same run: a read layer is after a written one.</summary>
    /// <param name="written">The written path.</param>
    /// <param name="read">The path that is read.</param>
    /// <param name="before">Whether the value before the writes to the very site is read.</param>
    /// <param name="schema">The model.</param>
    public static bool MayReach(SitePath written, SitePath read, bool before, ModelSchema schema)
    {
        if (Find(written, schema) is not { } place || Find(read, schema) is not { } readPlace)
            return true;
        bool isOneLayer = place.IsSweptWith(readPlace);
        int? first = isOneLayer ? 0 : place.First, last = isOneLayer ? 0 : readPlace.Last;
        return !readPlace.Step.IsNotAfter(last, place.Step, first) || (!before && place.Site == readPlace.Site && first == last);
    }

    /// <summary>Whether that holds whichever layers placeholders stand for: one placeholder stands for one layer at a time.</summary>
    private static bool IsSurelyNotAfter(Place place, int? layer, Place other, int? otherLayer) =>
        place.IsSweptWith(other) ? place.Step.IsNotAfter(0, other.Step, 0) :
        place.IsSwept || other.IsSwept ? place.Step.IsNotAfter(null, other.Step, null) :
        place.Step.IsNotAfter(layer, other.Step, otherLayer);

    private static SiteOrder Of(ModelSchema schema) => s_orders.GetValue(schema, static key => new SiteOrder(key));

    private static Place? Find(SitePath path, ModelSchema schema)
    {
        SiteResolution resolution = ResolvedPath.Of(path, schema);
        if (!resolution.IsSuccess || !Of(schema)._steps.TryGetValue(resolution.Site!.Path, out Step? step))
            return null;
        if (resolution.Layer is not { } layers)
            return new Place(resolution.Site.Path, step, null, 0, 0);
        IReadOnlyList<int>? indices = schema.SizeOf("layer") is { } count ? SiteExpansion.Indices(layers, count) : null;
        return new Place(resolution.Site.Path, step, layers.Placeholder, indices?.Min(), indices?.Max());
    }

    /// <summary>The place of a site in the order of computation.</summary>
    /// <param name="Stage">Counts sites without layers; sites with layers that follow each other are one stage.</param>
    /// <param name="Number">Counts steps.</param>
    /// <param name="Stack">The part of a path before the layer; null for a site without layers.</param>
    private sealed record Step(int Stage, int Number, string? Stack)
    {
        /// <summary>
        /// Whether a value of this step surely does not depend on one of another step; null is an unknown layer. Within a stack, layers
        /// ascend. Two stacks of one stage are computed one after the other, or together layer by layer: the step is not after the other
        /// one when both orders say so.
        /// </summary>
        public bool IsNotAfter(int? layer, Step other, int? otherLayer) =>
            Stage != other.Stage ? Stage < other.Stage :
            Stack != other.Stack ? layer <= otherLayer && Number < other.Number :
            layer < otherLayer || (layer is not null && layer == otherLayer && Number <= other.Number);
    }

    /// <summary>A path in the order.</summary>
    /// <param name="Site">The site that it names.</param>
    /// <param name="Step">When it is computed.</param>
    /// <param name="Placeholder">The placeholder that sweeps the layer; null when none does.</param>
    /// <param name="First">The first layer that it names; null where the number of layers is unknown.</param>
    /// <param name="Last">The last one.</param>
    private sealed record Place(string Site, Step Step, string? Placeholder, int? First, int? Last)
    {
        public bool IsSwept => Placeholder is not null;

        public bool IsSweptWith(Place other) => IsSwept && Placeholder == other.Placeholder;
    }
}
