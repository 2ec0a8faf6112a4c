using System.Text;
using Interventions.Results;
using Interventions.Runtime;
using Interventions.Tests.Declarations;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Results;

/// <summary>What <c>Console.WriteLine</c> prints of every result type.</summary>
public sealed class PrintedResultTests : IDisposable
{
    private static readonly string[] s_words = ["When", " Mary", " and", "\n", " \"went\"", " off,"];

    private readonly TinyGpt2 _model = TinyGpt2.Random();

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Every_result_is_a_table()
    {
        StringBuilder text = new();
        using (HeadSweep.Result run = new HeadSweep().Run(_model, Prompts(2)))
        {
            Print("run", run);
            Print("run.Clean", run.Clean);
            Print("run.LogitDifference", run.LogitDifference);
            Print("run.LogitDifference.Change", run.LogitDifference.Change);
            Print("run.LogitDifference.Change.Mean()", run.LogitDifference.Change.Mean());
            Print("run.LogitDifference.Top(3)", run.LogitDifference.Top(3));
            Print("run.LogitDifference.Top(3)[0]", run.LogitDifference.Top(3)[0]);
            Print("run.Effects[0]", run.Effects[0]);
            Print("run.Attention[layer: 1, head: 0]", run.Attention[layer: 1, head: 0]);
            Print("run.Clean.Attention", run.Clean.Attention);
        }
        using (Positions.Result run = new Positions().Run(_model, Prompts(1)))
        {
            Print("one prompt: run.LogitDifference", run.LogitDifference);
            Print("one prompt: run.Clean.Norms", run.Clean.Norms);
        }
        Print("prompts", Prompts(14));
        Print("prompts.Prompts[0]", Prompts(1).Prompts[0]);
        Print("prompts of ids", TinyPrompts.FromTokens([new([new([1, 2], [0, 1]), new([1, 3], [0, 1]), new([4, 2], [0, 1])], [5, 6])]));
        Print("graph", new HeadSweep().Graph);
        using (var text4 = new Positions().Generate(_model, Prompts(2), new() { MaxNewTokens = 3, WithBase = true }))
        {
            Print("generation", text4);
            Print("generation[…]", text4[pos: "subject"]);
        }
        TracedSite? last = null;
        foreach (TracedSite site in _model.Trace(tensor(new long[,] { { 1, 2, 3 } }), "blocks.0.attn.q_input", "blocks.1.mlp_out"))
            Print("trace site", last = site);
        Print("trace site, later", last!);
        Snapshot.Verify(text.ToString());

        void Print(string title, object result)
        {
            string printed = result.ToString()!;
            Assert.All(printed.Split('\n'), line => Assert.True(line.Length <= 80, $"{title}: {line}"));
            text.Append("=== ").Append(title).Append('\n').Append(printed.TrimEnd('\n')).Append("\n\n");
        }
    }

    /// <summary>The heads of a model of thirty layers: none is hidden, and every line has its layer.</summary>
    [Fact]
    public void A_wide_grid_is_printed_whole()
    {
        using RunResult run = Swept(layers: 30, heads: 9);
        string[] lines = run["Score"].ToString()!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.Equal(1 + (2 * 31), lines.Length);
        Assert.Equal(["layer \\ head", "0", "1", "2", "3", "4"], Cells(lines[1]));
        Assert.Equal(["layer \\ head", "5", "6", "7", "8"], Cells(lines[32]));
        Assert.Equal(["29", "-0.02900", "-0.02901", "-0.02902", "-0.02903", "-0.02904"], Cells(lines[31]));
        Assert.Equal(["29", "-0.02905", "-0.02906", "-0.02907", "-0.02908"], Cells(lines[62]));

        static string[] Cells(string line) => line.Split("  ", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>What nobody would read whole: the points that matter, and a word on where the others are.</summary>
    [Fact]
    public void Of_a_very_large_grid_the_largest_changes_are_printed()
    {
        using RunResult run = Swept(layers: 80, heads: 64);
        string printed = run["Score"].ToString()!;
        Assert.Contains(
            "The 12 of 5120 points with the largest change; Top(n) gives as many as you ask\n  for, Values all:\nlayer  head ", printed,
            StringComparison.Ordinal);
        Assert.Equal("79", printed.Split('\n')[4].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);
        Assert.Equal("63", printed.Split('\n')[4].Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        Assert.DoesNotContain("…", printed, StringComparison.Ordinal);
    }

    /// <summary>Of a stack, too, and without a sweep.</summary>
    [Fact]
    public void Of_a_very_large_stack_the_largest_means_are_printed()
    {
        Tensor values = arange(48 * 40, dtype: ScalarType.Float64).view(48, 1, 40);
        using RunResult run = new(
            Layout([], new KeptLayout("Norm", [.. Enumerable.Range(0, 48)], IsSwept: false, IsMasked: false, [new KeptAxis("pos", [])])),
            new Dictionary<string, Tensor>
            {
                ["Norm"] = values.clone().DetachFromDisposeScope(),
                ["clean/Norm"] = (-values).DetachFromDisposeScope(),
            });
        string[] lines = run.Layers("Norm", "clean").ToString()!.Split('\n');
        Assert.Equal("The 12 of 1920 means that are largest in absolute terms; Values has all:", lines[1]);
        Assert.Equal(["layer  pos   mean", "   47   39  -1919", "   47   38  -1918"], lines[2..5]);
    }

    /// <summary>A result of a score at every layer and head: less where either is larger.</summary>
    private static RunResult Swept(int layers, int heads)
    {
        ResultLayout layout = Layout(
            [
                new SweepAxis("layer", [.. Enumerable.Range(0, layers).Select(layer => (SweepCoordinate)layer)]),
                new SweepAxis("head", [.. Enumerable.Range(0, heads).Select(head => (SweepCoordinate)head)]),
            ],
            new KeptLayout("Score", [], IsSwept: false, IsMasked: false, []));
        Tensor score = ((arange(layers).unsqueeze(1) * 100) + arange(heads)).to_type(ScalarType.Float64) * -1e-5;
        return new RunResult(layout, new Dictionary<string, Tensor>
        {
            ["Score"] = score.unsqueeze(-1).DetachFromDisposeScope(),
            ["clean/Score"] = zeros(1, dtype: ScalarType.Float64).DetachFromDisposeScope(),
        });
    }

    private static ResultLayout Layout(SweepAxis[] sweep, KeptLayout kept) => new()
    {
        Declaration = "Wide",
        Sweep = [.. sweep],
        Runs = ["clean"],
        BaseRun = "clean",
        Kept = [kept],
        Parameters = [],
        Prompts = [0],
        Positions = ["end"],
        Tokens = [new PromptLayout([new RunLayout(["a"], [0])])],
        Effects = [],
        Notes = [],
    };

    [Fact]
    public void Printing_leaves_no_tensor_behind()
    {
        using HeadSweep.Result run = new HeadSweep().Run(_model, Prompts(2));
        Print();
        long before = LiveTensors.Count();
        Print();
        Assert.Equal(before, LiveTensors.Count());

        void Print() => Assert.NotEmpty(
            $"{run}{run.Clean}{run.LogitDifference}{run.LogitDifference.Change}{run.Clean.Attention}{run.Attention.Mean()}{run.Effects[0]}");
    }

    [Fact]
    public void A_disposed_result_says_so()
    {
        HeadSweep.Result run = new HeadSweep().Run(_model, Prompts(2));
        HeadSweep.Swept kept = run.LogitDifference;
        run.Dispose();
        Assert.Equal("HeadSweep: a result that is disposed", run.ToString());
        Assert.Equal("LogitDifference of a result that is disposed", kept.ToString());
        Assert.Throws<ObjectDisposedException>(() => kept.Change);
    }

    [Fact]
    public void Warnings_are_printed()
    {
        InterventionGraph graph = new()
        {
            Name = "Idle",
            Writes = [BuiltInWrites.Scale("blocks.0.mlp_out", 1)],
            Metrics = [new("Right", [new Read.Logit("right", "end")], x => x[0])],
        };
        using RunResult run = InterventionRunner.Run(graph, _model, Prompts(1));
        Assert.Contains("Idle.Scale changed nothing: 'blocks.0.mlp_out' has the same values", run.ToString());
    }

    [Fact]
    public void A_captured_pattern_is_a_grid_with_the_tokens_of_its_prompt()
    {
        using RunResult run = Intervention.On(_model).Capture("Pattern", "blocks.1.attn.pattern[query=end]").Run(Prompts(1));
        string[] lines = $"{run["Pattern"]}".Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Tensor heads = run["Pattern"].Values.squeeze(2).squeeze(0); // [head, key]
        Assert.All(lines, line => Assert.True(line.Length <= 80, line));
        Assert.Contains("mean over batch, query", lines[0], StringComparison.Ordinal);
        Assert.Contains("1 \" Mary\"", lines[1], StringComparison.Ordinal);
        Assert.Equal(heads.shape[0], lines.Length - 2);
        Assert.All(Enumerable.Range(0, (int)heads.shape[0]), head => Assert.Contains(
            FormattableString.Invariant($"  {heads[head, 4].item<double>():0.000}"), lines[2 + head], StringComparison.Ordinal));
    }

    [Fact]
    public void Of_writes_that_were_not_compared_no_change_is_printed()
    {
        InterventionGraph graph = new()
        {
            Name = "Idle",
            Writes = [new("Doubled", "blocks.0.mlp_out", [new Read.Value()], x => x[0] * 2) { Uncompared = true }],
            Metrics = [new("Right", [new Read.Logit("right", "end")], x => x[0])],
        };
        using RunResult run = InterventionRunner.Run(graph, _model, Prompts(1));
        Assert.Matches(@"Doubled .* 0 +– +–\n", $"{run}");
    }

    /// <summary>Prompts that were made of text.</summary>
    private static TinyPrompts Prompts(int count) => TinyPrompts.FromTokens([.. Enumerable.Range(0, count).Select(i =>
        new PromptTokens([Run(i, 0), Run(i, 1), Run(i, 2)], [7, 9]) { AnswerTexts = [" Mary", " Tom"] })]);

    private static RunTokens Run(int prompt, int run)
    {
        int[] tokens = [.. Enumerable.Range(0, 5).Select(i => (i + (prompt % 2) + (i == 1 ? run : 0)) % s_words.Length)];
        return new([.. tokens.Select(token => (long)token)], [1, 4]) { Texts = [.. tokens.Select(token => s_words[token])] };
    }
}

/// <summary>A sweep of one placeholder, which goes through positions; and a number at every position.</summary>
[Intervention<TinyGpt2, TinyPrompts>]
public sealed partial class Positions
{
    [Patch("blocks.0.resid_post[pos={pos=subject,end}]")]
    static Tensor FromCorrupted([From("corrupted")] Tensor corrupted) => corrupted;

    [Capture("blocks.*.resid_post")]
    static Tensor Norms(Tensor resid) => resid.norm(-1);

    [Metric]
    static Tensor LogitDifference([Logit("right")] Tensor right, [Logit("wrong")] Tensor wrong) => right - wrong;
}
