using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Testing;
using Interventions.Testing.Support;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>A model that solves indirect objects, loaded from its GGUF file, against values that transformers computed.</summary>
public sealed class SmolLm2Tests(SmolLm2Tests.Loaded loaded, ITestOutputHelper output) : IClassFixture<SmolLm2Tests.Loaded>
{
    private const string Folder = "models/SmolLM2-135M";
    private const string Values = "reference/SmolLM2-135M/reference.safetensors";
    private const string Prompts = "reference/SmolLM2-135M/reference.json";

    [SharedFact(Values)]
    public void Texts_become_the_same_tokens() =>
        Assert.All(loaded.Texts, prompt => Assert.Equal(Ids(prompt, "ids"), loaded.Model.Encode(Text(prompt, "text"))));

    [SharedFact(Values)]
    public void Logits_and_residual_stream_agree()
    {
        using DisposeScope scope = NewDisposeScope();
        string[] sites = [.. Enumerable.Range(0, loaded.Model.Config.Layers).Select(layer => $"blocks.{layer}.resid_pre"), "logits"];
        int count = loaded.Values.Entries.Keys.Count(name => name.EndsWith(".input_ids", StringComparison.Ordinal));
        Assert.Equal(loaded.Texts.Count, count);
        for (int prompt = 0; prompt < count; prompt++)
        {
            Tensor ids = loaded.Values.Read($"prompt.{prompt}.input_ids").unsqueeze(0);
            Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(loaded.Model.Graph, ids, sites);
            Tensor residual = stack(sites.SkipLast(1).Select(site => values[site][0, -1]));
            Tensor expected = loaded.Values.Read($"prompt.{prompt}.resid");
            Tensor logits = values["logits"][0, -1];
            double largest = expected.abs().max().item<float>();
            Within(1e-4 * largest, residual, expected, $"residual stream of prompt {prompt}, which reaches {largest:0}");
            Within(1e-3, logits, loaded.Values.Read($"prompt.{prompt}.last_logits"), $"logits of prompt {prompt}");
            foreach ((int rank, JsonElement likely) in loaded.Texts[prompt].GetProperty("top5").EnumerateArray().Index())
            {
                (string text, long id, double probability) = (likely[0].GetString()!, likely[1].GetInt64(), likely[2].GetDouble());
                Assert.Equal(id, logits.topk(5).indexes[rank].item<long>());
                Assert.Equal(text, loaded.Model.Decode([id]));
                Assert.Equal(probability, logits.softmax(0)[id].item<float>(), 1e-4);
            }
        }
    }

    [SharedFact(Values)]
    public void Texts_continue_equally()
    {
        foreach (JsonElement prompt in loaded.Texts)
        {
            long[] ids = Ids(prompt, "ids"), expected = Ids(prompt, "greedy_ids");
            GeneratedRun run = loaded.Model.Generate([ids], new GenerationOptions { MaxNewTokens = expected.Length - ids.Length });
            long[] actual = [.. ids, .. run.Tokens[0]];
            Assert.Equal(expected, actual);
            Assert.Equal(Text(prompt, "greedy"), loaded.Model.Tokenizer.Decode(actual.Select(id => (int)id)));
        }
    }

    [SharedFact(Values), Trait("Duration", "long")]
    public void Heads_move_the_indirect_object_as_recorded()
    {
        using DisposeScope scope = NewDisposeScope();
        using IndirectObjectHeads.Result run = new IndirectObjectHeads().Run(loaded.Model, loaded.Pairs());
        Tensor clean = run.Clean.LogitDifference, corrupted = run.Corrupted.LogitDifference;
        JsonElement ioi = loaded.Json.GetProperty("ioi");
        double[] Recorded(string name) => [.. ioi.EnumerateArray().Select(pair => pair.GetProperty(name).GetDouble())];
        Within(1e-3, clean, tensor(Recorded("clean_ld")), "logit differences of clean prompts");
        Within(1e-3, corrupted, tensor(Recorded("corrupted_ld")), "logit differences of corrupted prompts");
        Assert.Equal(loaded.Json.GetProperty("ioi_mean_clean_ld").GetDouble(), clean.mean().item<float>(), 1e-3);
        Assert.Equal(loaded.Json.GetProperty("ioi_mean_corrupted_ld").GetDouble(), corrupted.mean().item<float>(), 1e-3);

        Tensor effect = (run.LogitDifference.Values - clean).mean([-1L]);
        Within(1e-3, effect, loaded.Values.Read("ioi.head_effect_end"), "effects of heads");
        Tensor attention = stack([run.Clean.ToIO.mean([1L]), run.Clean.ToS1.mean([1L]), run.Clean.ToS2.mean([1L])], -1);
        Within(1e-3, attention, loaded.Values.Read("ioi.attention_end"), "attention from the end");

        JsonElement top = loaded.Json.GetProperty("ioi_top_heads");
        long[] strongest = effect.flatten().abs().topk(top.GetArrayLength()).indexes.data<long>().ToArray();
        foreach ((int rank, JsonElement head) in top.EnumerateArray().Index())
        {
            (int layer, int index) = (head.GetProperty("layer").GetInt32(), head.GetProperty("head").GetInt32());
            Assert.Equal(strongest[rank], (layer * loaded.Model.Config.Heads) + index);
            Assert.Equal(head.GetProperty("effect").GetDouble(), effect[layer, index].item<float>(), 1e-3);
        }
    }

    [SharedFact(Folder), Trait("Duration", "long")]
    public void Loading_takes_three_seconds_and_1_4_times_the_weights_at_most()
    {
        double weights = loaded.Model.Weights.Values.Sum(weight => weight.numel() * 4.0), seconds = double.PositiveInfinity, memory = 0;
        for (int i = 0; i < 3; i++)
        {
            Stopwatch clock = Stopwatch.StartNew();
            memory = Math.Max(memory, PeakMemory.Of(() => SmolLm2_135M.Load(SharedData.Path(Folder)).Dispose()).Growth);
            seconds = Math.Min(seconds, clock.Elapsed.TotalSeconds);
        }
        output.WriteLine($"loaded in {seconds:0.00} s; memory {memory / 1e6:0} MB, {memory / weights:0.00} times the float32 weights");
        Assert.InRange(seconds, 0, 3);
        Assert.InRange(memory, 0.9 * weights, 1.4 * weights);
    }

    private void Within(double tolerance, Tensor actual, Tensor expected, string what)
    {
        double error = Distance.Largest(actual, expected);
        output.WriteLine($"{what}: worst error {error:0.0e+0} (tolerance {tolerance:0.0e+0})");
        Assert.True(error <= tolerance, $"{what}: off by {error:0.0e+0}, the tolerance is {tolerance:0.0e+0}");
    }

    private static long[] Ids(JsonElement prompt, string name) =>
        [.. prompt.GetProperty(name).EnumerateArray().Select(id => id.GetInt64())];

    private static string Text(JsonElement prompt, string name) => prompt.GetProperty(name).GetString()!;

    /// <summary>The model and its golden values, read once for all tests, by the first that is not skipped.</summary>
    public sealed class Loaded : IDisposable
    {
        private readonly Lazy<SmolLm2_135M> _model = new(() => SmolLm2_135M.Load(SharedData.Path(Folder)));
        private readonly Lazy<SafeTensorFile> _values = new(() => SafeTensorFile.Open(SharedData.Path(SmolLm2Tests.Values)));
        private readonly Lazy<JsonElement> _json = new(() => JsonElement.Parse(File.ReadAllBytes(SharedData.Path(Prompts))));

        public SmolLm2_135M Model => _model.Value;

        internal SafeTensorFile Values => _values.Value;

        public JsonElement Json => _json.Value;

        public IReadOnlyList<JsonElement> Texts => [.. Json.GetProperty("prompts").EnumerateArray()];

        /// <summary>The indirect objects, encoded here; the tokens are checked against the recorded ones.</summary>
        public IndirectObjects Pairs()
        {
            JsonElement[] pairs = [.. Json.GetProperty("ioi").EnumerateArray()];
            IndirectObjects prompts = IndirectObjects.Create(Model.Tokenizer, pairs.Select(pair =>
            {
                (string io, string s, string text) = (Text(pair, "io"), Text(pair, "s"), Text(pair, "clean"));
                int second = text.LastIndexOf(s, StringComparison.Ordinal);
                string first = text[..(second - 1)].Replace($" {io}", $"[IO| {io}]").Replace($" {s}", $"[S1| {s}]");
                string clean = $"{first}[S2| {s}]{text[(second + s.Length)..]}";
                // The corrupted prompt has another name at S2.
                string changed = Text(pair, "corrupted").Split(' ').Zip(text.Split(' ')).Single(word => word.First != word.Second).First;
                return new IndirectObjects.Prompt
                {
                    Clean = clean,
                    Corrupted = clean.Replace($"[S2| {s}]", $"[S2| {changed}]"),
                    IO = $" {io}",
                    S = $" {s}",
                };
            }));
            foreach ((PromptTokens prompt, JsonElement pair) in prompts.Prompts.Zip(pairs))
            {
                Assert.Equal(Ids(pair, "ids"), prompt.Runs[0].Ids);
                Assert.Equal(Ids(pair, "corrupted_ids"), prompt.Runs[1].Ids);
            }
            return prompts;
        }

        public void Dispose()
        {
            if (_model.IsValueCreated)
                Model.Dispose();
            if (_values.IsValueCreated)
                Values.Dispose();
        }
    }
}

[PromptSchema(Positions = ["IO", "S1", "S2", "end"], Answers = ["IO", "S"])]
public sealed partial class IndirectObjects : PromptSet;

/// <summary>Each head's output at the last position, one at a time, from the corrupted prompt; and the attention from there.</summary>
[Intervention<SmolLm2_135M, IndirectObjects>]
public sealed partial class IndirectObjectHeads
{
    [Patch("blocks.{layer}.attn.z[head={head}; pos=end]")]
    static Tensor FromCorrupted(Tensor z, [From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.attn.pattern[query=end; key=IO]")]
    static Tensor ToIO(Tensor pattern) => pattern.flatten(1);

    [Capture("blocks.*.attn.pattern[query=end; key=S1]")]
    static Tensor ToS1(Tensor pattern) => pattern.flatten(1);

    [Capture("blocks.*.attn.pattern[query=end; key=S2]")]
    static Tensor ToS2(Tensor pattern) => pattern.flatten(1);

    [Metric]
    static Tensor LogitDifference([Logit("IO")] Tensor io, [Logit("S")] Tensor s) => io - s;
}
