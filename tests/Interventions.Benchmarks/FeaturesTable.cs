using System.Globalization;
using Interventions.Features;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Interventions.Benchmarks;

/// <summary>Dictionaries beside TorchSharp code for the same maths, written as one would without this library.</summary>
/// <param name="repeats">How often each side is measured.</param>
/// <param name="only">Rows whose name contains it.</param>
internal sealed class FeaturesTable(int repeats, string only)
{
    private const int Width = 576, Features = 4096, Rows = 1024;

    public void Print()
    {
        BenchmarkRow.PrintHeader();
        Inference("relu features", new Activation.Relu(), x => x.relu());
        Inference("the 32 largest features", new Activation.TopK(32), x =>
        {
            (Tensor values, Tensor kept) = x.topk(32, -1, true, false);
            return zeros_like(x).scatter(-1, kept, values.relu());
        });
        Training("a step, standard, unit norms", Options(new SaeObjective.Standard(0.1)), new PlainStandard(hasUnitNorm: true));
        Training(
            "a step, standard, free norms", Options(new SaeObjective.Standard(0.1)) with { HasUnitNorm = false, Beta1 = 0.9 },
            new PlainStandard(hasUnitNorm: false));
        Training(
            "a step, the 32 largest", Options(new SaeObjective.TopK(32) { Auxiliary = null }) with { HasUnitNorm = false, Beta1 = 0.9 },
            new PlainTopK());
        Pursuits();
    }

    private void Inference(string name, Activation activation, Func<Tensor, Tensor> plain)
    {
        name = $"{Rows} rows, {name}";
        if (!name.Contains(only, StringComparison.Ordinal))
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor x = randn(Rows, Width), decoder = nn.functional.normalize(randn(Features, Width)), encoder = decoder.t().contiguous();
        Tensor decoder_bias = randn(Width), encoder_bias = randn(Features);
        using Sae sae = new(new SaeConfig { Activation = activation }, new SaeWeights
        {
            Encoder = encoder,
            EncoderBias = encoder_bias,
            Decoder = decoder,
            DecoderBias = decoder_bias,
        });
        Beside(name, 1.05, () => sae.Reconstruct(x), () =>
        {
            Tensor features = plain((x - decoder_bias).matmul(encoder) + encoder_bias);
            _ = features.matmul(decoder) + decoder_bias;
        });
    }

    private void Training(string name, SaeTrainingOptions options, PlainTraining plain)
    {
        if (!name.Contains(only, StringComparison.Ordinal))
            return;
        using DisposeScope scope = NewDisposeScope();
        using ActivationBatch batch = new(randn(Rows, Width));
        using SaeTrainer trainer = new(options, InitialWeights.Of(options, Width, batch.Target));
        plain.Begin(trainer.Weights);
        Beside(name, 1.1, () => trainer.Step(batch, isRecorded: false), () => plain.Step(batch.Input));
    }

    private void Pursuits()
    {
        const string Name = "64 atoms of 16,384 for 64 rows";
        const int Sampled = 8, Count = 64;
        if (!Name.Contains(only, StringComparison.Ordinal))
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = randn(Count, Width), dictionary = nn.functional.normalize(randn(16384, Width));
        Measurement[] measured = Interleaved.Measure(
            repeats,
            new Side(() => Pursuit.Of(rows, dictionary, 64).Dispose()),
            new Side(
                () =>
                {
                    for (int i = 0; i < Sampled; i++)
                        Pursuit.Of(rows[i..(i + 1)], dictionary, 64).Dispose();
                },
                (double)Count / Sampled));
        new BenchmarkRow(Name, measured[0], $"row by row, {Sampled} of {Count} sampled", measured[1])
        {
            Remark = string.Create(CultureInfo.InvariantCulture, $"{1000 * Count / measured[0].Minimum:0} codes a second"),
        }.Print();
    }

    /// <summary>Prints how much longer ours takes; the goal is met where the rival takes as long as allowed.</summary>
    private void Beside(string name, double goal, Action ours, Action plain)
    {
        Measurement[] measured = Interleaved.Measure(repeats, new Side(ours), new Side(plain, goal, plain));
        new BenchmarkRow(name, measured[0], string.Create(CultureInfo.InvariantCulture, $"{goal:0.##} of plain TorchSharp"), measured[1])
        {
            Goal = 1,
            Remark = string.Create(
                CultureInfo.InvariantCulture,
                $"{goal * measured[0].Minimum / measured[1].Minimum:0.00} of it, "
                    + $"median {goal * measured[0].Median / measured[1].Median:0.00}"),
        }.Print();
    }

    private static SaeTrainingOptions Options(SaeObjective objective) =>
        new() { Objective = objective, Features = Features, Steps = 1_000_000 };

    /// <summary>A training loop's step with TorchSharp's optimiser.</summary>
    private abstract class PlainTraining
    {
        private optim.Optimizer? _adam;

        protected Parameter Encoder { get; private set; } = null!;

        protected Parameter EncoderBias { get; private set; } = null!;

        protected Parameter Decoder { get; private set; } = null!;

        protected Parameter DecoderBias { get; private set; } = null!;

        protected virtual double Beta1 => 0.9;

        public void Begin(SaeWeights weights)
        {
            (Encoder, EncoderBias) = (Copy(weights.Encoder!), Copy(weights.EncoderBias!));
            (Decoder, DecoderBias) = (Copy(weights.Decoder), Copy(weights.DecoderBias));
            _adam = optim.Adam([Encoder, EncoderBias, Decoder, DecoderBias], lr: 1e-9, beta1: Beta1);

            static Parameter Copy(Tensor weight) => new(weight.detach().clone());
        }

        public void Step(Tensor x)
        {
            using (enable_grad())
            {
                _adam!.zero_grad();
                Loss(x).backward();
            }
            Before();
            _adam.step();
            After();
        }

        protected abstract Tensor Loss(Tensor x);

        protected virtual void Before()
        {
        }

        protected virtual void After()
        {
        }
    }

    private sealed class PlainStandard(bool hasUnitNorm) : PlainTraining
    {
        protected override double Beta1 => hasUnitNorm ? 0 : 0.9;

        protected override Tensor Loss(Tensor x)
        {
            Tensor f = ((x - DecoderBias).matmul(Encoder) + EncoderBias).relu(), y = f.matmul(Decoder) + DecoderBias;
            Tensor sparsity = hasUnitNorm ? f.sum(-1) : f.matmul(Decoder.norm(-1));
            return (x - y).pow(2).sum(-1).mean() + (sparsity.mean() * 0.1);
        }

        protected override void Before()
        {
            if (!hasUnitNorm)
                return;
            Tensor unit = Decoder / Decoder.norm(-1, keepdim: true);
            Decoder.grad!.sub_((Decoder.grad * unit).sum(-1, keepdim: true) * unit);
        }

        protected override void After()
        {
            if (hasUnitNorm)
                Decoder.div_(Decoder.norm(-1, keepdim: true));
        }
    }

    private sealed class PlainTopK : PlainTraining
    {
        protected override Tensor Loss(Tensor x)
        {
            Tensor z = (x - DecoderBias).matmul(Encoder) + EncoderBias;
            (Tensor values, Tensor kept) = z.topk(32, -1, true, false);
            Tensor y = zeros_like(z).scatter(-1, kept, values.relu()).matmul(Decoder) + DecoderBias;
            return (x - y).pow(2).sum(-1).mean();
        }
    }
}
