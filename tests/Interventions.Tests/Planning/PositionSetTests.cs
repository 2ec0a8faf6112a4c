using Interventions.ModelGraphs;
using Interventions.Planning;
using Interventions.Sites;

namespace Interventions.Tests.Planning;

/// <summary>Sets of positions against sets written out; reaches against what they say of single positions.</summary>
public sealed class PositionSetTests
{
    private static readonly Reach[] s_reaches =
        [Reach.Pointwise, Reach.Causal, Reach.Windowed(1), Reach.Windowed(3), Reach.Windowed(70), Reach.Full];

    [Fact]
    public void Reaches_go_forward_and_backward_position_by_position()
    {
        Random random = new(1);
        foreach (Reach reach in s_reaches)
        {
            for (int i = 0; i < 60; i++)
            {
                int length = random.Next(1, 140);
                int[] some = Some(random, length), all = [.. Enumerable.Range(0, length)];
                Assert.Equal(
                    all.Where(output => some.Any(input => Sees(reach, output, input))),
                    PositionSet.Of(some).Forward(reach, length).ToArray());
                Assert.Equal(
                    all.Where(input => some.Any(output => Sees(reach, output, input))),
                    PositionSet.Of(some).Backward(reach, length).ToArray());
            }
        }
    }

    [Fact]
    public void Sets_are_sets()
    {
        Random random = new(2);
        for (int i = 0; i < 200; i++)
        {
            int length = random.Next(1, 140), position = random.Next(length);
            int[] left = Some(random, length), right = Some(random, length);
            PositionSet one = PositionSet.Of(left), other = PositionSet.Of(right);
            Same(left.Union(right), one | other);
            Same(left.Intersect(right), one & other);
            Same(left.Except(right), one.Except(other));
            Same(left.Append(position), one.With(position));
            Same(left.Where(member => member != position), one.Without(position));
            Same(Enumerable.Range(position, length - position), PositionSet.Range(position, length));
            Assert.Equal(left.Contains(position), one.Contains(position));
            Assert.Equal(left.Length == 0, one.IsEmpty);
            if (left.Length > 0)
                Assert.Equal((left.Min(), left.Max()), (one.First, one.Last));
        }

        static void Same(IEnumerable<int> expected, PositionSet actual)
        {
            int[] members = [.. expected.Distinct().Order()];
            Assert.Equal(members, actual.ToArray());
            Assert.Equal(members.Length, actual.Count);
            Assert.True(actual == PositionSet.Of(members) && actual.GetHashCode() == PositionSet.Of(members).GetHashCode());
        }
    }

    /// <summary>What the reaches mean.</summary>
    private static bool Sees(Reach reach, int output, int input) => reach.Kind switch
    {
        ReachKind.Pointwise => input == output,
        ReachKind.Causal => input <= output,
        ReachKind.Windowed => input <= output && input > output - reach.Width,
        _ => true,
    };

    private static int[] Some(Random random, int length)
    {
        double share = random.NextDouble();
        return [.. Enumerable.Range(0, length).Where(_ => random.NextDouble() < share * share)];
    }
}
