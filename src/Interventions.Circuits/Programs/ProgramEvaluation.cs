namespace Interventions.Circuits;

/// <summary>A program on one prompt, by its definition: attention is exact, and there is no model.</summary>
internal sealed class ProgramEvaluation(AttentionProgram program, int[] ids)
{
    /// <summary>Scores that differ by less are equal: sums of shares are rounded.</summary>
    private const double Tie = 1e-9;

    private readonly Dictionary<ProgramVariable, double[][]> _known = [];

    /// <summary>Shares by position and value.</summary>
    public double[][] Of(ProgramVariable variable) => _known.TryGetValue(variable, out double[][]? known)
        ? known
        : _known[variable] = variable.Step switch
        {
            AttentionStep attention => Attention(attention),
            TableStep table => [.. Enumerable.Range(0, ids.Length).Select(position => Table(table, variable.Size, position))],
            _ => [.. ids.Select((id, position) => Certain(variable.Size, variable == program.Tokens ? id : position))],
        };

    private static double[] Certain(int size, int value)
    {
        double[] shares = new double[size];
        shares[value] = 1;
        return shares;
    }

    private double[][] Attention(AttentionStep step)
    {
        double[][] values = Of(step.Values), found = new double[ids.Length][];
        for (int query = 0; query < ids.Length; query++)
        {
            double[] scores = [.. Enumerable.Range(0, query + 1).Select(key => step.Selector.Terms.Sum(term =>
                term.Of(Of(term.Keys)[key], term.Queries is null ? [] : Of(term.Queries)[query])))];
            double[][] selected = [.. values.Take(query + 1).Where((_, key) => scores[key] > scores.Max() - Tie)];
            found[query] = [.. Enumerable.Range(0, step.Values.Size).Select(value => selected.Average(shares => shares[value]))];
        }
        return found;
    }

    private double[] Table(TableStep step, int size, int position)
    {
        double[] found = new double[size];
        for (int combination = 0; combination < step.Results.Length; combination++)
        {
            double sum = step.Inputs.Zip(step.ValuesOf(combination)).Sum(input => Of(input.First)[position][input.Second]);
            found[step.Results[combination]] += Math.Max(0, (2 * sum) - step.Threshold);
        }
        return found;
    }
}
