using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Generation;

/// <summary>Small models of each attention, prompts of random tokens, and random declarations.</summary>
internal static class GenerationCases
{
    public const int Layers = 2, Heads = 4, Width = 16, Vocabulary = 17, Context = 40;

    public static DecoderModel Model(string family, ScalarType dtype = ScalarType.Float64) => DecoderModel.Random(family switch
    {
        "gpt2" => Gpt2Model.Configure(Layers, Heads, Width, Vocabulary, Context),
        "llama" => LlamaModel.Configure(
            Layers, Heads, kv_heads: 2, d_model: Width, neurons: 20, vocabularySize: Vocabulary, contextLength: Context),
        "window" => LlamaModel.Configure(
            Layers, Heads, kv_heads: 2, d_model: Width, neurons: 20, vocabularySize: Vocabulary,
            contextLength: Context) with
        { Window = 4 },
        _ => throw new ArgumentOutOfRangeException(nameof(family)),
    }, seed: 3, dtype);

    public static PromptPairs RandomPrompts(int seed, params int[] lengths)
    {
        Random random = new(seed);
        return PromptPairs.FromTokens([.. lengths.Select(length => new PromptTokens([Run(length), Run(length)], [1, 2]))]);

        RunTokens Run(int length) => new([.. Enumerable.Range(0, length).Select(_ => (long)random.Next(Vocabulary))], [length - 1]);
    }

    public static PromptPairs Only(PromptPairs prompts, int prompt) => PromptPairs.FromTokens([prompts.Prompts[prompt]]);

    public static CaptureNode Capture(string site) => new(site, site, [new Read.Value()], x => x[0]);

    /// <summary>A write of random kind at a random site, at some of the prompt's or the new tokens.</summary>
    public static WriteNode Write(Random random)
    {
        string block = $"blocks.{random.Next(Layers)}";
        string site = Pick(
            random, "resid_pre", "attn.q", "attn.k", "attn.v", "attn.z", "attn.pattern", "attn.scores", "attn.result", "attn_out", "mlp_in",
            "mlp.post", "resid_post", "attn.q_input", "ln2.scale");
        bool isRow = site is "attn.pattern" or "attn.scores";
        string when = Pick(random, "", "prompt", "new", "end", "new+0..2", "new+1", "end,new", "0,new+2", "-1,new+0",
            "!=0", "!=end");
        List<string> selectors = [];
        if (when.Length > 0)
            selectors.Add((isRow ? "query" : "pos") + (when[0] == '!' ? when : $"={when}"));
        if (isRow && random.Next(2) == 0)
            selectors.Add($"key{Pick(random, "=0", "=prompt", "=end", "=0,end", "!=0")}");
        if (site is "attn.z" or "attn.result" or "attn.q_input" or "attn.pattern" && random.Next(2) == 0)
            selectors.Add($"head={random.Next(Heads)}");
        string path = $"{block}.{site}{(selectors.Count == 0 ? "" : $"[{string.Join("; ", selectors)}]")}";
        return random.Next(7) switch
        {
            0 => BuiltInWrites.Scale(path, 1.7),
            1 when site != "ln2.scale" => BuiltInWrites.Zero(path),
            2 => BuiltInWrites.Freeze(path, "corrupted"),
            3 => BuiltInWrites.Mean(path, "clean", pooled: true),
            4 => new WriteNode("Shift", path, [new Read.Value(), new Read.From("corrupted")], x => (x[0] * 0.5) + (x[1] * 0.75)),
            5 => new WriteNode(
                "Echo", path, [new Read.Value(), new Read.Of(
                    (block == "blocks.1" ? "blocks.0.mlp_out" : "embed") + Pick(random, "", "[pos=0]", "[pos=end]", "[pos=end,new]"))],
                x => x[0] + x[1].mean([1L, 2L]).view([x[0].shape[0], .. Enumerable.Repeat(1L, x[0].shape.Length - 1)])),
            _ => new WriteNode("Sine", path, [new Read.Value()], x => x[0] + (x[0] * 3).sin()),
        };
    }

    public static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];

    /// <summary>The largest difference of two runs' log-probabilities and kept values; their tokens must be equal.</summary>
    public static double Distance(GeneratedRun left, GeneratedRun right, params string[] kept)
    {
        GeneratedText[] texts = [.. left.Continuations.SelectMany(of => of)], others = [.. right.Continuations.SelectMany(of => of)];
        Assert.Equal(texts.Select(text => text.Tokens), others.Select(text => text.Tokens));
        double worst = texts.SelectMany(text => text.LogProbabilities)
            .Zip(others.SelectMany(text => text.LogProbabilities), (a, b) => Math.Abs(a - b)).Max();
        foreach (string name in kept)
            foreach (Func<GeneratedValue, Tensor> part in new Func<GeneratedValue, Tensor>[]
                { value => value.Prompt, value => value.Steps })
                if (Has(left.Kept(name), part))
                    worst = Math.Max(worst, Difference(part(left.Kept(name)), part(right.Kept(name))));
        return worst;
    }

    public static double Difference(Tensor left, Tensor right)
    {
        Assert.Equal(left.shape, right.shape);
        return left.numel() == 0 ? 0 : (left - right).abs().max().item<double>();
    }

    private static bool Has(GeneratedValue value, Func<GeneratedValue, Tensor> part)
    {
        try
        {
            return part(value) is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
