using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Toys;

/// <summary>Progress of models whose circuit is known: the clock, what was memorised, and both.</summary>
public sealed class GrokkingProgressTests : IDisposable
{
    private const int P = 11;
    private const double Tolerance = 1e-9;

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly FiniteGroup _group = FiniteGroup.Cyclic(P);
    private readonly Tensor _answers, _isTrained, _clock, _memory;

    public GrokkingProgressTests()
    {
        using Generator generator = new(1);
        _answers = GroupComposition.Products(_group);
        _isTrained = rand(P * P, generator: generator).lt(0.5);
        _clock = (GroupComposition.TraceLogits(_group, _group.Irreps[2]) + GroupComposition.TraceLogits(_group, _group.Irreps[5])) * 4;
        _memory = 9 * nn.functional.one_hot(_answers, P).to_type(ScalarType.Float64) * _isTrained.unsqueeze(1).to_type(ScalarType.Float64);
    }

    public void Dispose() => _scope.Dispose();

    /// <summary>The key part and what is without it are the logits exactly, and both losses are by hand.</summary>
    [Fact]
    public void Restricted_and_excluded_losses_are_those_of_the_parts()
    {
        using Generator generator = new(4);
        Tensor logits = _clock + _memory + randn([P * P, P], ScalarType.Float64, generator: generator);
        Irrep[] keys = [_group.Irreps[2], _group.Irreps[5]];
        GrokkingProgress progress = GrokkingProgress.Of(logits, _group, keys, _isTrained);
        Tensor number = arange(P, dtype: ScalarType.Float64), sum = (number.unsqueeze(1) + number.unsqueeze(0)).flatten();
        Tensor key = zeros_like(logits);
        foreach (int frequency in new[] { 2, 5 })
        {
            foreach (Tensor wave in new[] { (sum * (2 * Math.PI * frequency / P)).cos(), (sum * (2 * Math.PI * frequency / P)).sin() })
            {
                Tensor unit = (wave / wave.norm()).unsqueeze(1);
                key += unit.matmul(unit.t().matmul(logits));
            }
        }
        Assert.Equal(Loss(key + logits.mean([0L]), null), progress.RestrictedLoss, Tolerance);
        Assert.Equal(Loss(logits - key, true), progress.ExcludedLoss, Tolerance);
        Assert.Equal(Loss(logits, true), progress.TrainLoss, Tolerance);
        Assert.Equal(Loss(logits, false), progress.TestLoss, Tolerance);
        Tensor part = GroupComposition.Part(logits, GroupComposition.Directions(_group, keys));
        Assert.InRange(Distance.Largest(part + (logits - part), logits), 0, Tolerance);
        Assert.InRange(Distance.Largest(part, key), 0, Tolerance);
        Assert.True(progress.TrainAccuracy > progress.TestAccuracy || progress.TestAccuracy == 1);
    }

    [Fact]
    public void Of_the_clock_alone_nothing_is_left_without_its_waves()
    {
        Irrep[] keys = [_group.Irreps[2], _group.Irreps[5]];
        GrokkingProgress progress = GrokkingProgress.Of(_clock, _group, keys, _isTrained);
        Assert.Equal(Math.Log(P), progress.ExcludedLoss, Tolerance);
        Assert.Equal(Loss(_clock, null), progress.RestrictedLoss, Tolerance);
        Assert.Equal((1.0, 1.0), (progress.TrainAccuracy, progress.TestAccuracy));
        // Without one of its waves the restricted model is another.
        Assert.True(GrokkingProgress.Of(_clock, _group, [keys[0]], _isTrained).RestrictedLoss > progress.RestrictedLoss + 0.1);
    }

    [Fact]
    public void What_is_memorised_is_right_where_it_was_trained_alone()
    {
        GrokkingProgress progress = GrokkingProgress.Of(_memory, _group, [_group.Irreps[2]], _isTrained);
        Assert.True(progress.TrainLoss < 0.01 && progress.TrainAccuracy == 1);
        Assert.Equal(Math.Log(P), progress.TestLoss, Tolerance);
        Assert.True(progress.ExcludedLoss < 0.1);
        Assert.True(progress.RestrictedLoss > 1);
        Assert.StartsWith("train 0.00", $"{progress}");
    }

    [Fact]
    public void The_circuit_is_found_by_neurons_and_by_logits()
    {
        Assert.Equal([2, 5], GroupComposition.KeyIrreps(_clock, _group).Select(irrep => _group.Irreps.IndexOf(irrep)));
        // Neurons of a trained model are waves of a + b, here one of each output.
        Assert.Equal([2], Fourier.KeyFrequencies(GroupComposition.TraceLogits(_group, _group.Irreps[2]), P));
    }

    [Fact]
    public void Masks_that_do_not_fit_are_refused()
    {
        Refused("a bool each, [121]", ones(P * P));
        Refused("a bool each, [121]", ones(P, dtype: ScalarType.Bool));
        Refused("others are left to test", ones(P * P, dtype: ScalarType.Bool));

        void Refused(string message, Tensor mask) => Assert.Contains(
            message, Assert.Throws<ArgumentException>(() => GrokkingProgress.Of(_clock, _group, [], mask)).Message);
    }

    [Fact]
    public void In_context_learning_is_the_loss_that_later_tokens_save()
    {
        Tensor losses = tensor(new double[,] { { 4, 4, 2, 1 }, { 4, 2, 1, 0 } });
        Assert.Equal(1 - 3.5, InContextLearning.Score(losses, 0..2, 2..), Tolerance);
        Assert.Equal(0.5 - 3, InContextLearning.Score(losses, 1..2, ^1..), Tolerance);
        Assert.Throws<ArgumentException>(() => InContextLearning.Score(losses, 1..1, 2..));
        Assert.Throws<ArgumentOutOfRangeException>(() => InContextLearning.Score(losses, 1..2, 2..9));
    }

    private double Loss(Tensor logits, bool? isTrained)
    {
        Tensor losses = nn.functional.cross_entropy(logits, _answers, reduction: nn.Reduction.None);
        return (isTrained is { } trained ? losses.masked_select(_isTrained.eq(trained)) : losses).mean().item<double>();
    }
}
