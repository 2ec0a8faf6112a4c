extern alias Papers;

using Papers::Interventions.Examples.Papers;

namespace Interventions.Models.Tests.UserExamples;

/// <summary>The examples of papers run, and find what they look for.</summary>
public sealed class PapersTests
{
    [Fact]
    public void Every_paper_finds_what_it_looks_for()
    {
        using NamesModel model = NamesModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        Dictionary<string, StudyResult> found = Studies.Run(model, count: 12, steps: 15).ToDictionary(result => result.Paper);
        Assert.All(found.Values, result => Assert.InRange(result.ToString().Length, StudyResult.Header.Length - 4, 80));
        Assert.All(found.Values, result => Assert.True(double.IsFinite(result.Before) && double.IsFinite(result.After), result.ToString()));

        // One head of layer 0 brings the name; what other heads make of it is little.
        StudyResult patching = found[nameof(ActivationPatching)];
        Assert.Equal("layer 0 head 3", patching.Where);
        Assert.InRange(patching.Before, 8, 25);
        Assert.True(patching.After < 3, patching.ToString());
        Assert.Equal("layer 0 head 3", found[nameof(DirectEffect)].Where);
        Assert.True(found[nameof(AcrossLayers)].After < 5, found[nameof(AcrossLayers)].ToString());
        Assert.True(found[nameof(MeanKnockout)].After < 5, found[nameof(MeanKnockout)].ToString());
        Assert.True(
            found[nameof(AttributionPatching)].After < -2
                && double.Parse(found[nameof(AttributionPatching)].Where[^4..], System.Globalization.CultureInfo.InvariantCulture) > 0.7);

        // Where heads look, and what later heads ask for, hardly matters in this model: but something changes.
        foreach (string paper in new[] { nameof(AttentionPatternPatch), nameof(PathToNameMovers) })
            Assert.InRange(Math.Abs(found[paper].After - found[paper].Before), 1e-4, 3);

        // A direction moves the answer both ways, and what is trained gets better.
        Assert.True(found[nameof(Steering)] is { Before: < -5, After: > 0 }, found[nameof(Steering)].ToString());
        Assert.True(
            found[nameof(GenerationSteering)] is { Before: < 1 } written && written.After > written.Before + 3,
            found[nameof(GenerationSteering)].ToString());
        Assert.Contains("Mary", found[nameof(GenerationSteering)].Where, StringComparison.Ordinal);
        Assert.True(
            found[nameof(DirectionAblation)] is { Before: > 5 } ablated && ablated.After < ablated.Before / 2,
            found[nameof(DirectionAblation)].ToString());
        Assert.True(found[nameof(HeadMask)].After < found[nameof(HeadMask)].Before / 2, found[nameof(HeadMask)].ToString());
        Assert.True(found[nameof(DistributedAlignment)] is { Before: < 0.3, After: > 0.6 }, found[nameof(DistributedAlignment)].ToString());
    }
}
