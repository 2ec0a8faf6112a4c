using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Probes;

/// <summary>Probes of a model's values, and whether the model uses what they find.</summary>
public sealed class ProbeModelTests : IDisposable
{
    private readonly DecoderModel _model = SmallDecoders.Model("gpt2");
    private readonly RandomTexts _texts = new(40, 61, seed: 1, shortest: 5, longest: 8);

    private bool[] Labels => [.. Enumerable.Range(0, 40).Select(prompt => _texts.Tokens(prompt)[^1] % 2 == 0)];

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Every_layer_has_the_probe_that_its_captured_values_have()
    {
        ProbeMethod method = new ProbeMethod.Logistic(1e6);
        using ProbeSweep sweep = Probe.Fit(_model, _texts, "blocks.{layer}.resid_post[pos=end]", Labels, new() { Method = method });
        Assert.Equal(["0", "1", "2"], sweep.Probes.Select(probe => probe.Point[0].Value));
        using RunResult run = Intervention.On(_model).Capture("End", "blocks.*.resid_post[pos=end]").Run(_texts);
        using DisposeScope scope = NewDisposeScope();
        LabelledRows all = new(run.Layers("End")[2].squeeze(1), Labels);
        using Probe alone = Probe.Fit(all.Of(sweep.Split.Train), method);
        Assert.True((alone.Weight - sweep["2"].Probe.Weight).abs().max().item<double>() < 1e-6 * alone.Weight.norm().item<double>());
        Assert.Equal(alone.Evaluate(all.Of(sweep.Split.Test)), sweep["2"].Test);
        // The label is the last token's, which one can read of the first layer.
        Assert.Equal(1, sweep["0"].Train.RocAuc);
        Assert.Contains("layer", $"{sweep}");
        Assert.Contains("shuffled", $"{sweep}");
        Assert.StartsWith("probe of blocks.0.resid_post[pos=end]: ROC-AUC ", $"{sweep["0"]}");
    }

    /// <summary>A fit that is held back so much that it does not know its own rows says nothing of the values.</summary>
    [Fact]
    public void A_probe_that_is_held_back_too_much_says_so()
    {
        // Of the token in front: a property that is in no direction of large variance.
        bool[] labels = [.. _texts.Prompts.SelectMany(prompt => prompt.Runs[0].Ids.SkipLast(1).Select(id => id % 2 == 0))];
        using ProbeSweep weak = Probe.Fit(
            _model, _texts, "blocks.{layer=1..2}.resid_post[pos=1..]", labels, new() { Method = new ProbeMethod.Logistic(1e-6) });
        Assert.Contains("No probe tells apart the rows that it was fitted to", $"{weak}");
        using ProbeSweep strong = Probe.Fit(
            _model, _texts, "blocks.{layer}.resid_post[pos=end]", Labels, new() { Method = new ProbeMethod.Logistic(1e6) });
        Assert.DoesNotContain("No probe", $"{strong}");
    }

    [Fact]
    public void Heads_are_sites_of_their_own_and_positions_rows()
    {
        using ProbeSweep heads = Probe.Fit(_model, _texts, "blocks.{layer=0,2}.attn.z[head={head}; pos=end]", Labels);
        Assert.Equal(8, heads.Probes.Length);
        Assert.Equal("blocks.2.attn.z[head=3; pos=end]", heads["2", "3"].Site);
        Assert.Equal(8, heads["2", "3"].Probe.Weight.shape[0]);
        using ProbeSweep rows = Probe.Fit(_model, _texts, "blocks.1.resid_post[pos=1..]", Labels, new() { ShuffledFits = 0 });
        Assert.Equal(_texts.Prompts.Sum(prompt => prompt.Runs[0].Ids.Count - 1), rows.Split.Train.Length + rows.Split.Test.Length);
        Assert.DoesNotContain("shuffled", $"{rows}");
    }

    [Fact]
    public void Prompts_of_one_entity_are_on_one_side()
    {
        string[] groups = [.. Enumerable.Range(0, 40).Select(prompt => $"entity {prompt / 4}")];
        using ProbeSweep sweep = Probe.Fit(
            _model, _texts, "blocks.{layer=0}.resid_post[pos=end]", Labels, new() { Groups = groups, TestShare = 0.3 });
        Assert.Equal(12, sweep.Split.Test.Length);
        Assert.Empty(sweep.Split.Test.Select(row => row / 4).Intersect(sweep.Split.Train.Select(row => row / 4)));
    }

    [Fact]
    public void What_does_not_fit_is_refused_by_name()
    {
        Assert.Contains("3 labels", Assert.Throws<ArgumentException>(() =>
            Probe.Fit(_model, _texts, "blocks.0.resid_post[pos=end]", [true, false, true])).Message);
        bool[] one = [.. Enumerable.Range(0, 40).Select(prompt => prompt == 7)];
        Assert.Contains("of 40 rows that were split: give more prompts of both classes", Assert.Throws<ArgumentException>(() =>
            Probe.Fit(_model, _texts, "blocks.0.resid_post[pos=end]", one)).Message);
        Assert.Contains("query", Assert.Throws<InterventionException>(() =>
            Probe.Fit(_model, _texts, "blocks.0.attn.pattern[query=end]", Labels)).Message);
        Assert.Contains("layer", Assert.Throws<InterventionException>(() =>
            Probe.Fit(_model, _texts, "blocks.*.resid_post[pos=end]", Labels)).Message);
        Assert.Contains("resid_pots", Assert.Throws<InterventionException>(() =>
            Probe.Fit(_model, _texts, "blocks.{layer}.resid_pots[pos=end]", Labels)).Message);
        Assert.Contains("needs a list", Assert.Throws<InterventionException>(() =>
            Probe.Fit(_model, _texts, "blocks.0.resid_post[pos={pos}]", Labels)).Message);
    }

    [Fact]
    public void A_sweep_is_a_file_of_rows_and_leaves_nothing_behind()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "probes.csv");
        Probe.Fit(_model, _texts, "blocks.{layer}.resid_post[pos=end]", Labels).Dispose();
        long before = LiveTensors.Count();
        using (ProbeSweep sweep = Probe.Fit(_model, _texts, "blocks.{layer}.resid_post[pos=end]", Labels))
            sweep.SaveCsv(path);
        Assert.Equal(before, LiveTensors.Count());
        string[] lines = File.ReadAllLines(path);
        Assert.StartsWith("layer,site,train_accuracy,", lines[0]);
        Assert.EndsWith(",shuffled_pr_auc", lines[0]);
        Assert.Equal(4, lines.Length);
    }

    [Fact]
    public void Random_directions_change_values_by_the_norm_of_the_direction_and_change_it_less()
    {
        const string Site = "blocks.1.resid_post[pos=end]";
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Intervention.On(_model).Capture("End", Site).Run(_texts);
        Tensor values = run.Run("clean")["End"].squeeze(1), mean = values.mean([0L]);
        Tensor u = nn.functional.normalize((values - mean)[3], dim: 0);
        InterventionGraph size = Intervention.On(_model).Metric(
            "Size", (x, clean) => (x - clean).pow(2).sum([1L, 2L]), [Reads.ValueOf(Site), Reads.From("clean", Site)]).Graph;
        CausalCheck sizes = CausalCheck.Of(_model, _texts, Site, u * 5, size);
        double norm = (values - mean).mv(u).pow(2).mean().item<double>();
        Assert.Equal(0, sizes.Clean);
        Assert.All(sizes.RandomChanges.Append(sizes.Change), change => Assert.Equal(norm, change, 1e-9));
        Assert.Equal(Math.Sqrt(norm), sizes.Norm, 1e-9);
        Assert.Equal(20, sizes.RandomChanges.Length);
        // Along no direction do values vary more than along the first principal one.
        Tensor first = linalg.svd(values - mean).Vh[0];
        Assert.True(CausalCheck.Of(_model, _texts, Site, first, size).RandomScale > 1);
        Assert.Null(sizes.Divergence);

        InterventionGraph spread = Intervention.On(_model)
            .Metric("Spread", x => (x.squeeze(1) - mean).mv(u).pow(2), [Reads.ValueOf(Site)]).Graph;
        CausalCheck check = CausalCheck.Of(_model, _texts, Site, u, spread);
        Assert.Equal(-norm, check.Change, 1e-9);
        Assert.All(check.RandomChanges, change => Assert.True(Math.Abs(change) < norm));
        Assert.Equal(1 / 21.0, check.Chance, 1e-12);
        Assert.Contains("random ones, mean", $"{check}");
    }

    [Fact]
    public void Divergence_on_unrelated_text_is_that_of_the_ablation()
    {
        const string Site = "blocks.1.resid_post[pos=0..]";
        RandomTexts unrelated = new(5, 61, seed: 9, shortest: 5, longest: 7);
        using DisposeScope scope = NewDisposeScope();
        using RunResult run = Intervention.On(_model).Capture("All", Site).Run(_texts);
        Tensor u = _model.Weights["embed.weight"][7], mask = run.Changed("All").Mask!;
        Tensor mean = run.Run("clean")["All"].sum([0L, 1L]) / mask.sum();
        InterventionGraph entropy = Intervention.On(_model).Entropy().Graph;
        CausalCheck check = CausalCheck.Of(_model, _texts, Site, u, entropy, new() { Unrelated = unrelated });
        using RunResult ablated = Intervention.On(_model)
            .RemoveDirections(Site, u, mean)
            .Metric(
                "Divergence",
                (changed, clean) => Metrics.KullbackLeibler(changed.flatten(0, 1), clean.flatten(0, 1))
                    .view(clean.shape[0], -1).mean([1L]),
                [Reads.ValueOf("logits"), Reads.From("clean", "logits")])
            .Run(unrelated, new() { Naive = true });
        Assert.Equal(ablated["Divergence"].Values.mean().item<double>(), check.Divergence!.Value, 1e-9);
        Assert.True(check.Divergence > 0);
        Assert.Equal(20, check.RandomDivergences.Length);
        using RunResult related = Intervention.On(_model).RemoveDirections(Site, u, mean).Entropy().Run(_texts);
        Assert.Equal(related["Entropy"].Change.mean().item<double>(), check.Change, 1e-9);
    }

    [Fact]
    public void Edits_as_interventions_are_the_edits_of_values()
    {
        const string Site = "blocks.1.resid_post[pos=end]";
        using DisposeScope scope = NewDisposeScope();
        Tensor directions = _model.Weights["embed.weight"][1..3];
        using RunResult clean = Intervention.On(_model).Capture("Values", Site).Run(_texts);
        using RunResult ablated = Intervention.On(_model)
            .RemoveDirections(Site, directions).Capture("Written", Site).Run(_texts);
        Tensor values = clean["Values"], expected = DirectionEdits.Removed(values, directions);
        Assert.True((ablated["Written"].Values - expected).abs().max().item<double>() < 1e-12);
        Assert.True(expected.matmul(directions.t()).abs().max().item<double>() < 1e-9);

        using RunResult scaled = Intervention.On(_model).Scale("blocks.0.mlp_out", 3).Capture("Values", Site).Run(_texts);
        using RunResult patched = Intervention.On(_model)
            .DeriveRun("other").Scale("blocks.0.mlp_out", 3, run: "other")
            .PatchDirections(Site, directions, "other").Capture("Written", Site).Run(_texts);
        Tensor put = DirectionEdits.Patched(values, scaled["Values"], directions);
        Assert.True((patched["Written"].Values - put).abs().max().item<double>() < 1e-12);
        Assert.True((put - values).abs().max().item<double>() > 1e-3);
    }
}
