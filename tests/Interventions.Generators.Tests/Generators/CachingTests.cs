using System.Reflection;
using System.Collections.Immutable;
using Interventions.Generators.Infrastructure;
using Interventions.Generators.Tests.Testing;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Generators.Tests.Generators;

/// <summary>Every step is run twice: an edit elsewhere must not write again, an edit of the declaration must.</summary>
public sealed class CachingTests
{
    private const string OnDefaultPrompts = """
        namespace Study;
        [Intervention<Toy>] public sealed partial class Other { [Metric] static Tensor M([Logit("correct")] Tensor x) => x; }
        """;

    private const string Generic = """
        namespace Study;
        [Intervention] public sealed partial class Generic<TModel> where TModel : Decoder { [Capture("embed")] static Tensor C(Tensor x) => x; }
        """;

    private static readonly CSharpCompilation Before = Compilations.Of(
        Sources.Model, Sources.Prompts, Sources.HeadSweep, Sources.Everything, Sources.Spliced, Sources.Shaped, OnDefaultPrompts, Generic,
        "class Unrelated;");

    private static readonly string[] AllSteps =
        [
            TrackingNames.ModelSchemas, TrackingNames.PromptSchemas, TrackingNames.Interventions, TrackingNames.InterventionsOverPrompts,
            TrackingNames.GenericInterventions];

    public static TheoryData<string> Steps { get; } = [.. AllSteps];

    [Theory]
    [MemberData(nameof(Steps))]
    public void An_edit_elsewhere_writes_nothing_again(string step)
    {
        (ImmutableArray<IncrementalGeneratorRunStep> steps, ImmutableArray<IncrementalGeneratorRunStep> outputs) =
            Rerun(step, "class Unrelated;", "class Unrelated { void Added() { } }");

        Assert.NotEmpty(steps);
        Assert.All(steps.SelectMany(run => run.Outputs), output => Assert.Equal(IncrementalStepRunReason.Unchanged, output.Reason));
        Assert.NotEmpty(outputs);
        Assert.All(outputs.SelectMany(run => run.Outputs), output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    [Theory]
    [InlineData("class Unrelated;", "class Unrelated { void Added() { } }", 0)]
    [InlineData("=> corrupted;", "=> corrupted + 1;", 0)]
    [InlineData("query=end", "query=S1", 1)]
    [InlineData("embed.saes.features[feature=3", "embed.saes.features[feature=2", 1)]
    public void An_edit_of_one_class_writes_one_file(string old, string changed, int files)
    {
        List<IncrementalStepRunReason> outputs =
            [
                .. Rerun(old, changed).Results.SelectMany(generator => generator.TrackedOutputSteps)
                    .SelectMany(step => step.Value).SelectMany(run => run.Outputs).Select(output => output.Reason),
            ];

        Assert.Equal(8, outputs.Count);
        Assert.Equal(files, outputs.Count(reason => reason == IncrementalStepRunReason.Modified));
        Assert.Equal(8 - files, outputs.Count(reason => reason == IncrementalStepRunReason.Cached));
    }

    [Theory]
    [InlineData(TrackingNames.ModelSchemas, "Axis(\"layer\", 2)", "Axis(\"layer\", 4)")]
    [InlineData(TrackingNames.ModelSchemas, "blocks.{layer}.attn.z", "blocks.{layer}.attn.q")]
    [InlineData(TrackingNames.PromptSchemas, "\"S1\"", "\"S2\"")]
    [InlineData(TrackingNames.Interventions, "[Logit(\"correct\")]", "[Logit(\"wrong\")]")]
    [InlineData(TrackingNames.GenericInterventions, "Generic<TModel> where TModel", "Generic<T> where T")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "query=end", "query=S1")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "[From(\"corrupted\")]", "[From(\"clean\")]")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "Pooled = true", "Pooled = false")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "Strength = -2", "Strength = 2")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "\"logits\", From", "\"blocks.1.mlp_in\", From")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "ErrorTerm = false", "ErrorTerm = true")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "[Shape(\"neuron\", \"d_model\")]", "[Shape(\"d_model\", \"neuron\")]")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "Shape(\"batch\", \"1\", \"head\"", "Shape(\"1\", \"1\", \"head\"")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "Features = 16", "Features = 17")]
    [InlineData(TrackingNames.InterventionsOverPrompts, "Reads = \"blocks.*.mlp_in\"", "Reads = \"embed\"")]
    public void An_edit_of_the_declaration_is_written(string step, string old, string changed)
    {
        (ImmutableArray<IncrementalGeneratorRunStep> steps, ImmutableArray<IncrementalGeneratorRunStep> outputs) = Rerun(
            step, old, changed);

        Assert.Contains(steps.SelectMany(run => run.Outputs), output => output.Reason == IncrementalStepRunReason.Modified);
        Assert.Contains(outputs.SelectMany(run => run.Outputs), output => output.Reason == IncrementalStepRunReason.Modified);
    }

    [Theory]
    [InlineData("Axis(\"layer\", 2)", "Axis(\"layer\", 4)")]
    [InlineData("Positions = [\"IO\", \"S1\", \"end\"]", "Positions = [\"IO\"]")]
    [InlineData("=> corrupted;", "=> corrupted + 1;")]
    public void An_intervention_reads_neither_schemas_nor_bodies(string old, string changed)
    {
        (ImmutableArray<IncrementalGeneratorRunStep> steps, _) = Rerun(TrackingNames.InterventionsOverPrompts, old, changed);

        Assert.All(steps.SelectMany(run => run.Outputs), output => Assert.Equal(IncrementalStepRunReason.Unchanged, output.Reason));
    }

    [Fact]
    public void Models_hold_nothing_of_the_compiler()
    {
        GeneratorDriverRunResult result = Compilations.Driver(Before).RunGenerators(Before).GetRunResult();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);

        foreach ((object value, _) in AllSteps.SelectMany(step => Find(result, step)).SelectMany(run => run.Outputs))
            Walk(value, seen);

        Assert.True(seen.Count > 20, "The walk should see more than a few objects.");
    }

    private static (ImmutableArray<IncrementalGeneratorRunStep> Steps, ImmutableArray<IncrementalGeneratorRunStep> Outputs) Rerun(
        string step, string old, string changed)
    {
        GeneratorRunResult of = Rerun(old, changed).Results.Single(generator => generator.TrackedSteps.ContainsKey(step));
        return (of.TrackedSteps[step], [.. of.TrackedOutputSteps.SelectMany(output => output.Value)]);
    }

    private static GeneratorDriverRunResult Rerun(string old, string changed)
    {
        SyntaxTree tree = Before.SyntaxTrees.First(tree => tree.ToString().Contains(old, StringComparison.Ordinal));
        CSharpCompilation after = Before.ReplaceSyntaxTree(
            tree, CSharpSyntaxTree.ParseText(
                tree.ToString().Replace(old, changed, StringComparison.Ordinal), (CSharpParseOptions)tree.Options, tree.FilePath));
        return Compilations.Driver(Before).RunGenerators(Before).RunGenerators(after).GetRunResult();
    }

    private static IEnumerable<IncrementalGeneratorRunStep> Find(GeneratorDriverRunResult result, string step) =>
        result.Results.Where(generator => generator.TrackedSteps.ContainsKey(step)).SelectMany(generator => generator.TrackedSteps[step]);

    internal static void Walk(object? value, HashSet<object> seen)
    {
        if (value is null || value.GetType() is { IsPrimitive: true } or { IsEnum: true } || !seen.Add(value) || value is string)
            return;
        Assert.False(
            value is ISymbol or SyntaxNode or SyntaxTree or Compilation or SemanticModel or Location,
            $"A pipeline holds a {value.GetType()}.");
        for (Type? type = value.GetType(); type is not null && type != typeof(object); type = type.BaseType)
            foreach (var field in type.GetFields(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                Walk(field.GetValue(value), seen);
        if (value is Array array)
            foreach (object? item in array)
                Walk(item, seen);
    }
}
