using TorchSharp.Modules;

namespace TorchSharp.Compat.Tests;

public sealed class OptimizerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    public void Dispose() => _scope.Dispose();

    private static double[] Run(Func<Parameter, optim.Optimizer> make, int steps = 3)
    {
        using var parameter = nn.Parameter(tensor([1.0, -2]));
        using var optimizer = make(parameter);
        for (var i = 0; i < steps; i++)
        {
            optimizer.zero_grad();
            parameter.square().sum().backward();
            optimizer.step();
        }
        return parameter.Values();
    }

    /// <summary>The same recurrences, a number at a time.</summary>
    private static double[] Adam(double rate, double decay, bool decoupled, bool amsgrad = false) => new[] { 1.0, -2 }.Select(x =>
    {
        double mean = 0, square = 0, largest = 0;
        for (var t = 1; t <= 3; t++)
        {
            var gradient = 2 * x;
            if (decoupled) x *= 1 - rate * decay;
            else gradient += decay * x;
            mean = 0.9 * mean + 0.1 * gradient;
            square = 0.999 * square + 0.001 * gradient * gradient;
            largest = Math.Max(largest, square);
            x -= rate / (1 - Math.Pow(0.9, t)) * mean / (Math.Sqrt(amsgrad ? largest : square) / Math.Sqrt(1 - Math.Pow(0.999, t)) + 1e-8);
        }
        return x;
    }).ToArray();

    private static void Same(double[] expected, double[] actual) => Assert.All(expected.Zip(actual), static pair => Assert.Equal(pair.First, pair.Second, 1e-10));

    [Fact]
    public void Adam_and_AdamW()
    {
        Same(Adam(0.1, 0, false), Run(p => optim.Adam([p], lr: 0.1)));
        Same(Adam(0.1, 0.3, false), Run(p => optim.Adam([p], lr: 0.1, weight_decay: 0.3)));
        Same(Adam(0.1, 0.3, true), Run(p => optim.AdamW([p], lr: 0.1, weight_decay: 0.3)));
        Same(Adam(0.1, 0, true, amsgrad: true), Run(p => optim.AdamW([p], lr: 0.1, amsgrad: true)));
    }

    [Fact]
    public void Gradient_descent()
    {
        Same([0.512, -1.024], Run(p => optim.SGD([p], 0.1)));
        // Velocities 2, 3.4, 3.98.
        Same([0.062, -0.124], Run(p => optim.SGD([p], 0.1, momentum: 0.9)).Select(static x => Math.Round(x, 12)).ToArray());
    }

    [Fact]
    public void The_learning_rate_can_be_scheduled()
    {
        using var parameter = nn.Parameter(tensor([1.0]));
        using var optimizer = optim.SGD([parameter], 0.1);
        foreach (var group in optimizer.ParamGroups) group.LearningRate = 0;
        parameter.square().sum().backward();
        optimizer.step();
        Close.To(parameter, 1);
        Assert.Equal(0.1, optimizer.ParamGroups.Single().InitialLearningRate);
    }

    [Fact]
    public void Groups_have_their_own_options()
    {
        using var slow = nn.Parameter(tensor([1.0]));
        using var fast = nn.Parameter(tensor([1.0]));
        using var optimizer = optim.SGD([new SGD.ParamGroup([slow], lr: 0.1), new SGD.ParamGroup([fast], lr: 0.5)], 1);
        var loss = optimizer.step(() =>
        {
            var sum = (slow + fast).sum();
            sum.backward();
            return sum;
        });
        Close.To(loss!, 2);
        Close.To(slow, 0.9);
        Close.To(fast, 0.5);
    }

    [Fact]
    public void A_step_leaves_no_tensors_behind()
    {
        using var parameter = nn.Parameter(ones(3));
        using var optimizer = optim.AdamW([parameter], amsgrad: true);
        long Step()
        {
            using var scope = NewDisposeScope();
            parameter.sum().backward();
            optimizer.step();
            optimizer.zero_grad();
            scope.Dispose();
            return Tensor.TotalCount;
        }
        var first = Step();
        Assert.Equal(first, Step());
    }
}
