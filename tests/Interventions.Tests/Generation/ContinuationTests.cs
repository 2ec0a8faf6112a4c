using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static Interventions.Tests.Generation.GenerationCases;
using static TorchSharp.torch;

namespace Interventions.Tests.Generation;

/// <summary>Several continuations of a prompt, each drawn by the prompt's tokens and its own number.</summary>
public sealed class ContinuationTests
{
    private static readonly InterventionGraph s_graph = new()
    {
        Name = "Continued",
        Writes = [BuiltInWrites.Scale("blocks.0.resid_post[pos=end,new]", 1.3)],
        Captures = [Capture("blocks.*.resid_post[pos=end,new]")],
        Metrics = [new("Last", [new Read.Logits("new")], x => x[0].amax([1]))],
    };

    [Fact]
    public void The_first_of_several_is_the_only_one_of_one()
    {
        using DecoderModel model = Model("llama");
        PromptPairs prompts = RandomPrompts(4, 5, 3, 7);
        GenerationOptions options = new() { MaxNewTokens = 7, Temperature = 1.5, Seed = 9, StopTokens = [2] };
        using GenerationResult<GeneratedRun> one = GenerationRunner.Generate(s_graph, model, prompts, options);
        using GenerationResult<GeneratedRun> four = GenerationRunner.Generate(
            s_graph, model, prompts, options with { Continuations = 4, BatchSize = 2 });
        using DisposeScope scope = NewDisposeScope();
        for (int prompt = 0; prompt < 3; prompt++)
        {
            Assert.Equal(one.Changed().Tokens[prompt], four.Changed().Continuations[prompt][0].Tokens);
            Assert.Equal(4, four.Changed().Continuations[prompt].Select(text => string.Join(' ', text.Tokens)).Distinct().Count());
        }
        Tensor few = Residual(one).Steps, many = Residual(four).Steps;
        Assert.Equal([Layers, 3, 4, 1, Width], many.shape[1..]);
        Assert.Equal(0, Difference(few, many[TensorIndex.Slice(0, few.shape[0]), .., .., 0]), 1e-9);
        Assert.Equal([3L, 4L], four.Changed().Kept("Last").Steps.shape[1..]);
        Assert.Equal(0, Difference(Residual(one).Prompt, Residual(four).Prompt), 1e-9);

        static GeneratedValue Residual(GenerationResult<GeneratedRun> output) => output.Changed().Kept(s_graph.Captures[0].Name);
    }

    [Fact]
    public void A_prompt_goes_on_alike_whatever_other_prompts_there_are()
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs prompts = RandomPrompts(4, 5, 3, 7);
        GenerationOptions options = new() { MaxNewTokens = 8, Temperature = 1, Seed = 3 };
        PromptPairs others = PromptPairs.FromTokens([.. RandomPrompts(8, 6, 4).Prompts, prompts.Prompts[2], prompts.Prompts[0]]);
        using GenerationResult<GeneratedRun> here = GenerationRunner.Generate(s_graph, model, prompts, options);
        using GenerationResult<GeneratedRun> there = GenerationRunner.Generate(s_graph, model, others, options);
        Assert.Equal(here.Changed().Tokens[2], there.Changed().Tokens[2]);
        Assert.Equal(here.Changed().Tokens[0], there.Changed().Tokens[3]);
        Assert.NotEqual(here.Changed().Tokens[0], here.Changed().Tokens[2]);
    }

    [Fact]
    public void Every_new_token_is_a_row_of_the_file()
    {
        using DecoderModel model = Model("gpt2");
        using TemporaryFolder folder = new();
        GenerationOptions options = new() { MaxNewTokens = 3, Temperature = 1, Continuations = 2, WithBase = true };
        using GenerationResult<GeneratedRun> drawn = GenerationRunner.Generate(s_graph, model, RandomPrompts(4, 5), options);
        drawn.SaveCsv(folder["drawn.csv"]);
        string[] lines = File.ReadAllLines(folder["drawn.csv"]);
        Assert.Equal("run,prompt,continuation,step,token,token_text,log_probability", lines[0]);
        IEnumerable<string> expected = new[] { ("unchanged", drawn.Base), ("changed", drawn.Changed()) }.SelectMany(run =>
            run.Item2.Continuations.SelectMany((texts, prompt) => texts.SelectMany((text, number) => text.Tokens.Select((token, step) =>
                FormattableString.Invariant($"{run.Item1},{prompt},{number},{step},{token},,{text.LogProbabilities[step]:R}")))));
        Assert.Equal(expected, lines[1..]);
    }

    [Fact]
    public void Tokens_are_tensors_too_with_their_ends_masked()
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs prompts = RandomPrompts(4, 5, 3, 7);
        GenerationOptions options = new() { MaxNewTokens = 9, Temperature = 1, Continuations = 5, StopTokens = [2, 5, 8] };
        GenerationResult<GeneratedRun> output = GenerationRunner.Generate(s_graph, model, prompts, options);
        GeneratedRun run = output.Changed();
        output.Dispose();
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = run.TokenTensor(), logProbabilities = run.LogProbabilityTensor(), mask = run.TokenMask();
        Assert.Equal((ScalarType.Int64, ScalarType.Float64, ScalarType.Bool), (tokens.dtype, logProbabilities.dtype, mask.dtype));
        GeneratedText[] all = [.. run.Continuations.SelectMany(of => of)];
        Assert.Contains(all, text => text.Tokens.Count < 9);
        Assert.Equal([3, 5, all.Max(text => text.Tokens.Count)], tokens.shape);
        for (int i = 0; i < all.Length; i++)
        {
            long length = mask[i / 5, i % 5].sum().item<long>();
            Assert.Equal(all[i].Tokens, [.. tokens[i / 5, i % 5, TensorIndex.Slice(0, length)].data<long>()]);
            Assert.Equal(all[i].LogProbabilities.Sum(), logProbabilities[i / 5, i % 5].sum().item<double>(), 1e-12);
        }
        Assert.Equal(0, tokens.masked_select(mask.logical_not()).abs().sum().item<long>());
    }

    [Fact]
    public void What_has_one_entry_a_prompt_is_refused_where_there_are_several()
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs prompts = RandomPrompts(4, 5);
        using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(
            s_graph, model, prompts, new() { MaxNewTokens = 2, Temperature = 1, Continuations = 2 });
        foreach (Func<GeneratedRun, object> read in new Func<GeneratedRun, object>[]
            { run => run.Tokens, run => run.LogProbabilities, run => run.Texts })
            Assert.Contains(
                "A prompt has 2 continuations", Assert.Throws<InvalidOperationException>(() => read(output.Changed())).Message);
        Assert.Contains(
            "would be one and the same text",
            Assert.Throws<InterventionException>(
                () => GenerationRunner.Generate(s_graph, model, prompts, new() { Continuations = 2 })).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => new GenerationOptions { Continuations = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new GenerationOptions { MemoryBudget = 0 });
    }
}
