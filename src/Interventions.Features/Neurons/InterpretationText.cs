using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Interventions.Features;

/// <summary>What a language model is asked about a neuron, and how its answers are read.</summary>
internal static class InterpretationText
{
    /// <summary>The largest activation, as a language model sees it.</summary>
    public const int Scale = 10;

    private const string Explainer = """
        You explain neurons of a language model. A neuron has an activation at each token of a text. You see texts, a line for each
        token: the token, a tab, and the activation from 0 to 10. Find what the tokens with high activations have in common: the tokens
        themselves, what stands in front of them, or the topic. Answer with one short phrase that says what the neuron responds to, and
        with nothing else.
        """;

    /// <summary>A worked example: a neuron that nobody asks about.</summary>
    private const string ShownTexts = """
        Text 1
        We	0
         meet	0
         on	1
         Friday	10
         at	0
         noon	0

        Text 2
        every	0
         Tuesday	9
         since	0
         May	2
        """;

    private const string ShownAnswer = "days of the week";

    /// <summary>Asks for an explanation of what examples have in common.</summary>
    public static IEnumerable<ChatMessage> Explain(IEnumerable<NeuronExample> examples, double largest) =>
    [
        new(ChatRole.System, Explainer), new(ChatRole.User, ShownTexts), new(ChatRole.Assistant, ShownAnswer),
        new(ChatRole.User, string.Join('\n', examples.Select((example, i) =>
            $"Text {i + 1}\n" + Lines(example, token => Rounded(example.Activations[token], largest))))),
    ];

    /// <summary>Asks for the activations that a neuron with this explanation would have.</summary>
    public static IEnumerable<ChatMessage> Simulate(string explanation, NeuronExample example) =>
    [
        new(ChatRole.System,
            $"A neuron of a language model responds to: {explanation}\nYou see a text, a line for each token: the token, a tab, and a "
            + "question mark. Predict the neuron's activation at each token, a whole number from 0 to 10; most are 0. Answer with the same "
            + "lines, all of them in order, with the number in place of the question mark, and with nothing else."),
        new(ChatRole.User, Lines(example, _ => "?")),
    ];

    /// <summary>Asks on which texts a neuron with this explanation fires.</summary>
    public static IEnumerable<ChatMessage> Detect(string explanation, IEnumerable<NeuronExample> examples) =>
    [
        new(ChatRole.System,
            $"A neuron of a language model responds to: {explanation}\nYou see numbered texts. Say of each whether the neuron fires on "
            + "some token of it. Answer with a JSON list of numbers, 1 where it does and 0 where it does not, one a text in their order, "
            + "and with nothing else."),
        new(ChatRole.User, string.Concat(examples.Select((example, i) =>
            $"{i + 1}. {NeuronExample.OneLine(string.Concat(example.Texts)).Trim()}\n"))),
    ];

    /// <summary>The activations in an answer; null where it has not one number from 0 to 10 for each token.</summary>
    public static double[]? ReadSimulation(string answer, int tokens)
    {
        IEnumerable<string> lines = answer.Split('\n').Where(line => line.Contains('\t', StringComparison.Ordinal));
        double?[] numbers = [.. lines.Select(line => Number(line.Split('\t')[^1]))];
        return numbers.Length == tokens && numbers.All(number => number is >= 0 and <= Scale)
            ? [.. numbers.Select(number => number!.Value)]
            : null;

        static double? Number(string text) =>
            double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : null;
    }

    /// <summary>The decisions in an answer; null where it has not one for each text.</summary>
    public static bool[]? ReadDetection(string answer, int texts)
    {
        int first = answer.IndexOf('[', StringComparison.Ordinal), last = answer.LastIndexOf(']');
        if (first < 0 || last < first)
            return null;
        try
        {
            using JsonDocument list = JsonDocument.Parse(answer[first..(last + 1)]);
            int?[] numbers = [.. list.RootElement.EnumerateArray().Select(item =>
                item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int number) ? number : (int?)null)];
            return numbers.Length == texts && numbers.All(number => number is 0 or 1) ? [.. numbers.Select(number => number == 1)] : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Lines(NeuronExample example, Func<int, string> value)
    {
        StringBuilder text = new();
        for (int token = 0; token < example.Texts.Length; token++)
            text.Append(NeuronExample.OneLine(example.Texts[token])).Append('\t').Append(value(token)).Append('\n');
        return text.ToString();
    }

    private static string Rounded(double activation, double largest) =>
        Math.Clamp((int)Math.Round(Scale * activation / largest), 0, Scale).ToString(CultureInfo.InvariantCulture);
}
