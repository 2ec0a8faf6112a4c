using Interventions.Generators.Infrastructure;
using Interventions.Generators.Tests.Testing;
using Interventions.Testing.Support;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Interventions.Generators.Tests.Generators;

/// <summary>Interventions that derive from an abstract one.</summary>
public sealed class InheritanceTests
{
    private const string Task = """
        namespace Study;

        [Intervention<Toy, IoiPrompts>]
        public abstract partial class NameTask
        {
            [Metric]
            static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;

            [Capture("blocks.*.attn.pattern")]
            static Tensor Attention(Tensor pattern) => pattern;

            [Gradient("blocks.*.mlp_out[pos=end]")]
            static Tensor Attribution(Tensor gradient, Tensor x) => gradient * x;
        }
        """;

    private const string Studies = """
        namespace Study;

        [Zero("blocks.{layer}.attn.z[head={head}]")]
        public sealed partial class Knockout : NameTask;

        public sealed partial class Mlp : NameTask
        {
            [Patch("blocks.0.mlp_out")]
            static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

            [Capture("embed")]
            static Tensor Embedding(Tensor x) => x;
        }

        [Scale("embed", 2)]
        public abstract partial class Louder : NameTask
        {
            [Metric]
            Tensor Other([Logit("S")] Tensor s) => s;

            [Add("blocks.1.mlp_out"), Parameter(Of = "LogitDifference")]
            public required Tensor Direction { get; init; }
        }

        [Intervention<Toy, IoiPrompts>, Sweep("alpha", 1, 2), Scale("blocks.0.mlp_out", "{alpha}")]
        public sealed partial class Deeper : Louder;
        """;

    private const string Use = """
        namespace Study;

        internal static class Use
        {
            public static async System.Threading.Tasks.Task Loop(Toy model, IoiPrompts prompts, Tensor direction)
            {
                NameTask[] studies = [new Knockout(), new Mlp(), new Deeper { Direction = direction }];
                foreach (NameTask study in studies)
                {
                    using NameTask.Result run = study.Run(model, prompts);
                    Console.WriteLine(run.LogitDifference.Top(1).Count + run.Clean.LogitDifference.shape.Length);
                    Console.WriteLine(run.AttentionMask.shape[0]);
                    Tensor attention = run.Corrupted.Attention;
                    await foreach (NameTask.Result batch in study.StreamAsync(model, prompts))
                        batch.Dispose();
                    study.RunTo(model, prompts, "file").Dispose();
                    using NameTask.Generation text = study.Generate(model, prompts);
                    Console.WriteLine(text.Changed().LogitDifference);
                    Console.WriteLine(study.Graph.ToText() + study.Members);
                }
                using Knockout.Result knockout = new Knockout().Run(model, prompts);
                Tensor one = knockout.LogitDifference[layer: 0, head: 1];
                using Mlp.Result mlp = new Mlp().Run(model, prompts);
                Tensor difference = mlp.LogitDifference, embedding = mlp.Clean.Embedding, same = mlp.Clean.LogitDifference;
                using Deeper.Result deeper = Deeper.Load("file");
                Tensor other = deeper.Other[alpha: 2], gradient = deeper.DirectionGradient, unchanged = deeper.Clean.Other;
                Louder.Result between = deeper;
                Console.WriteLine(between.Other.Values);
                using Mlp.Generation generated = new Mlp().Generate(model, prompts);
                Console.WriteLine(generated.Changed.Embedding.Prompt + generated.Base.Attention.Prompt);
            }
        }
        """;

    [Fact]
    public void A_base_and_what_derives_from_it_are_typed() =>
        Clean(Compilations.Of(Sources.Model, Sources.Prompts, Task, Studies, Use));

    [Fact]
    public void A_base_and_what_derives_from_it_are_written() => Snapshot.Verify(string.Join(
        "// =====", Compilations.GeneratedText(Sources.Model, Sources.Prompts, Task, Studies).Split("// =====")[^5..]));

    [Fact]
    public Task They_break_no_rule() => Analysis.Check(Sources.Model, Sources.Prompts, Task, Studies);

    [Fact]
    public void A_base_of_another_assembly_hands_on_its_private_members()
    {
        string[] shared =
        [
            Sources.Model, Sources.Prompts, Task, """
            namespace Study;
            [Sweep("alpha", 1, 2)]
            public abstract partial class Swept3 : NameTask
            {
                [Patch("blocks.{layer}.mlp_out[pos={pos=S1,end}]")]
                static Tensor Hidden(Tensor x, [Swept("alpha")] double alpha) => x * alpha;
            }
            """
        ];
        CSharpCompilation derived = Compilations.Of("""
            namespace Study;
            [Scale("embed", 2)]
            public sealed partial class There : Swept3;
            internal static class Use
            {
                public static Tensor One(There.Result run) => run.LogitDifference[layer: 1, pos: "S1", alpha: 2] + run.Clean.Attention;
                public static There.Result Load() => There.Load("file");
            }
            """).AddReferences(Compilations.Library(shared));

        Clean(derived);
        Assert.Contains(
            "new string[] { \"LogitDifference\", \"Attention\", \"Attribution\" }",
            Compilations.Generate(derived).SyntaxTrees.Last().ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_base_of_every_model_is_closed_or_passed_on() => Clean(Compilations.Of(Sources.Model, Sources.Prompts, """
        namespace Study;
        [Intervention(Prompts = typeof(IoiPrompts))]
        public abstract partial class Any<TModel> where TModel : Decoder
        {
            [Metric] static Tensor M([Logit("S")] Tensor s) => s;
        }
        [Zero("blocks.{layer}.mlp_out")] public sealed partial class OnToy : Any<Toy>;
        [Zero("blocks.{layer}.mlp_out")] public sealed partial class OnAll<TModel> : Any<TModel> where TModel : Decoder;
        internal static class Use
        {
            public static Tensor One(Toy model, IoiPrompts prompts) =>
                new OnToy().Run(model, prompts).M[layer: 1] + new OnAll<Toy>().Run(model, prompts).M[layer: 0];
        }
        """));

    /// <summary>An edit of the base is seen by what derives from it, an edit elsewhere is not.</summary>
    [Theory]
    [InlineData("class Unrelated;", "class Unrelated { void Added() { } }", 0)]
    [InlineData("=> gradient * x;", "=> gradient * 2;", 0)]
    [InlineData("static Tensor Attention(", "static Tensor Pattern(", 3)]
    [InlineData("Logit(\"IO\")", "Logit(\"S\")", 0)]
    [InlineData("{layer}", "{at}", 1)]
    public void Derived_interventions_are_written_when_they_change(string old, string changed, int files)
    {
        CSharpCompilation before = Compilations.Of(Sources.Model, Sources.Prompts, Task, Studies, "class Unrelated;");
        SyntaxTree tree = before.SyntaxTrees.Last(tree => tree.ToString().Contains(old, StringComparison.Ordinal));
        CSharpCompilation after = before.ReplaceSyntaxTree(tree, CSharpSyntaxTree.ParseText(
            tree.ToString().Replace(old, changed, StringComparison.Ordinal), (CSharpParseOptions)tree.Options, tree.FilePath));
        GeneratorRunResult run = Compilations.Driver(before).RunGenerators(before).RunGenerators(after).GetRunResult().Results
            .Single(generator => generator.TrackedSteps.ContainsKey(TrackingNames.DerivedInterventions));

        IEnumerable<IncrementalStepRunReason> reasons =
            run.TrackedSteps[TrackingNames.DerivedInterventions].SelectMany(step => step.Outputs).Select(output => output.Reason);
        Assert.Equal(files, reasons.Count(reason => reason == IncrementalStepRunReason.Modified));
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        foreach ((object value, _) in run.TrackedSteps[TrackingNames.DerivedInterventions].SelectMany(step => step.Outputs))
            CachingTests.Walk(value, seen);
    }

    private static void Clean(CSharpCompilation compilation) => Assert.Empty(
        Compilations.Generate(compilation).GetDiagnostics().Where(diagnostic => diagnostic.Severity != DiagnosticSeverity.Hidden));
}
