using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Interventions.ModelGraphs;

namespace Interventions.Circuits.Tests;

/// <summary>The document's table of methods: all of them stand there, with calls that exist and oracles that are tests.</summary>
public sealed partial class MethodsTableTests
{
    private static readonly Type[] s_public = typeof(Circuit).Assembly.GetExportedTypes();

    [Fact]
    public void Every_method_is_in_the_table()
    {
        // What takes a model is a method; what takes none works on what they found.
        string[] methods = [.. s_public.Where(type => type is { IsAbstract: true, IsSealed: true } && Members(type).Any(TakesModel))
            .Select(type => type.Name)];
        Assert.Contains(nameof(EdgeAttribution), methods);
        HashSet<string> called = [.. Rows().SelectMany(row => Calls(row.Call)).Select(call => call.Type)];
        Assert.All(methods, method => Assert.Contains(method, called));
    }

    [Fact]
    public void Every_call_in_it_exists()
    {
        foreach ((string method, string call, _, _) in Rows())
        {
            (string Type, string Member)[] calls = [.. Calls(call)];
            Assert.True(calls.Length > 0, $"'{method}' has no call");
            Assert.All(calls, named => Assert.True(
                s_public.Any(type => type.Name == named.Type && type.GetMember(named.Member).Length > 0),
                $"'{method}': there is no public {named.Type}.{named.Member}"));
        }
    }

    [Fact]
    public void Every_one_has_a_source_and_an_oracle_that_is_a_test()
    {
        foreach ((string method, _, string source, string oracle) in Rows())
        {
            Assert.True(source.Length > 0, $"'{method}' has no source");
            string[] classes = [.. Quoted().Matches(oracle).Select(match => match.Groups[1].Value)];
            Assert.True(classes.Length > 0, $"'{method}' has no oracle");
            Assert.All(classes, name => Assert.True(
                typeof(MethodsTableTests).Assembly.GetTypes().Any(type => type.Name == name && type.GetMethods().Any(IsTest)),
                $"'{method}': there is no test class {name}"));
        }

        static bool IsTest(MethodInfo method) => method.GetCustomAttribute<FactAttribute>() is not null; // theories among them
    }

    private static IEnumerable<MethodBase> Members(Type type) => type.GetMethods().Where(method => method.DeclaringType == type);

    private static bool TakesModel(MethodBase method) =>
        method.GetParameters().Any(parameter => typeof(HookedModel).IsAssignableFrom(parameter.ParameterType));

    private static IEnumerable<(string Type, string Member)> Calls(string cell) =>
        Called().Matches(cell).Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private static IReadOnlyList<(string Method, string Call, string Source, string Oracle)> Rows()
    {
        string[] lines = [.. File.ReadAllText(Document()).Split("\n## Methods\n")[1].Split('\n').Where(line => line.StartsWith('|'))];
        Assert.Equal("| method | call | source | oracle |", lines[0]);
        Assert.True(lines.Length > 2);
        return [.. lines[2..].Select(line => line.Trim('|').Split('|')).Select(cells =>
        {
            Assert.Equal(4, cells.Length);
            return (cells[0].Trim(), cells[1].Trim(), cells[2].Trim(), cells[3].Trim());
        })];
    }

    private static string Document([CallerFilePath] string file = "") =>
        Path.Combine(Path.GetDirectoryName(file)!, "../../src/Interventions.Circuits/README.md");

    [GeneratedRegex(@"`([A-Z]\w*)\.(\w+)[^`]*`")]
    private static partial Regex Called();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Quoted();
}
