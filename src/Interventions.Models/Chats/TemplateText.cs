using System.Globalization;
using Interventions.Tables;

namespace Interventions.Models.Chats;

/// <summary>Values of a template as text: as they are printed, and as JSON.</summary>
internal static class TemplateText
{
    /// <summary>What is written where a template prints a value, as Python's <c>str</c>.</summary>
    public static TracedText Of(TemplateRun run, object? value)
    {
        if (value is TracedText or Undefined)
            return value as TracedText ?? TracedText.Empty;
        List<TracedText> parts = [];
        Print(run, value, parts);
        return run.Join(parts);
    }

    /// <summary>JSON as Python's <c>json.dumps</c> writes it.</summary>
    public static TracedText Json(TemplateRun run, object? value, JsonForm form)
    {
        List<TracedText> parts = [];
        WriteJson(run, value, form, level: 0, parts);
        return run.Join(parts);
    }

    /// <summary>A value in a message.</summary>
    public static string Describe(object? value) => value switch
    {
        null => "none",
        bool or long or double => Scalar(value),
        TracedText text => $"the text {TextTable.Quote(TextTable.Shorten(text.Text, 21))}",
        TemplateList list => $"a list of {list.Items.Count}",
        TemplateMap => "a map",
        Undefined missing => $"nothing ({missing.What})",
        TemplateFunction function => $"the function '{function.Name}'",
        TemplateLoop => "'loop'",
        _ => "a namespace",
    };

    /// <summary>Names in a message, few of them.</summary>
    public static string Listed(IEnumerable<string> names)
    {
        string[] all = [.. names];
        return all.Length == 0 ? "nothing" : string.Join(", ", all.Take(10).Select(name => $"'{name}'")) + (all.Length > 10 ? ", …" : "");
    }

    private static void Print(TemplateRun run, object? value, List<TracedText> parts)
    {
        run.Charge();
        switch (value)
        {
            case Undefined:
                parts.Add("Undefined");
                break;
            case null or bool or long or double:
                parts.Add(Scalar(value));
                break;
            case TracedText text:
                parts.Add(Quoted(run, text));
                break;
            case TemplateList list:
                parts.Add(list.IsTuple ? "(" : "[");
                foreach ((int i, object? item) in list.Items.Index())
                {
                    parts.Add(i == 0 ? "" : ", ");
                    Print(run, item, parts);
                }
                parts.Add(!list.IsTuple ? "]" : list.Items.Count == 1 ? ",)" : ")");
                break;
            case TemplateMap map:
                parts.Add("{");
                foreach ((int i, (string key, object? item)) in map.Items.Index())
                {
                    parts.Add(i == 0 ? "" : ", ");
                    parts.Add(Quoted(run, key));
                    parts.Add(": ");
                    Print(run, item, parts);
                }
                parts.Add("}");
                break;
            default:
                throw new TemplateError($"{Describe(value)} has no text");
        }
    }

    private static void WriteJson(TemplateRun run, object? value, JsonForm form, int level, List<TracedText> parts)
    {
        run.Charge();
        switch (value)
        {
            case null:
                parts.Add("null");
                break;
            case bool truth:
                parts.Add(truth ? "true" : "false");
                break;
            case long or double:
                parts.Add(Scalar(value));
                break;
            case TracedText text:
                parts.Add(Escaped(run, text, '"', c => JsonEscape(c, form.AsciiOnly)));
                break;
            case TemplateList list:
                WriteItems(run, "[", "]", list.Items.Select(item => (Key: (string?)null, item)), form, level, parts);
                break;
            case TemplateMap map:
                IEnumerable<KeyValuePair<string, object?>> items = form.SortKeys
                    ? map.Items.OrderBy(pair => pair.Key, StringComparer.Ordinal) : map.Items;
                WriteItems(run, "{", "}", items.Select(pair => ((string?)pair.Key, pair.Value)), form, level, parts);
                break;
            default:
                throw new TemplateError($"{Describe(value)} cannot be written as JSON");
        }
    }

    private static void WriteItems(
        TemplateRun run, string open, string close, IEnumerable<(string? Key, object? Value)> items, JsonForm form, int level,
        List<TracedText> parts)
    {
        parts.Add(open);
        bool isEmpty = true;
        foreach ((string? key, object? value) in items)
        {
            parts.Add(isEmpty ? "" : form.Comma);
            NewLine(level + 1);
            if (key is not null)
            {
                parts.Add(Escaped(run, key, '"', c => JsonEscape(c, form.AsciiOnly)));
                parts.Add(form.Colon);
            }
            WriteJson(run, value, form, level + 1, parts);
            isEmpty = false;
        }
        if (!isEmpty)
            NewLine(level);
        parts.Add(close);

        void NewLine(int depth)
        {
            if (form.Indent is not { } indent)
                return;
            run.Charge((long)indent.Length * depth);
            parts.Add("\n" + string.Concat(Enumerable.Repeat(indent, depth)));
        }
    }

    /// <summary>A text in quotes, in which some characters are written otherwise. The others keep their origin.</summary>
    private static TracedText Escaped(TemplateRun run, TracedText text, char quote, Func<char, string?> escape)
    {
        List<TracedText> parts = [quote.ToString()];
        int done = 0;
        for (int i = 0; i < text.Text.Length; i++)
            if (escape(text.Text[i]) is { } escaped)
            {
                parts.AddRange([text.Part(done, i), escaped]);
                done = i + 1;
            }
        parts.AddRange([text.Part(done, text.Text.Length), quote.ToString()]);
        return run.Join(parts);
    }

    private static TracedText Quoted(TemplateRun run, TracedText text)
    {
        char quote = text.Text.Contains('\'') && !text.Text.Contains('"') ? '"' : '\'';
        return Escaped(run, text, quote, c => c switch
        {
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '\\' => "\\\\",
            < ' ' or '\x7f' => $"\\x{(int)c:x2}",
            _ => c == quote ? $"\\{c}" : null,
        });
    }

    private static string? JsonEscape(char c, bool asciiOnly) => c switch
    {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\b' => "\\b",
        '\f' => "\\f",
        < ' ' => $"\\u{(int)c:x4}",
        > '~' when asciiOnly => $"\\u{(int)c:x4}",
        _ => null,
    };

    private static string Scalar(object? value) => value switch
    {
        null => "None",
        bool truth => truth ? "True" : "False",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number when double.IsInteger(number) && Math.Abs(number) < 1e16 => number.ToString("F1", CultureInfo.InvariantCulture),
        double number when double.IsFinite(number) => number.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant(),
        double number => double.IsNaN(number) ? "nan" : number > 0 ? "inf" : "-inf",
        _ => throw new ArgumentException(null, nameof(value)),
    };
}

/// <summary>How JSON is laid out.</summary>
/// <param name="Indent">What a level is indented by; absent: everything on one line.</param>
/// <param name="Comma">What stands between two items.</param>
/// <param name="Colon">What stands between a key and its value.</param>
/// <param name="AsciiOnly">Whether other characters are escaped.</param>
/// <param name="SortKeys">Whether keys are sorted.</param>
internal sealed record JsonForm(string? Indent, string Comma, string Colon, bool AsciiOnly, bool SortKeys);
