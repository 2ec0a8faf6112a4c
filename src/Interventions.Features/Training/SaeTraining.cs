using Interventions.ModelGraphs;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>Trains dictionaries: sparse autoencoders and transcoders.</summary>
/// <remarks>
/// A step is: the loss and its gradients; of decoder rows of norm 1, the gradient along the row is taken out; Adam; their norm is restored,
/// since neither a gradient without a part along the row nor Adam's step keeps it. Then features are counted, and dead ones begin anew
/// where it is time.
/// </remarks>
public static class SaeTraining
{
    /// <summary>Trains a dictionary. With a path in the options it goes on where it was stopped.</summary>
    /// <param name="batches">
    /// Rows of a site's values, without first positions, whose norms are of another size; <see cref="ActivationBatches"/> makes them of a
    /// tensor.
    /// </param>
    /// <param name="options">The objective, the number of features and of steps, and how they are taken.</param>
    /// <param name="cancellationToken">Looked at between steps; what the file has stays, with all steps up to then.</param>
    /// <exception cref="ArgumentException">The options contradict each other, or a batch does not fit them.</exception>
    /// <exception cref="InterventionException">
    /// There are fewer batches than steps, the loss is no number, or the file was begun with something else.
    /// </exception>
    /// <exception cref="CheckpointException">The file is no training.</exception>
    public static SaeTrainingResult Train(
        IActivationBatches batches, SaeTrainingOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        (SaeTrainer trainer, List<SaeTrainingStep> history, SaeTrainingFile? file) = Begun(batches, options, cancellationToken);
        using (trainer)
        {
            Run(trainer, history, batches, file, cancellationToken);
            return new SaeTrainingResult(trainer.ToSae(), [.. history], trainer.Scale);
        }
    }

    private static void Run(
        SaeTrainer trainer, List<SaeTrainingStep> history, IActivationBatches batches, SaeTrainingFile? file,
        CancellationToken cancellationToken)
    {
        SaeTrainingOptions options = trainer.Options;
        Resampling? resampling = options.Resampling;
        foreach (ActivationBatch batch in batches.From(trainer.Steps).Take(options.Steps - trainer.Steps))
        {
            using (batch)
            {
                if (cancellationToken.IsCancellationRequested)
                    file?.Write(trainer, history);
                cancellationToken.ThrowIfCancellationRequested();
                if (resampling is not null && resampling.At.Any(step => step - resampling.Window == trainer.Steps))
                    trainer.ClearCounts();
                int next = trainer.Steps + 1;
                if (trainer.Step(batch, next == options.Steps || next % options.RecordEvery == 0) is { } step)
                {
                    if (!double.IsFinite(step.Loss))
                        throw new InterventionException(
                            $"The loss is {step.Loss} at step {next}: a smaller learning rate or a limit for gradients may help.");
                    history.Add(step);
                }
            }
            if (resampling is not null && trainer.Steps < options.Steps && resampling.At.Contains(trainer.Steps))
                trainer.Resample(resampling, batches.From(trainer.Steps).Take(resampling.Batches));
            if (trainer.Steps == options.Steps || trainer.Steps % options.SaveEvery == 0)
                file?.Write(trainer, history);
            if (history.Count > 0 && history[^1].Step == trainer.Steps)
                options.Progress?.Report(history[^1]);
        }
        if (trainer.Steps < options.Steps)
            throw new InterventionException(
                $"The batches end after {trainer.Steps} steps, and {options.Steps} are to be taken: go through them again, or take fewer.");
    }

    /// <summary>A training at its start, or as its file has it.</summary>
    private static (SaeTrainer Trainer, List<SaeTrainingStep> History, SaeTrainingFile? File) Begun(
        IActivationBatches batches, SaeTrainingOptions options, CancellationToken cancellationToken)
    {
        using ActivationBatch first = batches.From(0).FirstOrDefault()
            ?? throw new InterventionException("There are no batches to train on.");
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        Device device = first.Input.device;
        SaeTrainingFile? file = options.Path is null ? null
            : new SaeTrainingFile(options, WeightsChecksum.Of([first.Input, first.Target]));
        if (File.Exists(options.Path))
        {
            (SaeTrainer begun, List<SaeTrainingStep> history) = file!.Read(device);
            return (begun, history, file);
        }
        double scale = options.ScaleBatches > 0 ? ScaleOf(batches, options, cancellationToken) : 1;
        TrainingRows rows = TrainingRows.Of(first, options, device, scale);
        SaeWeights weights = InitialWeights.Of(options, rows.Input.shape[1], rows.Target);
        return (new SaeTrainer(options, weights) { Scale = scale }, [], file);
    }

    /// <summary>√d / E‖x‖ over the first batches.</summary>
    internal static double ScaleOf(IActivationBatches batches, SaeTrainingOptions options, CancellationToken cancellationToken)
    {
        double sum = 0;
        long count = 0, width = 0;
        foreach (ActivationBatch batch in batches.From(0).Take(options.ScaleBatches))
        {
            using (batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using DisposeScope scope = NewDisposeScope();
                Tensor norms = batch.Input.to_type(ScalarType.Float64).norm(-1);
                sum += norms.sum().cpu().item<double>();
                (count, width) = (count + norms.shape[0], batch.Input.shape[1]);
            }
        }
        return sum > 0 ? Math.Sqrt(width) / (sum / count)
            : throw new InterventionException("The inputs of the first batches are 0: there is no factor that scales them.");
    }
}
