using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Declarations;

/// <summary>Calls are refused in the words of the compiler: names of the model at the call, those of the prompts before the pass.</summary>
public sealed class RefusedCallTests : IDisposable
{
    private static readonly Dictionary<string, Func<Intervention, Intervention>> s_calls = new()
    {
        ["layer"] = on => on.Patch("blocks.12.mlp_out", from: "corrupted"),
        ["site"] = on => on.Zero("blocks.0.mpl_out"),
        ["grammar"] = on => on.Zero("blocks.0.mlp_out[pos=end"),
        ["axis"] = on => on.Capture("Kept", "blocks.0.mlp_out[head=1]"),
        ["head"] = on => on.Scale("blocks.0.attn.z[head=3]", 0),
        ["donor site"] = on => on.Patch("blocks.0.mlp_out", x => x, from: Reads.From("clean", "blocks.0.resid_pots")),
        ["second value"] = on => on.Patch("blocks.0.mlp_out", (x, y) => x + y),
        ["too many reads"] = on => on.Patch("blocks.0.mlp_out", x => x, from: ["clean", "corrupted"]),
        ["logits in a patch"] = on => on.Patch("blocks.0.mlp_out", (x, right) => x, from: Reads.Logit("right")),
        ["a metric's value"] = on => on.Metric("M", right => right, from: "right"),
        ["a metric without reads"] = on => on.Metric("M", right => right, from: []),
        ["two results"] = on => on.LogitDifference("right", "wrong").Capture("LogitDifference", "embed"),
        ["a result's name"] = on => on.Capture("clean/embed", "embed"),
        ["upstream"] = on => on.PathPatch("blocks.1.attn.z[head=0]", ["blocks.0.attn.q_input"]).Measured(),
        ["no receivers"] = on => on.PathPatch("blocks.0.attn.z[head=0]", []),
        ["strength"] = on => on.Add("embed", zeros(12), "alpha"),
        ["run"] = on => on.Patch("embed", from: "corupted").Measured(),
        ["position"] = on => on.Zero("embed[pos=subjct]").Measured(),
        ["answer"] = on => on.LogitDifference("right", "wrnog"),
        ["logits' position"] = on => on.Entropy(at: "ned"),
        ["changed run"] = on => on.Changes("dirty").Measured(),
        ["derived run"] = on => on.Zero("embed", run: "direct").Measured(),
        ["later value"] = on => on.Patch("blocks.0.mlp_out", x => x, from: Reads.ValueOf("blocks.1.mlp_out")).Measured(),
        ["own run"] = on => on.DeriveRun("direct").Patch("embed", from: "direct", run: "direct").Patch("embed", from: "direct").Measured(),
        ["unread"] = on => on.Zero("blocks.1.mlp_out").Capture("Early", "blocks.0.mlp_out"),
        ["unread in a run"] = on => on.DeriveRun("direct").Zero("blocks.1.mlp_out", run: "direct")
            .Patch("blocks.0.mlp_out", from: "direct").Measured(),
        ["nothing before"] = on => on.Zero("blocks.1.mlp_out").Capture("Before", "blocks.0.mlp_out", beforeWrites: true).Measured(),
        ["gradient"] = on => on.Gradient("G", "embed"),
        ["point"] = on => on.Zero("blocks.{layer}.attn.z[head={head}]").Sweep("layer, head", ["1.2", "2.1"]),
        ["point first"] = on => on.Sweep("layer, head", [(1, 2), (2, 1)]).Zero("blocks.{layer}.attn.z[head={head}]"),
        ["donor's point"] = on => on.Sweep("source", 1, 3)
            .Patch("blocks.1.mlp_out", (x, z) => x, from: Reads.From("clean", "blocks.{source}.attn_out")),
        ["no point"] = on => on.Sweep("layer, head", "1"),
        ["numbers for points"] = on => on.Sweep("layer, head", 1, 2),
        ["no list"] = on => on.Sweep("layer, head", new[] { 1, 2 }.Select(layer => (layer, 1L))),
        ["unread option"] = on => on.Mix("embed", ones(1), [], Ablation.Zero, from: "corrupted"),
        ["unread seed"] = on => on.Mix("embed", ones(1), [], seed: 3),
        ["words in a patch"] = on => on.Patch("embed", (x, words) => x, from: Reads.Logit([" a"])),
        ["words"] = on => on.Metric("M", words => words.sum(-1), from: Reads.Logit([" a"])),
        ["listed position"] = on => on.Zero("embed[pos={p}]").Sweep("p", "end", "verb").Measured(),
        ["listed run"] = on => on.Patch("embed", from: "{donor}").Sweep("donor", "corrupted", "dirty").Measured(),
        ["own value"] = on => on.Patch("embed", from: "clean").Measured(),
        ["own value of a method"] = on => on.Changes("corrupted").Measured()
            .Patch("blocks.{layer}.mlp_out", (x, corrupted) => x + corrupted, from: "corrupted", name: "Sum"),
        ["own value of a mask"] = on => on.Mix("blocks.*.mlp_out", ones(2), ["layer"], from: "clean").Measured(),
        ["own value of a sender"] = on => on.Changes("corrupted").PathPatch("blocks.0.attn.z[head=0]", ["logits"]).Measured(),
        ["own value in a run"] = on => on.DeriveRun("direct").Patch("embed", from: "clean", run: "direct")
            .Patch("blocks.0.mlp_out", from: "direct").Measured(),
        ["shape"] = on => on.Add("embed", zeros(5, dtype: float64)).Measured(),
    };

    private readonly TinyGpt2 _model = TinyGpt2.Random();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _model.Dispose();
    }

    [Theory]
    [InlineData(
        "layer", "Patch(\"blocks.12.mlp_out\"): layer 12 of 'blocks.12.mlp_out' is out of range: TinyGpt2 has 2 layers (0 to 1)")]
    [InlineData("site", "Zero(\"blocks.0.mpl_out\"): TinyGpt2 has no site 'blocks.0.mpl_out'; did you mean 'blocks.0.mlp_out'?")]
    [InlineData("grammar", "Zero(\"blocks.0.mlp_out[pos=end\"): ")]
    [InlineData("axis", "Capture(\"Kept\"): 'blocks.0.mlp_out' has no axis 'head'")]
    [InlineData(
        "head", "Scale(\"blocks.0.attn.z[head=3]\"): head 3 of 'blocks.0.attn.z[head=3]' is out of range: TinyGpt2 has 3 heads (0 to 2)")]
    [InlineData(
        "donor site", "Patch(\"blocks.0.mlp_out\"): TinyGpt2 has no site 'blocks.0.resid_pots'; did you mean 'blocks.0.resid_post'?")]
    [InlineData("second value", "already has the selected value as 'x'; say what 'y' reads, as in from: \"…\"")]
    [InlineData("too many reads", "'from' has 2 reads, and the method 1 parameters")]
    [InlineData("logits in a patch", "Reads.Logit belongs to a [Metric]")]
    [InlineData("a metric's value", "has no site of its own; say what 'right' reads, as in from: Reads.Logit(\"right\")")]
    [InlineData("a metric without reads", "has no site of its own; say what 'right' reads, as in from: Reads.Logit(\"…\")")]
    [InlineData(
        "two results", "Capture(\"LogitDifference\"): The result already has a 'LogitDifference'; what is kept needs different names")]
    [InlineData("a result's name", "'clean/embed' is no name of a result")]
    [InlineData("no receivers", "'blocks.0.attn.z[head=0]' has no receivers, so nothing is patched")]
    [InlineData("strength", "'alpha' is no strength: write a number, or a placeholder in braces, as in \"{alpha}\"")]
    [InlineData(
        "point", "Sweep(\"layer, head\"): 'layer, head' cannot go through 2.1: layer 2 of '{layer}' is out of range: TinyGpt2 has 2 layers")]
    [InlineData(
        "point first", "Sweep(\"layer, head\"): 'layer, head' cannot go through 2.1: layer 2 of '{layer}' is out of range: TinyGpt2 has 2")]
    [InlineData("donor's point", "'source' cannot go through 3: layer 3 of '{source}' is out of range: TinyGpt2 has 2 layers (0 to 1)")]
    [InlineData("no point", "Sweep(\"layer, head\"): '1' is no point of layer, head: it has one coordinate for each, as in '3.4'")]
    [InlineData(
        "numbers for points", "'layer, head' go through points, which are texts: [Sweep(\"layer, head\", \"23.3\", \"20.0\")]")]
    [InlineData(
        "no list", "'points' lists nothing that 'layer, head' can go through: it needs a list of (int, int), of int, double or string")]
    [InlineData("unread option", "Mix(\"embed\"): 'Mix' says 'From', and Ablation.Zero does not read it")]
    [InlineData("unread seed", "Mix(\"embed\"): 'Mix' says 'Seed', and another run's value does not read it")]
    [InlineData("words in a patch", "Reads.Logit belongs to a [Metric]")]
    public void What_the_model_decides_is_refused_at_the_call(string call, string message)
    {
        InterventionException refused = Assert.Throws<InterventionException>(() => s_calls[call](Intervention.On(_model)));
        Assert.StartsWith("Intervention.", refused.Message, StringComparison.Ordinal);
        Assert.Contains(message, refused.Message);
    }

    [Theory]
    [InlineData("run", "Patch(\"embed\"): TinyPrompts has no run 'corupted'; did you mean 'corrupted'?")]
    [InlineData("position", "Zero(\"embed[pos=subjct]\"): TinyPrompts has no position 'subjct'; did you mean 'subject'?")]
    [InlineData("answer", "Metric(\"LogitDifference\"): TinyPrompts has no answer 'wrnog'; did you mean 'wrong'?")]
    [InlineData("logits' position", "Metric(\"Entropy\"): TinyPrompts has no position 'ned'; did you mean 'end'?")]
    [InlineData("changed run", "Changes(\"dirty\"): TinyPrompts has no run 'dirty'")]
    [InlineData("derived run", "Zero(\"embed\"): run 'direct' is not derived: call DeriveRun(\"direct\")")]
    [InlineData("later value", "'blocks.0.mlp_out' is written before 'blocks.1.mlp_out', which it reads, exists in the same run")]
    [InlineData("own run", "'embed' is written before its own run 'direct', which it reads, is complete")]
    [InlineData(
        "upstream", "'blocks.0.attn.q_input' is not downstream of 'blocks.1.attn.z': nothing that the sender changes reaches it")]
    [InlineData("unread", "Nothing that is kept reads what is written to 'blocks.1.mlp_out': it all comes before, or is of another run")]
    [InlineData(
        "unread in a run",
        "Nothing that is kept reads what is written to 'blocks.1.mlp_out' in run 'direct': it all comes before, or is of another run")]
    [InlineData("nothing before", "Nothing writes 'blocks.0.mlp_out' in the changed run, so there is no value before")]
    [InlineData("gradient", "a gradient needs a metric")]
    [InlineData("shape", "Intervention.Add is [5], which does not broadcast to the values that 'embed' selects")]
    [InlineData("words", "TinyGpt2 has no tokenizer, so that \" a\" of Words has no token")]
    [InlineData("listed position", "Sweep(\"p\"): 'p' cannot go through verb: TinyPrompts has no position 'verb'")]
    [InlineData("listed run", "Sweep(\"donor\"): 'donor' cannot go through dirty: TinyPrompts has no run 'dirty'")]
    [InlineData(
        "own value",
        "Patch: [Patch] reads run 'clean', which is the run that is written, so it finds the value that is there: say From = "
            + "\"corrupted\", or [Changes(\"corrupted\")] to write the other run")]
    [InlineData(
        "own value of a method",
        "Sum: 'Sum' reads run 'corrupted', which is the run that is written, so it finds the value that is there: read [From(\"clean\")]")]
    [InlineData("own value of a mask", "Mix: [Mix] reads run 'clean', which is the run that is written")]
    [InlineData("own value of a sender", "PathPatch: [PathPatch] reads run 'corrupted', which is the run that is written")]
    [InlineData("own value in a run", "Patch: [Patch] reads run 'clean', which is the run that is written")]
    public void What_the_prompts_decide_is_refused_before_the_pass(string call, string message)
    {
        Intervention calls = s_calls[call](Intervention.On(_model));
        TinyPrompts prompts = DeclarationTests.Prompts(6, 4);
        Assert.Contains(message, Assert.Throws<InterventionException>(() => calls.Run(prompts)).Message);
        Assert.Contains(message, Assert.Throws<InterventionException>(() => calls.Explain(prompts)).Message);
    }

    /// <summary>Of another run, another site or other prompts; behind another write, or behind itself in an earlier layer.</summary>
    [Fact]
    public void A_write_that_reads_something_else_is_not_refused()
    {
        Intervention on = Intervention.On(_model).Measured();
        Intervention[] all =
        [
            on.Changes("corrupted").Patch("embed", from: "clean"),
            on.Patch("embed", x => x * 2).Patch("embed", from: "clean").Patch("embed", x => x * 3),
            on.Scale("embed", 2).Patch("blocks.1.mlp_out", from: "clean"),
            on.Patch("blocks.*.mlp_out", (x, clean) => (x + clean) * 2, from: "clean"),
            on.Patch("embed", (x, clean, other) => x + other - clean, from: ["clean", "other"]),
            on.Patch("blocks.1.mlp_out", (x, early) => early, from: Reads.From("clean", "blocks.0.mlp_out")),
            on.Sweep("donor", "clean", "corrupted").Patch("embed", from: "{donor}"),
            on.Mix("blocks.1.mlp_out", tensor(0.5), [], Ablation.Mean, from: "clean"),
            on.Mean("embed", from: "clean").Freeze("blocks.0.mlp_out", from: "clean"),
        ];
        TinyPrompts prompts = DeclarationTests.Prompts(6, 4);
        Assert.All(all, calls =>
        {
            using RunResult run = calls.Run(prompts);
            Assert.NotEmpty(run.Effects);
        });
    }

    [Fact]
    public void A_path_patch_of_a_graph_is_refused_too()
    {
        InterventionGraph graph = Runtime.PathPatching.PathPatch(
            Intervention.On(_model).LogitDifference("right", "wrong").Graph, "blocks.1.attn.z[head=0]", ["blocks.0.attn.q_input"],
            "corrupted");
        Assert.Contains(
            "PathPatch: 'blocks.0.attn.q_input' is not downstream of 'blocks.1.attn.z'",
            Assert.Throws<InterventionException>(() => graph.Run(_model, DeclarationTests.Prompts(6))).Message);
    }

    [Fact]
    public void A_sweep_is_asked_by_the_names_of_its_placeholders()
    {
        using RunResult run = Intervention.On(_model).Zero("blocks.{layer}.attn.z[head={head}]").LogitDifference("right", "wrong")
            .Run(DeclarationTests.Prompts(6));
        Assert.Contains("Nothing is kept under 'LogitDiference'", Assert.Throws<KeyNotFoundException>(() => run["LogitDiference"]).Message);
        SweptTensor swept = run["LogitDifference"];
        Assert.Contains("'head' is missing; its placeholders are layer, head", Message(("layer", 1)));
        Assert.Contains("The sweep has no 'heads'", Message(("layer", 1), ("heads", 1)));
        Assert.Contains("two values of 'layer'", Message(("layer", 1), ("layer", 0)));

        string Message(params (string, SweepCoordinate)[] point) => Assert.Throws<ArgumentException>(() => swept[point]).Message;
    }
}

/// <summary>What makes a declaration worth running.</summary>
file static class MeasuredCalls
{
    public static Intervention Measured(this Intervention calls) => calls.LogitDifference("right", "wrong");
}
