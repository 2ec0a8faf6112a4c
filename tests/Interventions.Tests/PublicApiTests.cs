using System.ComponentModel;
using System.Reflection;

namespace Interventions.Tests;

/// <summary>What the package promises. A changed snapshot is a changed promise: accept it knowingly.</summary>
public sealed class PublicApiTests
{
    private static readonly Type[] s_types = [.. typeof(RunOptions).Assembly.GetExportedTypes().Where(type => !type.IsNested)];

    [Fact]
    public void Promises() => Snapshot.Verify(PublicApi.Of(typeof(RunOptions).Assembly));

    [Fact]
    public void Namespaces_say_who_needs_a_type() => Assert.Equal(
        ["Interventions", "Interventions.ModelGraphs", "Interventions.Runtime"],
        s_types.Select(type => type.Namespace!).Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Types_for_generated_code_are_hidden_from_completion() =>
        Assert.Empty(s_types.Where(type => type.Namespace == "Interventions.Runtime" && !IsHidden(type)).Select(type => type.Name));

    [Fact]
    public void A_user_meets_few_types() =>
        Assert.InRange(
            s_types.Where(type => type.Namespace == "Interventions" && !IsHidden(type))
                .Select(type => type.Name.Split('`')[0]).Distinct().Count(),
            1, 70);

    private static bool IsHidden(Type type) => type.GetCustomAttribute<EditorBrowsableAttribute>() is { State: EditorBrowsableState.Never };
}
