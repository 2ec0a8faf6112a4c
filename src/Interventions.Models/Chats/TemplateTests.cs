namespace Interventions.Models.Chats;

/// <summary>A test: whether something holds of a value.</summary>
internal delegate bool TemplateTest(TemplateRun run, object? value, TemplateArguments arguments);

/// <summary>What a template may ask with <c>is</c>.</summary>
internal static class TemplateTests
{
    private static readonly Dictionary<string, TemplateTest> s_tests = new(StringComparer.Ordinal)
    {
        ["defined"] = (_, value, _) => value is not Undefined,
        ["undefined"] = (_, value, _) => value is Undefined,
        ["none"] = (_, value, _) => value is null,
        ["true"] = (_, value, _) => value is true,
        ["false"] = (_, value, _) => value is false,
        ["boolean"] = (_, value, _) => value is bool,
        ["integer"] = (_, value, _) => value is long,
        ["float"] = (_, value, _) => value is double,
        ["number"] = (_, value, _) => Operators.IsNumber(value),
        ["string"] = (_, value, _) => value is TracedText,
        ["mapping"] = (_, value, _) => value is TemplateMap,
        ["sequence"] = (_, value, _) => value is TracedText or TemplateList or TemplateMap or Undefined,
        ["iterable"] = (_, value, _) => value is TracedText or TemplateList or TemplateMap or Undefined,
        ["callable"] = (_, value, _) => value is TemplateFunction,
        ["odd"] = (_, value, _) => Operators.Arithmetic("%", value, 2L) is 1L or 1.0,
        ["even"] = (_, value, _) => Operators.Arithmetic("%", value, 2L) is 0L or 0.0,
        ["divisibleby"] = (_, value, arguments) => Operators.Arithmetic("%", value, arguments.Only("num")) is 0L or 0.0,
        ["lower"] = (run, value, _) => IsCase(run, value, char.IsLower, char.IsUpper),
        ["upper"] = (run, value, _) => IsCase(run, value, char.IsUpper, char.IsLower),
        ["in"] = (run, value, arguments) => Operators.Contains(run, arguments.Only("seq"), value),
        ["sameas"] = (run, value, arguments) => arguments.Only("other") is var other
            && (value?.GetType() == other?.GetType()) && Operators.AreEqual(run, value, other),
        ["eq"] = (run, value, arguments) => Operators.AreEqual(run, value, arguments.Only("other")),
        ["ne"] = (run, value, arguments) => !Operators.AreEqual(run, value, arguments.Only("other")),
        ["lt"] = (_, value, arguments) => Operators.Compare(value, arguments.Only("other")) < 0,
        ["le"] = (_, value, arguments) => Operators.Compare(value, arguments.Only("other")) <= 0,
        ["gt"] = (_, value, arguments) => Operators.Compare(value, arguments.Only("other")) > 0,
        ["ge"] = (_, value, arguments) => Operators.Compare(value, arguments.Only("other")) >= 0,
    };

    private static readonly Dictionary<string, string> s_otherNames = new(StringComparer.Ordinal)
    {
        ["equalto"] = "eq",
        ["=="] = "eq",
        ["!="] = "ne",
        ["lessthan"] = "lt",
        ["<"] = "lt",
        ["<="] = "le",
        ["greaterthan"] = "gt",
        [">"] = "gt",
        [">="] = "ge",
    };

    /// <exception cref="TemplateError">There is no such test.</exception>
    public static bool Holds(TemplateRun run, string name, object? value, TemplateArguments arguments)
    {
        TemplateTest test = s_tests.GetValueOrDefault(s_otherNames.GetValueOrDefault(name, name))
            ?? throw TemplateError.Unsupported($"the test '{name}'");
        bool holds = test(run, value, arguments);
        arguments.CheckRead();
        return holds;
    }

    private static bool IsCase(TemplateRun run, object? value, Func<char, bool> wanted, Func<char, bool> other)
    {
        string text = TemplateText.Of(run, value).Text;
        return text.Any(wanted) && !text.Any(other);
    }
}
