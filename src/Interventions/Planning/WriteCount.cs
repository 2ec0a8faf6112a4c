using Interventions.Runtime;

namespace Interventions.Planning;

/// <summary>How many values a write selects, and what becomes of them.</summary>
/// <param name="Selected">All of them.</param>
/// <param name="Read">Those that something reads.</param>
/// <param name="Written">Those that are written; in a strict run also where only to see what a later write changes.</param>
/// <param name="Compared">Those that are compared with what the write finds.</param>
/// <param name="Due">Those of all that a write should change.</param>
internal readonly record struct WriteCount(long Selected, long Read, long Written, long Compared, long Due)
{
    public static WriteCount operator +(WriteCount left, WriteCount right) =>
        new(left.Selected + right.Selected, left.Read + right.Read, left.Written + right.Written, left.Compared + right.Compared, left.Due + right.Due);

    public static WriteCount operator *(WriteCount count, long times) =>
        new(count.Selected * times, count.Read * times, count.Written * times, count.Compared * times, count.Due * times);
}
