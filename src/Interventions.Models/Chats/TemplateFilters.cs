using System.Globalization;

namespace Interventions.Models.Chats;

/// <summary>The filters of templates, which stand behind a bar: <c>value | trim</c>.</summary>
internal static class TemplateFilters
{
    private static readonly Dictionary<string, Func<TemplateRun, object?, TemplateArguments, object?>> s_filters =
        new(StringComparer.Ordinal)
        {
            ["trim"] = (run, value, arguments) =>
                TextMethods.Strip(run, TemplateText.Of(run, value), arguments, left: true, right: true),
            ["upper"] = (run, value, _) => TextMethods.Upper(TemplateText.Of(run, value)),
            ["lower"] = (run, value, _) => TextMethods.Lower(TemplateText.Of(run, value)),
            ["capitalize"] = (run, value, _) => TextMethods.Capitalize(TemplateText.Of(run, value)),
            ["title"] = (run, value, _) => TextMethods.Title(
                TemplateText.Of(run, value), before => char.IsWhiteSpace(before) || "-({[<".Contains(before)),
            ["replace"] = (run, value, arguments) =>
                TextMethods.Replace(run, TemplateText.Of(run, value), arguments.Bind("old", "new", "count")),
            ["string"] = (run, value, _) => TemplateText.Of(run, value),
            ["safe"] = (run, value, _) => TemplateText.Of(run, value),
            ["indent"] = Indent,
            ["tojson"] = (run, value, arguments) => TemplateText.Json(run, value, JsonForm(arguments)),
            ["length"] = (run, value, _) => Length(run, value),
            ["count"] = (run, value, _) => Length(run, value),
            ["default"] = Default,
            ["d"] = Default,
            ["int"] = (_, value, arguments) => ToNumber(value, arguments, whole: true),
            ["float"] = (_, value, arguments) => ToNumber(value, arguments, whole: false),
            ["abs"] = (_, value, _) => Operators.Compare(value, 0L) < 0 ? Operators.Negative(value) : value,
            ["round"] = (_, value, arguments) => arguments.Bind("precision")[0] is var digits && Operators.IsNumber(value)
                ? Math.Round(Operators.Number(value), (int)Math.Clamp(Operators.Whole(digits) ?? 0, 0, 15), MidpointRounding.ToEven)
                : throw new TemplateError($"{TemplateText.Describe(value)} cannot be rounded"),
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

    /// <exception cref="TemplateError">There is no such filter.</exception>
    public static object? Apply(TemplateRun run, string name, object? value, TemplateArguments arguments) =>
        s_filters.TryGetValue(name, out var filter)
            ? filter(run, value, arguments)
            : throw TemplateError.Unsupported($"the filter '{name}'");

    private static object? Default(TemplateRun run, object? value, TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("default_value", "boolean");
        bool isMissing = value is Undefined || (bound[1] is not Undefined && Operators.IsTrue(bound[1]) && !Operators.IsTrue(value));
        return !isMissing ? value : bound[0] is Undefined ? TracedText.Empty : bound[0];
    }

    private static long Length(TemplateRun run, object? value) => value switch
    {
        TracedText text => text.Length,
        _ => Operators.Iterate(run, value).Count,
    };

    private static object? ToNumber(object? value, TemplateArguments arguments, bool whole)
    {
        object? otherwise = arguments.Bind("default")[0] is var given && given is Undefined ? (whole ? 0L : (object)0.0) : given;
        double? number = value switch
        {
            TracedText text when double.TryParse(text.Text, CultureInfo.InvariantCulture, out double parsed) => parsed,
            _ => Operators.IsNumber(value) ? Operators.Number(value) : null,
        };
        return number is not { } found || !double.IsFinite(found) || (whole && Math.Abs(found) >= 1L << 53)
            ? value is long && whole ? value : otherwise
            : whole ? (long)found : (object)found;
    }

    private static TracedText Indent(TemplateRun run, object? value, TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("width", "first", "blank");
        string by = bound[0] is TracedText text ? text.Text : new string(' ', (int)Math.Clamp(Operators.Whole(bound[0]) ?? 4, 0, 1000));
        (bool first, bool blank) = (Operators.IsTrue(bound[1]), Operators.IsTrue(bound[2]));
        TemplateArguments lineBreak = new("split", [(TracedText)"\n"], new Dictionary<string, object?>());
        TemplateList lines = (TemplateList)TextMethods.Named("split")!(run, TemplateText.Of(run, value), lineBreak)!;
        return run.Join([.. lines.Items.Cast<TracedText>().SelectMany((line, i) => (TracedText[])
            [i == 0 ? "" : "\n", (i == 0 ? first : blank || line.Text.Length > 0) ? by : "", line])]);
    }

    private static JsonForm JsonForm(TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("indent", "ensure_ascii", "separators", "sort_keys");
        string? indent = bound[0] switch
        {
            null or Undefined => null,
            TracedText text => text.Text,
            object width => new string(' ', (int)Math.Clamp(
                Operators.Whole(width) ?? throw new TemplateError($"{TemplateText.Describe(width)} is no indentation"), 0, 100)),
        };
        (string comma, string colon) = bound[2] switch
        {
            null or Undefined => (indent is null ? ", " : ",", ": "),
            TemplateList { Items: [TracedText between, TracedText behind] } => (between.Text, behind.Text),
            object other => throw new TemplateError($"{TemplateText.Describe(other)} is no pair of separators"),
        };
        return new(indent, comma, colon, AsciiOnly: Operators.IsTrue(bound[1]), SortKeys: Operators.IsTrue(bound[3]));
    }

    private static TracedText Join(TemplateRun run, object? value, TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("d", "attribute");
        return TextMethods.Join(
            run, bound[0] is Undefined ? TracedText.Empty : TemplateText.Of(run, bound[0]),
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
        if (arguments.Named.TryGetValue("attribute", out object? attribute))
        {
            object? otherwise = arguments.Named.GetValueOrDefault("default", TemplateArguments.Absent);
            return new TemplateList([.. items.Select(item => Attribute(run, item, attribute)).Select(item =>
                item is Undefined && otherwise is not Undefined ? otherwise : item)]);
        }
        string filter = TextMethods.TextOf(arguments.Positional.FirstOrDefault(new Undefined("'map' needs an attribute or a filter")));
        return new TemplateList([.. items.Select(item => Apply(run, filter, item, arguments.Rest(filter)))]);
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
