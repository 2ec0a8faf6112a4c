using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Circuits.Tests;

/// <summary>What attention and weights say about heads, against golden values.</summary>
public sealed class HeadReferenceTests
{
    private const double Tolerance = 1e-9;

    private static readonly string[] s_kinds = [AttentionScores.Previous, AttentionScores.Duplicate, AttentionScores.Induction];

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Attention_on_repeated_tokens_agrees(string name)
    {
        using CircuitCase circuit = new(name);
        foreach (string front in (string[])["plain", "bos"])
        {
            RepeatedTokens prompts = Repeated(circuit, front);
            Agree(AttentionScores.OnRepeatedTokens(circuit.Model, prompts), circuit["../repeated_tokens", $"{front}.score"], front);
            (bool First, bool Diagonal)[] options = [(false, false), (false, true), (true, false), (true, true)];
            foreach ((int i, (bool first, bool diagonal)) in options.Index())
                Agree(
                    AttentionScores.OnText(circuit.Model, prompts, first, diagonal, new() { BatchSize = 2 }),
                    circuit["../repeated_tokens", $"{front}.mass"].select(1, i), $"{front}, {options[i]}");
        }
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Scores_of_weights_agree(string name)
    {
        using CircuitCase circuit = new(name);
        using DecoderModel model = CircuitDecoder.Of(name);
        HeadScores copying = HeadWeights.CopyingScores(model);
        CompositionScores composition = HeadWeights.Composition(model);
        using DisposeScope scope = NewDisposeScope();
        (int layers, int heads) = (copying.Layers, copying.Heads);
        Component[] all = [.. Enumerable.Range(0, layers * heads).Select(place => Component.OfHead(place / heads, place % heads))];
        Golden.Close(Means(copying, HeadWeights.Copying), circuit["../weights", "ov_copying"], "copying");
        Golden.Close(Means(copying, HeadWeights.VocabularyCopying), circuit["../weights", "ov_copying_vocabulary"], "vocabulary");
        foreach ((string letter, PortInput input) in ((string, PortInput)[])
            [("Q", PortInput.Query), ("K", PortInput.Key), ("V", PortInput.Value)])
            Golden.Close(
                tensor(all.SelectMany(earlier => all.Select(later => composition[input, earlier, later])).ToArray())
                    .view(layers, heads, layers, heads),
                circuit["../weights", $"composition_{letter}"], letter);

        Tensor Means(HeadScores scores, string kind) =>
            tensor(all.Select(head => scores[kind, head.Layer, head.Head]).ToArray()).view(layers, heads);
    }

    [SharedTheory("reference/circuits")]
    [CircuitCases]
    public void Copying_ranks_agree(string name)
    {
        using CircuitCase circuit = new(name);
        using DecoderModel model = CircuitDecoder.Of(name);
        CopyRanks ranks = CopyingScores.Ranks(model, circuit);
        HeadScores scores = CopyingScores.Of(model, circuit, ["end"], options: new() { BatchSize = 4 });
        using DisposeScope scope = NewDisposeScope();
        foreach ((string file, string kind, Func<int, int, int, IReadOnlyList<int>> of) in
            ((string, string, Func<int, int, int, IReadOnlyList<int>>)[])
            [
                ("copy.rank", CopyingScores.Copying, ranks.Positive), ("negative_copy.rank", CopyingScores.Negative, ranks.Negative),
            ])
        {
            Tensor expected = circuit["logit_attribution", file].to(ScalarType.Int64);
            for (int layer = 0; layer < ranks.Layers; layer++)
                for (int head = 0; head < ranks.Heads; head++)
                    for (int prompt = 0; prompt < circuit.Prompts.Count; prompt++)
                    {
                        long[] golden = [.. expected[layer, head, prompt].data<long>()];
                        int last = circuit.Prompts[prompt].Runs[0].Ids.Count - 1;
                        Assert.Equal(golden.Where(rank => rank >= 0), of(layer, head, prompt).Select(rank => (long)rank));
                        Assert.Equal(golden[last] < 5 ? 1 : 0, scores.OfPrompts(kind, layer, head)[prompt]);
                    }
        }
    }

    /// <summary>The reference's sequences, whose halves repeat.</summary>
    internal static RepeatedTokens Repeated(CircuitCase circuit, string front)
    {
        Tensor tokens = circuit["../repeated_tokens", $"{front}.tokens"];
        int first = front == "bos" ? 1 : 0, half = (int)(tokens.shape[1] - first) / 2;
        long[][] prompts = [.. tokens.data<long>().ToArray().Chunk((int)tokens.shape[1])];
        Assert.All(prompts, prompt => Assert.Equal(prompt[first..(first + half)], prompt[(first + half)..]));
        return RepeatedTokens.Of([.. prompts.Select(prompt => prompt[first..(first + half)])], first == 0 ? null : prompts[0][0]);
    }

    private static void Agree(HeadScores scores, Tensor expected, string what)
    {
        using DisposeScope scope = NewDisposeScope();
        double[] found =
        [
            .. from kind in s_kinds
               from layer in Enumerable.Range(0, scores.Layers)
               from head in Enumerable.Range(0, scores.Heads)
               from prompt in scores.OfPrompts(kind, layer, head)
               select prompt,
        ];
        Golden.Close(tensor(found).view(3, scores.Layers, scores.Heads, scores.PromptCount), expected, what);
    }
}
