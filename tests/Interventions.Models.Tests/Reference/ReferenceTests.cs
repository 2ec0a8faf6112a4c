using Interventions.ModelGraphs;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>Every family against values that transformers computed.</summary>
public sealed class ReferenceTests(ITestOutputHelper output)
{
    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Logits_and_every_site_agree(string name)
    {
        using ReferenceCase reference = new(name);
        foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
        {
            using DisposeScope scope = NewDisposeScope();
            using DecoderModel model = reference.Load(dtype);
            Dictionary<string,
            Tensor> values = GraphEvaluator.Evaluate(model.Graph, reference["input_ids"], [.. reference.Sites, "logits"]);
            Check(reference, $"{dtype} logits", reference.LogitsTolerance, [(values["logits"], reference["logits"], "logits")]);
            Check(reference, $"{dtype} sites", reference.SitesTolerance, reference.Sites.Select(
                site => (values[site], reference[site], site)));
        }
    }

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Gradients_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel model = reference.Load();
        string[] sites = [.. reference.GradientSites];
        Dictionary<string, Tensor> values = GraphEvaluator.Evaluate(
            model.Graph, reference["input_ids"], [.. sites, "logits"], new Dictionary<string, Func<Tensor,
            Tensor>>
            { ["embed"] = x => x.requires_grad_() });
        Tensor last = values["logits"].select(1, -1);
        Tensor tokens = reference["metric_tokens"];
        Tensor metric = (last.gather(1, tokens.narrow(1, 0, 1)) - last.gather(1, tokens.narrow(1, 1, 1))).squeeze(1);
        Check(reference, "metric", reference.LogitsTolerance, [(metric, reference["metric"], "metric")]);
        IList<Tensor> gradients = autograd.grad([metric.sum()], [.. sites.Select(site => values[site])]);
        Check(reference, "gradients", reference.GradientsTolerance, sites.Select(
            (site, i) => (gradients[i], reference[$"grad.{site}"], site)));
    }

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Padding_on_either_side_changes_nothing(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel model = reference.Load();
        Tensor ids = reference["padded.input_ids"], lengths = reference["padded.lengths"], expected = reference["padded.last_logits"];
        Tensor right = model.Forward(ids);
        List<(Tensor, Tensor, string)> pairs = [];
        for (long b = 0; b < ids.shape[0]; b++)
        {
            long length = lengths[b].item<long>(), padding = ids.shape[1] - length;
            Tensor shifted = ids[b].roll(padding, 0).unsqueeze(0), positions = (arange(ids.shape[1]) - padding).unsqueeze(0);
            Tensor left = GraphEvaluator.Evaluate(model.Graph, shifted, ["logits"], positions: positions)["logits"];
            pairs.Add((right[b, length - 1], expected[b], $"prompt {b}, padded on the right"));
            pairs.Add((left[0, -1], expected[b], $"prompt {b}, padded on the left"));
        }
        Check(reference, "padding", reference.LogitsTolerance, pairs);
    }

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Greedy_generation_agrees(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel model = reference.Load();
        Tensor expected = reference["generate.greedy"];
        Tensor actual = model.Generate(reference["generate.prompt"], (int)expected.shape[1]);
        Assert.Equal(expected.data<long>().ToArray(), actual.data<long>().ToArray());
    }

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Interventions_agree(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        using DecoderModel model = reference.Load();
        Tensor ids = reference["input_ids"];
        Tensor Logits(string site, Func<Tensor, Tensor> write) =>
            GraphEvaluator.Evaluate(
                model.Graph, ids, ["logits"], new Dictionary<string, Func<Tensor, Tensor>> { [site] = write })["logits"];

        Tensor z = Logits("blocks.1.attn.z", x =>
        {
            Tensor changed = x.clone();
            changed[.., 5, 1, ..] = 0.0;
            return changed;
        });
        Tensor mean = Logits("blocks.0.mlp_out", x => x.mean([0, 1], keepdim: true).expand(x.shape));
        Tensor patched = Logits("blocks.1.resid_pre", x =>
        {
            Tensor changed = x.clone();
            changed[0, 3] = x[1, 3];
            return changed;
        });
        Check(reference, "interventions", reference.LogitsTolerance,
        [
            (z, reference["ablated.z_1_1_5.logits"], "z"), (mean, reference["ablated.mean_mlp_0.logits"], "mean"),
            (patched, reference["patched.resid_1_3.logits"], "patched"),
        ]);
    }

    [SharedTheory("reference/models")]
    [ReferenceCases]
    public void Both_spellings_of_a_configuration_mean_the_same_model(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using ReferenceCase reference = new(name);
        string legacy = Path.Combine(reference.Folder, "config.legacy.json");
        if (!File.Exists(legacy))
            return;
        using DecoderModel today = reference.Load();
        using DecoderModel before = new(DecoderCheckpoint.Open(
            legacy, reference.Folder, null, new WeightReading(ScalarType.Float32, CPU, new IgnoredTensors([]))));
        Assert.Equal(today.Config, before.Config);
        Tensor ids = reference["input_ids"];
        Assert.True(SmallDecoders.Same(today.Forward(ids), before.Forward(ids)));
    }

    private void Check(
        ReferenceCase reference, string what, double tolerance, IEnumerable<(Tensor Actual, Tensor Expected, string Name)> pairs)
    {
        (string worst, double error) = pairs.Select(pair => (pair.Name, Distance.Largest(pair.Actual, pair.Expected))).MaxBy(
            pair => pair.Item2);
        output.WriteLine($"{reference.Name}: {what}: worst error {error:0.0e+0} at {worst} (tolerance {tolerance:0.0e+0})");
        Assert.True(error <= tolerance, $"{reference.Name}: {what}: {worst} is off by {error:0.0e+0}; the tolerance is {tolerance:0.0e+0}");
    }
}
