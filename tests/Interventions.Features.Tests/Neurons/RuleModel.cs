using System.Text.Json;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Neurons;

/// <summary>The reference's neuron as a model: a rule on token ids.</summary>
internal sealed class RuleModel : HookedModel
{
    public const string Site = "blocks.0.mlp.post";

    private readonly int _a, _b, _c, _d;

    public RuleModel(JsonElement rule)
    {
        (_a, _b, _c, _d) = (Id("a"), Id("b"), Id("c"), Id("d"));
        VocabularySize = Id("vocabulary");
        ModelGraphBuilder graph = new();
        NodeInput neuron = graph.Add(Site, graph.Tokens with { Reach = Reach.Causal }, Rule);
        Graph = graph.Build(graph.Add("logits", neuron, x => x.expand(x.shape[0], x.shape[1], VocabularySize)));
        Schema = new ModelSchema(
            nameof(RuleModel),
            EquatableArray.Of(new AxisSize("layer", 1), new AxisSize("neuron", 1), new AxisSize("vocab", VocabularySize)),
            EquatableArray.Of(
                new SiteDefinition("blocks.{layer}.mlp.post", EquatableArray.Of("batch", "pos", "neuron")),
                new SiteDefinition("logits", EquatableArray.Of("batch", "pos", "vocab"))));

        int Id(string name) => rule.GetProperty(name).GetInt32();
    }

    public override ModelSchema Schema { get; }

    public override ModelGraph Graph { get; }

    public override int VocabularySize { get; }

    public override Device Device => CPU;

    private Tensor Rule(Tensor ids)
    {
        if (ids.device_type == DeviceType.META)
            return zeros([.. ids.shape, 1], dtype: ScalarType.Float64, device: ids.device);
        (int rows, int length) = ((int)ids.shape[0], (int)ids.shape[1]);
        long[] tokens = [.. ids.contiguous().data<long>()];
        double[] values = new double[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            int position = i % length;
            bool hasD = Enumerable.Range(1, Math.Min(3, position)).Any(back => tokens[i - back] == _d);
            values[i] = tokens[i] == _b ? (position > 0 && tokens[i - 1] == _a ? 2 : 0.4) : tokens[i] == _c && hasD ? 0.9 : 0;
        }
        return tensor(values).view(rows, length, 1);
    }
}
