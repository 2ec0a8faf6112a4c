using System.Text;

namespace Interventions.Models.Chats;

/// <summary>The methods of texts, as in Python. All that keep characters cut and join, so that these keep their origin.</summary>
internal static class TextMethods
{
    private static readonly Dictionary<string, Func<TemplateRun, TracedText, TemplateArguments, object?>> s_methods =
        new(StringComparer.Ordinal)
        {
            ["strip"] = (run, text, arguments) => Strip(run, text, arguments, left: true, right: true),
            ["lstrip"] = (run, text, arguments) => Strip(run, text, arguments, left: true, right: false),
            ["rstrip"] = (run, text, arguments) => Strip(run, text, arguments, left: false, right: true),
            ["removeprefix"] = (_, text, arguments) => text.Text.StartsWith(TextOf(arguments.Only("prefix")), StringComparison.Ordinal)
                ? text.Part(TextOf(arguments.Only("prefix")).Length, text.Text.Length) : text,
            ["removesuffix"] = (_, text, arguments) => text.Text.EndsWith(TextOf(arguments.Only("suffix")), StringComparison.Ordinal)
                ? text.Part(0, text.Text.Length - TextOf(arguments.Only("suffix")).Length) : text,
            ["split"] = (run, text, arguments) => Split(run, text, arguments, fromRight: false),
            ["rsplit"] = (run, text, arguments) => Split(run, text, arguments, fromRight: true),
            ["splitlines"] = (run, text, arguments) => SplitLines(run, text, Operators.IsTrue(arguments.Bind("keepends")[0])),
            ["replace"] = (run, text, arguments) => Replace(run, text, arguments.Bind("old", "new", "count")),
            ["join"] = (run, text, arguments) => Join(run, text, Operators.Iterate(run, arguments.Only("items"))),
            ["upper"] = (_, text, arguments) => Upper(text),
            ["lower"] = (_, text, arguments) => Lower(text),
            ["capitalize"] = (_, text, arguments) => Capitalize(text),
            ["title"] = (_, text, arguments) => Title(text, before => !char.IsLetter(before)),
            ["startswith"] = (run, text, arguments) =>
                Any(run, arguments.Only("prefix"), part => text.Text.StartsWith(part, StringComparison.Ordinal)),
            ["endswith"] = (run, text, arguments) =>
                Any(run, arguments.Only("suffix"), part => text.Text.EndsWith(part, StringComparison.Ordinal)),
            ["find"] = (_, text, arguments) =>
                Points(text, text.Text.IndexOf(TextOf(arguments.Only("part")), StringComparison.Ordinal)),
            ["rfind"] = (_, text, arguments) =>
                Points(text, text.Text.LastIndexOf(TextOf(arguments.Only("part")), StringComparison.Ordinal)),
            ["count"] = (run, text, arguments) => (long)Places(run, text, TextOf(arguments.Only("part"))).Count,
            ["isdigit"] = (_, text, _) => All(text, Rune.IsDigit),
            ["isalpha"] = (_, text, _) => All(text, Rune.IsLetter),
            ["isalnum"] = (_, text, _) => All(text, Rune.IsLetterOrDigit),
            ["isspace"] = (_, text, _) => All(text, Rune.IsWhiteSpace),
            ["isupper"] = (_, text, _) => text.Text.Any(char.IsUpper) && !text.Text.Any(char.IsLower),
            ["islower"] = (_, text, _) => text.Text.Any(char.IsLower) && !text.Text.Any(char.IsUpper),
        };

    /// <summary>The method of this name, if there is one.</summary>
    public static Func<TemplateRun, TracedText, TemplateArguments, object?>? Named(string name) => s_methods.GetValueOrDefault(name);

    /// <summary>The text that an argument must be.</summary>
    public static string TextOf(object? value) => value is TracedText text
        ? text.Text
        : throw new TemplateError((value as Undefined)?.What ?? $"{TemplateText.Describe(value)} stands where a text must be");

    public static TracedText Strip(TemplateRun run, TracedText text, TemplateArguments arguments, bool left, bool right)
    {
        string? characters = arguments.Bind("chars")[0] is var given && TemplateArguments.IsNone(given) ? null : TextOf(given);
        run.Charge(text.Text.Length);
        int start = 0, end = text.Text.Length;
        while (left && start < end && IsStripped(text.Text[start]))
            start++;
        while (right && start < end && IsStripped(text.Text[end - 1]))
            end--;
        return text.Part(start, end);

        bool IsStripped(char c) => characters?.Contains(c) ?? char.IsWhiteSpace(c);
    }

    /// <param name="run">The run.</param>
    /// <param name="text">The text.</param>
    /// <param name="arguments">What is replaced, what by, and at most how often: from the left, everywhere without a number.</param>
    public static TracedText Replace(TemplateRun run, TracedText text, object?[] arguments)
    {
        string old = TextOf(arguments[0]);
        TracedText by = arguments[1] as TracedText ?? TextOf(arguments[1]);
        List<int> places = Places(run, text, old, Count(arguments[2]));
        List<TracedText> parts = [];
        int done = 0;
        foreach (int place in places)
        {
            parts.AddRange([text.Part(done, place), by]);
            done = place + old.Length;
        }
        parts.Add(text.Part(done, text.Text.Length));
        return run.Join(parts);
    }

    public static TracedText Join(TemplateRun run, TracedText between, IEnumerable<object?> items) =>
        run.Join([.. items.SelectMany((item, i) => (TracedText[])(i == 0
            ? [TemplateText.Of(run, item)] : [between, TemplateText.Of(run, item)]))]);

    public static TracedText Upper(TracedText text) => text.Recased(text.Text.ToUpperInvariant());

    public static TracedText Lower(TracedText text) => text.Recased(text.Text.ToLowerInvariant());

    public static TracedText Capitalize(TracedText text) =>
        text.Recased(text.Text.Length == 0 ? "" : text.Text[..1].ToUpperInvariant() + text.Text[1..].ToLowerInvariant());

    /// <param name="text">The text.</param>
    /// <param name="begins">Whether a word begins behind a character.</param>
    public static TracedText Title(TracedText text, Func<char, bool> begins) => text.Recased(string.Concat(text.Text.Select((c, i) =>
        i == 0 || begins(text.Text[i - 1]) ? char.ToUpperInvariant(c) : char.ToLowerInvariant(c))));

    private static TemplateList Split(TemplateRun run, TracedText text, TemplateArguments arguments, bool fromRight)
    {
        object?[] bound = arguments.Bind("sep", "maxsplit");
        int most = Count(bound[1]);
        if (TemplateArguments.IsNone(bound[0]))
            return fromRight && most < int.MaxValue
                ? throw TemplateError.Unsupported("'rsplit' at white space, with a limit")
                : SplitWords(run, text, most);
        string separator = TextOf(bound[0]);
        if (separator.Length == 0)
            throw new TemplateError("a text is split at an empty text");
        List<int> places = Places(run, text, separator);
        List<object?> parts = [];
        int begin = 0;
        foreach (int place in fromRight ? places.TakeLast(most) : places.Take(most))
        {
            parts.Add(text.Part(begin, place));
            begin = place + separator.Length;
        }
        parts.Add(text.Part(begin, text.Text.Length));
        return new TemplateList(parts);
    }

    /// <summary>The words between white space; what is left whole behind the limit keeps its white space at the end.</summary>
    private static TemplateList SplitWords(TemplateRun run, TracedText text, int most)
    {
        run.Charge(text.Text.Length);
        List<object?> words = [];
        for (int start = 0, end; start < text.Text.Length; start = end)
        {
            end = start;
            if (char.IsWhiteSpace(text.Text[start]))
            {
                end++;
                continue;
            }
            while (end < text.Text.Length && (words.Count == most || !char.IsWhiteSpace(text.Text[end])))
                end++;
            words.Add(text.Part(start, end));
        }
        return new TemplateList(words);
    }

    private static TemplateList SplitLines(TemplateRun run, TracedText text, bool keepEnds)
    {
        run.Charge(text.Text.Length);
        List<object?> lines = [];
        for (int start = 0, next; start < text.Text.Length; start = next)
        {
            int end = text.Text.AsSpan(start).IndexOfAny('\n', '\r');
            end = end < 0 ? text.Text.Length : start + end;
            next = end + (text.Text.AsSpan(end).StartsWith("\r\n") ? 2 : end < text.Text.Length ? 1 : 0);
            lines.Add(text.Part(start, keepEnds ? next : end));
        }
        return new TemplateList(lines);
    }

    /// <summary>Where a part begins, from the left and without overlap; an empty part is before each character and at the end.</summary>
    private static List<int> Places(TemplateRun run, TracedText text, string part, int most = int.MaxValue)
    {
        run.Charge(text.Text.Length);
        List<int> places = [];
        int step = Math.Max(part.Length, 1);
        for (int at = 0; places.Count < most && at <= text.Text.Length; at += step)
        {
            at = text.Text.IndexOf(part, at, StringComparison.Ordinal);
            if (at < 0)
                break;
            places.Add(at);
        }
        return places;
    }

    /// <summary>How often something is done at most: without a number, and below 0, there is no limit.</summary>
    private static int Count(object? value) => TemplateArguments.IsNone(value) ? int.MaxValue
        : Operators.Whole(value) is not { } count ? throw new TemplateError($"{TemplateText.Describe(value)} is no number of times")
        : count < 0 ? int.MaxValue : (int)Math.Min(count, int.MaxValue);

    private static bool Any(TemplateRun run, object? parts, Func<string, bool> fits) =>
        parts is TracedText one ? fits(one.Text) : Operators.Iterate(run, parts).Any(part => fits(TextOf(part)));

    private static bool All(TracedText text, Func<Rune, bool> holds) => text.Text.Length > 0 && text.Text.EnumerateRunes().All(holds);

    /// <summary>A place, counted in code points.</summary>
    private static long Points(TracedText text, int place) => place < 0 ? -1 : text.Part(0, place).Length;
}
