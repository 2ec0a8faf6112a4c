using System.Reflection;
using System.Text.Json;
using TorchSharp;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Training;

/// <summary>The training traces of the reference.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class TrainingCasesAttribute : DataAttribute
{
    public const string Folder = "reference/features/training";

    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => !SharedData.Exists(Folder) ? []
        : Directory.GetFiles(SharedData.Path(Folder), "*.json").Order(StringComparer.Ordinal)
            .Where(file => File.Exists(Path.ChangeExtension(file, "safetensors")))
            .Select(file => new object[] { Path.GetFileNameWithoutExtension(file) });
}

/// <summary>A training trace: five steps from given weights, with the features that count as dead given.</summary>
internal sealed class TrainingCase : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Dictionary<string, Tensor> _tensors, _batches;
    private readonly JsonElement _constants;

    public TrainingCase(string name)
    {
        string folder = SharedData.Path(TrainingCasesAttribute.Folder);
        _tensors = SafeTensors.Load(Path.Combine(folder, $"{name}.safetensors"));
        _batches = SafeTensors.Load(Path.Combine(folder, "batches.safetensors"));
        JsonElement root = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, $"{name}.json"))).RootElement;
        (_constants, Steps) = (root.GetProperty("constants"), [.. root.GetProperty("steps").EnumerateArray()]);
        JsonElement adam = _constants.GetProperty("adam");
        Assert.Equal((0.999, 1e-8), (adam.GetProperty("betas")[1].GetDouble(), adam.GetProperty("eps").GetDouble()));
        Options = new SaeTrainingOptions
        {
            Objective = Objective(),
            Features = (int)this["init.W_dec"].shape[0],
            Steps = Steps.Length,
            LearningRate = adam.GetProperty("lr").GetDouble(),
            Beta1 = adam.GetProperty("betas")[0].GetDouble(),
            WarmUpSteps = 0,
            SparsityWarmUpSteps = 0,
            DecayPart = 0,
            HasUnitNorm = Flag("unit_norm_decoder"),
            LargestGradient = Number("clip_grad_norm"),
            SubtractsDecoderBias = Flag("apply_b_dec_to_input"),
            Type = ScalarType.Float64,
        };
        Options.Check();
    }

    public SaeTrainingOptions Options { get; }

    /// <summary>The stored numbers of each step.</summary>
    public JsonElement[] Steps { get; }

    /// <summary>The numbers of dead features.</summary>
    public Tensor Dead => _batches["dead_mask"].nonzero().flatten();

    public Tensor this[string name] => _tensors[name];

    public bool Has(string name) => _tensors.ContainsKey(name);

    public ActivationBatch Batch(int step) => new(_batches[$"batch.{step}"]);

    /// <summary>The weights to begin with.</summary>
    public SaeWeights Weights() => new SaeWeights
    {
        Encoder = this["init.W_enc"],
        EncoderBias = _tensors.GetValueOrDefault("init.b_enc"),
        Decoder = this["init.W_dec"],
        DecoderBias = this["init.b_dec"],
        Threshold = _tensors.GetValueOrDefault("init.threshold") ?? _tensors.GetValueOrDefault("init.log_threshold"),
        GateBias = _tensors.GetValueOrDefault("init.b_gate"),
        MagnitudeBias = _tensors.GetValueOrDefault("init.b_mag"),
        LogMagnitude = _tensors.GetValueOrDefault("init.r_mag"),
    }.Select((_, weight) => weight.clone().requires_grad_().DetachFromDisposeScope());

    /// <summary>The stored tensor of a weight: the parameter is called otherwise where its logarithm is trained.</summary>
    public Tensor Of(string kind, string weight) =>
        _tensors.GetValueOrDefault($"{kind}.{weight}") ?? _tensors[$"{kind}.log_{weight}"];

    public void Dispose() => _scope.Dispose();

    private SaeObjective Objective()
    {
        string architecture = _constants.GetProperty("architecture").GetString()!;
        switch (architecture)
        {
            case "standard":
                // Where the decoder's norms are free the term has them, and only there.
                Assert.Equal(Flag("unit_norm_decoder"), !Flag("decoder_norm_weighting"));
                return new SaeObjective.Standard(Number("l1_coefficient")!.Value) { Ghosts = Ghosts() };
            case "gated":
                Assert.Equal(Flag("stop_gradient"), !Flag("decoder_norm_weighting"));
                return new SaeObjective.Gated(Number("l1_coefficient")!.Value, LikeSaeLens: !Flag("stop_gradient"));
            case "topk":
                return new SaeObjective.TopK((int)Number("k")!.Value)
                {
                    Auxiliary = Auxiliary(),
                    RescalesByDecoderNorm = Flag("rescale_acts_by_decoder_norm"),
                };
            case "batchtopk" or "matryoshka_batchtopk":
                return new SaeObjective.BatchTopK(Number("k")!.Value)
                {
                    Auxiliary = Auxiliary(),
                    RescalesByDecoderNorm = Flag("rescale_acts_by_decoder_norm"),
                    ThresholdRate = Number("topk_threshold_lr")!.Value,
                    InnerWidths = _constants.TryGetProperty("matryoshka_widths", out JsonElement widths)
                        ? [.. widths.EnumerateArray().Select(width => width.GetInt32()).SkipLast(1)] : [],
                };
            case "jumprelu":
                return new SaeObjective.JumpRelu(Penalty())
                {
                    Bandwidth = Number("bandwidth")!.Value,
                    TrainsLogThreshold = Has("init.log_threshold"),
                    PassesGradientToInput = Flag("ste_to_input"),
                    DeadPenalty = Number("pre_act_coefficient") ?? 0,
                };
            default:
                throw new InvalidOperationException($"{architecture} is not known here.");
        }
    }

    private GhostGradients? Ghosts() => !_constants.TryGetProperty("ghost", out JsonElement ghost) ? null : new GhostGradients
    {
        Scale = ghost.GetString() switch
        {
            "original" => GhostScale.Original,
            "rescaled" => GhostScale.Rescaled,
            "dead_only_rescaled" => GhostScale.DeadOnlyRescaled,
            string other => throw new InvalidOperationException(other),
            null => throw new InvalidOperationException("There is no name."),
        },
        IsUnbounded = _constants.GetProperty("ghost_phi").GetString() == "exp",
    };

    private AuxiliaryLoss Auxiliary() => _constants.GetProperty("aux").GetString() == "saelens"
        ? new AuxiliaryLoss.LikeSaeLens(Number("aux_coefficient")!.Value)
        : new AuxiliaryLoss.Normalised(Number("aux_coefficient")!.Value);

    private JumpPenalty Penalty()
    {
        double coefficient = Number("l0_coefficient")!.Value;
        return _constants.GetProperty("sparsity").GetString() switch
        {
            "step" => new JumpPenalty.Step(coefficient),
            "quadratic" => new JumpPenalty.Quadratic(coefficient, Number("target_l0")!.Value),
            "tanh" => new JumpPenalty.Tanh(coefficient, Number("tanh_scale")!.Value),
            string other => throw new InvalidOperationException(other),
            null => throw new InvalidOperationException("There is no name."),
        };
    }

    private bool Flag(string name) => _constants.GetProperty(name).GetBoolean();

    private double? Number(string name) =>
        _constants.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;
}
