using FsCheck;
using FsCheck.Fluent;
using Interventions.Sites;

namespace Interventions.Tests.Sites;

public sealed class SitePathTests
{
    [Theory]
    [InlineData("embed", "embed", "")]
    [InlineData("blocks.3.attn.z", "blocks.(3).attn.z", "")]
    [InlineData("blocks.-1.attn.z", "blocks.(-1).attn.z", "")]
    [InlineData("blocks.*.mlp_out", "blocks.(*).mlp_out", "")]
    [InlineData("blocks.[6..8].mlp_out", "blocks.(6..8).mlp_out", "")]
    [InlineData("blocks.[1,3,5..7].mlp_out", "blocks.(1,3,5..7).mlp_out", "")]
    [InlineData("blocks.{layer}.mlp_out", "blocks.(layer=*).mlp_out", "")]
    [InlineData("blocks.{layer=6..8}.mlp_out", "blocks.(layer=6..8).mlp_out", "")]
    [InlineData("blocks.0.attn.z[head=6,9; pos=end]", "blocks.(0).attn.z", "head=6,9 pos=end")]
    [InlineData("blocks.0.attn.z[ head = 6, 9 ;pos = S1+1 ]", "blocks.(0).attn.z", "head=6,9 pos=S1+1")]
    [InlineData("blocks.0.attn.z[head={head}]", "blocks.(0).attn.z", "head=head=*")]
    [InlineData("blocks.0.attn.z[head={head=0..3}]", "blocks.(0).attn.z", "head=head=0..3")]
    [InlineData("embed[pos=-1]", "embed", "pos=-1")]
    [InlineData("embed[pos=2..5,S2-1,end]", "embed", "pos=2..5,S2-1,end")]
    [InlineData("embed[pos=2..-1]", "embed", "pos=2..-1")]
    [InlineData("embed[pos=*]", "embed", "pos=*")]
    [InlineData("embed[pos={p=IO,end}]", "embed", "pos=p=IO,end")]
    [InlineData("blocks.[6..].mlp_out", "blocks.(6..-1).mlp_out", "")]
    [InlineData("blocks.[..5].mlp_out", "blocks.(0..5).mlp_out", "")]
    [InlineData("blocks.{layer=3..}.mlp_out", "blocks.(layer=3..-1).mlp_out", "")]
    [InlineData("embed[pos=1..]", "embed", "pos=1..-1")]
    [InlineData("embed[pos=..-2,named]", "embed", "pos=0..-2,named")]
    [InlineData("blocks.0.attn.z[head!=6]", "blocks.(0).attn.z", "head=!6")]
    [InlineData("blocks.0.attn.z[head != 1, 3; pos!=end,0..1]", "blocks.(0).attn.z", "head=!1,3 pos=!end,0..1")]
    [InlineData("blocks.[!=0,2..3].attn.z[head={h!=6}]", "blocks.(!0,2..3).attn.z", "head=h=!6")]
    public void Parses(string text, string segments, string selectors)
    {
        SitePath path = SitePath.Parse(text);

        Assert.Equal(text, path.ToString());
        Assert.Equal(segments, string.Join(".", path.Segments.Select(segment => segment.Name ?? $"({Show(segment.Indices!.Selection)})")));
        Assert.Equal(selectors, string.Join(" ", path.Selectors.Select(selector => $"{selector.Axis}={Show(selector.Indices.Selection)}")));
    }

    [Theory]
    [InlineData("end")]
    [InlineData("S1+1")]
    [InlineData("-2")]
    [InlineData("new")]
    public void APositionOfASiteIsThePathThatItsTextIs(string text)
    {
        Assert.True(VocabularyResolver.TryPosition(text, null, out SelectionItem? position, out _));

        Assert.Equal(SitePath.Parse($"logits[pos={text}]"), SitePath.At("logits", text, position));
    }

    [Theory]
    [InlineData("blocks.3.z", true)]
    [InlineData("blocks.[3].z", true)]
    [InlineData("blocks.{layer}.z", true)]
    [InlineData("blocks.{layer=1..3}.z", true)]
    [InlineData("blocks.*.z", false)]
    [InlineData("blocks.[1..2].z", false)]
    [InlineData("blocks.[1,3].z", false)]
    [InlineData("blocks.[!=1].z", false)]
    [InlineData("blocks.{layer!=1}.z", true)]
    public void OneIndexAtATimeIsANumberOrAPlaceholder(string path, bool isOne) =>
        Assert.Equal(isOne, SitePath.Parse(path).Segments[1].Indices!.Selection.IsOne);

    [Theory]
    [InlineData("", "", "a path starts with a name")]
    [InlineData("blocks.", ".", "is missing")]
    [InlineData("blocks..mlp_out", ".", "is missing")]
    [InlineData("blocks.3a.mlp_out", "3a", "neither a number nor a name")]
    [InlineData("blocks.[].mlp_out", "]", "a number is missing")]
    [InlineData("blocks.[..].mlp_out", "..", "a range has a start or an end")]
    [InlineData("blocks.[!6].mlp_out", "6", "'=', which follows '!', is missing")]
    [InlineData("embed[pos!=]", "]", "a number or a position's name is missing")]
    [InlineData("embed[pos!=*]", "*", "a number or a position's name is missing")]
    [InlineData("embed[pos!=new]", "new", "selected by name, as in 'pos=new'")]
    [InlineData("embed[pos={p!=end}]", "{p!=", "list those that '{p}' goes through")]
    [InlineData("embed[pos=named+1]", "+", "'named' is several tokens")]
    [InlineData("blocks.0.z[head=[1,2]]", "[", "without brackets of their own: 'head=0,2'")]
    [InlineData("embed[pos=0:6:2]", "0:6", "indices are listed, as in '0,2,4'")]
    [InlineData("embed[pos=:]", ":", "indices are listed, as in '0,2,4'")]
    [InlineData("embed[pos=0:0]", "0:0", "indices are listed, as in '0,2,4'")]
    [InlineData("blocks.[6..8.mlp_out", ".", "']', which closes the list, is missing")]
    [InlineData("blocks.[8..6].mlp_out", "8..6", "write 6..8")]
    [InlineData("blocks.{}.mlp_out", "}", "a placeholder needs a name")]
    [InlineData("blocks.{layer.mlp_out", ".", "'}', which closes the placeholder, is missing")]
    [InlineData("blocks.{layer=end}.mlp_out", "e", "a number is missing")]
    [InlineData("embed[pos]", "]", "'=', which follows 'pos', is missing")]
    [InlineData("embed[pos=]", "]", "a number or a position's name is missing")]
    [InlineData("embed[pos=S1+]", "]", "a number of tokens follows '+'")]
    [InlineData("embed[pos=end", "d", "']', which closes the selectors, is missing")]
    [InlineData("embed[pos=0; pos=2]", "pos", "selected twice")]
    [InlineData("embed[pos=end] ", " ", "does not belong to a path")]
    [InlineData("embed[pos=99999999999]", "99999999999", "is too large")]
    [InlineData("blocks 3", " 3", "does not belong to a path")]
    public void Refuses_and_says_where(string text, string where, string message)
    {
        Assert.False(SitePath.TryParse(text, out _, out SiteProblem? problem));

        Assert.Equal(SiteProblemKind.Syntax, problem.Kind);
        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        Assert.Equal(where, text.Substring(problem.Start, problem.Length));
        Assert.Equal(problem.Message, Assert.Throws<FormatException>(() => SitePath.Parse(text)).Message);
    }

    /// <summary>Other languages' ranges and separators: what is said, and the path that is meant.</summary>
    [Theory]
    [InlineData("blocks.[0:63].mlp_out", "0:63", "two dots and includes its end: '0..62'", "blocks.[0..62].mlp_out")]
    [InlineData("blocks.{layer=3:}.mlp_out", "3:", "'3..'", "blocks.{layer=3..}.mlp_out")]
    [InlineData("embed[pos=:5]", ":5", "'..4'", "embed[pos=..4]")]
    [InlineData("embed[pos=:-1]", ":-1", "'..-2'", "embed[pos=..-2]")]
    [InlineData("blocks.0.z[head=0-2; pos=end]", "0-2", "'0..2'", "blocks.0.z[head=0..2; pos=end]")]
    [InlineData("blocks.0.z[head=1,2, pos=end]", ",", "separated by ';': 'blocks.0.z[head=1,2; pos=end]'", "blocks.0.z[head=1,2; pos=end]")]
    [InlineData("embed[pos=end, head!=3]", ",", "separated by ';'", "embed[pos=end; head!=3]")]
    [InlineData("blocks.0.z[head=1; 3]", ";", "separated by ','", "blocks.0.z[head=1, 3]")]
    public void Foreign_spellings_have_a_hint_of_their_own(string text, string where, string message, string meant)
    {
        Assert.False(SitePath.TryParse(text, out _, out SiteProblem? problem));

        Assert.Contains(message, problem.Message, StringComparison.Ordinal);
        Assert.Equal(where, text.Substring(problem.Start, problem.Length));
        Assert.Equal(meant, problem.Suggestion);
        Assert.True(SitePath.TryParse(meant, out _, out _));
    }

    [Fact]
    public void What_is_printed_is_parsed_to_the_same() => Prop.ForAll(RandomPath.Arbitrary, path =>
    {
        SitePath parsed = SitePath.Parse(path);
        string segments = string.Join('.', parsed.Segments.Select(segment => segment.Name ?? RandomPath.Print(segment.Indices!.Selection)));
        string selectors = string.Join("; ", parsed.Selectors.Select(selector => RandomPath.Print(selector)));
        Assert.Equal(path, selectors.Length == 0 ? segments : $"{segments}[{selectors}]");
        Assert.All(
            parsed.Selectors, selector => Assert.Equal(selector.Axis, path.Substring(selector.AxisSpan.Start, selector.AxisSpan.Length)));
    }).QuickCheckThrowOnFailure();

    /// <summary>The generator gives a declaration with a broken path the members that the repaired one has.</summary>
    [Theory]
    [InlineData("blocks.{layer}.z[head={head}, pos=end]", "layer head")]
    [InlineData("blocks.{layer=0:3}.z[head={ h != 2}; pos={p=IO;end}]", "layer h p*")]
    [InlineData("blocks.{layer", "layer")]
    [InlineData("blocks.{3}.z[{}", "")]
    public void Placeholders_of_a_broken_path_are_known(string text, string placeholders) => Assert.Equal(
        placeholders, string.Join(' ', SitePath.PlaceholdersIn(text).Select(found => found.Name + (found.HasNames ? "*" : ""))));

    [Fact]
    public void No_text_makes_it_fail()
    {
        const string alphabet = "ab3.*[]{}=,;+- S!:";
        var random = new Random(7);
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => alphabet[random.Next(alphabet.Length)]));
            if (!SitePath.TryParse(text, out _, out SiteProblem? problem))
                Assert.InRange(problem.Start + problem.Length, 0, text.Length);
        }
    }

    [Fact]
    public void Placeholders_know_where_they_stand()
    {
        const string text = "blocks.{layer}.attn.z[head={head=0..3}; pos=end]";

        Assert.Equal(
            [("layer", "{layer}"), ("head", "{head=0..3}")],
            SitePath.Parse(text).Placeholders.Select(use => (use.Name, text.Substring(use.Span.Start, use.Span.Length))));
    }

    private static string Show(Selection selection) =>
        (selection.IsSweep ? selection.Placeholder + "=" : "") + (selection.Except ? "!" : "")
        + (selection.Items.Count == 0 ? "*" : string.Join(",", selection.Items.Select(Show)));

    private static string Show(SelectionItem item) =>
        item.Name is not null ? item.Name + (item.First > 0 ? $"+{item.First}" : item.First < 0 ? $"{item.First}" : "") :
        item.First == item.Last ? $"{item.First}" : $"{item.First}..{item.Last}";
}
