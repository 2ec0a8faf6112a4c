using Interventions.Testing.Support;

namespace Interventions.Tool.Tests;

/// <summary>What every command does alike.</summary>
public sealed class CommandLineTests
{
    [Fact]
    public void Help() => Snapshot.Verify(ToolRun.Of("--help").Output);

    [Fact]
    public void Without_a_command_there_is_help()
    {
        ToolRun run = ToolRun.Of();
        Assert.Equal((0, ToolRun.Of("--help").Output, ""), (run.Code, run.Output, run.Error));
    }

    [Theory]
    [InlineData("There is no command 'hoks'; did you mean 'hooks'? (see 'interventions --help').", "hoks", "gpt2")]
    [InlineData("There is no command 'frobnicate' (see 'interventions --help').", "frobnicate")]
    [InlineData("Required argument missing for command: 'inspect' (see 'interventions inspect --help').", "inspect")]
    [InlineData("Unrecognized command or argument 'more' (see 'interventions inspect --help').", "inspect", "a", "more")]
    [InlineData("Unrecognized command or argument '--jsn' (see 'interventions schema --help').", "schema", "a", "--jsn")]
    public void A_wrong_command_line_is_one_sentence(string sentence, params string[] arguments) =>
        Assert.Equal(sentence, ToolRun.Refusal(arguments));

    [Theory]
    [InlineData("hooks")]
    [InlineData("inspect")]
    [InlineData("tokenize")]
    [InlineData("schema")]
    [InlineData("download")]
    [InlineData("generate")]
    public void Every_command_has_help(string command)
    {
        ToolRun run = ToolRun.Of(command, "--help");
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.Contains($"{command} ", run.Output, StringComparison.Ordinal);
        Assert.Contains("--json", run.Output, StringComparison.Ordinal);
    }
}

public sealed class FoldingTests
{
    [Theory]
    [InlineData("a.0.x a.1.x a.2.x", "a.[0..2].x")]
    [InlineData("a.0.x a.2.x", "a.[0,2].x")]
    [InlineData("a.10.x a.9.x b", "a.[9..10].x b")]
    [InlineData("m.0.e.0.w m.0.e.1.w m.1.e.0.w m.1.e.1.w", "m.[0..1].e.[0..1].w")]
    [InlineData("m.0.e.0.w m.0.e.1.w m.1.e.0.w", "m.0.e.[0..1].w m.1.e.0.w")]
    [InlineData("a.1 a.x", "a.1 a.x")]
    [InlineData("", "")]
    public void What_differs_in_numbers_alone_is_one(string names, string folded)
    {
        string[] items = names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        IReadOnlyList<Folded<string>> lines = Folding.Fold(items, name => name, _ => "");
        Assert.Equal(folded, string.Join(' ', lines.Select(line => line.Name)));
        Assert.Equal(items.Length, lines.Sum(line => line.Count));
    }

    [Fact]
    public void What_differs_otherwise_stays_apart() => Assert.Equal(
        ["a.[0..1]", "a.2"],
        Folding.Fold([("a.0", 1), ("a.1", 1), ("a.2", 2)], item => item.Item1, item => item.Item2).Select(line => line.Name));
}
