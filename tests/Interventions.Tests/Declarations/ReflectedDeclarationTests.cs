using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Classes read by reflection are what the generator makes of them.</summary>
public sealed class ReflectedDeclarationTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Every_declaration_of_the_tests_has_the_graph_that_the_generator_makes()
    {
        List<string> read = [.. ReflectedDeclarations.In(typeof(HeadSweep).Assembly).Select(declared =>
        {
            Assert.Equal(declared.Generated.ToJson(), Intervention.Of(declared.Object).ToJson());
            return declared.Object.GetType().Name;
        })];
        Assert.Contains(nameof(EveryWrite), read);
        Assert.Contains(nameof(Twice), read);
        Assert.Contains("AnyHeadSweep`1", read);
        Assert.True(read.Count > 25, $"{read.Count} declarations were found.");
    }

    [Fact]
    public void Its_results_are_the_generated_ones_bit_for_bit()
    {
        using TinyGpt2 model = TinyGpt2.Random();
        TinyPrompts prompts = DeclarationTests.Prompts(6, 6, 4);
        Same(new HeadSweep(), new HeadSweep().Graph);
        Same(new PathToQueries(), new PathToQueries().Graph);
        Same(new AnyHeadSweep<TinyGpt2>(), new AnyHeadSweep<TinyGpt2>().Graph);
        // Methods of the object, numbers of a sweep, an included part.
        StrengthSweep swept = new() { Direction = arange(12, dtype: float64) };
        Same(swept, swept.Graph);
        Knockouts including = new() { Inner = new Steering { Direction = arange(12, dtype: float64), Strength = 3 } };
        Same(including, including.Graph);

        void Same(object declaration, InterventionGraph graph)
        {
            using RunResult expected = graph.Run(model, prompts), run = Intervention.Of(declaration).Run(model, prompts);
            foreach (string name in graph.Metrics.Select(metric => metric.Name))
                Assert.True(expected[name].Values.eq(run[name].Values).all().item<bool>(), $"{graph.Name}.{name}");
        }
    }

    [Fact]
    public void What_is_no_intervention_is_refused_by_name()
    {
        Assert.Contains(
            "'ReflectedDeclarationTests' has no [Intervention]", Assert.Throws<InterventionException>(() => Intervention.Of(this)).Message);
        Throwing throwing = new();
        using TinyGpt2 model = TinyGpt2.Random();
        // A method's own exception comes as it is.
        Assert.Throws<NotSupportedException>(() => Intervention.Of(throwing).Run(model, DeclarationTests.Prompts(6)));
    }
}

/// <summary>Has a method that fails.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Throwing
{
    [Patch("embed")]
    static Tensor Fail(Tensor x) => throw new NotSupportedException();

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}
