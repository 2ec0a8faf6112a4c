extern alias SteeringStudy;

using Interventions.Models.Decoder;
using SteeringStudy::Interventions.Examples.SteeringStudy;

namespace Interventions.Features.Tests.Steered;

/// <summary>The example runs, and finds what is there.</summary>
public sealed class StudyTests
{
    [Fact]
    public void Women_are_named_where_men_were()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        long before = LiveTensors.Count();
        Study study = Study.Of(model, Topic.Women);
        Assert.Equal(before, LiveTensors.Count());
        Assert.All(study.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 100));
        Assert.Equal(2, study.Chosen.Count);
        Assert.All(study.Held, point => Assert.True(point.Success.Rate > 0.5, study.ToString()));
    }
}
