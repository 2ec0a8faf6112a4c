using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Decoder;

/// <summary>The empty intervention is the model, and costs no handles.</summary>
public sealed class ForwardTests
{
    [Theory]
    [InlineData("gpt2", ScalarType.Float32)]
    [InlineData("gpt2", ScalarType.Float64)]
    [InlineData("gpt2", ScalarType.BFloat16)]
    [InlineData("llama", ScalarType.Float32)]
    [InlineData("llama", ScalarType.Float64)]
    [InlineData("llama", ScalarType.Float16)]
    [InlineData("llama", ScalarType.BFloat16)]
    public void Equals_a_plain_forward_bit_for_bit(string family, ScalarType dtype)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model(family, dtype);
        Tensor ids = SmallDecoders.Prompts();
        Tensor plain = family == "gpt2" ? StraightLine.Gpt2(model, ids) : StraightLine.Llama(model, ids);
        Assert.True(SmallDecoders.Same(model.Forward(ids), plain));
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Leaves_no_handles_behind(string family)
    {
        using DecoderModel model = SmallDecoders.Model(family, ScalarType.Float32);
        using Tensor ids = SmallDecoders.Prompts();
        model.Forward(ids).Dispose();
        model.Generate(ids, 2).Dispose();
        long before = LiveTensors.Count();
        for (int i = 0; i < 100; i++)
            model.Forward(ids).Dispose();
        for (int i = 0; i < 10; i++)
            model.Generate(ids, 3).Dispose();
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Frees_its_weights(string family)
    {
        long before = LiveTensors.Count();
        using (DisposeScope scope = NewDisposeScope())
        {
            using DecoderModel model = SmallDecoders.Model(family);
            Assert.True(Tensor.TotalCount > before);
        }
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Makes_every_tensor_on_the_models_device(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Config(family), device: META);
        Tensor ids = SmallDecoders.Prompts().to(META);
        string[] sites = [.. model.Graph.Nodes.Select(node => node.Name)];
        foreach (string[] touched in (string[][])[
            [], [.. sites.Where(site => site.EndsWith("_input", StringComparison.Ordinal))], [.. sites]])
        {
            Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
                model.Graph, ids, sites, touched.ToDictionary(site => site, _ => (Func<Tensor, Tensor>)(x => x)));
            Assert.All(values, value => Assert.Equal(DeviceType.META, value.Value.device_type));
        }
    }

    [Fact]
    public void Refuses_ids_that_it_cannot_read()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = SmallDecoders.Model("llama");
        string Message(Tensor ids, int generate = 0) =>
            Assert.Throws<ArgumentException>(() => generate > 0 ? model.Generate(ids, generate) : model.Forward(ids)).Message;

        Assert.Contains(
            "Token id 61 is outside the vocabulary of 61", Message(tensor(new long[,] { { 0, 61 } })), StringComparison.Ordinal);
        Assert.Contains("Token id -1 is outside", Message(tensor(new long[,] { { 0, -1 } })), StringComparison.Ordinal);
        Assert.Contains("17 tokens are more than the 16", Message(zeros(1, 17, ScalarType.Int64)), StringComparison.Ordinal);
        Assert.Contains("17 tokens are more than the 16", Message(zeros(1, 9, ScalarType.Int64), generate: 8), StringComparison.Ordinal);
        Assert.Contains("must be int64 [batch, pos]", Message(zeros(9, ScalarType.Int64)), StringComparison.Ordinal);
        Assert.Contains("must be int64 [batch, pos]", Message(zeros(1, 9)), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(SmallDecoders.Families), MemberType = typeof(SmallDecoders))]
    public void Can_be_trained(string family)
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel model = DecoderModel.Random(SmallDecoders.Config(family), seed: 5);
        // Parameters that are the model's own weights.
        Parameter[] trained = [.. model.Weights.Values.Select(weight => new Parameter(weight.alias()))];
        using optim.Optimizer adam = optim.AdamW(trained, lr: 3e-3);
        Tensor ids = SmallDecoders.Prompts();
        double Step()
        {
            using DisposeScope step = NewDisposeScope();
            adam.zero_grad();
            Tensor logits = model.Forward(ids).narrow(1, 0, 8).reshape(-1, 61);
            Tensor loss = nn.functional.cross_entropy(logits, ids.narrow(1, 1, 8).reshape(-1));
            loss.backward();
            Assert.All(model.Weights, weight => Assert.NotNull(weight.Value.grad));
            using (Finalizers.Pause())
                adam.step();
            return loss.item<float>();
        }
        double first = Step(), last = first;
        for (int i = 0; i < 80; i++)
            last = Step();
        // Attention alone learns these sequences more slowly.
        Assert.True(last < first / (model.Config.HasMlp ? 4 : 2), $"the loss went from {first} to {last}");
    }

    [Fact]
    public void Random_weights_follow_the_seed()
    {
        using DisposeScope scope = NewDisposeScope();
        using DecoderModel a = DecoderModel.Random(SmallDecoders.Gpt2Config, seed: 5),
        b = DecoderModel.Random(SmallDecoders.Gpt2Config, seed: 5),
            c = DecoderModel.Random(SmallDecoders.Gpt2Config, seed: 6);
        Tensor ids = SmallDecoders.Prompts();
        Assert.True(SmallDecoders.Same(a.Forward(ids), b.Forward(ids)));
        Assert.False(SmallDecoders.Same(a.Forward(ids), c.Forward(ids)));
    }
}
