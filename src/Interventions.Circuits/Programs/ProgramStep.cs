using System.Collections.Immutable;

namespace Interventions.Circuits;

/// <summary>What computes a variable from others.</summary>
internal abstract record ProgramStep
{
    /// <summary>What it reads, and through which port of its component.</summary>
    public abstract IEnumerable<(ProgramVariable Variable, PortInput Input)> Reads { get; }
}

/// <summary>An attention head: the mean of values over the keys that a selector selects.</summary>
/// <param name="Selector">Which keys.</param>
/// <param name="Values">What is averaged.</param>
/// <param name="StartScore">
/// The score of the start token, which is selected like a key, and whose values are none; null in programs without one.
/// </param>
internal sealed record AttentionStep(Selector Selector, ProgramVariable Values, double? StartScore) : ProgramStep
{
    /// <inheritdoc/>
    public override IEnumerable<(ProgramVariable Variable, PortInput Input)> Reads =>
    [
        .. Selector.Terms.Where(term => term.Queries is not null).Select(term => (term.Queries!, PortInput.Query)),
        .. Selector.Terms.Select(term => (term.Keys, PortInput.Key)),
        (Values, PortInput.Value),
    ];

    /// <summary>How many coordinates the scores need.</summary>
    public int ScoreWidth => Selector.Terms.Sum(term => term.Width) + (StartScore is null ? 0 : 1);

    /// <summary>How many coordinates the head needs.</summary>
    public int Width => Math.Max(Values.Size, ScoreWidth);
}

/// <summary>A part of a feed-forward block: a function of what is known at a position.</summary>
/// <param name="Inputs">The variables that it is a function of.</param>
internal abstract record MlpStep(ImmutableArray<ProgramVariable> Inputs) : ProgramStep
{
    /// <inheritdoc/>
    public override IEnumerable<(ProgramVariable Variable, PortInput Input)> Reads => Inputs.Select(input => (input, PortInput.All));

    /// <summary>The neurons that compute it.</summary>
    public abstract IEnumerable<ProgramNeuron> Neurons { get; }

    /// <summary>Adds its values to a variable's coordinates, by the definition and not by neurons.</summary>
    /// <param name="known">What is known of each input.</param>
    /// <param name="found">The coordinates, all 0.</param>
    public abstract void Add(double[][] known, double[] found);
}

/// <summary>A neuron: relu(bias + Σ weight · coordinate), and what it adds to the coordinates of the result.</summary>
/// <param name="Reads">Weights of the inputs' coordinates.</param>
/// <param name="Bias">The bias.</param>
/// <param name="Writes">Weights of the result's coordinates.</param>
internal sealed record ProgramNeuron(
    IEnumerable<(ProgramVariable Input, int Coordinate, double Weight)> Reads, double Bias,
    IEnumerable<(int Coordinate, double Weight)> Writes)
{
    /// <summary>The weight of the start token, at which a neuron with a bias would fire: nothing may be known there.</summary>
    public double AtStart { get; init; }
}

/// <summary>A table: a result for every combination of values.</summary>
/// <param name="Inputs">The variables that are combined.</param>
/// <param name="Results">
/// By combination the coordinate of the result and what is added to it; those of the last variable's values follow each other.
/// </param>
internal sealed record TableStep(ImmutableArray<ProgramVariable> Inputs, ImmutableArray<(int Coordinate, double Weight)> Results)
    : MlpStep(Inputs)
{
    /// <summary>
    /// What a combination's neuron subtracts before it cuts at 0: a neuron doubles the shares of its values, so that one alone that is not
    /// there silences it, and what is there with certainty gives 1.
    /// </summary>
    private int Threshold => (2 * Inputs.Length) - 1;

    /// <inheritdoc/>
    public override IEnumerable<ProgramNeuron> Neurons => Results.Select((result, combination) => new ProgramNeuron(
        Inputs.Zip(ValuesOf(combination), (input, value) => (input, value, 2.0)), -Threshold, [result]));

    /// <inheritdoc/>
    public override void Add(double[][] known, double[] found)
    {
        foreach ((int combination, (int coordinate, double weight)) in Results.Index())
        {
            double sum = known.Zip(ValuesOf(combination)).Sum(input => input.First[input.Second]);
            found[coordinate] += weight * Math.Max(0, (2 * sum) - Threshold);
        }
    }

    /// <summary>The numbers of a combination's values, by variable.</summary>
    private int[] ValuesOf(int combination)
    {
        int[] values = new int[Inputs.Length];
        for (int i = values.Length - 1; i >= 0; i--)
            (combination, values[i]) = Math.DivRem(combination, Inputs[i].Size);
        return values;
    }
}

/// <summary>A function of a number: a staircase, whose steps lie midway between the numbers that there may be.</summary>
/// <param name="Input">The number.</param>
/// <param name="Results">By each of its numbers, ascending, the coordinate of the result and its value.</param>
internal sealed record StaircaseStep(ProgramNumber Input, ImmutableArray<(int Coordinate, double Weight)> Results) : MlpStep([Input])
{
    /// <summary>A step takes half of the way between two numbers.</summary>
    private const double Steepness = 4;

    /// <inheritdoc/>
    public override IEnumerable<ProgramNeuron> Neurons
    {
        get
        {
            // The first result is there from the start, and each step takes one away and adds the next.
            yield return new ProgramNeuron([], 1, [Results[0]]) { AtStart = -1 };
            for (int i = 1; i < Results.Length; i++)
            {
                if (Results[i] == Results[i - 1])
                    continue;
                (double below, double above) = (Input.Values[i - 1], Input.Values[i]);
                double slope = Steepness / (above - below), bias = -slope * (below + above) / 2;
                (int Coordinate, double Weight)[] rise = [Results[i], (Results[i - 1].Coordinate, -Results[i - 1].Weight)];
                // At the start the number is 0, or 1 where it counts the start itself.
                double silence = -(slope + Math.Abs(bias) + 1);
                yield return new ProgramNeuron([(Input, 0, slope)], bias + 1, rise) { AtStart = silence };
                yield return new ProgramNeuron([(Input, 0, slope)], bias, rise.Select(one => (one.Coordinate, -one.Weight)))
                {
                    AtStart = silence,
                };
            }
        }
    }

    /// <inheritdoc/>
    public override void Add(double[][] known, double[] found)
    {
        double number = known[0][0];
        (int coordinate, double weight) = Results[Input.Values.Index().MinBy(value => Math.Abs(value.Item - number)).Index];
        found[coordinate] += weight;
    }
}

/// <summary>A sum of two numbers with weights.</summary>
internal sealed record SumStep(ProgramNumber First, double FirstFactor, ProgramNumber Second, double SecondFactor)
    : MlpStep([First, Second])
{
    /// <inheritdoc/>
    public override IEnumerable<ProgramNeuron> Neurons =>
        from part in new[] { (Number: First, Factor: FirstFactor), (Number: Second, Factor: SecondFactor) }
        from sign in new[] { 1, -1 } // x is relu(x) − relu(−x)
        select new ProgramNeuron([(part.Number, 0, sign)], 0, [(0, sign * part.Factor)]);

    /// <inheritdoc/>
    public override void Add(double[][] known, double[] found) =>
        found[0] += (FirstFactor * known[0][0]) + (SecondFactor * known[1][0]);
}
