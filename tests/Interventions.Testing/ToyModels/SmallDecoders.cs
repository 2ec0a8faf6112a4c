using Interventions.ModelGraphs;
using Interventions.Models;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Testing.ToyModels;

/// <summary>Small random models whose every weight matters, and prompts for them.</summary>
public static class SmallDecoders
{
    public static readonly DecoderConfig Gpt2Config = Gpt2Model.Configure(
        layers: 3, heads: 4, d_model: 32, vocabularySize: 61, contextLength: 16);

    public static readonly DecoderConfig LlamaConfig =
        LlamaModel.Configure(layers: 3, heads: 4, kv_heads: 2, d_model: 32, neurons: 40, vocabularySize: 61, contextLength: 16);

    private const string Sequential = "gpt_neox-sequential", Parallel = "stablelm-parallel", NormFree = "toy-norm_free";

    /// <summary>Every family, and its variants with other sites.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [.. DecoderFamily.All.Select(family => family.ModelType), Sequential, Parallel, NormFree];

    public static IEnumerable<object[]> Families => Names.Select(name => new object[] { name });

    /// <summary>Those without a relu and without a limit, at whose kinks a slope between two points is no gradient.</summary>
    public static IEnumerable<object[]> SmoothFamilies =>
        Names.Where(name => name is not ("opt" or "olmo")).Select(name => new object[] { name });

    /// <summary>A small decoder of a family, in which all that distinguishes the family matters.</summary>
    public static DecoderConfig Config(string family) => family switch
    {
        "gpt2" => Gpt2Config,
        "llama" => LlamaConfig,
        Sequential => Small("gpt_neox") with { Block = BlockKind.Sequential },
        Parallel => Small("stablelm") with { Block = BlockKind.ParallelWithOneNorm, QkNorm = QkNorm.GainForEachHead, KvHeads = 2 },
        NormFree => NormFreeModel.Configure(layers: 3, heads: 4, d_model: 32, neurons: 40, vocabularySize: 61, contextLength: 16),
        ToyFamily.Type => AttentionOnlyModel.Configure(layers: 3, heads: 4, d_model: 32, vocabularySize: 61, contextLength: 16),
        "gpt_neo" => Small(family) with { ScoreScale = 1, GlobalLayers = EquatableArray.Of(0, 2) },
        "gemma2" => Small(family) with { GlobalLayers = EquatableArray.Of(1), ScoreCap = 4, LogitCap = 3, ScoreScale = 1 / Math.Sqrt(7) },
        "gemma3_text" => Small(family) with { GlobalLayers = EquatableArray.Of(2) },
        "qwen2" => Small(family) with { GlobalLayers = EquatableArray.Of(0) },
        "bloom" => Small(family) with { Neurons = 128, ContextLength = 1 << 20 },
        "olmo" => Small(family) with { QkvClip = 0.8 },
        "granite" => Small(family) with { ScoreScale = 0.4, EmbeddingScale = 3, ResidualScale = 0.6, LogitDivisor = 1.5 },
        _ => Small(family),
    };

    private static DecoderConfig Small(string family)
    {
        DecoderConfig usual = DecoderFamily.Named(family).Usual;
        RotaryConfig? Turning(RotaryConfig? rotary) => rotary is { Width: not null } ? rotary with { Width = 4 } : rotary;
        return usual with
        {
            Layers = 3,
            Heads = 4,
            KvHeads = usual.KvHeads == usual.Heads ? 4 : 2,
            DHead = 8,
            DModel = 32,
            Neurons = usual.Experts is null ? 40 : 12,
            VocabularySize = 61,
            ContextLength = 16,
            Window = usual.Window is null ? null : 4,
            Rotary = Turning(usual.Rotary),
            WindowRotary = Turning(usual.WindowRotary),
            ScoreScale = 1 / Math.Sqrt(8),
            EmbeddingScale = usual.EmbeddingScale == 1 ? 1 : Math.Sqrt(32),
            Experts = usual.Experts is { } experts ? experts with { Count = 4, Chosen = 2 } : null,
        };
    }

    /// <summary>A model with gains away from 1, biases away from 0, and attention that is not uniform.</summary>
    public static DecoderModel Model(string family, ScalarType dtype = ScalarType.Float64, long seed = 1, int? window = null) =>
        Model(window is null ? Config(family) : Config(family) with { Window = window, GlobalLayers = default }, dtype, seed);

    /// <inheritdoc cref="Model(string, ScalarType, long, int?)"/>
    public static DecoderModel Model(DecoderConfig config, ScalarType dtype = ScalarType.Float64, long seed = 1)
    {
        DecoderModel model = DecoderModel.Random(config, seed, dtype);
        using var _ = no_grad();
        using Generator generator = new(7, CPU);
        foreach ((string name, Tensor weight) in model.Weights)
        {
            using TorchSharp.DisposeScope scope = NewDisposeScope();
            if (name.EndsWith(".weight", StringComparison.Ordinal))
                weight.mul_(10);
            else
                weight.add_(randn(weight.shape, ScalarType.Float64, generator: generator).mul_(0.3).to_type(dtype));
        }
        return model;
    }

    public static Tensor Prompts(long seed = 3)
    {
        using Generator generator = new((ulong)seed, CPU);
        return randint(0, 61, [3, 9], ScalarType.Int64, generator: generator);
    }

    /// <summary>One value of a run with writes.</summary>
    public static Tensor Read(DecoderModel model, Tensor ids, string read, params (string Site, Func<Tensor, Tensor> Write)[] writes) =>
        GraphEvaluator.Evaluate(model.Graph, ids, [read], writes.ToDictionary(write => write.Site, write => write.Write))[read];

    /// <summary>Bit for bit.</summary>
    public static bool Same(Tensor a, Tensor b) => a.shape.SequenceEqual(b.shape) && a.eq(b).all().item<bool>();
}
