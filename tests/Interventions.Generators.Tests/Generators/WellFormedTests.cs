using System.Reflection;
using Interventions.Generators.Tests.Rules;
using Interventions.Generators.Tests.Testing;

namespace Interventions.Generators.Tests.Generators;

/// <summary>
/// The generator finds by itself whether generated code could call a declaration. It agrees with the rules: a declaration that they refuse
/// for its signatures gets members that throw, and any other one gets a graph.
/// </summary>
public sealed class WellFormedTests
{
    private static readonly string[] s_refused =
        ["INV101", "INV102", "INV103", "INV104", "INV105", "INV107", "INV108", "INV111", "INV115", "INV211", "INV234"];

    private static readonly Type[] s_topics =
        [typeof(SignaturesTests), typeof(CompositionTests), typeof(ResultsTests), typeof(PlaceholdersTests), typeof(OrderTests)];

    /// <summary>The declarations that the tests of rules are about: attributes, members, and the rule that they break.</summary>
    public static TheoryData<string, string, string> Declarations
    {
        get
        {
            var all = new TheoryData<string, string, string>();
            foreach (Type tests in s_topics)
                foreach (MethodInfo test in tests.GetMethods())
                    foreach (object[] row in test.GetCustomAttributes<InlineDataAttribute>().SelectMany(data => data.GetData(test)))
                        if (Declaration(test.GetParameters(), row) is var (rule, attributes, members))
                            all.Add(rule, attributes, members);
            return all;
        }
    }

    [Fact]
    public void There_are_declarations_of_both_sorts()
    {
        var rules = Declarations.Select(row => (string)row[0]).ToList();
        Assert.InRange(rules.Count(s_refused.Contains), 20, 999);
        Assert.InRange(rules.Count(rule => !s_refused.Contains(rule)), 40, 999);
    }

    [Theory]
    [MemberData(nameof(Declarations))]
    public void The_generator_agrees_with_the_rules(string rule, string attributes, string members)
    {
        string text = Compilations.GeneratedText(Sources.Model, Sources.Prompts, Sources.Intervention(members, attributes));
        Assert.Equal(s_refused.Contains(rule), text.Contains("is in error", StringComparison.Ordinal));
    }

    private static (string Rule, string Attributes, string Members)? Declaration(ParameterInfo[] parameters, object[] row)
    {
        string? Named(string name) =>
            Array.FindIndex(parameters, parameter => parameter.Name == name) is >= 0 and var i ? Unmarked((string)row[i]) : null;

        string message = Named("message") ?? "";
        // The rule of means has two parts: the property, without which nothing can be called, and its names.
        string rule = Named("id") is "INV234" && !message.Contains("no property", StringComparison.Ordinal) ? "" : Named("id") ?? "";
        // Members that include another declaration need that one too.
        return Named("members") is { } members && (rule == "INV211" || !members.Contains("[Include", StringComparison.Ordinal))
            ? (rule, Named("attributes") ?? "", members)
            : null;
    }

    private static string Unmarked(string text) =>
        text.Replace("[|", "", StringComparison.Ordinal).Replace("|]", "", StringComparison.Ordinal);
}
