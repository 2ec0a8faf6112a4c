using System.Collections.Immutable;
using Interventions.Files;

namespace Interventions.Circuits;

/// <summary>
/// Random gates between 0 (closed) and 1 (open) that are often exactly one of the two, so that a gradient reaches them: hard concrete
/// distributions (Louizos et al. 2018, arXiv:1712.01312), trained by Adam's rule. All numbers are drawn of the seed and the step's number.
/// </summary>
internal sealed class HardConcreteGates
{
    /// <summary>The published constants: temperature, and how far the distribution is stretched beyond 0 and 1.</summary>
    private const double Beta = 2.0 / 3, Low = -0.1, High = 1.1;

    private const double FirstMoment = 0.9, SecondMoment = 0.999, Epsilon = 1e-8;

    /// <summary>Gates are open with nine chances of ten at first.</summary>
    private const double InitialOdds = 9;

    /// <summary>The part of the steps in which the demanded sparsity rises; then it stays.</summary>
    private const double Rising = 0.7;

    private readonly MaskOptions _options;
    private readonly WorkOrigin? _origin;
    private double[] _logOdds, _first, _second;
    private double _linear, _quadratic, _unit;
    private List<double> _metrics = [];

    public HardConcreteGates(int count, MaskOptions options, WorkOrigin? origin)
    {
        (_options, _origin) = (options, origin);
        _first = new double[count];
        _second = new double[count];
        _logOdds = [.. Enumerable.Repeat(Math.Log(InitialOdds), count)];
        if (options.Path is not null && File.Exists(options.Path))
            Resume(options.Path, count);
    }

    /// <summary>The chance of each gate to be open at all.</summary>
    public ImmutableArray<double> Open => [.. _logOdds.Select(OpenChance)];

    /// <summary>The metric at each step, with the gates that were drawn.</summary>
    public ImmutableArray<double> Metrics => [.. _metrics];

    /// <summary>Trains the gates.</summary>
    /// <param name="measure">
    /// The metric of gates, and what is added to its derivative by each gate. The smaller the better.
    /// </param>
    /// <param name="cancellationToken">Looked at between steps; what the file has stays.</param>
    public void Train(Func<double[], (double Metric, double[] Gradient)> measure, CancellationToken cancellationToken)
    {
        IProgress<RunProgress>? progress = _options.Circuit.Run.Progress;
        if (_metrics.Count < _options.Steps && _unit == 0)
            _unit = Unit(measure);
        while (_metrics.Count < _options.Steps)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Step(measure);
            if (_options.Path is not null && (_metrics.Count == _options.Steps || _metrics.Count % _options.SaveEvery == 0))
                Save(_options.Path);
            progress?.Report(new RunProgress(_metrics.Count, _options.Steps));
        }
    }

    /// <summary>What one gate is worth on the average, which prices are measured in.</summary>
    private double Unit(Func<double[], (double Metric, double[] Gradient)> measure)
    {
        double open = measure([.. Enumerable.Repeat(1.0, _logOdds.Length)]).Metric;
        double closed = measure(new double[_logOdds.Length]).Metric;
        return open != closed
            ? Math.Abs(open - closed) / _logOdds.Length
            : throw new InterventionException(
                $"The metric is {open} with all gates open and with all closed, so there is nothing to find.");
    }

    private void Step(Func<double[], (double Metric, double[] Gradient)> measure)
    {
        int step = _metrics.Count, count = _logOdds.Length;
        (double[] gates, double[] slopes) = Draw(new Random(unchecked((_options.Seed * 1_000_003) + step)));
        (double metric, double[] gradient) = measure(gates);
        double[] open = [.. _logOdds.Select(OpenChance)];
        double wanted = _options.Sparsity * Math.Min(1, (step + 1) / (Rising * _options.Steps)), lacking = wanted - (1 - open.Average());
        double price = _options.Price ?? (_linear + (2 * _quadratic * lacking));
        double firstLeft = 1 - Math.Pow(FirstMoment, step + 1), secondLeft = 1 - Math.Pow(SecondMoment, step + 1);
        for (int i = 0; i < count; i++)
        {
            double slope = (gradient[i] * slopes[i]) + (price * open[i] * (1 - open[i]));
            _first[i] = (FirstMoment * _first[i]) + ((1 - FirstMoment) * slope);
            _second[i] = (SecondMoment * _second[i]) + ((1 - SecondMoment) * slope * slope);
            _logOdds[i] -= _options.LearningRate * (_first[i] / firstLeft) / (Math.Sqrt(_second[i] / secondLeft) + (Epsilon * _unit));
        }
        // The price rises as long as too few gates are closed.
        _linear += _unit * lacking;
        _quadratic += _unit * lacking * lacking;
        _metrics.Add(metric);
    }

    /// <summary>Gates, and their slopes by the logarithm of odds.</summary>
    private (double[] Gates, double[] Slopes) Draw(Random random)
    {
        double[] gates = new double[_logOdds.Length], slopes = new double[_logOdds.Length];
        for (int i = 0; i < gates.Length; i++)
        {
            double u = Math.Clamp(random.NextDouble(), 1e-6, 1 - 1e-6);
            double s = Sigmoid((Math.Log(u / (1 - u)) + _logOdds[i]) / Beta), stretched = (s * (High - Low)) + Low;
            gates[i] = Math.Clamp(stretched, 0, 1);
            slopes[i] = stretched is > 0 and < 1 ? (High - Low) * s * (1 - s) / Beta : 0;
        }
        return (gates, slopes);
    }

    private static double OpenChance(double logOdds) => Sigmoid(logOdds - (Beta * Math.Log(-Low / High)));

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private void Save(string path) => StoredJson.Write(path, fields => Fields(fields, isReading: false));

    private void Resume(string path, int count)
    {
        WorkOrigin? begun = StoredJson.Read(
            File.ReadAllText(path), $"'{path}' holds no gates", fields => Fields(fields, isReading: true));
        _origin!.Check(begun, path);
        if (_logOdds.Length != count || _first.Length != count || _second.Length != count || _metrics.Count > _options.Steps)
            throw new InterventionException($"'{path}' holds {_logOdds.Length} gates, and there are {count}.");
    }

    private WorkOrigin? Fields(JsonFields fields, bool isReading)
    {
        WorkOrigin? origin = WorkOrigin.Fields(fields, isReading ? null : _origin);
        _logOdds = [.. fields.Numbers("log_odds", [.. _logOdds])];
        _first = [.. fields.Numbers("first_moments", [.. _first])];
        _second = [.. fields.Numbers("second_moments", [.. _second])];
        (_linear, _quadratic, _unit) =
            (fields.Number("linear", _linear), fields.Number("quadratic", _quadratic), fields.Number("unit", _unit));
        _metrics = [.. fields.Numbers("metrics", [.. _metrics])];
        return origin;
    }
}
