using System.Reflection;
using System.Text.RegularExpressions;

namespace Interventions.Testing.Support;

/// <summary>
/// The table of methods at the end of a package's document: all of them stand there, with calls that exist and oracles that are tests.
/// </summary>
/// <param name="package">The package.</param>
/// <param name="tests">Its tests.</param>
/// <param name="document">The document's path.</param>
public sealed partial class MethodsTable(Assembly package, Assembly tests, string document)
{
    private readonly Type[] _public = package.GetExportedTypes();

    /// <summary>Asserts that every method of the package is called in the table.</summary>
    /// <param name="isMethod">Which types are methods.</param>
    /// <param name="known">The name of a type that is one.</param>
    public void ListsAll(Func<Type, bool> isMethod, string known)
    {
        string[] methods = [.. _public.Where(isMethod).Select(type => type.Name)];
        Assert.Contains(known, methods);
        HashSet<string> called = [.. Rows().SelectMany(row => Calls(row.Call)).Select(call => call.Type)];
        Assert.All(methods, method => Assert.Contains(method, called));
    }

    /// <summary>Asserts that every row has calls, and that there are such members.</summary>
    public void HasCallsThatExist()
    {
        foreach ((string method, string call, _, _) in Rows())
        {
            (string Type, string Member)[] calls = [.. Calls(call)];
            Assert.True(calls.Length > 0, $"'{method}' has no call");
            Assert.All(calls, named => Assert.True(
                _public.Any(type => NameOf(type) == named.Type && type.GetMember(named.Member).Length > 0),
                $"'{method}': there is no public {named.Type}.{named.Member}"));
        }
    }

    /// <summary>Asserts that every row has a source, and an oracle that names classes of tests.</summary>
    public void HasSourcesAndOracles()
    {
        foreach ((string method, _, string source, string oracle) in Rows())
        {
            Assert.True(source.Length > 0, $"'{method}' has no source");
            string[] classes = [.. Quoted().Matches(oracle).Select(match => match.Groups[1].Value)];
            Assert.True(classes.Length > 0, $"'{method}' has no oracle");
            Assert.All(classes, name => Assert.True(
                tests.GetTypes().Any(type => type.Name == name && type.GetMethods().Any(IsTest)),
                $"'{method}': there is no test class {name}"));
        }

        static bool IsTest(MethodInfo method) => method.GetCustomAttribute<FactAttribute>() is not null; // theories among them
    }

    private static string NameOf(Type type) => type.Name.Split('`')[0];

    private static IEnumerable<(string Type, string Member)> Calls(string cell) =>
        Called().Matches(cell).Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private IReadOnlyList<(string Method, string Call, string Source, string Oracle)> Rows()
    {
        string[] lines = [.. File.ReadAllText(document).Split("\n## Methods\n")[1].Split('\n').Where(line => line.StartsWith('|'))];
        Assert.Equal("| method | call | source | oracle |", lines[0]);
        Assert.True(lines.Length > 2);
        return [.. lines[2..].Select(line => line.Trim('|').Split('|')).Select(cells =>
        {
            Assert.Equal(4, cells.Length);
            return (cells[0].Trim(), cells[1].Trim(), cells[2].Trim(), cells[3].Trim());
        })];
    }

    [GeneratedRegex(@"`([A-Z]\w*)\.(\w+)[^`]*`")]
    private static partial Regex Called();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Quoted();
}
