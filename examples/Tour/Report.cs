using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Examples.Tour;

/// <summary>What the tasks find: printed as it comes, and kept by title for those that compare it.</summary>
/// <param name="writer">Takes the text.</param>
/// <param name="options">How interventions are run.</param>
public sealed class Report(TextWriter writer, RunOptions? options = null) : IDisposable
{
    private const int Lines = 5;
    private readonly Dictionary<string, Tensor> _found = [];

    /// <summary>How interventions are run.</summary>
    public RunOptions Options { get; } = options ?? new RunOptions();

    /// <summary>The numbers by title.</summary>
    public IReadOnlyDictionary<string, Tensor> Found => _found;

    /// <summary>Shows the points of a sweep that change most; a value without a sweep as numbers.</summary>
    public void Show(string title, SweptTensor sweep)
    {
        if (sweep.Sweep.IsEmpty)
            Show(title, sweep.Values);
        else
            Show(title, sweep.Values, $"{sweep.Top(Lines)}".TrimEnd().Split('\n'));
    }

    /// <summary>Shows a number a layer, or a single one.</summary>
    public void Show(string title, Tensor numbers) => Show(
        title, numbers, [string.Join(' ', Doubles(numbers).Select(number => number.ToString("0.00", CultureInfo.InvariantCulture)))]);

    /// <summary>Shows the heads with the largest numbers.</summary>
    /// <param name="title">What the numbers are.</param>
    /// <param name="numbers"><c>[layer, head]</c>.</param>
    public void Heads(string title, Tensor numbers) => Show(title, numbers, Largest(numbers, at => $"{at[0]}.{at[1]}"));

    /// <summary>Shows the edges with the largest numbers; those from a later layer are none.</summary>
    /// <param name="title">What the numbers are.</param>
    /// <param name="numbers"><c>[layer, head, layer, head]</c>: from the one to the other.</param>
    public void Edges(string title, Tensor numbers)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor later = ones(numbers.shape[0], numbers.shape[2], dtype: ScalarType.Bool).triu(1).unsqueeze(1).unsqueeze(-1);
        Show(title, numbers * later, Largest(numbers * later, at => $"{at[0]}.{at[1]} to {at[2]}.{at[3]}"));
    }

    /// <summary>Shows lines, and keeps the numbers behind them.</summary>
    public void Show(string title, Tensor numbers, IEnumerable<string> lines)
    {
        writer.WriteLine($"\n{title}");
        foreach (string line in lines)
            writer.WriteLine($"  {line}");
        _found.Add(title, numbers.detach().clone().DetachFromDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor numbers in _found.Values)
            numbers.Dispose();
    }

    private static string[] Largest(Tensor numbers, Func<long[], string> name)
    {
        double[] values = Doubles(numbers);
        return
        [
            .. Enumerable.Range(0, values.Length).OrderByDescending(i => Math.Abs(values[i])).Take(Lines).Select(i =>
            {
                long[] at = new long[numbers.shape.Length];
                for (int axis = at.Length - 1, rest = i; axis >= 0; axis--)
                    (at[axis], rest) = (rest % numbers.shape[axis], (int)(rest / numbers.shape[axis]));
                return string.Create(CultureInfo.InvariantCulture, $"{name(at),-16} {values[i],8:0.000}");
            }),
        ];
    }

    private static double[] Doubles(Tensor numbers)
    {
        using Tensor doubles = numbers.detach().to(ScalarType.Float64).contiguous();
        return [.. doubles.data<double>()];
    }
}
