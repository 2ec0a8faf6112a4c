using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>What a model computes is read out with its own weights: logits of parts of the stream, and circuits of single heads.</summary>
public sealed partial class ReadingOutTests : IDisposable
{
    private static readonly PromptVocabulary s_names =
        new("Pairs", EquatableArray.Of("clean"), EquatableArray.Of("end"), EquatableArray.Of("right", "wrong"));

    private readonly DisposeScope _scope = NewDisposeScope();

    /// <summary>
    /// Families whose stream is the sum of the parts that have sites, and whose logits are linear in it: without norms behind blocks,
    /// factors, caps, an embedding norm, experts, or a norm that attention and feed-forward share.
    /// </summary>
    public static IEnumerable<object[]> Families => SmallDecoders.Families.Where(family =>
        SmallDecoders.Config((string)family[0]) is
        {
            Block: not BlockKind.ParallelWithOneNorm, NormsBefore: true, NormsAfter: false, EmbeddingNorm: false, ResidualScale: 1,
            LogitDivisor: 1, LogitCap: null, Experts: null, QkvClip: null, UnembeddingBias: false, PositionOffset: 0,
        });

    public void Dispose() => _scope.Dispose();

    /// <summary>
    /// The norm in front of attention is the site behind it, by its own scale and by the captured one; none where there is none.
    /// </summary>
    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void The_norm_in_front_of_attention_is_its_site(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Intervention read = Intervention.On(model).Capture("Stream", "blocks.1.resid_pre");
        if (model.Config.NormsBefore)
            read = read.Capture("Scale", "blocks.1.ln1.scale").Capture("Normalized", "blocks.1.ln1.normalized");
        using RunResult run = read.Run(Pairs.Random(5, 7));
        Tensor stream = run["Stream"].Values;
        if (!model.Config.NormsBefore)
        {
            Close(stream, model.AttentionNorm(1, stream));
            Assert.Contains("no norm before attention", Assert.Throws<ArgumentException>(() =>
            {
                model.AttentionNorm(1, stream, ones(1, 1, 1, dtype: float64));
            }).Message);
            return;
        }
        Close(run["Normalized"].Values, model.AttentionNorm(1, stream));
        Close(run["Normalized"].Values, model.AttentionNorm(1, stream, run["Scale"].Values));
        Tensor zero = model.AttentionNorm(1, zeros_like(stream), run["Scale"].Values, bias: false);
        Assert.Equal(0, zero.abs().max().item<double>());
        Assert.Throws<ArgumentOutOfRangeException>(() => { model.AttentionNorm(3, stream); });
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Direct_attributions_of_all_components_add_up_to_the_logit_difference(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Pairs prompts = Pairs.Random(5, 7);
        using RunResult run = Intervention.On(model)
            .Capture("Embed", "embed[pos=end]").Capture("Heads", "blocks.*.attn.result[pos=end]")
            .Capture("Mlps", "blocks.*.mlp_out[pos=end]").Capture("Scale", "ln_final.scale[pos=end]")
            .Capture("Stream", "blocks.2.resid_post[pos=end]").LogitDifference("right", "wrong").Run(prompts);
        Tensor scale = run["Scale"].Values.squeeze(1); // [batch, one]
        Tensor direction = Answer(0) - Answer(1);      // [batch, d_model]: the same of every part

        // [layer, head, batch, d_model] and [layer, batch, d_model]
        Tensor heads = run["Heads"].Values.squeeze(2).permute(0, 2, 1, 3), mlps = run["Mlps"].Values.squeeze(2);
        List<Tensor> parts = [run["Embed"].Values.squeeze(1), .. heads.flatten(0, 1).unbind(0), .. mlps.unbind(0)];
        if (model.Weights.ContainsKey("W_pos"))
            parts.Add(model.Weights["W_pos"][TensorIndex.Single(6)].expand(5, -1));
        for (int layer = 0; layer < model.Config.Layers; layer++)
            if (model.Weights.TryGetValue($"blocks.{layer}.attn.b_O", out Tensor? bias))
                parts.Add(bias.expand(5, -1));
        Tensor attributed = zeros(5, dtype: float64);
        foreach (Tensor part in parts)
            attributed += Logits(model.FinalNorm(part, scale, bias: false));
        if (model.Weights.TryGetValue("ln_final.bias", out Tensor? shift))
            attributed += Logits(shift);
        Close(run["LogitDifference"].Values, attributed);
        Assert.True(attributed.abs().min().item<double>() > 1e-3);

        // The whole stream, by its own scale, and by all logits.
        Tensor stream = run["Stream"].Values.squeeze(1);
        Close(attributed, Logits(model.FinalNorm(stream)));
        Close(model.FinalNorm(stream), model.FinalNorm(stream, scale));
        Close(model.Forward(prompts.Ids)[.., -1], model.Unembed(model.FinalNorm(stream)));
        Close(run["Embed"].Values.squeeze(1), model.Embed(prompts.Ids[.., -1]));

        Tensor Answer(int number) =>
            model.Weights["W_U"].index_select(1, tensor(prompts.Prompts.Select(prompt => prompt.Answers[number]).ToArray())).t();

        Tensor Logits(Tensor normalized) => (normalized * direction).sum(-1);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Weights_of_heads_are_what_the_heads_compute_with(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family);
        Pairs prompts = Pairs.Random(3, 6);
        string[] sites =
        [
            "ln1.normalized", "attn.q", "attn.k", "attn.v", "attn.z", "attn.result", "ln2.normalized", "mlp.pre", "mlp.post", "mlp_out",
        ];
        Intervention calls = Intervention.On(model);
        foreach (string site in sites)
            calls = calls.Capture(site.Replace('.', '_'), $"blocks.1.{site}");
        using RunResult run = calls.Run(prompts);
        Tensor W(string name) => model.Weights[$"blocks.1.{name}"];
        Tensor Bias(string name) =>
            model.Weights.TryGetValue($"blocks.1.{name}", out Tensor? bias) ? bias : zeros(1, dtype: float64);
        Tensor Value(string site) => run[site.Replace('.', '_')].Values;

        foreach (string part in new[] { "q", "k", "v" })
        {
            string upper = part.ToUpperInvariant();
            Tensor projected = einsum("bpd,hde->bphe", Value("ln1.normalized"), W($"attn.W_{upper}"));
            Close(Value($"attn.{part}"), projected + Bias($"attn.b_{upper}"));
        }
        Close(Value("attn.result"), einsum("bphe,hed->bphd", Value("attn.z"), W("attn.W_O")));
        string into = model.Config.GatedMlp ? "gate" : "in";
        Close(Value("mlp.pre"), Value("ln2.normalized").matmul(W($"mlp.W_{into}")) + Bias($"mlp.b_{into}"));
        Close(Value("mlp_out"), Value("mlp.post").matmul(W("mlp.W_out")) + Bias("mlp.b_out"));

        // A circuit: what a head writes of a token that it attends to wholly.
        int head = 3, kv_head = head * model.Config.KvHeads / model.Config.Heads;
        Tensor ov = W("attn.W_V")[kv_head].matmul(W("attn.W_O")[head]);
        Tensor first = Value("ln1.normalized")[.., 0].matmul(ov);
        if (model.Weights.ContainsKey("blocks.1.attn.b_V"))
            first += W("attn.b_V")[kv_head].matmul(W("attn.W_O")[head]);
        Close(Value("attn.result")[.., 0, head], first);
    }

    [Fact]
    public void Most_families_are_sums_of_their_parts() => Assert.InRange(Families.Count(), 10, SmallDecoders.Names.Count);

    [Fact]
    public void Views_are_the_models_own_memory_and_are_freed_with_it()
    {
        long before = LiveTensors.Count();
        using (DecoderModel model = SmallDecoders.Model("llama"))
        {
            Tensor view = model.Weights["blocks.0.attn.W_O"];
            using (no_grad())
                model.Weights["blocks.0.attn.out.weight"].fill_(3);
            Assert.Equal(3, view.min().item<double>());
            Assert.Same(view, model.Weights["blocks.0.attn.W_O"]);
            Assert.DoesNotContain("blocks.0.attn.W_O", model.Weights.Keys);
            Assert.All(model.Weights.Views, name => Assert.NotNull(model.Weights[name]));
        }
        _scope.Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    [Fact]
    public void Wrong_names_and_shapes_are_refused_with_advice()
    {
        using DecoderModel model = SmallDecoders.Model("llama");
        Assert.Contains("did you mean 'blocks.2.attn.W_O'?", Message<KeyNotFoundException>(() => model.Weights["blocks.2.attn.WO"]));
        Assert.Contains("did you mean 'embed.weight'?", Message<KeyNotFoundException>(() => model.Weights["embed.wieght"]));
        Assert.Contains("blocks.2.attn.W_V", Message<KeyNotFoundException>(() => model.Weights["transformer.h.3.attn.c_attn.weight"]));
        Assert.False(model.Weights.ContainsKey("W_pos"));
        Assert.Contains("d_model, of length 32; the value is [2, 31]", Message<ArgumentException>(() => model.Unembed(zeros(2, 31))));
        Assert.Contains("d_model, of length 32", Message<ArgumentException>(() => model.FinalNorm(zeros(31))));
        Assert.Contains(
            "The scale is [3, 1], the value [2, 32]",
            Message<ArgumentException>(() => model.FinalNorm(zeros(2, 32, dtype: float64), ones(3, 1, dtype: float64))));
        Assert.Contains("outside the vocabulary", Message<ArgumentException>(() => model.Embed(tensor(new[] { 61L }))));
        Assert.Equal([2, 3, 32], model.Embed(zeros(2, 3, dtype: int64)).shape);

        static string Message<T>(Func<Tensor> call)
            where T : Exception => Assert.Throws<T>(() => { call(); }).Message;
    }

    /// <summary>The tables of the page are the models: every name, and every axis.</summary>
    [Fact]
    public void The_documents_tables_have_every_weight_and_every_site()
    {
        string page = File.ReadAllText(Path.Combine(Here(), "../../../src/Interventions.Models/README.md"));
        HashSet<string> weights = [], sites = [];
        foreach (string family in new[] { "gpt2", "llama" })
        {
            using DecoderModel model = SmallDecoders.Model(family);
            foreach ((string name, string[] axes) in Rows(page, "| weight | axes |"))
            {
                string one = name.Contains('.') && !name.StartsWith("ln_final", StringComparison.Ordinal) && name is not ("embed.weight"
                    or "pos_embed.weight" or "unembed.weight") ? $"blocks.1.{name}" : name;
                if (!model.Weights.TryGetValue(one, out Tensor? weight))
                    continue;
                weights.Add($"{family} {one}");
                Assert.Equal(axes.Select(axis => Length(model, axis)), weight.shape);
            }
            IEnumerable<string> named = model.Weights.Keys.Concat(model.Weights.Views).Where(name =>
                !name.StartsWith("blocks.", StringComparison.Ordinal) || name.StartsWith("blocks.1.", StringComparison.Ordinal));
            Assert.All(named, name => Assert.Contains($"{family} {name}", weights));
            foreach ((string name, string[] axes) in Rows(page, "| site | axes after `batch` |"))
            {
                SiteDefinition? site =
                    model.Schema.Sites.FirstOrDefault(site => site.Path == name || site.Path == $"blocks.{{layer}}.{name}");
                if (site is null)
                    continue;
                sites.Add($"{family} {site.Path}");
                // A cell says "head or kv_head" of two sites.
                Assert.Equal(site.Axes.Skip(1).Count(), axes.Length);
                Assert.All(site.Axes.Skip(1).Zip(axes), pair => Assert.Contains(pair.First, pair.Second.Split(" or ")));
            }
            Assert.All(model.Schema.Sites, site => Assert.Contains($"{family} {site.Path}", sites));
        }
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    private static long Length(DecoderModel model, string axis) => axis switch
    {
        "position" => model.Config.ContextLength,
        "qkv" => (long)(model.Config.Heads + (2 * model.Config.KvHeads)) * model.Config.DHead,
        "head · d_head" => (long)model.Config.Heads * model.Config.DHead,
        _ => model.Schema.SizeOf(axis) ?? throw new InvalidOperationException($"The model has no axis '{axis}'."),
    };

    /// <summary>The names of a table's first cells, with the axes of the second. A name with a dot in front goes on.</summary>
    private static IEnumerable<(string Name, string[] Axes)> Rows(string page, string header)
    {
        IEnumerable<string> lines = page[page.IndexOf(header, StringComparison.Ordinal)..].Split('\n').Skip(2)
            .TakeWhile(line => line.StartsWith('|'));
        foreach (string line in lines)
        {
            string[] cells = line.Split('|');
            string[] axes = [.. cells[2].Split(',').Select(axis => axis.Trim())];
            string part = "";
            foreach (string name in Name().Matches(cells[1]).Select(match => match.Groups[1].Value))
            {
                string whole = name.StartsWith('.') ? part + name : name;
                part = whole[..Math.Max(0, whole.LastIndexOf('.'))];
                yield return (whole, axes);
            }
        }
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }

    /// <summary>Prompts of one run and one length.</summary>
    private sealed class Pairs(Tensor ids, IReadOnlyList<PromptTokens> prompts) : IPromptSet
    {
        public Tensor Ids => ids;

        public PromptVocabulary Vocabulary => s_names;

        public IReadOnlyList<PromptTokens> Prompts => prompts;

        public static Pairs Random(int count, int length)
        {
            Random random = new(4);
            long[][] ids =
                [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => (long)random.Next(61)).ToArray())];
            return new Pairs(
                tensor(ids.SelectMany(row => row).ToArray()).view(count, length),
                [.. ids.Select(row => new PromptTokens([new RunTokens(row, [length - 1])], [random.Next(30), 30 + random.Next(30)]))]);
        }
    }
}
