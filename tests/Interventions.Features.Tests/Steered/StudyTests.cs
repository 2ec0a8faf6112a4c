extern alias SteeringStudy;

using Interventions.Models.Decoder;
using SteeringStudy::Interventions.Examples.SteeringStudy;

namespace Interventions.Features.Tests.Steered;

/// <summary>The example runs, and finds what is there.</summary>
public sealed class StudyTests
{
    [Fact]
    public void Mary_is_named_in_the_place_of_others()
    {
        using DecoderModel model = DecoderModel.Load(Path.Combine(AppContext.BaseDirectory, "model"));
        long before = LiveTensors.Count();
        Study study = Study.Of(model, Topic.Mary);
        Assert.Equal(before, LiveTensors.Count());
        Assert.All(study.ToString().Split('\n'), line => Assert.InRange(line.Length, 0, 100));
        Assert.Equal(2, study.Chosen.Count);
        Assert.Equal(2, study.Held.Count);
        Assert.Contains(study.Held, point => point.Success.Rate > 0.2);
    }
}
