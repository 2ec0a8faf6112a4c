using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
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
        Assert.Contains(nameof(EveryList), read);
        Assert.Contains(nameof(FarStudy), read);
        Assert.Contains("SharedListsOfAny`1", read);
        Assert.True(read.Count > 35, $"{read.Count} declarations were found.");
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

    /// <summary>As in a script or a notebook: no generator, no analyzer, no partial class.</summary>
    [Fact]
    public void A_class_that_no_generator_saw_runs_and_is_refused_as_the_compiler_would()
    {
        using TinyGpt2 model = TinyGpt2.Random();
        TinyPrompts prompts = DeclarationTests.Prompts(6, 4);
        using RunResult run = Intervention.Of(Compiled("""
            [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
            static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;
            """)).Run(model, prompts);
        using HeadSweep.Result declared = new HeadSweep().Run(model, prompts);
        Assert.True(run["Right"].Values.shape.SequenceEqual(declared.LogitDifference.Values.shape));
        Refused(
            "Script.Silence: layer 2 of 'blocks.2.mlp_out' is out of range: TinyGpt2 has 2 layers (0 to 1)",
            "[Patch(\"blocks.2.mlp_out\")] Tensor Silence(Tensor x) => zeros_like(x);");
        Refused(
            "Script.Late: Nothing that is kept reads what is written to 'blocks.1.mlp_out' in run 'direct'",
            "[Patch(\"blocks.1.mlp_out\", In = \"direct\")] Tensor Late(Tensor x) => x; "
            + "[Patch(\"blocks.0.mlp_out\")] Tensor FromDirect([From(\"direct\")] Tensor direct) => direct;", "[Run(\"direct\")]");
        Refused("Script.Two: 'Two' already has the selected value as 'x'", "[Patch(\"embed\")] Tensor Two(Tensor x, Tensor y) => x;");
        Refused("Script.Wrong: parameter 'x' must be a Tensor", "[Patch(\"embed\")] Tensor Wrong(double x) => ones(1);");
        Refused("belongs to a [Metric]: 'Early'", "[Patch(\"embed\")] Tensor Early([Logit(\"right\")] Tensor x) => x;");
        Refused("Script.None: it must return Tensor", "[Capture(\"embed\")] void None(Tensor x) { }");
        Refused(
            "Script.Mean: 'Script' has no property 'Refrence' that holds prompts; did you mean 'Reference'?",
            "public TinyPrompts Reference { get; init; }", "[Mean(\"embed\", Over = \"Refrence\")]");

        Refused(
            "Script.Same: 'Same' reads run 'clean', which is the run that is written",
            "[Patch(\"embed\")] Tensor Same([From(\"clean\")] Tensor clean) => clean;");
        Refused(
            "Script.Mask: 'Mask' says 'Pooled', and Ablation.Zero does not read it",
            "[Mix(\"embed\", Ablation = Ablation.Zero, Pooled = true)] public Tensor Mask { get; init; }");
        Refused(
            "Script.Heads: 'Heads' lists nothing that 'layer, head' can go through: it needs a list of (int, int)",
            "[Sweep(\"layer, head\")] public int[] Heads { get; init; }");
        Refused("Script.Heads is null; it must list what 'head' goes through", "[Sweep(\"head\")] public int[] Heads { get; init; }");
        Refused(
            "Script.Heads: 'Heads' lists what 'head' goes through: leave the values of the attribute out",
            "[Sweep(\"head\", 1)] public int[] Heads { get; init; }");
        Refused(
            "Script: 'layer, head' cannot go through 2.0: layer 2 of '{layer}' is out of range", "",
            "[Sweep(\"layer, head\", \"2.0\"), Zero(\"blocks.{layer}.attn.z[head={head}]\")]");

        void Refused(string message, string members, string attributes = "")
        {
            object script = Compiled(members, attributes);
            Assert.Contains(message, Assert.Throws<InterventionException>(() => Intervention.Of(script).Run(model, prompts)).Message);
        }
    }

    private sealed class Plain : Throwing;

    private static object Compiled(string members, string attributes = "", string bases = "")
    {
        string source = $$"""
            using Interventions;
            using Interventions.Testing.ToyModels;
            using static TorchSharp.torch;

            [Intervention<TinyGpt2, TinyPrompts>] {{attributes}}
            public sealed class Script {{bases}}
            {
                {{members}}

                [Metric] Tensor Right([Logit("right")] Tensor right) => right;
            }
            """;
        string[] assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        using MemoryStream stream = new();
        EmitResult emitted = CSharpCompilation.Create(
            "script", [CSharpSyntaxTree.ParseText(source)], assemblies.Select(path => MetadataReference.CreateFromFile(path)),
            new(OutputKind.DynamicallyLinkedLibrary)).Emit(stream);
        Assert.True(emitted.Success, string.Join('\n', emitted.Diagnostics));
        return Activator.CreateInstance(Assembly.Load(stream.ToArray()).GetType("Script")!)!;
    }

    [Fact]
    public void What_is_no_intervention_is_refused_by_name()
    {
        Assert.Contains(
            "'ReflectedDeclarationTests' has no [Intervention]", Assert.Throws<InterventionException>(() => Intervention.Of(this)).Message);
        Assert.Contains(
            "'Script' derives from 'Throwing', which is run itself: what several interventions share is abstract",
            Assert.Throws<InterventionException>(
                () => Intervention.Of(Compiled("", bases: ": Interventions.Tests.Declarations.Throwing"))).Message);
        // What says nothing itself is what it derives from.
        Assert.Equal(new Throwing().Graph.ToJson(), Intervention.Of(new Plain()).ToJson());
        Throwing throwing = new();
        using TinyGpt2 model = TinyGpt2.Random();
        // A method's own exception comes as it is.
        Assert.Throws<NotSupportedException>(() => Intervention.Of(throwing).Run(model, DeclarationTests.Prompts(6)));
    }
}

/// <summary>Has a method that fails.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public partial class Throwing
{
    [Patch("embed")]
    static Tensor Fail(Tensor x) => throw new NotSupportedException();

    [Metric]
    static Tensor Right([Logit("right")] Tensor right) => right;
}
