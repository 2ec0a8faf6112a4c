using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static Interventions.Tests.Generation.GenerationCases;
using static TorchSharp.torch;

namespace Interventions.Tests.Generation;

/// <summary>Generation-time steering: a vector at each new token, one layer at a time.</summary>
[Intervention<TinyGpt2>]
public sealed partial class SteerNewTokens
{
    [Add("blocks.{layer}.resid_post[pos=new]", Strength = 8)]
    public required Tensor Direction { get; init; }

    [Capture("blocks.1.resid_post[pos=end,new]")]
    static Tensor Residual(Tensor resid) => resid.squeeze(1);

    [Metric]
    static Tensor Correct([Logit("correct", At = "new")] Tensor correct) => correct;
}

/// <summary>The prompt's values come from another run; what follows is the model's own.</summary>
[Intervention<TinyGpt2>]
public sealed partial class PatchThePrompt
{
    [Patch("blocks.0.resid_post[pos=prompt]")]
    static Tensor FromCorrupted(Tensor resid, [From("corrupted")] Tensor corrupted) => corrupted;
}

/// <summary>What is declared for new tokens is what ordinary runs over the longer text do.</summary>
public sealed class GenerationTests
{
    private const int New = 6;

    /// <summary>
    /// Where a generation's selection lies in the text of n + k tokens, whose k new ones were read: null where nothing is selected yet.
    /// </summary>
    public static TheoryData<string, Func<int, int, string?>> Selections => new()
    {
        { "", (n, k) => "" },
        { "[pos=new]", (n, k) => k == 0 ? null : $"[pos={n}..{n + k - 1}]" },
        { "[pos=prompt]", (n, k) => $"[pos=0..{n - 1}]" },
        { "[pos=end]", (n, k) => $"[pos={n - 1}]" },
        { "[pos=-2,new]", (n, k) => k == 0 ? $"[pos={n - 2}]" : $"[pos={n - 2},{n}..{n + k - 1}]" },
        { "[pos=new+1..2]", (n, k) => k < 2 ? null : $"[pos={n + 1}..{n + Math.Min(k - 1, 2)}]" },
        { "[pos=new+0,new+3]", (n, k) => k == 0 ? null : k < 4 ? $"[pos={n}]" : $"[pos={n},{n + 3}]" },
        { "[pos=prompt,new+2]", (n, k) => k < 3 ? $"[pos=0..{n - 1}]" : $"[pos=0..{n - 1},{n + 2}]" },
    };

    [Theory]
    [MemberData(nameof(Selections))]
    public void Every_step_is_a_run_over_the_text_so_far(string selection, Func<int, int, string?> selected)
    {
        foreach (string family in new[] { "gpt2", "llama", "window" })
        {
            using DecoderModel model = Model(family);
            using DisposeScope scope = NewDisposeScope();
            PromptPairs prompts = RandomPrompts(4, 5);
            Tensor direction = randn(Width, dtype: float64);
            foreach ((string site, Func<string, WriteNode> write) in new (string, Func<string, WriteNode>)[]
            {
                ("blocks.0.resid_post", path => BuiltInWrites.Add("Direction", path, direction, 8)),
                ("blocks.1.attn.v", path => BuiltInWrites.Scale(path, -1.5)),
                ("blocks.0.mlp_out", path => BuiltInWrites.Zero(path)),
                ("blocks.1.resid_pre", path => BuiltInWrites.ProjectOut("Direction", path, direction)),
                ("blocks.0.resid_post", path => BuiltInWrites.Freeze(path, "corrupted")),
            })
            {
                using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(
                    new() { Name = "New", Writes = [write(site + selection)] }, model, prompts, new() { MaxNewTokens = New });
                IReadOnlyList<long> tokens = output.Changed().Tokens[0];
                for (int k = 0; k < New; k++)
                {
                    (long token, double logProbability) = Next(
                        model, Longer(prompts, tokens.Take(k)), selected(5, k) is string at ? [write(site + at)] : []);
                    Assert.Equal(token, tokens[k]);
                    Assert.Equal(logProbability, output.Changed().LogProbabilities[0][k], 1e-9);
                }
            }
        }
    }

    [Fact]
    public void Steering_is_declared_swept_and_typed()
    {
        using TinyGpt2 model = TinyGpt2.Random();
        using Tensor direction = arange(12, dtype: float64) - 5;
        PromptPairs prompts = RandomPrompts(6, 4, 7);
        using SteerNewTokens.Generation steered = new SteerNewTokens { Direction = direction }.Generate(
            model, prompts, new() { MaxNewTokens = 4, WithBase = true });
        Assert.Null(steered.WhyUncached);
        for (int layer = 0; layer < 2; layer++)
        {
            SteerNewTokens.Generated run = steered[layer];
            Assert.Equal([4, 4], run.Tokens.Select(tokens => tokens.Count));
            Assert.Equal([2L, 12L], run.Residual.Prompt.shape);
            Assert.Equal([3L, 2L, 12L], run.Residual.Steps.shape);
            Assert.Equal([3L, 2L], run.Correct.Steps.shape);
            // The first token is chosen before any is read.
            Assert.Equal(steered.Base.Tokens.Select(tokens => tokens[0]), run.Tokens.Select(tokens => tokens[0]));
            Assert.Equal(0, Difference(steered.Base.Residual.Prompt, run.Residual.Prompt), 1e-9);
        }
        // The last layer's residual has been moved by exactly the vector.
        Assert.Equal(0, Difference(steered.Base.Residual.Steps[0] + (direction * 8), steered[1].Residual.Steps[0]), 1e-9);
        Assert.Contains("no tokenizer", Assert.Throws<InvalidOperationException>(() => steered.Base.Texts).Message);
        Assert.Contains("only new tokens", Assert.Throws<InvalidOperationException>(() => steered.Base.Correct.Prompt).Message);
    }

    [Fact]
    public void A_patched_prompt_generates_what_the_other_prompt_does()
    {
        // With the whole residual of another run, and the model above it, only what is attended to below differs: nothing in a one-layer
        // reading.
        using TinyGpt2 model = TinyGpt2.Random();
        PromptPairs prompts = RandomPrompts(7, 5);
        using PatchThePrompt.Generation patched = new PatchThePrompt().Generate(model, prompts, new() { MaxNewTokens = 1 });
        PromptPairs other = PromptPairs.FromTokens([new PromptTokens([prompts.Prompts[0].Runs[1], prompts.Prompts[0].Runs[1]], [1, 2])]);
        Assert.Equal(
            GenerationRunner.Generate(model, [other.Prompts[0].Runs[0].Ids], new() { MaxNewTokens = 1 }).Tokens, patched.Changed.Tokens);
    }

    [Theory]
    [InlineData("blocks.0.mlp_out[pos=new+9]", "selects new token 9, and of 4 generated only new+0 to new+2 are read again")]
    [InlineData("blocks.0.mlp_out[pos=end+1]", "selects position 5 of prompt 0")]
    public void What_is_never_reached_is_refused(string site, string message)
    {
        using DecoderModel model = Model("gpt2");
        Assert.Contains(message, Assert.Throws<InterventionException>(() => GenerationRunner.Generate(
            new() { Name = "Never", Writes = [BuiltInWrites.Zero(site)] }, model, RandomPrompts(1, 5),
            new() { MaxNewTokens = 4 })).Message);
    }

    [Fact]
    public void What_new_tokens_do_not_have_is_refused()
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs prompts = RandomPrompts(1, 5, 5);
        Refused("no other prompt's value", BuiltInWrites.Resample("blocks.0.mlp_out", null, 0));
        Refused("no mean of their position", BuiltInWrites.Mean("blocks.0.mlp_out", null, pooled: false));
        string run = Assert.Throws<InterventionException>(() => InterventionRunner.Run(
            new() { Name = "Run", Writes = [BuiltInWrites.Zero("blocks.0.mlp_out[pos=new]")] }, model, prompts)).Message;
        Assert.Contains("only Generate makes new tokens", run);
        Assert.Contains(
            "reads at most 40",
            Assert.Throws<InterventionException>(() => model.Generate([[1, 2, 3]], new() { MaxNewTokens = 38 })).Message);

        void Refused(string message, WriteNode write) =>
            Assert.Contains(message, Assert.Throws<InterventionException>(() => GenerationRunner.Generate(
            new() { Name = "Lacks", Writes = [write] }, model, prompts)).Message);
    }

    /// <summary>Shapes that no pass could use are refused before the first, in the words of a run.</summary>
    [Theory]
    [InlineData("[pos=end,new]", new long[] { 7 }, "Refused.Direction is [7], which does not broadcast to the values that")]
    [InlineData("[pos=new]", new long[] { 2, Width }, "that 'blocks.0.resid_post[pos=new]' selects, [batch=2, pos=1, d_model=16]")]
    [InlineData("", new long[] { 5, Width }, "pos=1|5, d_model=16]")]
    [InlineData("[pos=prompt]", new long[] { 4, Width }, "pos=5, d_model=16]")]
    [InlineData("[pos=prompt]", new long[] { 5, Width }, null)]
    [InlineData("", new long[] { 1, Width }, null)]
    [InlineData("[pos=end,new]", new long[] { 2, 1, Width }, null)]
    public void Tensors_are_measured_before_the_first_pass(string selection, long[] shape, string? message)
    {
        using DecoderModel model = Model("gpt2");
        using DisposeScope scope = NewDisposeScope();
        PromptPairs prompts = RandomPrompts(6, 5, 5);
        InterventionGraph graph = new()
        {
            Name = "Refused",
            Writes = [BuiltInWrites.Add("Direction", "blocks.0.resid_post" + selection, ones(shape, dtype: float64), 1)],
        };
        if (message is null)
        {
            using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(graph, model, prompts, new() { MaxNewTokens = 3 });
            Assert.Empty(output.Warnings);
        }
        else
        {
            Assert.Contains(message, Assert.Throws<InterventionException>(() => GenerationRunner.Generate(graph, model, prompts)).Message);
        }
    }

    [Theory]
    [InlineData("blocks.0.resid_post[pos=new]", true)]
    [InlineData("blocks.1.resid_post[pos=end,new]", false)]
    [InlineData("blocks.1.mlp_out[pos=prompt]", false)]
    public void A_write_that_changes_nothing_is_reported(string site, bool isSwept)
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs prompts = RandomPrompts(6, 4, 5);
        string path = isSwept ? site.Replace('0', '*').Replace("*", "{layer}", StringComparison.Ordinal) : site;
        foreach (bool useCache in new[] { true, false })
        {
            using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(
                new()
                {
                    Name = "Idle",
                    Writes = [BuiltInWrites.Scale(path, 1), BuiltInWrites.Scale("blocks.0.mlp_out[pos=new]", 2)],
                },
                model, prompts, new() { MaxNewTokens = 3, UseCache = useCache });
            string warning = Assert.Single(output.Warnings);
            Assert.StartsWith(
                $"Idle.Scale changed nothing: '{path}' has the same values without it on any prompt", warning, StringComparison.Ordinal);
            // Two prompts, at two steps.
            Assert.Equal((2 * 2 * Width) * (isSwept ? Layers : 1), output.Effects[1].Changed);
            Assert.Equal(output.Effects[1].Selected, output.Effects[1].Changed);
        }
    }

    [Fact]
    public void Copies_of_equal_prompts_and_freezes_need_not_change_anything()
    {
        using DecoderModel model = Model("gpt2");
        PromptPairs different = RandomPrompts(6, 4, 5);
        PromptPairs equal = PromptPairs.FromTokens(
            [.. different.Prompts.Select(prompt => new PromptTokens([prompt.Runs[0], prompt.Runs[0]], prompt.Answers))]);
        InterventionGraph Graph(string site) => new()
        {
            Name = "Copy",
            Writes =
            [
                new("FromCorrupted", site, [new Read.Value(), new Read.From("corrupted")], x => x[1]),
                BuiltInWrites.Freeze("blocks.0.mlp_out", "clean"),
            ],
        };
        foreach (string site in new[] { "blocks.1.resid_post[pos=end,new]", "blocks.1.resid_post" })
        {
            GenerationOptions options = new() { MaxNewTokens = 3 };
            using GenerationResult<GeneratedRun> pairs = GenerationRunner.Generate(Graph(site), model, different, options);
            Assert.Empty(pairs.Warnings);
            using GenerationResult<GeneratedRun> twins = GenerationRunner.Generate(Graph(site), model, equal, options);
            Assert.Contains("copies what is there already in 2 of 2 prompts (0, 1)", Assert.Single(twins.Warnings));
        }
    }

    [Fact]
    public void A_method_that_makes_infinite_values_is_reported()
    {
        using DecoderModel model = Model("gpt2");
        using GenerationResult<GeneratedRun> output = GenerationRunner.Generate(
            new()
            {
                Name = "Infinite",
                Captures = [new("Root", "blocks.0.mlp_out[pos=new]", [new Read.Value()], x => (x[0].abs() * -1).sqrt())],
            },
            model, RandomPrompts(6, 4), new() { MaxNewTokens = 3 });
        Assert.Equal(
            "Infinite.Root returned values that are infinite or no numbers, though all that it read is finite.",
            Assert.Single(output.Warnings));
    }

    [Fact]
    public void Sampling_draws_from_the_likeliest_as_often_as_they_are_likely()
    {
        using DecoderModel model = Model("gpt2");
        long[] prompt = [3, 1, 4];
        using DisposeScope scope = NewDisposeScope();
        double[] p = [.. model.Forward(tensor(prompt).unsqueeze(0))[0, -1].softmax(-1).data<double>()];
        int[] order = [.. Enumerable.Range(0, Vocabulary).OrderByDescending(token => p[token])];
        GenerationOptions options = new() { MaxNewTokens = 1, Temperature = 1, Continuations = 4000, Seed = 5 };

        long[] all = Drawn(options);
        for (int token = 0; token < Vocabulary; token++)
            Assert.Equal(p[token], all.Count(drawn => drawn == token) / 4000.0, 0.035);
        // Fewer of them are the first of many.
        Assert.Equal(all[..37], Drawn(options with { Continuations = 37 }));
        Assert.NotEqual(all, Drawn(options with { Seed = 6 }));
        Assert.Equal(
            order.Take(3).Select(token => (long)token).Order(), Drawn(options with { TopK = 3, Temperature = 2 }).Distinct().Order());
        int nucleus = Enumerable.Range(1, Vocabulary).First(count => order.Take(count).Sum(token => p[token]) >= 0.6);
        Assert.Equal(order.Take(nucleus).Select(token => (long)token).Order(), Drawn(options with { TopP = 0.6 }).Distinct().Order());

        long[] Drawn(GenerationOptions how) => [.. model.Generate([prompt], how).Continuations[0].Select(text => text.Tokens[0])];
    }

    [Fact]
    public void A_stop_token_ends_its_prompt_and_no_other()
    {
        using DecoderModel model = Model("llama");
        PromptPairs prompts = RandomPrompts(9, 4, 6, 3);
        InterventionGraph graph = new() { Name = "Stop", Captures = [Capture("blocks.0.mlp_out[pos=new]")] };
        using GenerationResult<GeneratedRun> free = GenerationRunner.Generate(graph, model, prompts, new() { MaxNewTokens = 8 });
        long stop = free.Changed().Tokens[0][2];
        using GenerationResult<GeneratedRun> stopped = GenerationRunner.Generate(
            graph, model, prompts, new() { MaxNewTokens = 8, StopTokens = [stop] });
        for (int prompt = 0; prompt < 3; prompt++)
        {
            long[] expected = [.. free.Changed().Tokens[prompt]];
            int end = Array.IndexOf(expected, stop) is >= 0 and int at ? at + 1 : 8;
            Assert.Equal(expected[..end], stopped.Changed().Tokens[prompt]);
            using DisposeScope scope = NewDisposeScope();
            Tensor steps = stopped.Changed().Kept(graph.Captures[0].Name).Steps.select(1, prompt);
            for (int step = 0; step < steps.shape[0]; step++)
                Assert.Equal(step < end - 1, steps[step].abs().max().item<double>() > 0);
        }
    }

    private static (long Token, double LogProbability) Next(DecoderModel model, PromptPairs text, WriteNode[] writes)
    {
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = InterventionRunner.Run(
            new()
            {
                Name = "Text",
                Writes = [.. writes],
                Metrics = [new("Kept", [new Read.Logit("correct", "end")], x => x[0])],
                Captures = [Capture("logits[pos=-1]")],
            },
            model, text);
        Tensor logits = run.Changed("logits[pos=-1]").Values.flatten().log_softmax(-1);
        long token = logits.argmax().item<long>();
        return (token, logits[token].item<double>());
    }

    private static PromptPairs Longer(PromptPairs prompts, IEnumerable<long> tokens) => PromptPairs.FromTokens(
        [.. prompts.Prompts.Select(prompt => new PromptTokens(
            [.. prompt.Runs.Select(run => new RunTokens([.. run.Ids, .. tokens], run.Positions))], prompt.Answers))]);
}
