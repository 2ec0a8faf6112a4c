using Interventions.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>Induction by two heads that were made by hand: what each of them does is known exactly.</summary>
public sealed class ConstructedInductionTests : IDisposable
{
    private const int Period = 6;
    private const double Tolerance = 1e-9;

    private readonly CompiledProgram _compiled;
    private readonly PromptPairs _prompts;
    private readonly Component _previous, _next;

    /// <summary>Six letters twice; in the corrupted prompt another letter stands before the third one's first time.</summary>
    public ConstructedInductionTests()
    {
        AttentionProgram program = new("induction", [.. "abcdefgh".Select(letter => $"{letter}")], 2 * Period, start: "<s>");
        ProgramVariable<string> previous = program.Aggregate(
            "previous", Selector.Of(program.Positions, program.Positions, (key, query) => key == query - 1), program.Tokens);
        ProgramVariable<string> next = program.Aggregate(
            "next", Selector.Of(previous, program.Tokens, (key, query) => key == query), program.Tokens);
        _compiled = program.Compile(next, [], strength: 1000, ScalarType.Float64);
        (_previous, _next) = (_compiled.Components["previous"], _compiled.Components["next"]);
        _prompts = PromptPairs.FromTokens([new PromptTokens([Run("a b c d e f a b c d e f"), Run("a g c d e f a b c d e f")], [0, 1])]);
    }

    public void Dispose() => _compiled.Dispose();

    [Fact]
    public void Its_scores_and_logits_are_exact()
    {
        using RunResult run = Intervention.On(_compiled.Model)
            .Capture("Pattern", $"blocks.{_next.Layer}.attn.pattern[head={_next.Head}]").Capture("Logits", "logits").Run(_prompts);
        Tensor pattern = run.Run("clean")["Pattern"][0, 0], logits = run.Run("clean")["Logits"][0];
        for (int i = Period; i < 2 * Period; i++)
        {
            // The start stands in front: token i is at position i + 1.
            Assert.Equal(1, pattern[i + 1, i + 1 - (Period - 1)].item<double>(), Tolerance);
            Assert.Equal(10, logits[i + 1, (i + 1) % Period].item<double>(), Tolerance);
        }
        // The first time no letter was there before: attention falls on the start, and nothing is predicted.
        for (int i = 0; i < Period; i++)
        {
            Assert.Equal(1, pattern[i + 1, 0].item<double>(), Tolerance);
            Assert.Equal(0, logits[i + 1].abs().max().item<double>(), Tolerance);
        }
    }

    [Fact]
    public void Without_the_first_head_nothing_is_predicted()
    {
        using RunResult run = Intervention.On(_compiled.Model)
            .Zero($"blocks.{_previous.Layer}.attn.z[head={_previous.Head}]").Capture("Logits", "logits").Run(_prompts);
        Assert.Equal(0, run["Logits"].Values.abs().max().item<double>(), Tolerance);
    }

    /// <summary>What the first head writes at one key is what one prediction depends on, and no other.</summary>
    [Fact]
    public void A_patch_of_one_key_moves_exactly_one_prediction()
    {
        const int key = 2; // the letter c
        using RunResult run = Intervention.On(_compiled.Model)
            .Patch($"blocks.{_previous.Layer}.attn.z[head={_previous.Head}; pos={key + 1}]", from: "corrupted")
            .Capture("Logits", "logits").Run(_prompts);
        Tensor change = (run["Logits"].Values - run.Run("clean")["Logits"])[0].abs().amax([1L]);
        const int moved = Period + key - 1; // where b is read, which c came after
        for (int i = 0; i < 2 * Period; i++)
            Assert.Equal(i == moved ? 10 : 0, change[i + 1].item<double>(), Tolerance);
    }

    private RunTokens Run(string prompt)
    {
        long[] ids = [_compiled.Vocabulary.Length - 1, .. prompt.Split(' ').Select(token => (long)_compiled.Vocabulary.IndexOf(token))];
        return new RunTokens(ids, [ids.Length - 1]);
    }
}
