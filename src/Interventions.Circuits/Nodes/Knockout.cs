using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Circuits;

/// <summary>
/// Components that are knocked out together, everywhere or at some positions: <c>a9.h6, a9.h9@end</c>. Something else stands for what they
/// write, of heads their <c>attn.z</c>, and all that comes behind is computed anew.
/// </summary>
public sealed record Knockout
{
    /// <summary>A knockout.</summary>
    /// <param name="components">Embedding, heads and feed-forward blocks, each once; one at least.</param>
    /// <param name="at">
    /// The positions, as they stand behind <c>pos=</c> in a site path: <c>end</c>, <c>S1+1</c>, <c>1,3</c>. <see langword="null"/>:
    /// everywhere.
    /// </param>
    /// <exception cref="ArgumentException">There is no component, one is there twice, or one writes nothing.</exception>
    public Knockout(IEnumerable<Component> components, string? at = null)
    {
        ArgumentNullException.ThrowIfNull(components);
        Components = new EquatableArray<Component>(components);
        At = at;
        if (Components.Count == 0)
            throw new ArgumentException("A knockout is of one component at least.", nameof(components));
        if (Components.Contains(Component.Logits))
            throw new ArgumentException("The logits write nothing that could be knocked out.", nameof(components));
        if (Components.GroupBy(component => component).FirstOrDefault(alike => alike.Count() > 1)?.Key is { } twice)
            throw new ArgumentException($"'{twice}' is there twice.", nameof(components));
    }

    /// <summary>The components.</summary>
    public EquatableArray<Component> Components { get; }

    /// <summary>The positions; <see langword="null"/> for all.</summary>
    public string? At { get; }

    /// <summary>A knockout of one component, everywhere.</summary>
    public static implicit operator Knockout(Component component) => FromComponent(component);

    /// <summary>A knockout of one component, everywhere.</summary>
    public static Knockout FromComponent(Component component) => new([component]);

    /// <summary>Reads <c>a9.h6, m0</c> and <c>a9.h6, a9.h9@end</c>.</summary>
    /// <exception cref="FormatException">The text is no knockout.</exception>
    public static Knockout Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int at = text.IndexOf('@', StringComparison.Ordinal);
        try
        {
            return new Knockout(
                (at < 0 ? text : text[..at]).Split(',', StringSplitOptions.TrimEntries).Select(Component.Parse),
                at < 0 ? null : text[(at + 1)..]);
        }
        catch (Exception wrong) when (wrong is ArgumentException or FormatException)
        {
            throw new FormatException(
                $"'{text}' is no knockout: {wrong.Message} Several components have commas between them: a9.h6, m0@end.", wrong);
        }
    }

    /// <summary><c>a9.h6, a9.h9@end</c>.</summary>
    public override string ToString() => string.Join(", ", Components) + (At is null ? "" : $"@{At}");
}

/// <summary>The components of a knockout that one write changes: a layer's heads, a feed-forward block, or the embedding.</summary>
/// <param name="Name">A name for the write.</param>
/// <param name="Site">The path of the site, without positions.</param>
/// <param name="Components">The components, heads ascending.</param>
/// <param name="At">The positions; null for all.</param>
internal sealed record KnockedOut(string Name, string Site, ImmutableArray<Component> Components, string? At)
{
    /// <summary>Whether they are heads.</summary>
    public bool AreHeads => Components[0].Kind == ComponentKind.Head;

    /// <summary>The path of the selected values.</summary>
    public string Path => NodeSites.Selected(
        Site, AreHeads ? $"head={string.Join(',', Components.Select(component => component.Head))}" : null, At);

    /// <summary>The parts of a knockout, in the order of computation.</summary>
    public static ImmutableArray<KnockedOut> Of(HookedModel model, Knockout knockout) =>
    [
        .. knockout.Components.GroupBy(component => (component.Kind, component.Layer))
            .OrderBy(alike => (alike.Key.Kind != ComponentKind.Embed, alike.Key.Layer, alike.Key.Kind))
            .Select(alike => new KnockedOut(
                alike.Key.Kind == ComponentKind.Embed ? "Embed" : $"{alike.First()}"[0] + $"{alike.Key.Layer}",
                SiteOf(model, alike.First()), [.. alike.OrderBy(component => component.Head)], knockout.At)),
    ];

    /// <summary>The site of what a component writes, of heads before the output projection.</summary>
    public static string SiteOf(HookedModel model, Component component) => component.Kind switch
    {
        ComponentKind.Head => $"blocks.{component.Layer}.attn.z",
        ComponentKind.Mlp => $"blocks.{component.Layer}.mlp_out",
        _ => NodeSites.EmbedOf(model),
    };

    /// <summary>A value some of whose heads are knocked out.</summary>
    /// <param name="isOut">Of each head whether it is; of another component one mark.</param>
    /// <param name="value">The value, <c>[batch, pos, head, d_head]</c> or <c>[batch, pos, d_model]</c>.</param>
    /// <param name="other">What stands for it; null for 0.</param>
    public static Tensor Mixed(bool[] isOut, Tensor value, Tensor? other)
    {
        if (!isOut.Contains(true))
            return value;
        other ??= zeros_like(value);
        return isOut.Contains(false) ? where(tensor(isOut, device: value.device).unsqueeze(-1), other, value) : other;
    }
}
