using System.Collections.Immutable;
using System.Globalization;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>How a dictionary is trained by <see cref="SaeTraining"/>.</summary>
public sealed record SaeTrainingOptions
{
    /// <summary>The terms of the loss, and how features come about.</summary>
    public required SaeObjective Objective { get; init; }

    /// <summary>How many features there are.</summary>
    public required int Features { get; init; }

    /// <summary>How many steps are taken, each on a batch.</summary>
    public required int Steps { get; init; }

    /// <summary>The learning rate of Adam between its warm-up and its end. Default: 3e-4.</summary>
    public double LearningRate { get; init; } = 3e-4;

    /// <summary>
    /// How much of Adam's mean of gradients stays in a step; that of their squares is 0.999, ε is 1e-8. Default: 0.
    /// </summary>
    public double Beta1 { get; init; }

    /// <summary>
    /// In how many first steps the learning rate rises to its value. Default (<see langword="null"/>): 1000, and at most a twentieth of
    /// all.
    /// </summary>
    public int? WarmUpSteps { get; init; }

    /// <summary>In which part of the steps, the last ones, the learning rate falls to 0. Default: 0.2.</summary>
    public double DecayPart { get; init; } = 0.2;

    /// <summary>
    /// In how many first steps the coefficient of what keeps features few rises to its value. Default (<see langword="null"/>): 1000, and
    /// at most a twentieth of all.
    /// </summary>
    public int? SparsityWarmUpSteps { get; init; }

    /// <summary>
    /// Whether decoder rows have norm 1: their gradient along the row is taken out before a step, and their norm restored after it.
    /// Otherwise they begin with norm 0.1. Default: true.
    /// </summary>
    public bool HasUnitNorm { get; init; } = true;

    /// <summary>The norm of all gradients together that is not exceeded. Default: none.</summary>
    public double? LargestGradient { get; init; }

    /// <summary>
    /// What is done to a value before it is encoded. A dictionary is trained to reconstruct the normalised value, in whose norm each row
    /// counts alike; of a transcoder the input alone is normalised. Default: nothing.
    /// </summary>
    public InputNorm InputNorm { get; init; }

    /// <summary>
    /// Over how many first batches the mean norm of inputs is taken, to train on inputs times s = √d / E‖x‖
    /// (<c>expected_average_only_in</c>); about 1000 are usual. The trained dictionary is for inputs as they are. Default: 0, no factor.
    /// </summary>
    public int ScaleBatches { get; init; }

    /// <summary>Whether the decoder's bias is subtracted before a value is encoded; a transcoder never does. Default: true.</summary>
    public bool SubtractsDecoderBias { get; init; } = true;

    /// <summary>
    /// Whether the decoder's bias begins at the geometric median of the first batch (of its targets, for a transcoder), otherwise at 0.
    /// Default: true.
    /// </summary>
    public bool BeginsAtMedian { get; init; } = true;

    /// <summary>Whether batches have targets other than their inputs. Default: false.</summary>
    public bool IsTranscoder { get; init; }

    /// <summary>Whether a transcoder has a skip connection, x W_skipᵀ of the input as it is, which begins at 0. Default: false.</summary>
    public bool HasSkip { get; init; }

    /// <summary>
    /// Whether rows are the values of all heads, one behind the other: the trained dictionary is then of <c>attn.z</c>. Default: false.
    /// </summary>
    public bool FlattensHeads { get; init; }

    /// <summary>The site whose values are trained on, for the file. Default: none.</summary>
    public string? Site { get; init; }

    /// <summary>The model whose values are trained on, for the file. Default: none.</summary>
    public string? Model { get; init; }

    /// <summary>
    /// A feature that was active nowhere in so many steps counts as dead. Default (<see langword="null"/>): 1000, and at most a tenth of
    /// all.
    /// </summary>
    public int? DeadAfter { get; init; }

    /// <summary>When dead features begin anew. Default: never.</summary>
    public Resampling? Resampling { get; init; }

    /// <summary>Equal seeds draw equal numbers, and give equal bytes. Default: 0.</summary>
    public int Seed { get; init; }

    /// <summary>The element type of the weights. Default: float32.</summary>
    public ScalarType Type { get; init; } = ScalarType.Float32;

    /// <summary>
    /// A file (<c>.safetensors</c>) that all of the training is written to as it goes on, and gone on with where it was stopped; the result
    /// is the same bit for bit. Default: none.
    /// </summary>
    public string? Path { get; init; }

    /// <summary>After how many steps the file is written. Default: 1000.</summary>
    public int SaveEvery { get; init; } = 1000;

    /// <summary>After how many steps metrics are recorded and reported. Default: 100.</summary>
    public int RecordEvery { get; init; } = 100;

    /// <summary>Told of each recorded step.</summary>
    public IProgress<SaeTrainingStep>? Progress { get; init; }

    /// <summary>The learning rate of a step, counted from 0.</summary>
    internal double RateAt(long step) =>
        LearningRate * Rising(step, WarmUpSteps ?? UsualWarmUp) * Math.Min(1, DecayPart > 0 ? (Steps - step) / (DecayPart * Steps) : 1);

    /// <summary>The factor of the coefficient of sparsity at a step, counted from 0.</summary>
    internal double SparsityAt(long step) => Rising(step, SparsityWarmUpSteps ?? UsualWarmUp);

    /// <summary>After how many steps without activity a feature counts as dead.</summary>
    internal int StepsUntilDead => DeadAfter ?? Math.Clamp(Steps / 10, 1, 1000);

    private int UsualWarmUp => Math.Min(1000, Steps / 20);

    /// <summary>All that the trained weights depend on, as a text that is the same in every culture.</summary>
    internal string Described
    {
        get
        {
            CultureInfo culture = CultureInfo.CurrentCulture;
            CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
            try
            {
                // A record prints of a list its type alone.
                string widths = Objective is SaeObjective.BatchTopK nested ? string.Join(", ", nested.InnerWidths) : "";
                return $"{this with { Path = null, Progress = null, SaveEvery = 1, RecordEvery = 1 }}; inner widths [{widths}]; "
                    + $"resampling at [{string.Join(", ", Resampling?.At ?? [])}]";
            }
            finally
            {
                CultureInfo.CurrentCulture = culture;
            }
        }
    }

    /// <summary>Refuses what cannot be trained.</summary>
    /// <exception cref="ArgumentException">The options contradict each other, or a number is out of its range.</exception>
    internal void Check()
    {
        foreach ((bool isWrong, string problem) in Problems())
            if (isWrong)
                throw new ArgumentException($"A dictionary cannot be trained with these options: {problem}.");
    }

    private IEnumerable<(bool IsWrong, string Problem)> Problems() =>
    [
        (Features < 1, $"{nameof(Features)} is {Features}"),
        (Steps < 1, $"{nameof(Steps)} is {Steps}"),
        (!(LearningRate > 0), $"the learning rate is {LearningRate}"),
        (Beta1 is not (>= 0 and < 1), $"{nameof(Beta1)} is {Beta1}, which is at least 0 and below 1"),
        (DecayPart is not (>= 0 and <= 1), $"{nameof(DecayPart)} is {DecayPart}, a part from 0 to 1"),
        (WarmUpSteps < 0 || SparsityWarmUpSteps < 0 || ScaleBatches < 0, "a number of steps or batches is negative"),
        (DeadAfter < 1 || SaveEvery < 1 || RecordEvery < 1, "something is done after no step"),
        (LargestGradient is <= 0, $"{nameof(LargestGradient)} is {LargestGradient}"),
        (Type is not (ScalarType.Float32 or ScalarType.Float64),
            $"weights of {Type} are too coarse for small steps: train in float32 or float64"),
        (HasSkip && !IsTranscoder, $"{nameof(HasSkip)} is true of no transcoder"),
        (ScaleBatches > 0 && InputNorm != InputNorm.None, $"inputs are scaled by their mean norm and by {InputNorm}: one of them"),
        (Objective is SaeObjective.Standard { L1: < 0 } or SaeObjective.Gated { L1: < 0 }, "the coefficient of L1 is negative"),
        (Chosen is { } count && !(count > 0 && count <= Features),
            $"K is to be above 0 and at most the number of {nameof(Features)}, {Features}, and not that of {Objective}"),
        (Objective is SaeObjective.BatchTopK { ThresholdRate: not (> 0 and <= 1) }, "the threshold's rate is above 0, and 1 at most"),
        (Objective is SaeObjective.BatchTopK nested && !IsRising(nested.InnerWidths),
            $"inner widths rise from 1 to less than the {Features} features"),
        (Objective is SaeObjective.JumpRelu { Bandwidth: <= 0 } or SaeObjective.JumpRelu { InitialThreshold: <= 0 },
            "a bandwidth and a threshold are above 0"),
        (Objective is SaeObjective.JumpRelu { DeadPenalty: < 0 } or SaeObjective.JumpRelu { Penalty.Coefficient: < 0 },
            "the coefficient of a penalty is negative"),
        (Objective is SaeObjective.JumpRelu { Penalty: JumpPenalty.Quadratic { Target: <= 0 } }, "a target for L0 is above 0"),
        (Resampling is { Window: < 1 } or { Batches: < 1 }, "features are resampled for no steps, or at no batches"),
        (Resampling is { } at && !at.At.Any(step => step > 0 && step < Steps),
            $"features are resampled after {string.Join(", ", Resampling?.At ?? [])} steps, none of which is before the last of {Steps}: "
            + $"set {nameof(Resampling)}.{nameof(Resampling.At)}"),
        (Resampling is { MostFrequent: not (>= 0 and < 1) }, "the frequency of rare features is at least 0 and below 1"),
    ];

    /// <summary>How many features a row has, where the objective says so.</summary>
    private double? Chosen => Objective switch
    {
        SaeObjective.TopK top => top.K,
        SaeObjective.BatchTopK batch => batch.K,
        _ => null,
    };

    private bool IsRising(ImmutableArray<int> widths) =>
        widths.Zip(widths.Skip(1)).All(pair => pair.First < pair.Second) && widths.All(width => width > 0 && width < Features);

    /// <summary>A number that rises to 1 in so many steps.</summary>
    private static double Rising(long step, int steps) => Math.Min(1, (step + 1.0) / Math.Max(1, steps));
}

/// <summary>
/// Dead features begin anew at inputs that are reconstructed badly: an input is drawn with a chance in proportion to its squared loss, once
/// at most; d_i ← unit(x − b_dec), the encoder's column ← the same times 0.2 of the mean norm of the others, biases ← 0, and Adam begins
/// anew with these weights, moments and count of steps (Bricken et al. 2023, Towards Monosemanticity).
/// </summary>
public sealed record Resampling
{
    /// <summary>
    /// After which steps; not after the last one, which no feature that begins anew could learn from. Default: 25,000, 50,000, 75,000 and
    /// 100,000, as published.
    /// </summary>
    public ImmutableArray<int> At { get; init; } = [25_000, 50_000, 75_000, 100_000];

    /// <summary>Over how many steps before each of them features are looked at. Default: 12,500.</summary>
    public int Window { get; init; } = 12_500;

    /// <summary>A feature that was active in at most this part of the rows is dead. Default: 0.</summary>
    public double MostFrequent { get; init; }

    /// <summary>
    /// From how many of the next batches inputs are drawn. Where there are fewer rows than dead features, only so many begin anew.
    /// Default: 8.
    /// </summary>
    public int Batches { get; init; } = 8;

    /// <summary>
    /// Whether features begin anew in random directions instead, as at the start. With <see cref="MostFrequent"/> of 1e-5 this is a usual
    /// lazy variant. Default: false.
    /// </summary>
    public bool IsLazy { get; init; }
}
