using System.Collections.Immutable;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Generators.Tests.Generators;

/// <summary>What runs before a program's first line.</summary>
public sealed class ProgramTests
{
    private static readonly CSharpCompilation Library = Compilations.Of("class Unrelated;");
    private static readonly CSharpCompilation Program = Compilations.Of("ones(1);", "class Unrelated;").WithOptions(
        Library.Options.WithOutputKind(OutputKind.ConsoleApplication));

    [Fact]
    public void A_program_prepares_torch_and_a_library_does_not()
    {
        Driver().RunGeneratorsAndUpdateCompilation(Program, out Compilation program, out _);
        Assert.Contains(
            "[global::System.Runtime.CompilerServices.ModuleInitializer]", program.SyntaxTrees.Last().ToString(), StringComparison.Ordinal);
        Assert.Empty(program.GetDiagnostics().Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden));

        Driver().RunGeneratorsAndUpdateCompilation(Library, out Compilation library, out _);
        Assert.Equal(Library.SyntaxTrees.Length, library.SyntaxTrees.Count());
    }

    [Fact]
    public void A_program_without_the_package_is_left_alone()
    {
        CSharpCompilation without = CSharpCompilation.Create(
            "Other", [CSharpSyntaxTree.ParseText("class P { static void Main() { } }")], options: Program.Options);
        Driver().RunGeneratorsAndUpdateCompilation(without, out Compilation generated, out _);
        Assert.Single(generated.SyntaxTrees);
    }

    [Fact]
    public void An_edit_writes_nothing_again_and_another_kind_of_output_does()
    {
        CSharpCompilation edited = Program.ReplaceSyntaxTree(Program.SyntaxTrees.Last(), CSharpSyntaxTree.ParseText(
            "class Unrelated { void Added() { } }", (CSharpParseOptions)Program.SyntaxTrees[0].Options));
        Assert.Equal((IncrementalStepRunReason.Unchanged, IncrementalStepRunReason.Cached), Reasons(
            Driver().RunGenerators(Program).RunGenerators(edited)));
        Assert.Equal((IncrementalStepRunReason.Modified, IncrementalStepRunReason.Modified), Reasons(
            Driver().RunGenerators(Library).RunGenerators(Program)));

        static (IncrementalStepRunReason Step, IncrementalStepRunReason Output) Reasons(GeneratorDriver driver)
        {
            GeneratorRunResult result = driver.GetRunResult().Results.Single();
            ImmutableArray<IncrementalGeneratorRunStep> steps = result.TrackedSteps[TrackingNames.Program];
            return (
                steps.Single().Outputs.Single().Reason,
                result.TrackedOutputSteps.SelectMany(step => step.Value).Single().Outputs.Single().Reason);
        }
    }

    private static GeneratorDriver Driver() => CSharpGeneratorDriver.Create(
        [new ProgramGenerator().AsSourceGenerator()], parseOptions: (CSharpParseOptions)Program.SyntaxTrees[0].Options,
        driverOptions: new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true));
}
