using System.Globalization;
using System.Text;

namespace Interventions.Models.Chats;

/// <summary>The functions that every chat template can call.</summary>
internal static class TemplateFunctions
{
    private const int LongestRange = 100_000;

    private static readonly Dictionary<string, TemplateFunction> s_functions = new TemplateFunction[]
    {
        new("raise_exception", (run, arguments) =>
            throw new TemplateError(TemplateText.Of(run, arguments.Only("message")).Text) { IsRefusal = true }),
        new("strftime_now", (run, arguments) => (TracedText)Time(run.Now, TextMethods.TextOf(arguments.Only("format")))),
        new("range", Range),
        new("namespace", (_, arguments) => new TemplateNamespace(Pairs(arguments).Items)),
        new("dict", (_, arguments) => Pairs(arguments)),
    }.ToDictionary(function => function.Name, StringComparer.Ordinal);

    /// <summary>The function of this name, if there is one.</summary>
    public static TemplateFunction? Named(string name) => s_functions.GetValueOrDefault(name);

    private static TemplateMap Pairs(TemplateArguments arguments)
    {
        OrderedDictionary<string, object?> values = new(StringComparer.Ordinal);
        foreach (object? value in arguments.Positional)
            foreach ((string key, object? item) in value is TemplateMap map
                ? map.Items : throw new TemplateError($"{TemplateText.Describe(value)} is no map of names"))
                values[key] = item;
        foreach ((string key, object? item) in arguments.Named)
            values[key] = item;
        return new TemplateMap(values);
    }

    private static TemplateList Range(TemplateRun run, TemplateArguments arguments)
    {
        IEnumerable<object?> given = arguments.Bind("start", "stop", "step").Where(bound => bound != (object)TemplateArguments.Absent);
        long[] bounds = [.. given.Select(bound =>
            Operators.Whole(bound) ?? throw new TemplateError($"{TemplateText.Describe(bound)} is no bound of a range"))];
        (long start, long stop, long step) = bounds switch
        {
            [var only] => (0, only, 1),
            [var from, var to] => (from, to, 1),
            [var from, var to, var by and not 0] => (from, to, by),
            _ => throw new TemplateError("a range has one to three numbers, of which the last is not 0"),
        };
        Int128 count = Int128.Max(((Int128)stop - start + step - Math.Sign(step)) / step, 0);
        if (count > LongestRange)
            throw new TemplateError($"a range of {count} numbers is longer than {LongestRange}");
        run.Charge((long)count);
        return new TemplateList([.. Enumerable.Range(0, (int)count).Select(i => (object?)(start + (i * step)))]);
    }

    /// <summary>A time as Python's <c>strftime</c> writes it, in English.</summary>
    private static string Time(DateTime time, string format)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%' || i + 1 == format.Length)
            {
                text.Append(format[i]);
                continue;
            }
            bool unpadded = format[++i] == '-' && i + 1 < format.Length;
            string value = Directive(time, unpadded ? format[++i] : format[i]);
            text.Append(unpadded ? value.TrimStart('0') is { Length: > 0 } digits ? digits : "0" : value);
        }
        return text.ToString();
    }

    private static string Directive(DateTime time, char directive) => directive switch
    {
        '%' => "%",
        'j' => time.DayOfYear.ToString("D3", CultureInfo.InvariantCulture),
        'e' => time.Day.ToString(CultureInfo.InvariantCulture).PadLeft(2),
        'w' => ((int)time.DayOfWeek).ToString(CultureInfo.InvariantCulture),
        'n' => "\n",
        't' => "\t",
        _ => time.ToString(
            directive switch
            {
                'd' => "dd",
                'm' => "MM",
                'b' or 'h' => "MMM",
                'B' => "MMMM",
                'y' => "yy",
                'Y' => "yyyy",
                'a' => "ddd",
                'A' => "dddd",
                'H' => "HH",
                'I' => "hh",
                'M' => "mm",
                'S' => "ss",
                'f' => "ffffff",
                'p' => "tt",
                'F' => "yyyy-MM-dd",
                'D' => "MM/dd/yy",
                'T' or 'X' => "HH:mm:ss",
                'R' => "HH:mm",
                'x' => "MM/dd/yy",
                'c' => "ddd MMM d HH:mm:ss yyyy",
                _ => throw TemplateError.Unsupported($"'%{directive}' in a time"),
            },
            CultureInfo.InvariantCulture),
    };
}
