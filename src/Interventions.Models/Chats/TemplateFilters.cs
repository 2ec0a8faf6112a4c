using System.Globalization;

namespace Interventions.Models.Chats;

/// <summary>A filter: what becomes of a value.</summary>
internal delegate object? TemplateFilter(TemplateRun run, object? value, TemplateArguments arguments);

/// <summary>The filters of templates, which stand behind a bar: <c>value | trim</c>. This file has those of texts and numbers.</summary>
internal static class TemplateFilters
{
    private static readonly Dictionary<string, TemplateFilter> s_filters = new(StringComparer.Ordinal)
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
    };

    /// <exception cref="TemplateError">There is no such filter.</exception>
    public static object? Apply(TemplateRun run, string name, object? value, TemplateArguments arguments)
    {
        TemplateFilter filter = s_filters.GetValueOrDefault(name) ?? ListFilters.Named(name)
            ?? throw TemplateError.Unsupported($"the filter '{name}'");
        object? result = filter(run, value, arguments);
        arguments.CheckRead();
        return result;
    }

    private static object? Default(TemplateRun run, object? value, TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("default_value", "boolean");
        bool isMissing = value is Undefined || (Operators.IsTrue(bound[1]) && !Operators.IsTrue(value));
        return !isMissing ? value : bound[0] == (object)TemplateArguments.Absent ? TracedText.Empty : bound[0];
    }

    private static long Length(TemplateRun run, object? value) => value switch
    {
        TracedText text => text.Length,
        _ => Operators.Iterate(run, value).Count,
    };

    private static object? ToNumber(object? value, TemplateArguments arguments, bool whole)
    {
        object? given = arguments.Bind("default")[0];
        object? otherwise = given != (object)TemplateArguments.Absent ? given : whole ? 0L : (object)0.0;
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
        string by = bound[0] is TracedText text ? text.Text : new string(' ', Width(bound[0], otherwise: 4));
        (bool first, bool blank) = (Operators.IsTrue(bound[1]), Operators.IsTrue(bound[2]));
        TemplateArguments lineBreak = new("split", [(TracedText)"\n"], new Dictionary<string, object?>());
        TemplateList lines = (TemplateList)TextMethods.Named("split")!(run, TemplateText.Of(run, value), lineBreak)!;
        return run.Join([.. lines.Items.Cast<TracedText>().SelectMany((line, i) => (TracedText[])
            [i == 0 ? "" : "\n", (i == 0 ? first : blank || line.Text.Length > 0) ? by : "", line])]);
    }

    private static int Width(object? value, int otherwise) => TemplateArguments.IsNone(value) ? otherwise
        : Operators.Whole(value) is { } width ? (int)Math.Clamp(width, 0, 1000)
        : throw new TemplateError($"{TemplateText.Describe(value)} is no indentation");

    private static JsonForm JsonForm(TemplateArguments arguments)
    {
        object?[] bound = arguments.Bind("ensure_ascii", "indent", "separators", "sort_keys");
        string? indent = TemplateArguments.IsNone(bound[1]) ? null
            : bound[1] is TracedText text ? text.Text : new string(' ', Width(bound[1], otherwise: 0));
        (string comma, string colon) = TemplateArguments.IsNone(bound[2]) ? (indent is null ? ", " : ",", ": ")
            : bound[2] is TemplateList { Items: [TracedText between, TracedText behind] } ? (between.Text, behind.Text)
            : throw new TemplateError($"{TemplateText.Describe(bound[2])} is no pair of separators");
        return new(indent, comma, colon, AsciiOnly: Operators.IsTrue(bound[0]), SortKeys: Operators.IsTrue(bound[3]));
    }
}
