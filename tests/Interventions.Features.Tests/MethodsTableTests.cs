using System.Runtime.CompilerServices;

namespace Interventions.Features.Tests;

public sealed class MethodsTableTests
{
    private static readonly MethodsTable s_table = new(typeof(Sae).Assembly, typeof(MethodsTableTests).Assembly, Document());

    // A static class is a method, or a file's format.
    [Fact]
    public void Every_method_is_in_the_table() => s_table.ListsAll(type => type is { IsAbstract: true, IsSealed: true }, nameof(Pursuit));

    [Fact]
    public void Every_call_in_it_exists() => s_table.HasCallsThatExist();

    [Fact]
    public void Every_one_has_a_source_and_an_oracle_that_is_a_test() => s_table.HasSourcesAndOracles();

    private static string Document([CallerFilePath] string file = "") =>
        Path.Combine(Path.GetDirectoryName(file)!, "../../src/Interventions.Features/README.md");
}
