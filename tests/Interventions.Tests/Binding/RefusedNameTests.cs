using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Tests.Binding;

/// <summary>Names that the model or the prompts do not have.</summary>
public sealed class RefusedNameTests : ToyTest
{
    [Theory]
    [InlineData("blocks.9.z", "layer 9 of 'blocks.9.z' is out of range: ToyModel has 2 layers (0 to 1)")]
    [InlineData("blocks.0.zz", "did you mean 'blocks.0.z'")]
    [InlineData("blocks.0.z[pos=ennd]", "did you mean 'end'")]
    public void A_wrong_name_is_refused_before_the_pass(string site, string message)
    {
        InterventionException refused = Assert.Throws<InterventionException>(
            () => Run(new() { Name = "Wrong", Writes = [Patch(site)] }, ToyPrompts.Random(9, 4)));
        Assert.Contains("Wrong.Patch", refused.Message);
        Assert.Contains(message, refused.Message);
    }

    [Fact]
    public void Names_that_do_not_fit_hint_at_other_schemas()
    {
        InterventionGraph graph = new() { Name = "Old", Writes = [Zero("embed[pos=gone]")], PromptFingerprint = "0123456789abcdef" };
        Says("was compiled against another version of ToyPrompts", () => Run(graph, ToyPrompts.Random(7, 3)));
    }

    private static WriteNode Zero(string site) => new("Zero", site, [], _ => zeros(1, dtype: float64));
}
