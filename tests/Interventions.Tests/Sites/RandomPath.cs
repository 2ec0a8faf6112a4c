using FsCheck;
using FsCheck.Fluent;
using Interventions.Sites;

namespace Interventions.Tests.Sites;

/// <summary>Random site paths as texts, each in the one way in which <see cref="Print(Selection)"/> writes it.</summary>
internal static class RandomPath
{
    private static readonly Gen<string> s_index = Gen.Choose(-3, 12).Select(index => $"{index}");

    private static readonly Gen<string> s_range = Gen.OneOf(
        from first in Gen.Choose(0, 5) from length in Gen.Choose(1, 5) select $"{first}..{first + length}",
        from first in Gen.Choose(1, 5) from last in Gen.Choose(-4, -2) select $"{first}..{last}",
        Gen.Choose(0, 5).Select(first => $"{first}.."),
        Gen.Choose(-4, -2).Select(last => $"..{last}"));

    private static readonly Gen<string> s_name = Gen.OneOf(
        Gen.Elements("end", "IO", "S1", "named"),
        from name in Gen.Elements("end", "S1") from offset in Gen.Elements("+1", "-2") select name + offset);

    private static readonly Gen<string> s_new = Gen.Elements("new", "prompt", "new+2", "new+0..4");

    /// <summary>Paths.</summary>
    public static Arbitrary<string> Arbitrary { get; } = Arb.From(
        from names in List(Gen.Elements("blocks", "attn", "z", "mlp_out"), 3)
        from layer in Gen.OneOf(
            Gen.Constant("*"), s_index,
            // One index needs no brackets.
            List(Index(), 3).Where(items => items.Length > 1 || items[0].Contains("..", StringComparison.Ordinal))
                .Select(items => $"[{string.Join(',', items)}]"),
            List(Index(), 3).Select(items => $"[!={string.Join(',', items)}]"), Sweep("layer", Index(), mayBeComplement: true))
        from heads in Selector("head", Index(), mayBeComplement: true)
        from positions in Selector("pos", Gen.OneOf(Index(), s_name), mayBeComplement: false)
        from fresh in Gen.OneOf(Gen.Constant(""), List(s_new, 2).Select(items => $"key={string.Join(',', items)}"))
        let selectors = string.Join("; ", new[] { heads, positions, fresh }.Where(selector => selector.Length > 0))
        select string.Join('.', names.Take(1).Append(layer).Concat(names.Skip(1)).DefaultIfEmpty("embed"))
            + (selectors.Length == 0 ? "" : $"[{selectors}]"));

    public static string Print(PathSelector selector) =>
        selector.Axis + (selector.Indices.Selection is { IsSweep: false, Except: true } ? "" : "=")
        + Print(selector.Indices.Selection, isListed: false);

    /// <summary>A selection of layers.</summary>
    public static string Print(Selection selection) => Print(selection, isListed: !selection.IsOne);

    private static string Print(Selection selection, bool isListed)
    {
        string items = (selection.Except ? "!=" : "") + string.Join(',', selection.Items.Select(Print));
        return
            selection.Placeholder is { } name
                ? $"{{{name}{(selection.Items.Count == 0 ? "" : selection.Except ? items : "=" + items)}}}" :
            selection.Items.Count == 0 ? "*" :
            isListed ? $"[{items}]" :
            items;
    }

    private static string Print(SelectionItem item) => item switch
    {
        { Name: NewTokens.New, First: 0, Last: int.MaxValue } => item.Name,
        { Name: NewTokens.New, First: var first, Last: var last } => $"new+{first}{(first == last ? "" : $"..{last}")}",
        { Name: { } name, First: var offset } => name + (offset == 0 ? "" : offset.ToString("+0;-0")),
        { First: var first, Last: var last } when first == last => $"{first}",
        { First: var first, Last: -1 } => $"{first}..",
        { First: 0, Last: < 0 and var last } => $"..{last}",
        { First: var first, Last: var last } => $"{first}..{last}",
    };

    private static Gen<string> Index() => Gen.OneOf(s_index, s_range);

    private static Gen<string> Sweep(string name, Gen<string> item, bool mayBeComplement) => Gen.OneOf(
        Gen.Constant($"{{{name}}}"), List(item, 3).Select(items => $"{{{name}={string.Join(',', items)}}}"),
        List(item, 3).Select(items => $"{{{name}{(mayBeComplement ? "!" : "")}={string.Join(',', items)}}}"));

    private static Gen<string> Selector(string axis, Gen<string> item, bool mayBeComplement) => Gen.OneOf(
        Gen.Constant(""), Gen.Constant($"{axis}=*"), List(item, 3).Select(items => $"{axis}={string.Join(',', items)}"),
        List(item, 3).Select(items => $"{axis}!={string.Join(',', items)}"),
        Sweep(axis, item, mayBeComplement).Select(sweep => $"{axis}={sweep}"));

    private static Gen<string[]> List(Gen<string> item, int most) =>
        Gen.Choose(1, most).SelectMany(count => Gen.ArrayOf(item, count));
}
