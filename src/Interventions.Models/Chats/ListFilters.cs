namespace Interventions.Models.Chats;

/// <summary>The filters of lists and maps: <c>messages | selectattr("role", "equalto", "user") | first</c>.</summary>
internal static class ListFilters
{
    private static readonly Dictionary<string, TemplateFilter> s_filters = new(StringComparer.Ordinal)
    {
        ["list"] = (run, value, _) => new TemplateList(Operators.Iterate(run, value)),
        ["items"] = (run, value, _) => value switch
        {
            TemplateMap map => CollectionMethods.Items(run, map),
            Undefined => new TemplateList([]),
            _ => throw new TemplateError($"{TemplateText.Describe(value)} has no items"),
        },
        ["dictsort"] = (run, value, _) => value is TemplateMap map
            ? new TemplateList([.. CollectionMethods.Items(run, map).Items.OrderBy(
                pair => ((TracedText)((TemplateList)pair!).Items[0]!).Text.ToLowerInvariant(), StringComparer.Ordinal)])
            : throw new TemplateError($"{TemplateText.Describe(value)} is no map"),
        ["first"] = (run, value, _) =>
            Operators.Iterate(run, value) is [var first, ..] ? first : new Undefined("an empty list has no first item"),
        ["last"] = (run, value, _) =>
            Operators.Iterate(run, value) is [.., var last] ? last : new Undefined("an empty list has no last item"),
        ["reverse"] = (run, value, _) => value is TracedText text
            ? run.Join([.. text.CodePoints().Reverse()])
            : new TemplateList([.. Operators.Iterate(run, value).Reverse()]),
        ["join"] = Join,
        ["sum"] = (run, value, arguments) => arguments.Bind("attribute") is [var attribute]
            ? Operators.Iterate(run, value).Select(item => Attribute(run, item, attribute))
                .Aggregate((object?)0L, (sum, item) => Operators.Add(run, sum, item))
            : null,
        ["min"] = (run, value, _) => Operators.Iterate(run, value).Order(s_order)
            .FirstOrDefault(new Undefined("an empty list has no least item")),
        ["max"] = (run, value, _) => Operators.Iterate(run, value).OrderDescending(s_order)
            .FirstOrDefault(new Undefined("an empty list has no greatest item")),
        ["sort"] = Sort,
        ["unique"] = (run, value, _) => Operators.Iterate(run, value).Aggregate(new TemplateList([]), (found, item) =>
            Operators.Contains(run, found, item) ? found : new TemplateList([.. found.Items, item])),
        ["map"] = Map,
        ["select"] = (run, value, arguments) => Select(run, value, arguments, byAttribute: false, wanted: true),
        ["reject"] = (run, value, arguments) => Select(run, value, arguments, byAttribute: false, wanted: false),
        ["selectattr"] = (run, value, arguments) => Select(run, value, arguments, byAttribute: true, wanted: true),
        ["rejectattr"] = (run, value, arguments) => Select(run, value, arguments, byAttribute: true, wanted: false),
    };

    private static readonly Comparer<object?> s_order = Comparer<object?>.Create((left, right) =>
        Operators.Compare(Folded(left), Folded(right)));

    /// <summary>The filter of this name, if there is one.</summary>
    public static TemplateFilter? Named(string name) => s_filters.GetValueOrDefault(name);

    private static TracedText Join(TemplateRun run, object? value, TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("d", "attribute");
        return TextMethods.Join(
            run, TemplateArguments.IsNone(bound[0]) ? TracedText.Empty : TemplateText.Of(run, bound[0]),
            Operators.Iterate(run, value).Select(item => Attribute(run, item, bound[1])));
    }

    private static TemplateList Sort(TemplateRun run, object? value, TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("reverse", "case_sensitive", "attribute");
        bool exact = Operators.IsTrue(bound[1]);
        Comparer<object?> order = exact ? Comparer<object?>.Create(Operators.Compare) : s_order;
        IReadOnlyList<object?> items = Operators.Iterate(run, value);
        return new TemplateList([.. Operators.IsTrue(bound[0])
            ? items.OrderByDescending(item => Attribute(run, item, bound[2]), order)
            : items.OrderBy(item => Attribute(run, item, bound[2]), order)]);
    }

    private static TemplateList Map(TemplateRun run, object? value, TemplateArguments arguments)
    {
        IReadOnlyList<object?> items = Operators.Iterate(run, value);
        if (arguments.Named.ContainsKey("attribute"))
        {
            object?[] bound = arguments.Bind("attribute", "default");
            return new TemplateList([.. items.Select(item => Attribute(run, item, bound[0])).Select(item =>
                item is Undefined && bound[1] != (object)TemplateArguments.Absent ? bound[1] : item)]);
        }
        string filter = TextMethods.TextOf(arguments.Positional.FirstOrDefault(new Undefined("'map' needs an attribute or a filter")));
        return new TemplateList([.. items.Select(item => TemplateFilters.Apply(run, filter, item, arguments.Rest(filter)))]);
    }

    private static TemplateList Select(TemplateRun run, object? value, TemplateArguments arguments, bool byAttribute, bool wanted)
    {
        object? attribute = TemplateArguments.Absent;
        if (byAttribute)
        {
            attribute = arguments.Positional.FirstOrDefault(new Undefined("an attribute to select by is missing"));
            arguments = arguments.Rest("selectattr");
        }
        string? test = arguments.Positional.Count == 0 ? null : TextMethods.TextOf(arguments.Positional[0]);
        TemplateArguments others = test is null ? arguments : arguments.Rest(test);
        return new TemplateList([.. Operators.Iterate(run, value).Where(item =>
        {
            object? tested = Attribute(run, item, attribute);
            return (test is null ? Operators.IsTrue(tested) : TemplateTests.Holds(run, test, tested, others)) == wanted;
        })]);
    }

    /// <summary>An item's attribute: a name, names with dots between them, or an index. Without one it is the item itself.</summary>
    private static object? Attribute(TemplateRun run, object? item, object? attribute) => attribute switch
    {
        TracedText path => path.Text.Split('.').Aggregate(item, (value, name) =>
            Operators.Item(run, value, long.TryParse(name, out long index) ? index : (TracedText)name)),
        long index => Operators.Item(run, item, index),
        _ when attribute == (object)TemplateArguments.Absent => item,
        _ => throw new TemplateError($"{TemplateText.Describe(attribute)} is no attribute"),
    };

    private static object? Folded(object? value) => value is TracedText text ? TextMethods.Lower(text) : value;
}
