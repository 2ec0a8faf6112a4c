using System.Collections.Immutable;
using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>A dictionary in training: all that a file holds of it.</summary>
internal sealed class SaeTrainer : IDisposable
{
    /// <summary>A new one.</summary>
    /// <param name="options">How it is trained.</param>
    /// <param name="weights">Its weights, which require a gradient; it disposes of them.</param>
    public SaeTrainer(SaeTrainingOptions options, SaeWeights weights)
        : this(options, weights, new Adam(weights, options.Beta1), Counted(weights, ScalarType.Int64), Counted(weights, ScalarType.Float64))
    {
    }

    /// <summary>One that goes on; it disposes of all that it is given.</summary>
    public SaeTrainer(SaeTrainingOptions options, SaeWeights weights, Adam adam, Tensor idle, Tensor fired) =>
        (Options, Weights, Adam, Idle, Fired) = (options, weights, adam, idle, fired);

    public SaeTrainingOptions Options { get; }

    /// <summary>The weights; the threshold is the trained parameter.</summary>
    public SaeWeights Weights { get; }

    public Adam Adam { get; }

    /// <summary>In how many last steps each feature was active nowhere, int64.</summary>
    public Tensor Idle { get; private set; }

    /// <summary>In how many rows each feature was active since <see cref="Rows"/> is counted, float64.</summary>
    public Tensor Fired { get; }

    /// <summary>Over how many rows <see cref="Fired"/> counts.</summary>
    public long Rows { get; set; }

    /// <summary>How many steps are done.</summary>
    public int Steps { get; set; }

    /// <summary>What inputs are multiplied by.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>The average of the smallest features that were chosen, of <see cref="SaeObjective.BatchTopK"/>.</summary>
    public double Threshold { get; set; }

    /// <summary>Takes a step.</summary>
    /// <param name="batch">The batch, which stays the caller's.</param>
    /// <param name="isRecorded">Whether metrics are wanted.</param>
    /// <param name="dead">The numbers of dead features, where they are not those that are counted.</param>
    /// <returns>The metrics, where they are wanted.</returns>
    public SaeTrainingStep? Step(ActivationBatch batch, bool isRecorded, Tensor? dead = null)
    {
        using DisposeScope scope = NewDisposeScope();
        TrainingRows rows = Of(batch) with
        {
            Dead = Options.Objective.ReadsDead ? dead ?? DeadFeatures() : null,
            Sparsity = Options.SparsityAt(Steps),
        };
        SaeLosses losses;
        Tensor[] gradients;
        using (enable_grad())
        {
            losses = SaeLosses.Of(Weights, Options, rows);
            gradients = Derivatives.Of(losses.Total, [.. Weights.Named.Select(weight => weight.Value)]);
        }
        using IDisposable mode = no_grad();
        double? norm = Prepared(gradients, isRecorded);
        double rate = Options.RateAt(Steps);
        Adam.Step(Weights, gradients, rate, Steps);
        if (Options.HasUnitNorm)
            Weights.Decoder.div_(Weights.Decoder.norm(-1, keepdim: true));
        Steps++;
        Tensor counts = Count(losses);
        return isRecorded ? Recorded(losses, rows, rate, norm!.Value, counts) : null;
    }

    /// <summary>Lets rare features begin anew, and counts them anew.</summary>
    /// <param name="resampling">Which, and where.</param>
    /// <param name="batches">What inputs are drawn from; each is disposed of.</param>
    /// <returns>How many began anew.</returns>
    public long Resample(Resampling resampling, IEnumerable<ActivationBatch> batches)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Tensor rare = Fired.no_less_than(Math.Floor(resampling.MostFrequent * Rows) + 1).logical_not().nonzero().flatten();
        ClearCounts();
        if (rare.shape[0] == 0)
            return 0;
        using Generator generator = InitialWeights.Draws(Options, Steps, rare.device);
        Resampler resampler = new(Weights, Adam, Steps);
        SaeObjective.JumpRelu? jump = Options.Objective as SaeObjective.JumpRelu;
        if (resampling.IsLazy)
        {
            Tensor decoder = InitialWeights.Directions(Options, rare.shape[0], Weights.Decoder.shape[1], rare.device, generator);
            Tensor encoder = !Options.IsTranscoder ? decoder
                : InitialWeights.Directions(Options, rare.shape[0], Weights.Encoder!.shape[0], rare.device, generator);
            resampler.Write(rare, encoder, decoder, jump);
        }
        else
        {
            (Tensor inputs, Tensor targets, Tensor losses) = Losses(batches);
            Tensor drawn = Resampler.Drawn(Resampler.Chances(losses), rare.shape[0], generator);
            rare = rare.narrow(0, 0, drawn.shape[0]);
            Tensor written = targets.index_select(0, drawn).sub(Weights.DecoderBias);
            resampler.At(rare, Options.IsTranscoder ? inputs.index_select(0, drawn) : written, written, jump);
        }
        Idle.index_copy_(0, rare, zeros_like(rare));
        return rare.shape[0];
    }

    /// <summary>Counts how often features are active from here on.</summary>
    public void ClearCounts()
    {
        Fired.times_(0);
        Rows = 0;
    }

    /// <summary>The dictionary as it is now, for values as they are.</summary>
    public Sae ToSae()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        SaeObjective objective = Options.Objective;
        Tensor? threshold = objective switch
        {
            SaeObjective.JumpRelu jump => SaeLosses.ThresholdOf(jump, Weights.Threshold!),
            SaeObjective.BatchTopK => zeros_like(Weights.EncoderBias!).plus(Threshold),
            _ => null,
        };
        SaeWeights weights = Weights.Select((_, weight) => weight.detach().clone());
        Sae sae = new(
            new SaeConfig
            {
                Activation = objective.Activation,
                InputNorm = Options.InputNorm,
                SubtractsDecoderBias = Options.SubtractsDecoderBias && !Options.IsTranscoder,
                RescalesByDecoderNorm = objective.Rescales,
                IsTranscoder = Options.IsTranscoder,
                FlattensHeads = Options.FlattensHeads,
                Site = Options.Site,
                Model = Options.Model,
            },
            weights with { Threshold = threshold?.detach().clone() });
        if (objective.Rescales)
            sae = Replaced(sae, sae.FoldNorms());
        return Scale == 1 ? sae : Replaced(sae, sae.FoldScale(Scale));

        static Sae Replaced(Sae before, Sae after)
        {
            before.Dispose();
            return after;
        }
    }

    /// <summary>A batch as the loss sees it.</summary>
    public TrainingRows Of(ActivationBatch batch)
    {
        TrainingRows rows = TrainingRows.Of(batch, Options, Weights.Decoder.device, Scale);
        (long input, long output) = (Weights.Encoder!.shape[0], Weights.Decoder.shape[1]);
        return rows.Input.shape[1] == input && rows.Target.shape[1] == output ? rows : throw new ArgumentException(
            $"After {Steps} steps a batch has rows of {rows.Input.shape[1]} and targets of {rows.Target.shape[1]}, after others of {input} "
            + $"and {output}.", nameof(batch));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Weights.Dispose();
        Adam.Dispose();
        Idle.Dispose();
        Fired.Dispose();
    }

    private Tensor? DeadFeatures()
    {
        Tensor dead = Idle.no_less_than((long)Options.StepsUntilDead).nonzero().flatten();
        return dead.shape[0] > 0 ? dead : null;
    }

    /// <summary>Projects and limits gradients.</summary>
    /// <returns>Their norm before it was limited, where it is asked for.</returns>
    internal double? Prepared(Tensor[] gradients, bool wantsNorm)
    {
        if (Options.HasUnitNorm)
        {
            int i = Weights.Named.Select(weight => weight.Name).ToList().IndexOf("W_dec");
            // Rows have norm 1, up to the rounding of the last step.
            Tensor rows = Weights.Decoder, along = gradients[i].mul(rows).sum([-1L], keepdim: true);
            gradients[i].plus_product_(along, rows, -1);
        }
        if (!wantsNorm && Options.LargestGradient is null)
            return null;
        double norm = Math.Sqrt(gradients.Sum(gradient => gradient.squared().sum().to_type(ScalarType.Float64).cpu().item<double>()));
        if (Options.LargestGradient is { } largest)
            for (int i = 0; i < gradients.Length; i++)
                gradients[i] = gradients[i].times(Math.Min(1, largest / (norm + 1e-6)));
        return norm;
    }

    /// <summary>Counts active features, and follows the smallest one that was chosen.</summary>
    /// <returns>In how many rows each feature is active.</returns>
    private Tensor Count(SaeLosses losses)
    {
        Tensor counts = losses.Features.sign().sum([0L]);
        Tensor is_idle = counts.sign().logical_not().to_type(ScalarType.Int64), before = Idle;
        Idle = before.plus(1L).mul(is_idle).DetachFromDisposeScope();
        before.Dispose();
        Fired.plus_(counts.to_type(ScalarType.Float64));
        Rows += losses.Features.shape[0];
        if (Options.Objective is SaeObjective.BatchTopK { ThresholdRate: var rate } && losses.SmallestKept is { } kept)
        {
            double smallest = kept.to_type(ScalarType.Float64).cpu().item<double>();
            if (double.IsFinite(smallest))
                Threshold = ((1 - rate) * Threshold) + (rate * smallest);
        }
        return counts;
    }

    private SaeTrainingStep Recorded(SaeLosses losses, TrainingRows rows, double rate, double norm, Tensor counts)
    {
        Tensor spread = rows.Target.sub(rows.Target.mean([0L]));
        return new SaeTrainingStep
        {
            Step = Steps,
            LearningRate = rate,
            Terms = losses.Terms.ToImmutableSortedDictionary(term => term.Name, term => Number(term.Value), StringComparer.Ordinal),
            L0 = Number(counts.to_type(ScalarType.Float64).sum()) / rows.Input.shape[0],
            ExplainedVariance = 1 - (Number(losses.Error.squared().sum()) / Number(spread.squared().sum())),
            DeadFeatures = (int)Number(Idle.no_less_than((long)Options.StepsUntilDead).sum()),
            GradientNorm = norm,
        };

        static double Number(Tensor value) => value.detach().to_type(ScalarType.Float64).cpu().item<double>();
    }

    /// <summary>Inputs and targets of batches, and the squared error of each row.</summary>
    private (Tensor Inputs, Tensor Targets, Tensor Losses) Losses(IEnumerable<ActivationBatch> batches)
    {
        List<(Tensor Input, Tensor Target, Tensor Loss)> all = [];
        foreach (ActivationBatch batch in batches)
        {
            using (batch)
            {
                using DisposeScope scope = NewDisposeScope();
                TrainingRows rows = Of(batch);
                Tensor losses = SaeLosses.Of(Weights, Options, rows).Error.squared().sum([-1L]);
                all.Add((
                    rows.Input.clone().MoveToOuterDisposeScope(), rows.Target.clone().MoveToOuterDisposeScope(),
                    losses.MoveToOuterDisposeScope()));
            }
        }
        return all.Count > 0
            ? (cat([.. all.Select(one => one.Input)]), cat([.. all.Select(one => one.Target)]), cat([.. all.Select(one => one.Loss)]))
            : throw new InterventionException($"The batches end after {Steps} steps: there is none to resample dead features from.");
    }

    private static Tensor Counted(SaeWeights weights, ScalarType type) =>
        zeros(weights.Decoder.shape[0], dtype: type, device: weights.Decoder.device).DetachFromDisposeScope();
}
