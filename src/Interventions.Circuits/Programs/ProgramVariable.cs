using System.Collections.Immutable;

namespace Interventions.Circuits;

/// <summary>
/// What a program knows at every position of a prompt: one of some values. Where attention has averaged over several positions, it is a
/// share of each value. In the compiled model every value is one coordinate of the residual stream.
/// </summary>
public abstract class ProgramVariable
{
    private protected ProgramVariable(AttentionProgram program, string name, int size, ProgramStep? step) =>
        (Program, Name, Size, Step) = (program, name, size, step);

    /// <summary>Its name, which no other variable of the program has.</summary>
    public string Name { get; }

    /// <summary>How many values there are.</summary>
    public int Size { get; }

    /// <summary>The program that it belongs to.</summary>
    internal AttentionProgram Program { get; }

    /// <summary>What computes it; null for tokens and positions, which are there from the start.</summary>
    internal ProgramStep? Step { get; }

    /// <summary>Its name.</summary>
    public override string ToString() => Name;
}

/// <summary>A variable with values of a type.</summary>
/// <typeparam name="T">The type of its values.</typeparam>
public sealed class ProgramVariable<T> : ProgramVariable
    where T : notnull
{
    internal ProgramVariable(AttentionProgram program, string name, ImmutableArray<T> values, ProgramStep? step)
        : base(program, name, values.Length, step) => Values = values;

    /// <summary>The values that it may have.</summary>
    public ImmutableArray<T> Values { get; }
}

/// <summary>What computes a variable from others.</summary>
internal abstract record ProgramStep
{
    /// <summary>What it reads, and through which port of its component.</summary>
    public abstract IEnumerable<(ProgramVariable Variable, PortInput Input)> Reads { get; }
}

/// <summary>An attention head: the mean of values over the keys that a selector selects.</summary>
internal sealed record AttentionStep(Selector Selector, ProgramVariable Values) : ProgramStep
{
    /// <inheritdoc/>
    public override IEnumerable<(ProgramVariable Variable, PortInput Input)> Reads =>
    [
        .. Selector.Terms.Where(term => term.Queries is not null).Select(term => (term.Queries!, PortInput.Query)),
        .. Selector.Terms.Select(term => (term.Keys, PortInput.Key)),
        (Values, PortInput.Value),
    ];

    /// <summary>How many coordinates the head needs.</summary>
    public int Width => Math.Max(Values.Size, Selector.Terms.Sum(term => term.Width));
}

/// <summary>A table in a feed-forward block: a value for every combination of values.</summary>
/// <param name="Inputs">The variables that are combined.</param>
/// <param name="Results">
/// The number of the resulting value by combination; those of the last variable's values follow each other.
/// </param>
internal sealed record TableStep(ImmutableArray<ProgramVariable> Inputs, ImmutableArray<int> Results) : ProgramStep
{
    /// <inheritdoc/>
    public override IEnumerable<(ProgramVariable Variable, PortInput Input)> Reads => Inputs.Select(input => (input, PortInput.All));

    /// <summary>
    /// What a combination's neuron subtracts before it cuts at 0: a neuron doubles the shares of its values, so that one alone that is not
    /// there silences it, and what is there with certainty gives 1.
    /// </summary>
    public int Threshold => (2 * Inputs.Length) - 1;

    /// <summary>The numbers of a combination's values, by variable.</summary>
    public int[] ValuesOf(int combination)
    {
        int[] values = new int[Inputs.Length];
        for (int i = values.Length - 1; i >= 0; i--)
            (combination, values[i]) = Math.DivRem(combination, Inputs[i].Size);
        return values;
    }
}
