using System.Collections.Immutable;
using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Programs that look ahead, have a start token, count and compute with numbers: known ones, and their transformers.</summary>
public sealed class RaspProgramTests
{
    private const double Tolerance = 1e-9;

    private static readonly Dictionary<string, Func<AttentionProgram, ProgramVariable>> s_programs = new()
    {
        ["length"] = RaspPrograms.Length,
        ["histogram"] = RaspPrograms.Histogram,
        ["reversed"] = RaspPrograms.Reversed,
        ["sorted"] = RaspPrograms.Sorted,
        ["shifted"] = program => RaspPrograms.Shifted(program, 1),
        ["shifted back"] = program => RaspPrograms.Shifted(program, -2),
        ["fraction"] = program => RaspPrograms.FractionBefore(program, "a"),
        ["balance"] = program => RaspPrograms.PairBalance(program, "a", "b"),
        ["many"] = Many,
    };

    public static TheoryData<string> All => [.. s_programs.Keys];

    /// <summary>The values that are published.</summary>
    [Theory]
    [InlineData("h e l l o", "fraction", "0 0 1/3 1/2 2/5")]
    [InlineData("a b a c", "histogram", "2 1 2 1")]
    [InlineData("a b c", "length", "3 3 3")]
    [InlineData("a b b c", "reversed", "c b b a")]
    [InlineData("c a b a", "sorted", "a a b c")]
    [InlineData("a b c d", "shifted", "none a b c")]
    [InlineData("a ( ) b ( c ) )", "balance", "0 1/2 0 0 1/5 1/6 0 -1/8")]
    public void Known_programs_have_their_known_values(string prompt, string name, string expected)
    {
        AttentionProgram program = Program(["(", ")", "a", "b", "c", "d", "e", "h", "l", "o"], length: 8);
        ProgramVariable answer = name switch
        {
            "fraction" => RaspPrograms.FractionBefore(program, "l"),
            "balance" => RaspPrograms.PairBalance(program, "(", ")"),
            _ => s_programs[name](program),
        };
        using CompiledProgram compiled = program.Compile(answer, [], strength: 1000, ScalarType.Float64);
        string[] tokens = prompt.Split(' '), texts = expected.Split(' ');
        foreach (ImmutableArray<ImmutableArray<double>> found in
            new[] { program.Evaluate(answer, tokens), compiled.Evaluate(answer, prompt) })
        {
            Assert.Equal(texts.Length, found.Length);
            foreach ((ImmutableArray<double> values, string text) in found.Zip(texts))
            {
                double[] parts = [.. text.Split('/').Select(part => double.TryParse(part, out double number) ? number : double.NaN)];
                double[] known = answer switch
                {
                    ProgramNumber => [parts.Length == 2 ? parts[0] / parts[1] : parts[0]],
                    ProgramVariable<int> counts => [.. counts.Values.Select(value => value == parts[0] ? 1.0 : 0)],
                    _ => [.. ((ProgramVariable<string>)answer).Values.Select(value => value == text ? 1.0 : 0)], // none: all are 0
                };
                Assert.All(known.Zip(values), pair => Assert.Equal(pair.First, pair.Second, Tolerance));
            }
        }
    }

    /// <summary>Every variable of the program, at every position, on all prompts of at most five tokens.</summary>
    [Theory]
    [MemberData(nameof(All))]
    public void The_transformer_is_the_program_on_all_prompts(string name)
    {
        AttentionProgram program = Program(["a", "b", "c"], length: 5);
        using CompiledProgram compiled = program.Compile(s_programs[name](program), [], strength: 1000, ScalarType.Float64);
        string stream = $"blocks.{compiled.Model.Config.Layers - 1}.resid_post";
        for (int length = 1; length <= 5; length++)
        {
            using DisposeScope scope = NewDisposeScope();
            int[][] prompts = [.. Prompts(3, length)];
            long start = compiled.Vocabulary.Length - 1;
            Tensor ids = tensor(prompts.SelectMany(prompt => prompt.Select(id => (long)id).Prepend(start)).ToArray())
                .view(prompts.Length, length + 1);
            Tensor known = GraphEvaluator.Evaluate(compiled.Model.Graph, ids, [stream])[stream];
            foreach (ProgramVariable variable in program.Variables)
            {
                (int first, int size) = compiled.CoordinatesOf(variable).GetOffsetAndLength(compiled.Labels.Count);
                double[] expected = [.. prompts.SelectMany(prompt => program.Evaluate(
                    variable, [.. prompt.Select(id => program.Tokens.Values[id])]).SelectMany(values => values))];
                double[] found = [.. known.narrow(1, 1, length).narrow(2, first, size).contiguous().data<double>()];
                double worst = expected.Zip(found, (one, other) => Math.Abs(one - other)).Max();
                Assert.True(worst < Tolerance, $"{variable} of {name} is off by {worst} on a prompt of {length}");
            }
            // At the start nothing is known, so that nobody reads it there: all but the start itself, and what counts it.
            Tensor front = known.select(1, 0).abs().amax([0L]);
            foreach (ProgramVariable variable in program.Variables.Where(one => !one.Name.EndsWith("<s>", StringComparison.Ordinal)))
            {
                (int first, int size) = compiled.CoordinatesOf(variable).GetOffsetAndLength(compiled.Labels.Count);
                Assert.True(front.narrow(0, first, size).max().item<double>() < Tolerance, $"{variable} of {name} is known at the start");
            }
        }
    }

    /// <summary>The head that counts gives the start token 1 / (1 + number) of its attention.</summary>
    [Fact]
    public void A_head_counts_by_the_attention_that_is_left_to_the_start()
    {
        AttentionProgram program = Program(["a", "b"], length: 5);
        using CompiledProgram compiled = program.Compile(RaspPrograms.Histogram(program), [], strength: 1000, ScalarType.Float64);
        PromptPairs prompt = PromptPairs.FromTokens([Same(compiled, "a b a a b")]);
        using RunResult run = Intervention.On(compiled.Model).Capture("Pattern", "blocks.0.attn.pattern[head=0; key=0]").Run(prompt);
        double[] shares = [.. run.Run("clean")["Pattern"].flatten().data<double>()];
        Assert.All(new[] { 1, 1.0 / 4, 1.0 / 3, 1.0 / 4, 1.0 / 4, 1.0 / 3 }.Zip(shares), pair =>
            Assert.Equal(pair.First, pair.Second, Tolerance));
    }

    /// <summary>One variable's coordinates from another prompt: the rest is as if the program had known it from there.</summary>
    [Theory]
    [InlineData("reversed", "length")]
    [InlineData("sorted", "order")]
    [InlineData("sorted", "sorted position <s>")]
    [InlineData("balance", "is a")]
    [InlineData("balance", "fraction of b")]
    [InlineData("many", "half")]
    public void A_patched_variable_is_one_that_is_replaced(string name, string replaced)
    {
        AttentionProgram program = Program(["a", "b", "c"], length: 5);
        ProgramVariable answer = s_programs[name](program), variable = program.Variables.Single(other => other.Name == replaced);
        using CompiledProgram compiled = program.Compile(answer, [], strength: 1000, ScalarType.Float64);
        (int first, int size) = compiled.CoordinatesOf(variable).GetOffsetAndLength(compiled.Labels.Count);
        (int from, int width) = compiled.CoordinatesOf(answer).GetOffsetAndLength(compiled.Labels.Count);
        Component component = compiled.Components[replaced];
        string block = $"blocks.{component.Layer}.", site = block + (component.Kind == ComponentKind.Mlp ? "mlp_out" : "attn_out");
        bool isChanged = false;
        foreach ((string clean, string other) in new[] { ("a b c b a", "c a a b b"), ("c b a a b", "b b b a a"), ("a a c b", "b a c a") })
        {
            PromptTokens pair = Same(compiled, clean);
            PromptPairs prompts = PromptPairs.FromTokens([pair with { Runs = [pair.Runs[0], Same(compiled, other).Runs[0]] }]);
            using RunResult run = Intervention.On(compiled.Model)
                .Patch(site, (x, donor) => cat(
                    [x.narrow(-1, 0, first), donor.narrow(-1, first, size), x.narrow(-1, first + size, x.shape[^1] - first - size)], -1),
                    from: "corrupted")
                .Capture("Stream", $"blocks.{compiled.Model.Config.Layers - 1}.resid_post[pos=1..]")
                .Run(prompts);
            double[] found = [.. run["Stream"].Values.narrow(-1, from, width).contiguous().data<double>()];
            string[] tokens = clean.Split(' ');
            double[] expected = [.. program.Evaluate(answer, tokens, variable, other.Split(' ')).SelectMany(values => values)];
            Assert.All(expected.Zip(found), values => Assert.Equal(values.First, values.Second, Tolerance));
            isChanged |= !expected.SequenceEqual(program.Evaluate(answer, tokens).SelectMany(values => values));
        }
        Assert.True(isChanged || replaced == "length", "the variable does not matter"); // prompts of one length have one length
    }

    [Fact]
    public void Coordinates_have_labels()
    {
        AttentionProgram program = Program(["a", "b"], length: 2);
        ProgramVariable<int> answer = RaspPrograms.Length(program);
        using CompiledProgram compiled = program.Compile(answer, []);
        Assert.Equal(
            "tokens:a tokens:b positions:0 positions:1 <s> length <s> length:2 length:1 length:0", string.Join(' ', compiled.Labels));
        Assert.Equal(6..9, compiled.CoordinatesOf(answer));
        Assert.Equal(["a", "b", "<s>"], compiled.Vocabulary.AsEnumerable());
        Assert.Contains("a0.h0      length <s>  <s> (value)", $"{compiled}");
    }

    /// <summary>What answers with tokens has logits too, and what does not has none.</summary>
    [Fact]
    public void Logits_are_those_of_the_answer()
    {
        AttentionProgram program = Program(["a", "b", "c"], length: 4);
        ProgramVariable<string> answer = RaspPrograms.Reversed(program);
        using CompiledProgram compiled = program.Compile(answer, [new("c a b", "a a b", "c", "a")], strength: 1000, ScalarType.Float64);
        using RunResult run = compiled.Metric.Run(compiled.Model, compiled.Prompts);
        Assert.Equal(10, run.Run("clean")["LogitDifference"].item<double>(), Tolerance);
        Assert.Equal(-10, run.Run("corrupted")["LogitDifference"].item<double>(), Tolerance);
        Assert.Equal([0.0, 0, 10, 0], compiled.Logits("c a b").AsEnumerable());
        // The start and the positions are the same in every prompt, and on no edge.
        Assert.Equal(
            ["a0.h0->m0", "a2.h0->logits", "embed->a2.h0.v", "m0->m1", "m1->a2.h0.q"],
            compiled.Circuit.Edges.Select(edge => $"{edge}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_such_programs_cannot_say_is_refused()
    {
        AttentionProgram program = Program(["a", "b"], length: 3), plain = new("plain", ["a", "b"], length: 3);
        ProgramNumber third = program.Number("third", program.Tokens, token => token == "a" ? 1.0 / 3 : 0);
        Refused("'<s>' is no token", () => new AttentionProgram("twice", ["<s>"], 2, start: "<s>"));
        Refused("needs a start token, and to look ahead", () => RaspPrograms.Length(plain));
        Refused("has no start token, by which", () => plain.Width("width", Selector.All));
        Refused("one predicate holds, without weights", () => program.Width("width", 2 * Selector.Of(program.Tokens, key => key == "a")));
        Refused("Numbers that are 0 or 1 are averaged", () => program.Aggregate("mean", Selector.All, third));
        Refused("'third' is no token, which", () => program.Compile(third, [new("a", "b", "a", "b")]));
        Refused("is a variable of another program", () => plain.Sum("sum", third, third));
        Refused("differ in length: 1 and 2", () => program.Evaluate(third, ["a"], program.Tokens, ["a", "b"]));
        using CompiledProgram compiled = program.Compile(third, []);
        Refused("is a variable of another program", () => compiled.Evaluate(plain.Tokens, "a"));

        static void Refused(string message, Func<object> make) =>
            Assert.Contains(message, Assert.ThrowsAny<ArgumentException>(make).Message);
    }

    /// <summary>Everything at once: numbers of numbers, of values and of sums, and a head that selects by what a number became.</summary>
    private static ProgramVariable Many(AttentionProgram program)
    {
        ProgramNumber of = program.Aggregate(
            "of all", Selector.All, program.Number("is c", program.Tokens, token => token == "c" ? 1 : 0));
        ProgramNumber minus = program.Number("minus a", program.Tokens, token => token == "a" ? -0.5 : 0);
        ProgramNumber signed = program.Sum("signed", of, minus, 2, -3);
        ProgramNumber squared = program.Number("squared", signed, number => number * number);
        ProgramVariable<bool> half = program.Map("half", squared, number => number > 0.5);
        ProgramVariable<string> found = program.Aggregate(
            "found", Selector.Of(half, program.Positions, (key, query) => key && query > 1), program.Tokens);
        return program.Map("answer", found, half, (token, large) => large ? token : "b");
    }

    private static AttentionProgram Program(string[] vocabulary, int length) =>
        new("toy", vocabulary, length, looksAhead: true, start: "<s>");

    private static PromptTokens Same(CompiledProgram compiled, string prompt)
    {
        long[] ids = [compiled.Vocabulary.Length - 1, .. prompt.Split(' ').Select(token => (long)compiled.Vocabulary.IndexOf(token))];
        RunTokens run = new(ids, [ids.Length - 1]);
        return new PromptTokens([run, run], [0, 1]);
    }

    private static IEnumerable<int[]> Prompts(int tokens, int length) =>
        Enumerable.Range(0, (int)Math.Pow(tokens, length)).Select(number =>
            Enumerable.Range(0, length).Select(place => number / (int)Math.Pow(tokens, place) % tokens).ToArray());
}
