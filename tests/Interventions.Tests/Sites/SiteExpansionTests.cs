using Interventions.Sites;

namespace Interventions.Tests.Sites;

public sealed class SiteExpansionTests
{
    [Fact]
    public void A_site_has_a_name_in_each_layer()
    {
        SiteDefinition site = Resolve("blocks.*.attn.z").Site!;

        Assert.Equal("blocks.3.attn.z", SiteExpansion.Concrete(site, 3));
        Assert.Equal("embed", SiteExpansion.Concrete(Resolve("embed").Site!, 3));
    }

    [Theory]
    [InlineData("embed[pos=*]", new[] { 0, 1, 2, 3, 4, 5, 6 })]
    [InlineData("embed[pos=2..4,0]", new[] { 2, 3, 4, 0 })]
    [InlineData("embed[pos=-1,-3..-2]", new[] { 6, 4, 5 })]
    [InlineData("embed[pos=5..-1,6]", new[] { 5, 6, 6 })]
    [InlineData("embed[pos=S1,S1+1,end-2]", new[] { 3, 4, 4 })]
    public void Indices_are_in_the_order_of_the_selection(string path, int[] expected) =>
        Assert.Equal(expected, SiteExpansion.Indices(Resolve(path).Axes[0].Selection, 7, name => name == "S1" ? 3 : 6));

    [Fact]
    public void A_placeholder_ranges_over_what_all_its_uses_have()
    {
        IReadOnlyList<PlaceholderRange> ranges = SiteExpansion.Placeholders(
            [
                Resolve("blocks.{layer=2..-1}.attn.z[head={head}; pos=end]"),
                Resolve("blocks.{layer=0..4,7}.mlp_out[pos={p=S1,1..3}]"),
                Resolve("blocks.{layer}.mlp_out[pos={p=S1,3..5}]"),
                Resolve("embed[pos={q}]"),
            ],
            Vocabularies.Gpt2Small);

        Assert.Equal(["layer: 2 3 4 7", "head: 0 1 2 3 4 5 6 7 8 9 10 11", "pos: S1 3", "pos: any"], ranges.Select(Show));
        Assert.Equal(["layer", "head", "p", "q"], ranges.Select(range => range.Name));
    }

    [Theory]
    [InlineData("0..-1", "1..2", "1 2", "1 2")]
    [InlineData("1..2", "0..-1", "1 2", "1 2")]
    [InlineData("2..-2", "0..9", "2 3", "2 3 4 5 6 7 8 9")]
    [InlineData("0,-1", "1..-1", "-1", "-1")]
    [InlineData("1..-2", "S1,0", "", "")]
    [InlineData("1..-1", "0..-2", "1 2 3", null)]
    public void A_range_up_to_the_end_meets_a_list(string left, string right, string inFive, string? unknown)
    {
        SiteResolution[] uses = [Resolve($"embed[pos={{p={left}}}]"), Resolve($"embed[pos={{p={right}}}]")];
        Assert.Equal($"pos: {inFive}", Show(SiteExpansion.Placeholders(uses, Vocabularies.Gpt2Small, length: 5).Single()));
        PlaceholderRange open = SiteExpansion.Placeholders(uses, Vocabularies.Gpt2Small).Single();
        if (unknown is null)
            Assert.NotEmpty(open.Items!.Value);
        else
            Assert.Equal($"pos: {unknown}", Show(open));
    }

    private static string Show(PlaceholderRange range) =>
        $"{range.Axis}: {(range.Items is { } items ? string.Join(" ", items.Select(item => item.Name ?? $"{item.First}")) : "any")}";

    private static SiteResolution Resolve(string path) =>
        SiteResolver.Resolve(SitePath.Parse(path), Vocabularies.Gpt2Small, Vocabularies.Ioi);
}
