using System.Collections.Immutable;

namespace Interventions.Circuits;

/// <summary>
/// What a program knows at every position of a prompt: one of some values, or a number. Where attention has averaged over several
/// positions, it is a share of each value. In the compiled model every value, and every number, is one coordinate of the residual stream.
/// </summary>
public abstract class ProgramVariable
{
    private protected ProgramVariable(AttentionProgram program, string name, int size, ProgramStep? step) =>
        (Program, Name, Size, Step) = (program, name, size, step);

    /// <summary>Its name, which no other variable of the program has.</summary>
    public string Name { get; }

    /// <summary>How many coordinates it has: as many as there are values, or one for a number.</summary>
    public int Size { get; }

    /// <summary>The program that it belongs to.</summary>
    internal AttentionProgram Program { get; }

    /// <summary>What computes it; null for tokens, positions and the start, which are there from the beginning.</summary>
    internal ProgramStep? Step { get; }

    /// <summary>What its coordinates stand for.</summary>
    internal abstract IEnumerable<string> Labels { get; }

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

    /// <inheritdoc/>
    internal override IEnumerable<string> Labels => Values.Select(value => FormattableString.Invariant($"{Name}:{value}"));
}

/// <summary>A variable that is a number, such as a fraction of positions.</summary>
public sealed class ProgramNumber : ProgramVariable
{
    internal ProgramNumber(AttentionProgram program, string name, IEnumerable<double> values, ProgramStep? step)
        : base(program, name, 1, step)
    {
        // Fractions that are equal may differ by rounding.
        List<double> distinct = [];
        foreach (double value in values.Order())
            if (distinct.Count == 0 || value - distinct[^1] > Rounding)
                distinct.Add(value);
        Values = [.. distinct];
    }

    /// <summary>Numbers that differ by less are one.</summary>
    internal const double Rounding = 1e-9;

    /// <summary>The numbers that it may be, ascending.</summary>
    public ImmutableArray<double> Values { get; }

    /// <inheritdoc/>
    internal override IEnumerable<string> Labels => [Name];
}
