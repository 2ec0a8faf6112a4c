extern alias AdditionExample;
extern alias GroupExample;
extern alias PhaseExample;
extern alias SuperpositionExample;

using AdditionExample::Interventions.Examples.Grokking;
using GroupExample::Interventions.Examples.Groups;
using Interventions.Models.Decoder;
using PhaseExample::Interventions.Examples.Phases;
using SuperpositionExample::Interventions.Examples.Superposed;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Toys;

/// <summary>The examples train, and find what is there.</summary>
public sealed class ToyExampleTests
{
    /// <summary>Dense features have dimensions of their own; sparse ones share all dimensions that there are.</summary>
    [Fact]
    public void Sparse_features_share_dimensions()
    {
        using DisposeScope scope = NewDisposeScope();
        SuperpositionStudy study = new() { Steps = 800, Samples = 256, Starts = 3 };
        Tensor importance = tensor(new[,] { { 1, 0.8f, 0.2f, 0.1f, 0.05f }, { 1, 1, 1, 1, 1 } });
        (Tensor w, Tensor loss) = study.Train(tensor(new[] { 1f, 0.1f }), importance, dimensions: 2);
        IReadOnlyList<IReadOnlyList<FeaturePhase>> phases = Superposition.Phases(w);
        Assert.Equal(2, phases[0].Count(phase => phase == FeaturePhase.Alone));
        Assert.Equal(3, phases[0].Count(phase => phase == FeaturePhase.Absent));
        Assert.Equal(5, phases[1].Count(phase => phase == FeaturePhase.Shared));
        Assert.InRange(Superposition.Dimensionality(w)[1].sum().item<float>(), 1.9, 2.001); // the pentagon
        Assert.All(loss.data<float>(), one => Assert.InRange(one, 0, 0.1));
    }

    [Fact]
    public void A_phase_diagram_has_a_row_for_each_importance()
    {
        string[] lines = new SuperpositionStudy { Steps = 5, Samples = 16, Starts = 1 }.PhaseDiagram(4, 3).Trim('\n').Split('\n');
        Assert.Equal(4, lines.Length);
        Assert.All(lines[1..], line => Assert.Equal(4, line[12..].Split(' ').Length));
        Assert.EndsWith("10.00", lines[1][..10], StringComparison.Ordinal);
    }

    /// <summary>A few steps: everything is measured and printed.</summary>
    [Fact]
    public void Trainings_are_measured_and_printed()
    {
        using (Adder adder = new(seed: 1))
        {
            GrokkingStudy study = GrokkingStudy.Of(adder, steps: 2, seed: 1, _ => { });
            Check($"{study}{study.Knockouts(adder)}");
            Assert.Equal(3, study.Checkpoints.Count);
        }
        using (Multiplier multiplier = new(FiniteGroup.Dihedral(5), seed: 1))
        {
            CompositionStudy study = CompositionStudy.Of(FiniteGroup.Dihedral(5), multiplier, steps: 20, seed: 1, _ => { });
            Check($"{study}{study.Knockouts(multiplier)}");
            Assert.True(study.Checkpoints[^1].Progress.TrainLoss < study.Checkpoints[0].Progress.TrainLoss);
            Assert.NotEmpty(study.Keys);
        }
        using (DecoderModel model = DecoderModel.Random(PhaseStudy.Config, seed: 1))
        {
            PhaseStudy study = PhaseStudy.Of(model, steps: 2, seed: 1, _ => { });
            Check($"{study}{study.Knockouts(model)}");
        }

        static void Check(string text)
        {
            Assert.All(text.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
            Assert.DoesNotContain("NaN", text);
        }
    }

    /// <summary>The heads, and what they are good for, come together, and late; without them the second time is a guess.</summary>
    [Fact, Trait("Duration", "long")]
    public void Induction_heads_appear_at_once()
    {
        using DecoderModel model = DecoderModel.Random(PhaseStudy.Config, seed: 1);
        PhaseStudy study = PhaseStudy.Of(model, steps: 200, seed: 1, _ => { });
        Checkpoint first = study.Checkpoints.First(at => at.Step == 60), last = study.Checkpoints[^1];
        Assert.True(first.Most("induction") < 0.3 && first.InContext > -1);
        Assert.True(last.Most("induction") > 0.8 && last.InContext < -3.5 && last.Loss < 0.2);
        Assert.Equal((0, 1), (last.Best("previous").Layer, last.Best("induction").Layer));
    }

    /// <summary>S₃ is too small to be learned from a part of its pairs; addition modulo 23 is learned, from by heart to by waves.</summary>
    [Fact, Trait("Duration", "long")]
    public void A_group_is_learned_by_representations()
    {
        FiniteGroup group = FiniteGroup.Cyclic(23);
        using Multiplier model = new(group, seed: 1);
        CompositionStudy study = CompositionStudy.Of(group, model, steps: 6000, seed: 1, _ => { });
        GrokkingProgress early = study.Checkpoints[2].Progress, last = study.Checkpoints[^1].Progress;
        Assert.True(early.TrainAccuracy > 0.99 && early.TestAccuracy < 0.5);
        Assert.True(last.TestAccuracy > 0.95 && last.RestrictedLoss < last.TestLoss);
        Assert.True(last.ExcludedLoss > early.ExcludedLoss);
    }
}
