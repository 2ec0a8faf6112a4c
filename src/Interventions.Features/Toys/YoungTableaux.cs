namespace Interventions.Features;

/// <summary>
/// Standard tableaux: the numbers 1 to n in the rows of a partition, ascending in rows and columns. A tableau is the row of each number.
/// </summary>
internal static class YoungTableaux
{
    /// <summary>The ways to write a number as a sum of numbers that descend, the number itself first.</summary>
    public static IEnumerable<int[]> Partitions(int n, int? largest = null) => n == 0
        ? [[]]
        : from first in Enumerable.Range(1, Math.Min(n, largest ?? n)).Reverse()
          from rest in Partitions(n - first, first)
          select (int[])[first, .. rest];

    /// <summary>
    /// The matrices of the exchanges of i and i + 1, by tableaux (Young's orthogonal form): with r the distance from i to i + 1 along the
    /// diagonals, 1 / r on the diagonal, and √(1 − 1 / r²) towards the tableau in which they are exchanged.
    /// </summary>
    public static IEnumerable<double[,]> Exchanges(int[] partition)
    {
        int[][] tableaux = [.. Of(partition)];
        for (int i = 0; i + 1 < partition.Sum(); i++)
        {
            double[,] matrix = new double[tableaux.Length, tableaux.Length];
            foreach ((int number, int[] tableau) in tableaux.Index())
            {
                double inverse = 1.0 / (Diagonal(tableau, i + 1) - Diagonal(tableau, i));
                matrix[number, number] = inverse;
                int[] exchanged = [.. tableau];
                (exchanged[i], exchanged[i + 1]) = (tableau[i + 1], tableau[i]);
                int other = Array.FindIndex(tableaux, one => one.AsSpan().SequenceEqual(exchanged));
                if (other >= 0 && other != number)
                    matrix[number, other] = Math.Sqrt(1 - (inverse * inverse));
            }
            yield return matrix;
        }
    }

    /// <summary>All tableaux of a partition: the largest number ends a row that is longer than the next.</summary>
    private static IEnumerable<int[]> Of(int[] partition)
    {
        if (partition.Length == 0 || partition[0] == 0)
            return [[]];
        return
            from row in Enumerable.Range(0, partition.Length)
            where partition[row] > (row + 1 < partition.Length ? partition[row + 1] : 0)
            from rest in Of([.. partition.Select((length, i) => i == row ? length - 1 : length)])
            select (int[])[.. rest, row];
    }

    /// <summary>The column of a number less its row.</summary>
    private static int Diagonal(int[] tableau, int number) =>
        tableau.Take(number).Count(row => row == tableau[number]) - tableau[number];
}
