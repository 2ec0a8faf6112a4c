using System.Text.RegularExpressions;
using Interventions.Models.Decoder;
using Microsoft.Extensions.AI;

namespace Interventions.Features.Tests.Neurons;

/// <summary>Interpretation with models whose answers are known.</summary>
public sealed partial class InterpretationTests
{
    private static readonly NeuronExamples s_examples = Planted();

    [Fact]
    public async Task A_model_that_knows_the_neuron_has_perfect_scores()
    {
        Scripted client = new(Knowing);
        NeuronInterpretation found = await AutomatedInterpretation.Of(s_examples, client);
        Assert.Equal("#5 behind #3", found.Explanation);
        Assert.Equal(1, found.Simulation.Correlation, 1e-12);
        Assert.Equal(1, found.Simulation.RandomCorrelation, 1e-12);
        Assert.Equal((1.0, 1.0), (found.Detection.BalancedAccuracy, found.Detection.Firing.F1));
        Assert.Equal((15, 15), (found.Simulation.Texts, found.Detection.Texts));
        Assert.Equal(0, found.Simulation.Unread + found.Detection.Unread);
        Assert.Equal(1 + 15 + 2, client.Asked.Count); // an explanation, a simulation each, ten texts at a time
        Assert.All($"{found}".Split('\n'), line => Assert.True(line.Length <= 80, line));
    }

    [Fact]
    public async Task A_model_that_sees_tokens_alone_has_the_correlation_of_its_guesses()
    {
        Scripted client = new(messages =>
            IsSimulation(messages) ? Simulated(messages, (tokens, i) => tokens[i] == "#5" ? 10 : 0) : Knowing(messages));
        NeuronInterpretation found = await AutomatedInterpretation.Of(s_examples, client);
        string[][] texts = [.. client.Asked.Where(IsSimulation).Select(Tokens)];
        Assert.InRange(found.Simulation.Correlation, 0.3, 0.95);
        Assert.Equal(Expected(texts), found.Simulation.Correlation, 1e-9);
        Assert.Equal(Expected(texts[5..]), found.Simulation.RandomCorrelation, 1e-9); // behind five top examples
        Assert.NotEqual(found.Simulation.Correlation, found.Simulation.RandomCorrelation, 1e-6);

        static double Expected(string[][] texts)
        {
            (double X, double Y)[] tokens =
                [.. texts.SelectMany(text => text.Select((token, i) => (Fires(text, i) ? 1.0 : 0, token == "#5" ? 10.0 : 0)))];
            double x = tokens.Average(token => token.X), y = tokens.Average(token => token.Y);
            double xx = tokens.Average(token => (token.X - x) * (token.X - x)), yy = tokens.Average(token => (token.Y - y) * (token.Y - y));
            return tokens.Average(token => (token.X - x) * (token.Y - y)) / Math.Sqrt(xx * yy);
        }
    }

    [Fact]
    public async Task What_is_explained_is_not_what_is_scored()
    {
        Scripted client = new(Knowing);
        await AutomatedInterpretation.Of(s_examples, client, new() { Shown = 4 });
        string shown = client.Asked[0][^1].Text;
        Assert.Equal(4, shown.Split("Text ").Length - 1);
        Assert.Contains("#5\t10\n", shown);
        foreach (ChatMessage[] simulated in client.Asked.Where(IsSimulation))
            Assert.DoesNotContain(string.Join("\n", Tokens(simulated)), shown.Replace("\t0", "").Replace("\t10", ""));
    }

    [Fact]
    public async Task Answers_that_cannot_be_read_are_counted_and_have_no_part()
    {
        int asked = 0;
        Scripted client = new(messages =>
            IsSimulation(messages) ? (asked++ % 3 == 0 ? "I would rather not." : Knowing(messages))
            : IsExplanation(messages) ? Knowing(messages) : "[1, 0]");
        NeuronInterpretation found = await AutomatedInterpretation.Of(s_examples, client);
        Assert.Equal((10, 5), (found.Simulation.Texts, found.Simulation.Unread));
        Assert.Equal(1, found.Simulation.Correlation, 1e-12);
        Assert.Equal((0, 15), (found.Detection.Texts, found.Detection.Unread));
        Assert.True(double.IsNaN(found.Detection.BalancedAccuracy));
        Assert.Contains("could not be read", $"{found}");
    }

    [Fact]
    public async Task Another_model_can_simulate()
    {
        Scripted explains = new(Knowing), simulates = new(Knowing);
        await AutomatedInterpretation.Of(s_examples, explains, new() { Simulator = simulates });
        Assert.Single(explains.Asked);
        Assert.Equal(17, simulates.Asked.Count);
    }

    [Fact]
    public async Task Finished_neurons_are_not_asked_about_again()
    {
        using TemporaryFolder folder = new();
        InterpretationOptions options = new() { Folder = folder.Path };
        Scripted first = new(Knowing), second = new(Knowing);
        NeuronExamples other = s_examples with { Neuron = new Neuron("blocks.0.mlp.post", 1) };
        await AutomatedInterpretation.Of(s_examples, first, options);
        IReadOnlyList<NeuronInterpretation> both = await AutomatedInterpretation.Of([s_examples, other], second, options);
        Assert.Equal(first.Asked.Count, second.Asked.Count);
        Assert.Equal(1, both[0].Simulation.Correlation, 1e-12);
        Assert.Equal(both[1], NeuronInterpretation.Load(Directory.GetFiles(folder.Path, "*neuron1.*").Single()));
        await Assert.ThrowsAsync<InterventionException>(() => AutomatedInterpretation.Of(s_examples, second, options with { Shown = 3 }));
    }

    [Fact]
    public async Task A_neuron_that_never_fired_and_an_empty_answer_are_refused()
    {
        Scripted client = new(_ => "");
        await Assert.ThrowsAsync<InterventionException>(() => AutomatedInterpretation.Of(s_examples with { Top = [] }, client));
        Assert.Empty(client.Asked);
        await Assert.ThrowsAsync<InterventionException>(() => AutomatedInterpretation.Of(s_examples, client));
    }

    private static NeuronExamples Planted()
    {
        using DecoderModel model = PlantedNeurons.Model();
        return MaxActivating.Of(
            model, PlantedNeurons.Corpus(), PlantedNeurons.Site(PlantedNeurons.BehindA), PlantedNeurons.Options)[0];
    }

    private static string Knowing(IReadOnlyList<ChatMessage> messages) =>
        IsExplanation(messages) ? " #5 behind #3\n"
        : IsSimulation(messages) ? Simulated(messages, (tokens, i) => Fires(tokens, i) ? 10 : 0)
        : $"[{string.Join(", ", NumberedText().Matches(messages[^1].Text).Select(text => text.Value.Contains("#3#5") ? 1 : 0))}]";

    private static bool IsExplanation(IReadOnlyList<ChatMessage> messages) =>
        messages[0].Text.StartsWith("You explain", StringComparison.Ordinal);

    private static bool IsSimulation(IReadOnlyList<ChatMessage> messages) => messages[^1].Text.EndsWith("\t?\n", StringComparison.Ordinal);

    private static string[] Tokens(IReadOnlyList<ChatMessage> messages) =>
        [.. messages[^1].Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[0])];

    private static bool Fires(string[] tokens, int i) => i > 0 && tokens[i] == "#5" && tokens[i - 1] == "#3";

    private static string Simulated(IReadOnlyList<ChatMessage> messages, Func<string[], int, int> activation)
    {
        string[] tokens = Tokens(messages);
        return "Here it is:\n" + string.Join('\n', tokens.Select((token, i) => $"{token}\t{activation(tokens, i)}"));
    }

    [GeneratedRegex(@"^\d+\. .*$", RegexOptions.Multiline)]
    private static partial Regex NumberedText();

    /// <summary>A model with known answers, which remembers what it was asked.</summary>
    private sealed class Scripted(Func<IReadOnlyList<ChatMessage>, string> answer) : IChatClient
    {
        public List<ChatMessage[]> Asked { get; } = [];

        public Task<ChatResponse> GetResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            Asked.Add([.. messages]);
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer(Asked[^1]))));
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
