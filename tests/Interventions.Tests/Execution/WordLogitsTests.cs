using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Metrics over lists of words, and answers that lack their space.</summary>
public sealed class WordLogitsTests : ToyTest
{
    private static readonly MetricNode s_margin = new(
        "Margin", [new Read.Logit("correct", "end"), Words(" c", "a", ".")], x => x[0] - x[1].amax([1L]));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Words_are_columns_of_all_logits(bool naive)
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4, 6);
        InterventionGraph graph = new()
        {
            Name = "Words",
            Writes = [BuiltInWrites.Freeze("blocks.{layer}.z", "corrupted")],
            Metrics =
            [
                s_margin,
                new("Known", [new Read.Logits("end"), new Read.AnswerIds("correct")], x => x[0].gather(1, x[1].unsqueeze(1)).squeeze(1)
                    - x[0].index_select(1, tensor(new long[] { 2, 5, 10 })).amax([1L])),
            ],
        };
        using RunResult run = Run(graph, prompts, new() { Naive = naive });
        Close(run.Changed("Known").Values, run.Changed("Margin").Values);
        Close(run.Run("corrupted")["Known"], run.Run("corrupted")["Margin"]);
    }

    [Fact]
    public void Only_the_words_and_answers_are_computed()
    {
        using Worded model = new();
        ToyPrompts prompts = ToyPrompts.Random(3, 5, 5, 3);
        InterventionGraph graph = new()
        {
            Name = "Words",
            Writes = [BuiltInWrites.Freeze("blocks.{layer}.attn.z[pos=end]", "corrupted"), BuiltInWrites.Scale("logits", 2)],
            Gradients = [new("Gradient", "blocks.1.mlp_out[pos=end]", [new Read.Gradient()], x => x[0])],
            Metrics = [s_margin with { Reads = [new Read.Logit("correct", "end"), Words(" c", "a", ".", "a")] }],
        };
        Assert.All(
            InterventionRunner.Plans(graph, model, prompts), plan => Assert.Equal(4, plan.Expansion.Answers!.Columns.Length));
        using RunResult planned = InterventionRunner.Run(graph, model, prompts);
        using RunResult naive = InterventionRunner.Run(graph, model, prompts, new() { Naive = true });
        Close(naive.Changed("Margin").Values, planned.Changed("Margin").Values);
        Close(naive.Run("corrupted")["Margin"], planned.Run("corrupted")["Margin"]);
        Close(naive.Run("clean")["Gradient"], planned.Run("clean")["Gradient"]);
    }

    [Fact]
    public void A_gradient_flows_through_words()
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4);
        InterventionGraph graph = new()
        {
            Name = "Words",
            Gradients = [new("Gradient", "blocks.1.resid[pos=end]", [new Read.Gradient()], x => x[0])],
            Metrics = [new("Sum", [Words(" c", "a")], x => x[0].sum(-1))],
        };
        using RunResult planned = Run(graph, prompts), naive = Run(graph, prompts, new() { Naive = true });
        Close(naive.Run("clean")["Gradient"], planned.Run("clean")["Gradient"]);
        Assert.NotEqual(0, planned.Run("clean")["Gradient"].abs().max().item<double>());
    }

    [Theory]
    [InlineData("Words.Metric: \"ab\" of Colours is 2 tokens, \"a\", \"b\", and [Logit] reads words of one token", " c", "ab")]
    [InlineData("\"z\" of Colours: there is no token for 'z'", "z")]
    [InlineData("a word of Colours is empty", " c", "")]
    [InlineData("Colours has no words: it is null, or an empty list")]
    public void A_word_that_is_not_one_token_is_refused(string message, params string[] words)
    {
        using Speaking model = new();
        InterventionGraph graph = new() { Name = "Words", Metrics = [new("Metric", [Words(words)], x => x[0].sum(-1))] };
        Says(message, () => InterventionRunner.Run(graph, model, ToyPrompts.Random(3, 4)).Dispose());
    }

    [Fact]
    public void A_graph_keeps_its_words()
    {
        InterventionGraph graph = new() { Name = "Words", Metrics = [s_margin] };
        InterventionGraph saved = InterventionGraph.FromJson(graph.ToJson(), GraphMembers.Of(graph));
        Assert.Equal<Read>([.. graph.Metrics[0].Reads], [.. saved.Metrics[0].Reads]);
        Assert.Contains("Margin(logit of correct at end, logits of Colours at end)", graph.ToText());
        Assert.Contains("logits of Colours at end", graph.ToMermaid());
    }

    /// <summary>" b" follows "a", and "b" is glued to it. After "." it is not.</summary>
    [Theory]
    [InlineData(5, 6, true)]
    [InlineData(5, 1, false)]
    [InlineData(10, 6, false)]
    public void An_answer_that_lacks_its_space_is_noted(int last, int answer, bool isNoted)
    {
        RunTokens tokens = new([3, last], [0, 1]);
        ToyPrompts prompts = new(new PromptTokens([tokens, tokens], [answer, 0]), new PromptTokens([tokens, tokens], [answer, 0]));
        using Speaking model = new();
        using RunResult run = InterventionRunner.Run(new() { Name = "Plain", Metrics = [LogitDifference] }, model, prompts);
        Assert.Equal<string>(
            isNoted
                ? ["Answer 'correct' of prompt 0 and 1 more of ToyPrompts is \"b\", behind a prompt that ends with a letter; "
                    + "\" b\", with the space in front, is another token."]
                : [],
            [.. run.Warnings]);
    }

    [Fact]
    public void An_answer_of_several_tokens_is_noted()
    {
        PromptTokens prompt = new([new([3, 10], [0, 1]), new([4, 10], [0, 1])], [1, 0]);
        ToyPrompts prompts = new(prompt, prompt with { AnswerTexts = [" Taipei", " Rome"], AnswerLengths = [3, 1] });
        using Speaking model = new();
        using RunResult run = InterventionRunner.Run(new() { Name = "Plain", Metrics = [LogitDifference] }, model, prompts);
        Assert.Equal<string>(
            [
                "Answer 'correct' is several tokens, of which the first counts, in 1 of 2 prompts of ToyPrompts: in prompt 1 it is "
                    + "\" Taipei\", 3 tokens.",
            ],
            [.. run.Warnings]);
    }

    [Fact]
    public void A_second_run_asks_the_tokenizer_nothing()
    {
        ToyPrompts prompts = ToyPrompts.Random(3, 4);
        using Speaking model = new();
        Run();
        int asked = model.Asked;
        Assert.NotEqual(0, asked);
        Run();
        Assert.Equal(asked, model.Asked);

        void Run() => InterventionRunner.Run(new() { Name = "Plain", Metrics = [LogitDifference] }, model, prompts).Dispose();
    }

    /// <summary>The model with the text of its tokens.</summary>
    private sealed class Speaking : ToyModel
    {
        /// <summary>How often a text was asked for.</summary>
        public int Asked { get; private set; }

        public override string Decode(IEnumerable<long> tokens)
        {
            Asked++;
            return string.Concat(tokens.Select(token => token == 10 ? "." : $"{(token < 5 ? " " : "")}{(char)('a' + (token % 5))}"));
        }
    }

    /// <summary>A decoder, which can compute some of its logits, with the toy model's words.</summary>
    private sealed class Worded() : DecoderModel(DecoderCheckpoint.Random(
        Gpt2Model.Configure(layers: 2, heads: 3, d_model: 12, vocabularySize: ToyModel.Vocabulary, contextLength: 16), seed: 3,
        ScalarType.Float64))
    {
        private readonly ToyModel _toy = new();

        public override IReadOnlyList<long> EncodePiece(string text) => _toy.EncodePiece(text);

        protected override void Dispose(bool disposing)
        {
            _toy.Dispose();
            base.Dispose(disposing);
        }
    }

    private static Read.WordLogits Words(params string[] words) => new("Colours", new(words), "end");
}
