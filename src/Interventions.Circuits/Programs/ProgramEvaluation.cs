namespace Interventions.Circuits;

/// <summary>A program on one prompt, by its definition: attention is exact, and there is no model.</summary>
/// <param name="program">The program.</param>
/// <param name="ids">The prompt.</param>
internal sealed class ProgramEvaluation(AttentionProgram program, int[] ids)
{
    /// <summary>Scores that differ by less are equal: sums of shares are rounded.</summary>
    private const double Tie = 1e-9;

    private readonly Dictionary<ProgramVariable, double[][]> _known = [];

    /// <summary>Says what a variable is, instead of what computes it.</summary>
    public ProgramEvaluation Replace(ProgramVariable variable, double[][] known)
    {
        _known[variable] = known;
        return this;
    }

    /// <summary>Shares by position and value.</summary>
    public double[][] Of(ProgramVariable variable) => _known.TryGetValue(variable, out double[][]? known)
        ? known
        : _known[variable] = variable.Step switch
        {
            AttentionStep attention => Attention(attention),
            MlpStep function => [.. Enumerable.Range(0, ids.Length).Select(position => Function(function, variable.Size, position))],
            _ => [.. ids.Select((id, position) => Given(variable, id, position))],
        };

    private double[] Given(ProgramVariable variable, int id, int position)
    {
        double[] shares = new double[variable.Size];
        if (variable != program.StartToken) // which is at no position of the prompt
            shares[variable == program.Tokens ? id : position] = 1;
        return shares;
    }

    private double[][] Attention(AttentionStep step)
    {
        double[][] values = Of(step.Values), found = new double[ids.Length][];
        double start = step.StartScore ?? double.NegativeInfinity;
        for (int query = 0; query < ids.Length; query++)
        {
            int seen = program.LooksAhead ? ids.Length : query + 1;
            double[] scores = [.. Enumerable.Range(0, seen).Select(key => step.Selector.Terms.Sum(term =>
                term.Of(Of(term.Keys)[key], term.Queries is null ? [] : Of(term.Queries)[query])))];
            double least = Math.Max(scores.Max(), start) - Tie;
            List<double[]> selected = [.. values.Take(seen).Where((_, key) => scores[key] > least)];
            if (start > least)
                selected.Add(AtStart(step.Values));
            found[query] = [.. Enumerable.Range(0, step.Values.Size).Select(value => selected.Average(shares => shares[value]))];
        }
        return found;
    }

    /// <summary>At the start nothing is known but that it is the start.</summary>
    private double[] AtStart(ProgramVariable variable) => variable == program.StartToken ? [1] : new double[variable.Size];

    private double[] Function(MlpStep step, int size, int position)
    {
        double[] found = new double[size];
        step.Add([.. step.Inputs.Select(input => Of(input)[position])], found);
        return found;
    }
}
