using System.Runtime.CompilerServices;
using Interventions.ModelGraphs;

namespace Interventions.Circuits.Tests;

public sealed class MethodsTableTests
{
    private static readonly MethodsTable s_table = new(typeof(Circuit).Assembly, typeof(MethodsTableTests).Assembly, Document());

    // What takes a model is a method; what takes none works on what they found.
    [Fact]
    public void Every_method_is_in_the_table() => s_table.ListsAll(
        type => type is { IsAbstract: true, IsSealed: true } && type.GetMethods().Any(method => method.DeclaringType == type
            && method.GetParameters().Any(parameter => typeof(HookedModel).IsAssignableFrom(parameter.ParameterType))),
        nameof(EdgeAttribution));

    [Fact]
    public void Every_call_in_it_exists() => s_table.HasCallsThatExist();

    [Fact]
    public void Every_one_has_a_source_and_an_oracle_that_is_a_test() => s_table.HasSourcesAndOracles();

    private static string Document([CallerFilePath] string file = "") =>
        Path.Combine(Path.GetDirectoryName(file)!, "../../src/Interventions.Circuits/README.md");
}
