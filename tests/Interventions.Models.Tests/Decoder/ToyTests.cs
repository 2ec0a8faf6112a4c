using System.Text.Json.Nodes;
using Interventions.Files;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Models.Tests.Reference;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Interventions.Models.Tests.Decoder;

/// <summary>Toys: attention alone, and no norms.</summary>
public sealed class ToyTests
{
    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void A_toy_is_its_formula(bool attentionOnly, bool norms)
    {
        using DisposeScope scope = NewDisposeScope();
        DecoderConfig config = attentionOnly
            ? AttentionOnlyModel.Configure(layers: 2, heads: 4, d_model: 20, vocabularySize: 31, contextLength: 12, norms)
            : NormFreeModel.Configure(layers: 2, heads: 4, d_model: 20, neurons: 24, vocabularySize: 31, contextLength: 12);
        using DecoderModel model = DecoderModel.Random(config with { UnembeddingBias = true }, seed: 4, ScalarType.Float64);
        using (no_grad())
            foreach (Tensor weight in model.Weights.Values)
                weight.add_(randn(weight.shape, float64).mul_(0.2));
        Tensor ids = randint(0, 31, [3, 9], ScalarType.Int64);

        Tensor x = W("embed.weight").index_select(0, ids.flatten()).view(3, 9, 20) + W("pos_embed.weight").narrow(0, 0, 9);
        for (int layer = 0; layer < 2; layer++)
        {
            string block = $"blocks.{layer}";
            Tensor n = Norm($"{block}.ln1", x), added = zeros_like(x) + W($"{block}.attn.b_O");
            for (int head = 0; head < 4; head++)
            {
                Tensor Of(string letter) =>
                    n.matmul(W($"{block}.attn.W_{letter}")[head]) + W($"{block}.attn.b_{letter}")[head];
                Tensor scores = Of("Q").matmul(Of("K").transpose(1, 2)) / Math.Sqrt(5);
                Tensor pattern = scores.masked_fill(ones(9, 9, ScalarType.Bool).triu(1), double.NegativeInfinity).softmax(-1);
                added += pattern.matmul(Of("V")).matmul(W($"{block}.attn.W_O")[head]);
            }
            x += added;
            if (!attentionOnly)
            {
                Tensor neurons = Gelu(x.matmul(W($"{block}.mlp.W_in")) + W($"{block}.mlp.b_in"));
                x += neurons.matmul(W($"{block}.mlp.W_out")) + W($"{block}.mlp.b_out");
            }
        }
        Tensor expected = Norm("ln_final", x).matmul(W("W_U")) + W("unembed.bias");
        Assert.True(Distance.Largest(model.Forward(ids), expected) < 1e-9);
        Assert.True(Distance.Largest(model.Unembed(model.FinalNorm(x)), expected) < 1e-9);

        Tensor W(string name) => model.Weights[name];

        Tensor Norm(string name, Tensor value) =>
            norms ? layer_norm(value, [20], W($"{name}.gain"), W($"{name}.bias"), config.NormEpsilon) : value;

        static Tensor Gelu(Tensor value) =>
            0.5 * value * (1 + (Math.Sqrt(2 / Math.PI) * (value + (0.044715 * value.pow(3)))).tanh());
    }

    /// <summary>The attention-only model of the circuit reference, whose layout is another, has the reference's logits.</summary>
    [SharedFact("reference/circuits/A5-attention-only")]
    public void The_attention_only_model_of_the_reference_has_its_logits()
    {
        using DisposeScope scope = NewDisposeScope();
        using CircuitCase reference = new("A5-attention-only/equal");
        using SafeTensorFile stored = SafeTensorFile.Open(SharedData.Path("reference/circuits/A5-attention-only/model/model.safetensors"));
        using DecoderModel model = DecoderModel.Random(
            AttentionOnlyModel.Configure(layers: 2, heads: 4, d_model: 20, vocabularySize: 47, contextLength: 24) with
            {
                UnembeddingBias = true,
            },
            dtype: ScalarType.Float64);
        (string Weight, string Stored)[] whole =
        [
            ("embed.weight", "embed.W_E"), ("pos_embed.weight", "pos_embed.W_pos"), ("W_U", "unembed.W_U"), ("unembed.bias", "unembed.b_U"),
        ];
        string[] inBlock = ["W_Q", "W_K", "W_V", "b_Q", "b_K", "b_V", "W_O", "b_O"];
        IEnumerable<(string, string)> blocks = Enumerable.Range(0, 2).SelectMany(layer =>
            inBlock.Select(name => ($"blocks.{layer}.attn.{name}", $"blocks.{layer}.attn.{name}")));
        using (no_grad())
            foreach ((string weight, string name) in whole.Concat(blocks))
                model.Weights[weight].copy_(stored.Read(name)); // views share the weights' memory

        for (int i = 0; i < reference.Prompts.Count; i++)
        {
            for (int run = 0; run < 2; run++)
            {
                long[] ids = [.. reference.Prompts[i].Runs[run].Ids];
                Tensor expected = reference["metrics", run == 0 ? "logits_clean" : "logits_corrupted"][i].narrow(0, 0, ids.Length);
                Assert.True(Distance.Largest(model.Forward(tensor(ids).unsqueeze(0))[0], expected) < 1e-9);
            }
        }
    }

    [Theory]
    [InlineData("norms", "true", "'norms' is true, and so there are feed-forward blocks with norms: that is a gpt2")]
    [InlineData("attention_only", "true", "'intermediate_size' is there, and attention alone has no neurons")]
    [InlineData("intermediate_size", "null", "'intermediate_size' is missing")]
    public void A_configuration_that_contradicts_itself_is_refused(string key, string value, string reason)
    {
        using TemporaryFolder folder = new();
        using (DecoderModel model = DecoderModel.Random(SmallDecoders.Config("toy-norm_free")))
            model.Save(folder.Path);
        string config = File.ReadAllText(folder["config.json"]);
        JsonNode json = JsonNode.Parse(config)!;
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["config.json"], json.ToJsonString());
        string message = Assert.Throws<CheckpointException>(() => DecoderModel.Load(folder.Path)).Message;
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_toy_lacks_is_refused_with_the_reason()
    {
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Config("toy"));
        using Tensor ids = SmallDecoders.Prompts();
        string message = Assert.Throws<InterventionException>(
            () => Intervention.On(model).Zero("blocks.1.mlp_out").Capture("L", "logits").Run(ToyPrompts.Random(1, 5))).Message;
        Assert.Contains("has no site 'blocks.1.mlp_out': Toy has no feed-forward block", message, StringComparison.Ordinal);
        using Tensor x = zeros(1, 32), scale = ones(1, 1);
        Assert.Throws<ArgumentException>(() => model.FinalNorm(x, scale));
        Assert.Throws<ArgumentException>(() => (SmallDecoders.Config("toy") with { Neurons = 4 }).Checked());
    }
}
