using Interventions.Runtime;

namespace Interventions.Tests.Sites;

public sealed class FingerprintTests
{
    [Fact]
    public void A_fingerprint_is_part_of_the_public_interface()
    {
        var schema = new ModelSchema("Tiny", EquatableArray.Of(new AxisSize("layer", 2)), EquatableArray.Of(
            new SiteDefinition("embed", EquatableArray.Of("batch", "pos"))));

        Assert.Equal("version 1\naxis layer 2\nsite embed batch,pos\n", schema.CanonicalText);
        Assert.Equal("0a8b4a17c3d29ead", schema.Fingerprint);
        Assert.Equal("857a8d013855c8a2", Vocabularies.Ioi.Fingerprint);
    }

    [Fact]
    public void Neither_the_models_name_nor_the_order_matters()
    {
        ModelSchema schema = Vocabularies.Gpt2Small;

        ModelSchema other = new("Other", schema.Axes.Reverse().ToEquatableArray(), schema.Sites.Reverse().ToEquatableArray());

        Assert.Equal(schema.Fingerprint, other.Fingerprint);
        Assert.Equal(schema.Fingerprint, (schema with
        {
            Sites = schema.Sites.Select(site => site with { SameStep = !site.SameStep, Beside = !site.Beside }).ToEquatableArray(),
        }).Fingerprint);
        Assert.NotEqual(schema.Fingerprint, (schema with { Sites = schema.Sites.Skip(1).ToEquatableArray() }).Fingerprint);
        Assert.NotEqual(schema.Fingerprint, (schema with { Axes = EquatableArray.Of(new AxisSize("layer", 11)) }).Fingerprint);
    }

    [Fact]
    public void The_order_of_runs_matters()
    {
        PromptVocabulary prompts = Vocabularies.Ioi;

        Assert.NotEqual(prompts.Fingerprint, (prompts with { Runs = prompts.Runs.Reverse().ToEquatableArray() }).Fingerprint);
        Assert.Equal(prompts.Fingerprint, (prompts with { PromptSet = "Other" }).Fingerprint);
    }
}
