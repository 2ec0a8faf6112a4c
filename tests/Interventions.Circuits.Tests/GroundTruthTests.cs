using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>
/// Compiled programs compute what they say, over the edges that they name; and methods find those edges, or fail in a known way.
/// </summary>
public sealed class GroundTruthTests
{
    private const double Tolerance = 1e-9;

    private static readonly Dictionary<string, Func<int, int, double, ScalarType?, CompiledProgram>> s_programs = new()
    {
        ["induction"] = GroundTruth.Induction,
        ["once"] = GroundTruth.OnceName,
        ["majority"] = GroundTruth.Majority,
        ["and"] = GroundTruth.And,
        ["or"] = GroundTruth.Or,
    };

    public static TheoryData<string> All => [.. s_programs.Keys];

    /// <summary>Those whose every edge is needed.</summary>
    public static TheoryData<string> Needed => [.. s_programs.Keys.Except(["or"])];

    /// <summary>Attention so sharp that it is exact: logits on any tokens are those of the definition.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void A_compiled_program_computes_its_program_on_random_tokens(string name)
    {
        using CompiledProgram program = Compiled(name, strength: 1000);
        Random random = new(4);
        (int vocabulary, int length) = (program.Model.VocabularySize, program.Model.Config.ContextLength);
        for (int i = 0; i < 200; i++)
        {
            long[] ids = [.. Enumerable.Range(0, random.Next(1, length + 1)).Select(_ => random.NextInt64(vocabulary))];
            Same(program.Logits(ids), Logits(program.Model, ids), Tolerance);
        }
    }

    /// <summary>At the usual strength, on prompts of the task: the answer, with the margin of the definition but for e^-10.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void Its_answers_and_margins_are_those_of_the_definition(string name)
    {
        using CompiledProgram program = Compiled(name, prompts: 64);
        using RunResult run = program.Metric.Run(program.Model, program.Prompts);
        double[] margins = [.. run.Run("clean")["LogitDifference"].data<double>()];
        foreach ((int i, PromptTokens prompt) in program.Prompts.Prompts.Index())
        {
            long[] ids = [.. prompt.Runs[0].Ids];
            double[] expected = program.Logits(ids), logits = Logits(program.Model, ids);
            Same(expected, logits, 0.03);
            Assert.Equal(prompt.Answers[0], Array.IndexOf(logits, logits.Max()));
            Assert.Equal(expected[prompt.Answers[0]] - expected[prompt.Answers[1]], margins[i], 0.03);
            Assert.True(margins[i] > 1);
        }
    }

    [Theory]
    [InlineData("induction", "embed->a0.h1.v embed->a1.h0.q a0.h1->a1.h0.k embed->a1.h0.v a1.h0->logits")]
    [InlineData(
        "once",
        "embed->a0.h1.q embed->a0.h1.k embed->a0.h1.v a0.h1->a1.h0.k a0.h1->a1.h0.v a1.h0->a2.h0.q embed->a2.h0.k embed->a2.h0.v "
        + "a2.h0->logits")]
    [InlineData("majority", "embed->a0.h1.v a0.h1->m0 m0->logits")]
    [InlineData("and", "embed->a0.h0.v embed->a0.h2.v a0.h0->m0 a0.h2->m0 m0->logits")]
    [InlineData("or", "embed->a0.h0.v embed->a0.h2.v a0.h0->m0 a0.h2->m0 m0->logits")]
    public void Its_circuit_is_known_edge_by_edge(string name, string edges)
    {
        using CompiledProgram program = Compiled(name);
        Assert.Equal(CircuitGraph.Of(program.Model), program.Circuit.Graph);
        Assert.Equal(edges.Split(' ').Order(), program.Circuit.Edges.Select(edge => $"{edge}").Order());
        // It is all of the behaviour, and the others are nothing of it.
        Assert.Equal(1, program.Circuit.Faithfulness(program.Model, program.Prompts, program.Metric), Tolerance);
        Assert.Equal(0, (~program.Circuit).Faithfulness(program.Model, program.Prompts, program.Metric), Tolerance);
    }

    [Theory]
    [MemberData(nameof(Needed))]
    public void Exact_effects_and_integrated_gradients_find_it(string name)
    {
        using CompiledProgram program = Compiled(name);
        EdgeScores effects = EdgeEffects.Of(program.Model, program.Prompts, program.Metric);
        EdgeScores scores = EdgeAttribution.Of(program.Model, program.Prompts, program.Metric, steps: 5);
        foreach (EdgeScores found in (EdgeScores[])[effects, scores])
        {
            Assert.Equal(1, Area(found, program.Circuit), 1e-12);
            Assert.Equal(1, Roc.OfEdges(found, program.Circuit).Auc, 1e-12);
        }
        // Every edge is needed: without it alone the margin falls, on each prompt.
        Assert.All(Enumerable.Range(0, effects.PromptCount), prompt => Assert.All(
            program.Circuit.Edges, edge => Assert.InRange(effects.OfPrompt(prompt)[effects.Graph.IndexOf(edge)], -100, -0.05)));
        Assert.All((~program.Circuit).Edges, edge => Assert.Equal(0, effects[edge], Tolerance));
        Assert.Equal(program.Circuit, effects.Top(program.Circuit.Count, Ranking.MostNegative));
    }

    [Theory]
    [MemberData(nameof(Needed))]
    public void Acdc_finds_it_in_both_orders(string name)
    {
        using CompiledProgram program = Compiled(name, prompts: 6);
        InterventionGraph divergence = Intervention.On(program.Model).KullbackLeibler("clean").Graph;
        foreach (AcdcOrder order in Enum.GetValues<AcdcOrder>())
        {
            AcdcResult[] found =
                [.. Acdc.Of(program.Model, program.Prompts, divergence, [1e-6, 1e-3, 0.1], new() { Order = order })];
            Assert.InRange(Roc.OfEdges(found.Select(result => result.Circuit), program.Circuit).Auc, 0.99, 1);
            Assert.Equal(program.Circuit, found[0].Circuit);
        }
    }

    /// <summary>
    /// Of an AND both inputs stay. Of an OR the one that is visited first goes, since the other one does its work; then that one is needed.
    /// </summary>
    [Fact]
    public void Acdc_keeps_both_inputs_of_an_and_and_of_an_or_the_last()
    {
        using CompiledProgram and = Compiled("and"), or = Compiled("or");
        Assert.Equal(and.Circuit, Search(and).Circuit);
        AcdcResult found = Search(or);
        Assert.Equal(["embed->a0.h0.v", "a0.h0->m0", "m0->logits"], found.Circuit.Edges.Select(edge => $"{edge}"));
        Assert.Equal(
            ["a0.h2->m0 True", "a0.h0->m0 False"],
            found.Steps.Where(step => or.Circuit.Contains(step.Edge) && step.Edge.Target.Component == Component.OfMlp(0))
                .Select(step => $"{step.Edge} {step.IsRemoved}"));
        Assert.InRange(Roc.OfEdges([found.Circuit], or.Circuit).Auc, 0.7, 0.9);
        // The circuit that is left has the metric that the search says.
        using RunResult run = found.BeforeCleaning.Run(or.Model, or.Prompts, or.Metric);
        Assert.Equal(found.FinalMetric, -run["LogitDifference"].Values.mean().item<double>(), Tolerance);

        static AcdcResult Search(CompiledProgram program) =>
            Acdc.Of(program.Model, program.Prompts, program.Metric, threshold: 0.5, new AcdcOptions { HigherIsBetter = true });
    }

    /// <summary>
    /// Of an OR both inputs are in the circuit, and none alone is needed: exact effects of single edges do not see what the other one makes
    /// up for. Gradients do.
    /// </summary>
    [Fact]
    public void Exact_effects_do_not_find_the_inputs_of_an_or()
    {
        using CompiledProgram program = Compiled("or");
        EdgeScores effects = EdgeEffects.Of(program.Model, program.Prompts, program.Metric);
        Assert.All(program.Circuit.Edges.Where(edge => edge.Target.Component != Component.Logits), edge =>
            Assert.Equal(0, effects[edge], 0.02));
        Assert.InRange(effects[Edge.Parse("m0->logits")], -21, -19);
        Edge[] inputs = [.. program.Circuit.Edges.Where(edge => edge.Target.Component == Component.OfMlp(0))];
        Circuit both = new(program.Circuit.Graph, inputs);
        Assert.Equal(0, (program.Circuit - both).Faithfulness(program.Model, program.Prompts, program.Metric), Tolerance);
        EdgeScores scores = EdgeAttribution.Of(program.Model, program.Prompts, program.Metric, steps: 5);
        Assert.Equal(1, Area(scores, program.Circuit), 1e-12);
    }

    /// <summary>
    /// Where attention is a step, its queries and keys have no gradient on the way: gradients call them nothing, exact effects do not.
    /// </summary>
    [Fact]
    public void Gradients_do_not_see_through_saturated_attention()
    {
        using CompiledProgram program = Compiled("induction", strength: 1e5);
        Edge[] saturated = [Edge.Parse("embed->a1.h0.q"), Edge.Parse("a0.h1->a1.h0.k"), Edge.Parse("embed->a0.h1.v")];
        EdgeScores plain = EdgeAttribution.Of(program.Model, program.Prompts, program.Metric);
        EdgeScores integrated = EdgeAttribution.Of(program.Model, program.Prompts, program.Metric, steps: 5);
        Assert.All(saturated, edge => Assert.Equal(0, plain[edge], Tolerance));
        Assert.All(saturated, edge => Assert.Equal(0, integrated[edge], Tolerance));
        Assert.InRange(Area(integrated, program.Circuit), 0.5, 0.9);
        Assert.Equal(1, Area(EdgeEffects.Of(program.Model, program.Prompts, program.Metric), program.Circuit), 1e-12);
    }

    /// <summary>
    /// Two circuits that make up for each other: one of them is faithful and not complete, since without it the model still works and the
    /// circuit does not; of both together every part is needed.
    /// </summary>
    [Fact]
    public void One_of_two_circuits_that_do_the_same_is_faithful_and_not_complete()
    {
        using CompiledProgram program = Compiled("or");
        Circuit one = Branch("a0.h0"), other = Branch("a0.h2"), shared = program.Circuit - one - other;
        Assert.Equal(1, Faithfulness(one | shared), 1e-3);
        Assert.Equal(1, Faithfulness(other | shared), 1e-3);
        Assert.Equal(0, Incompleteness(one | shared, Circuit.None(one.Graph)), 1e-3);
        Assert.Equal(1, Incompleteness(one | shared, one), 1e-3);
        // Both together: nothing is missed, and each is needed once the other is gone.
        Assert.Equal(0, Incompleteness(program.Circuit, one), 1e-3);
        Assert.Equal(0, Incompleteness(program.Circuit, other), 1e-3);
        Assert.Equal(1, Math.Abs(Faithfulness(program.Circuit - other) - Faithfulness(program.Circuit - other - one)), 1e-3);
        Assert.Equal(1, Math.Abs(Faithfulness(program.Circuit - one) - Faithfulness(program.Circuit - one - other)), 1e-3);

        Circuit Branch(string head) => new(program.Circuit.Graph, program.Circuit.Edges.Where(edge =>
            $"{edge.Source}" == head || $"{edge.Target.Component}" == head));

        double Faithfulness(Circuit circuit) => circuit.Faithfulness(program.Model, program.Prompts, program.Metric);

        double Incompleteness(Circuit circuit, Circuit without) => Math.Abs(Faithfulness(circuit - without) - Faithfulness(~without));
    }

    [Fact]
    public void A_compiled_model_is_saved_and_loaded()
    {
        using TemporaryFolder folder = new();
        using CompiledProgram program = Compiled("once");
        program.Model.Save(folder.Path);
        using DecoderModel loaded = DecoderModel.Load(folder.Path, ScalarType.Float64);
        long[] ids = [.. program.Prompts.Prompts[0].Runs[0].Ids];
        Same(Logits(program.Model, ids), Logits(loaded, ids), 0);
    }

    [Fact]
    public void It_prints_its_steps()
    {
        using CompiledProgram program = Compiled("induction");
        Assert.Equal(
            """
            induction: 5 of 29 edges, 4 components; the answer is next
            component  computes      reads
            a0.h0      [first]       positions (key), tokens (value)
            a0.h1      previous      positions (query), positions (key), tokens (value)
            a1.h0      next          tokens (query), previous (key), tokens (value)
            a1.h1      [like first]  tokens (query), first (key), previous (value)

            """, $"{program}");
        Assert.Equal(Component.OfHead(0, 1), program.Components["previous"]);
        Assert.Contains("Ann", $"{Compiled("once").Prompts}");
    }

    [Fact]
    public void A_chain_takes_the_first_layers_in_which_its_inputs_are_there()
    {
        AttentionProgram program = new("chain", ["0", "1"], length: 3);
        ProgramVariable<bool> isOne = program.Map("is one", program.Tokens, token => token == "1");
        ProgramVariable<bool> any = program.Aggregate("any", Selector.Of(isOne, one => one), isOne);
        ProgramVariable<string> answer = program.Map("answer", any, isOne, (some, own) => some && !own ? "1" : "0");
        using CompiledProgram compiled = program.Compile(answer, [new("1 0", "0 0", "1", "0")], dtype: ScalarType.Float64);
        Assert.Equal(["m0", "a1.h0", "m1"], ((string[])["is one", "any", "answer"]).Select(step => $"{compiled.Components[step]}"));
        Assert.Equal(
            ["embed->m0", "m0->a1.h0.k", "m0->a1.h0.v", "m0->m1", "a1.h0->m1", "m1->logits"],
            compiled.Circuit.Edges.Select(edge => $"{edge}"));
        Assert.Equal([0.0, 1], program.Evaluate(answer, ["1", "0"])[^1].ToArray());
        Assert.Equal([1.0, 0], program.Evaluate(answer, ["1", "1"])[^1].ToArray());
    }

    [Fact]
    public void What_is_no_program_is_refused()
    {
        AttentionProgram program = new("toy", ["a", "b"], length: 2), other = new("other", ["a"], length: 2);
        ProgramVariable<string> tokens = program.Tokens;
        Refused("'b' is no token", () => new AttentionProgram("twice", ["b", "b"], 2));
        Refused("'a b' is no token", () => new AttentionProgram("space", ["a b"], 2));
        Refused("There is no token", () => new AttentionProgram("empty", [], 2));
        Refused("has a variable 'tokens' already", () => program.Aggregate("tokens", Selector.All, tokens));
        Refused("'tokens' is a variable of another program", () => program.Aggregate("x", Selector.All, other.Tokens));
        Refused("'tokens' is a variable of another program", () => program.Aggregate("x", Selector.Of(other.Tokens, _ => true), tokens));
        Refused("'c', which is no token", () => program.Compile(program.Map("c", tokens, _ => "c"), []));
        Refused("has no token 'z'", () => program.Compile(tokens, [new("a z", "b b", "a", "b")]));
        Refused("reads 1 to 2 tokens, not 3", () => program.Compile(tokens, [new("a a a", "b b b", "a", "b")]));
        Refused("The strength is a number above 0", () => program.Compile(tokens, [], double.NaN));
        Refused("differ in length", () => program.Compile(tokens, [new("a a", "b", "a", "b")]));
        Assert.Contains(
            "The answer of toy to 'a b' is not 'a', but b",
            Assert.Throws<InterventionException>(() => program.Compile(tokens, [new("a b", "b b", "a", "b")])).Message);

        static void Refused(string message, Func<object> make) =>
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(make).Message);
    }

    [Fact]
    public void No_tensor_is_left()
    {
        Compiled("and").Dispose();
        long before = LiveTensors.Count();
        Compiled("and").Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    private static CompiledProgram Compiled(string name, int prompts = 16, double strength = 10) =>
        s_programs[name](prompts, 1, strength, ScalarType.Float64);

    private static double[] Logits(DecoderModel model, long[] ids)
    {
        using DisposeScope scope = NewDisposeScope();
        return [.. model.Forward(tensor(ids).unsqueeze(0))[0, -1].data<double>()];
    }

    private static void Same(IReadOnlyCollection<double> expected, IReadOnlyCollection<double> actual, double tolerance) =>
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - tolerance, pair.First + tolerance));

    /// <summary>How often an edge of the circuit has a larger score than one that is not in it; half where they are equal.</summary>
    private static double Area(EdgeScores scores, Circuit circuit)
    {
        double[] inside = [.. circuit.Edges.Select(Size)], outside = [.. (~circuit).Edges.Select(Size)];
        return inside.Average(one => outside.Average(other => one > other ? 1 : one == other ? 0.5 : 0));

        double Size(Edge edge) => Math.Abs(scores[edge]);
    }
}

/// <summary>Programs read tokens as texts.</summary>
internal static class ProgramTokens
{
    public static double[] Logits(this CompiledProgram program, long[] ids) =>
        [.. program.Logits(string.Join(' ', program.Tokens(ids)))];

    private static IEnumerable<string> Tokens(this CompiledProgram program, long[] ids) => ids.Select(id => program.Vocabulary[(int)id]);
}
