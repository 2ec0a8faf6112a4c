using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>Ready-made metrics against closed forms.</summary>
public sealed class ReadyMadeMetricTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Two_tokens_have_the_logistic_functions_numbers()
    {
        // Of two tokens, p = σ(difference).
        Tensor logits = tensor(new double[,] { { 2, -1 }, { 0.5, 0.5 }, { -4, 3 } }), answer = tensor(new long[] { 0, 1, 0 });
        double[] differences = [3, 0, -7];
        Is(differences, Metrics.LogitDifference(logits, answer, 1 - answer));
        Is(differences, Metrics.LogitDifference(
            logits.gather(1, answer.unsqueeze(1)).squeeze(1), logits.gather(1, (1 - answer).unsqueeze(1)).squeeze(1)));
        Is([.. differences.Select(Sigmoid)], Metrics.Probability(logits, answer));
        Is([.. differences.Select(d => Math.Log(Sigmoid(d)))], Metrics.LogProbability(logits, answer));
        Is([.. differences.Select(d => -Math.Log(Sigmoid(d)))], Metrics.Loss(logits, answer));
        Is([.. differences.Select(d => Entropy(Sigmoid(d)))], Metrics.Entropy(logits));
        double[] others = [-1, 2, 0];
        Tensor reference = stack([tensor(others), zeros(3, dtype: float64)], 1);
        double[] signs = [1, -1, 1];
        Is([.. others.Select((other, i) => Divergence(Sigmoid(other), Sigmoid(signs[i] * differences[i])))], Metrics.KullbackLeibler(
            logits, reference));

        static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
        static double Entropy(double p) => -(p * Math.Log(p)) - ((1 - p) * Math.Log(1 - p));
        static double Divergence(double p, double q) => (p * Math.Log(p / q)) + ((1 - p) * Math.Log((1 - p) / (1 - q)));
    }

    [Fact]
    public void Extreme_logits_are_safe_in_float32()
    {
        Tensor logits = tensor(new float[,] { { 1e4f, 0, -1e4f }, { 3e38f, -3e38f, 0 }, { 0, float.NegativeInfinity, 0 } })
            .requires_grad_();
        Tensor least = tensor(new long[] { 2, 0, 0 });
        Assert.Equal([-2e4f, 0, -MathF.Log(2)], Metrics.LogProbability(logits, least).detach().data<float>().ToArray());
        Assert.Equal([0f, 1, 0.5f], Metrics.Probability(logits, least).detach().data<float>().ToArray());
        Assert.Equal([0f, 0, MathF.Log(2)], Metrics.Entropy(logits).detach().data<float>().ToArray());
        Tensor divergence = Metrics.KullbackLeibler(logits, logits.detach());
        Assert.Equal([0f, 0, 0], divergence.detach().data<float>().ToArray());
        Assert.All(autograd.grad([divergence.sum()], [logits])[0].data<float>().ToArray(), gradient => Assert.Equal(0, gradient));
        Assert.All(autograd.grad([Metrics.Entropy(logits).sum()], [logits])[0].data<float>().ToArray(), gradient => Assert.True(
            float.IsFinite(gradient)));
        // Somewhere the reference says what the other never does: infinitely far.
        Assert.Equal(float.PositiveInfinity, Metrics.KullbackLeibler(logits.detach()[2..3], zeros(1, 3)).item<float>());
        Assert.Equal(
            2e4f, Metrics.KullbackLeibler(tensor(new float[,] { { 0, -2e4f } }), tensor(new float[,] { { -2e4f, 0 } })).item<float>());
    }

    [Fact]
    public void Gradients_are_the_closed_forms()
    {
        Tensor logits = randn(3, 5, dtype: float64).requires_grad_();
        Tensor reference = randn(3, 5, dtype: float64);
        Tensor answer = tensor(new long[] { 4, 0, 2 });
        Tensor p = logits.detach().softmax(-1), q = reference.softmax(-1), hot = nn.functional.one_hot(answer, 5).to(float64);
        Close(p - q, Gradient(Metrics.KullbackLeibler(logits, reference)));
        Close(p - hot, Gradient(Metrics.Loss(logits, answer)));
        Close(hot - p, Gradient(Metrics.LogProbability(logits, answer)));
        Tensor right = p.gather(1, answer.unsqueeze(1));
        Close(right * (hot - p), Gradient(Metrics.Probability(logits, answer)));
        Tensor entropy = -(p * p.log()).sum([-1L], keepdim: true);
        Close(-p * (p.log() + entropy), Gradient(Metrics.Entropy(logits)));

        Tensor Gradient(Tensor metric) => autograd.grad([metric.sum()], [logits])[0];
    }

    [Fact]
    public void Wrong_shapes_are_refused()
    {
        Tensor logits = zeros(2, 3), ids = zeros(2, dtype: int64);
        Assert.Contains("[batch, vocab]", Assert.Throws<ArgumentException>(() => Metrics.Entropy(zeros(3))).Message);
        Assert.Contains(
            "one int64 token id a prompt", Assert.Throws<ArgumentException>(() => Metrics.Loss(logits, zeros(3, dtype: int64))).Message);
        Assert.Contains("Float32 [2]", Assert.Throws<ArgumentException>(() => Metrics.Loss(logits, zeros(2))).Message);
        Assert.Contains("[2, 3] and [1, 3]", Assert.Throws<ArgumentException>(() => Metrics.KullbackLeibler(logits, zeros(1, 3))).Message);
        Assert.Contains("[batch]", Assert.Throws<ArgumentException>(() => Metrics.LogitDifference(logits, logits)).Message);
        Assert.Equal([0f, 0], Metrics.LogitDifference(logits, ids, ids).data<float>().ToArray());
    }

    private static void Is(double[] expected, Tensor actual) => Close(tensor(expected), actual);

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.InRange((expected - actual).abs().max().item<double>(), 0, 1e-9);
    }
}
