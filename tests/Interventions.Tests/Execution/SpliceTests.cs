using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Tests.Execution;

/// <summary>Encoder–decoders in the model against forward passes written out by hand.</summary>
public sealed class SpliceTests : IDisposable
{
    private const int Features = 5;

    private static readonly MetricNode s_logitDifference = new(
        "LogitDifference", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly ToyModel _model = new();
    private readonly ToyPrompts _prompts = ToyPrompts.Random(3, 4, 4);
    private readonly LinearSae _sae = LinearSae.Random(1), _other = LinearSae.Random(2);

    public void Dispose()
    {
        _model.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void Unedited_features_leave_every_value_as_it_was_bit_for_bit()
    {
        InterventionGraph plain = new() { Name = "Plain", Captures = [Capture("logits"), Capture("blocks.0.resid")] };
        using RunResult without = Run(plain);
        // Read only, and written with themselves, so that the value passes through decoder and error.
        WriteNode[] identities =
        [
            BuiltInWrites.Scale("blocks.*.resid.sae.features", 1), BuiltInWrites.Scale("blocks.1.resid.sae.reconstruction", 1),
        ];
        foreach (WriteNode[] writes in new WriteNode[][] { [], identities })
        {
            using RunResult spliced = Run((plain with { Captures = plain.Captures.Add(Capture("blocks.0.resid.sae.features")) })
                .Splice("Sae", "blocks.*.resid", _sae).Then(writes));
            foreach (string name in new[] { "logits", "blocks.0.resid" })
            {
                Assert.True(without.Changed(name).Values.Equals(spliced.Changed(name).Values));
                Assert.True(without.Run("corrupted")[name].Equals(spliced.Run("corrupted")[name]));
            }
        }
    }

    [Fact]
    public void Inner_sites_are_what_they_say_in_every_run()
    {
        using RunResult run = Run(new InterventionGraph
        {
            Name = "Inner",
            Captures = [
                Capture("blocks.0.resid.sae.original"), Capture("blocks.0.resid.sae.features"),
                Capture("blocks.0.resid.sae.reconstruction"), Capture("blocks.0.resid.sae.error")],
        }.Splice("Sae", "blocks.0.resid", _sae));
        foreach ((string name, int number) in new[] { ("clean", 0), ("corrupted", 1) })
        {
            Tensor x = Forward(number)["blocks.0.resid"];
            IReadOnlyDictionary<string, Tensor> values = run.Run(name);
            Close(x, values["blocks.0.resid.sae.original"]);
            Close(_sae.Encode(x), values["blocks.0.resid.sae.features"]);
            Close(_sae.Decode(_sae.Encode(x), x), values["blocks.0.resid.sae.reconstruction"]);
            Close(x - _sae.Decode(_sae.Encode(x), x), values["blocks.0.resid.sae.error"]);
        }
    }

    [Fact]
    public void An_edit_is_decoded_and_the_error_added()
    {
        using RunResult run = Run(Edit(errorTerm: true));
        Tensor x = Forward(0)["blocks.0.resid"], f = _sae.Encode(x), edited = f.clone();
        edited[.., 2, 3] = edited[.., 2, 3] * 2 + 1;
        Tensor y = _sae.Decode(edited, x) + x - _sae.Decode(f, x);
        Close(y, run.Changed("blocks.0.resid").Values);
        Close(Forward(0, ("blocks.0.resid", _ => y))["logits"], run.Changed("logits").Values);
        // One position of one feature: the decoder's row, and nothing elsewhere.
        Close((f[.., 2, 3] + 1).unsqueeze(1) * _sae.Decoder[3], (y - x)[.., 2]);
        Close(Forward(0)["logits"], run.Run("clean")["logits"]);
    }

    [Fact]
    public void Without_the_error_term_the_changed_run_has_the_reconstruction()
    {
        using RunResult run = Run(Edit(errorTerm: false));
        Tensor x = Forward(0)["blocks.0.resid"], edited = _sae.Encode(x);
        edited[.., 2, 3] = edited[.., 2, 3] * 2 + 1;
        Close(_sae.Decode(edited, x), run.Changed("blocks.0.resid").Values);
        Close(x, run.Run("clean")["blocks.0.resid"]);
        Close(Forward(0)["logits"], run.Run("clean")["logits"]);
        Assert.True((run.Changed("logits").Values - Forward(0)["logits"]).abs().max().item<double>() > 1e-3);
    }

    [Fact]
    public void Ablating_the_error_gives_the_reconstruction_where_it_is_ablated()
    {
        using RunResult run = Run(new InterventionGraph { Name = "Error", Captures = [Capture("blocks.1.resid")] }
            .Splice("Sae", "blocks.1.resid", _sae).Then(BuiltInWrites.Zero("blocks.1.resid.sae.error[pos=1..-1]")));
        Tensor x = Forward(0)["blocks.1.resid"], reconstruction = _sae.Decode(_sae.Encode(x), x);
        Close(reconstruction[.., 1..], run.Changed("blocks.1.resid").Values[.., 1..]);
        Close(x[.., 0], run.Changed("blocks.1.resid").Values[.., 0]);
    }

    [Fact]
    public void Several_layers_compound_each_with_its_own_splice()
    {
        using RunResult run = Run(
            new InterventionGraph { Name = "Layers", Captures = [Capture("logits"), Capture("blocks.*.resid.both_saes.features")] }
            .Splice("BothSAEs", "blocks.*.resid", [_sae, _other], errorTerm: false));
        Tensor expected = Forward(
            0, ("blocks.0.resid", x => _sae.Decode(_sae.Encode(x), x)),
            ("blocks.1.resid", x => _other.Decode(_other.Encode(x), x)))["logits"];
        Close(expected, run.Changed("logits").Values);
        Assert.Equal([2, 2, 4, Features], run.Changed("blocks.*.resid.both_saes.features").Values.shape);
        Close(_other.Encode(Forward(0)["blocks.1.resid"]), run.Run("clean")["blocks.*.resid.both_saes.features"][1]);
    }

    [Fact]
    public void Features_are_swept_one_at_a_time_and_layers_are_the_spliced_ones()
    {
        using RunResult run = Run(new InterventionGraph { Name = "Sweep", Metrics = [s_logitDifference] }
            .Splice("Sae", "blocks.1.resid", _sae).Then(BuiltInWrites.Zero("blocks.{layer}.resid.sae.features[feature={f}; pos=end]")));
        SweptTensor swept = run.Changed("LogitDifference");
        Assert.Equal([1, Features, 2], swept.Values.shape);
        Assert.Equal([0, 1, 2, 3, 4], swept.Points().Select(point => point["f"]));
        Assert.All(swept.Points(), point => Assert.Equal(1, point["layer"]));
        Tensor x = Forward(0)["blocks.1.resid"], f = _sae.Encode(x);
        for (int feature = 0; feature < Features; feature++)
        {
            Tensor y = x.clone();
            y[.., -1] = x[.., -1] - (f[.., -1, feature].unsqueeze(1) * _sae.Decoder[feature]);
            Close(Difference(Forward(0, ("blocks.1.resid", _ => y))["logits"]), swept.Values[0, feature]);
        }
    }

    [Fact]
    public void Another_runs_features_are_donors()
    {
        using RunResult run = Run(new InterventionGraph { Name = "Donor", Captures = [Capture("blocks.0.resid")] }
            .Splice("Sae", "blocks.0.resid", _sae)
            .Then(BuiltInWrites.Freeze("blocks.0.resid.sae.features", "corrupted"), BuiltInWrites.Freeze(
                "blocks.0.resid.sae.error", "corrupted")));
        Close(Forward(1)["blocks.0.resid"], run.Changed("blocks.0.resid").Values);
    }

    [Fact]
    public void Writes_before_the_splice_change_what_is_encoded_and_later_ones_what_it_gave()
    {
        Tensor vector = arange(ToyModel.Width, dtype: float64);
        WriteNode add = BuiltInWrites.Add("Direction", "blocks.0.resid", vector, 1);
        InterventionGraph graph = new()
        {
            Name = "Order",
            Captures = [
            Capture("blocks.0.resid"), Capture("blocks.0.resid.sae.original"),
            Capture("blocks.0.resid") with { Name = "Before", BeforeWrites = true }]
        };
        using RunResult before = Run(graph.Then(add).Splice("Sae", "blocks.0.resid", _sae, errorTerm: false));
        using RunResult after = Run(graph.Splice("Sae", "blocks.0.resid", _sae, errorTerm: false).Then(add));
        using RunResult included = Run(new InterventionGraph { Name = "Including", Captures = graph.Captures }
            .Including(
                new InterventionGraph { Name = "Included" }.Then(add).Splice("Sae", "blocks.0.resid", _sae, errorTerm: false), "Inner"));
        Tensor x = Forward(0)["blocks.0.resid"];
        Close(_sae.Decode(_sae.Encode(x + vector), x), before.Changed("blocks.0.resid").Values);
        Close(x + vector, before.Changed("blocks.0.resid.sae.original").Values);
        Close(_sae.Decode(_sae.Encode(x), x) + vector, after.Changed("blocks.0.resid").Values);
        Close(before.Changed("blocks.0.resid").Values, included.Changed("blocks.0.resid").Values);
        Close(x, before.Changed("Before").Values);
        Close(x, after.Changed("Before").Values);
    }

    [Fact]
    public void Included_writes_come_before_the_includers_splice()
    {
        Tensor vector = ones(ToyModel.Width, dtype: float64);
        using RunResult run = Run(new InterventionGraph { Name = "Including", Captures = [Capture("blocks.0.resid")] }
            .Including(
                new InterventionGraph { Name = "Included", Writes = [BuiltInWrites.Add("Direction", "blocks.0.resid", vector, 1)] },
                "Inner")
            .Splice("Sae", "blocks.0.resid", _sae, errorTerm: false));
        Tensor x = Forward(0)["blocks.0.resid"];
        Close(_sae.Decode(_sae.Encode(x + vector), x), run.Changed("blocks.0.resid").Values);
    }

    [Fact]
    public void A_transcoder_reads_one_site_and_replaces_another()
    {
        using RunResult run = Run(
            new InterventionGraph
            {
                Name = "Transcoder",
                Captures = [
                Capture("blocks.1.out"), Capture("blocks.1.out.sae.error") with { BeforeWrites = true }]
            }
            .Splice("Sae", "blocks.*.out", _sae, reads: "embed", errorTerm: false));
        Tensor embed = Forward(0)["embed"], reconstruction = _sae.Decode(_sae.Encode(embed), embed);
        Close(reconstruction, run.Changed("blocks.1.out").Values);
        Close(Forward(0)["blocks.1.out"] - reconstruction, run.Run("clean")["blocks.1.out.sae.error"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_gradient_of_features_is_the_sites_seen_through_the_decoder(bool detachError)
    {
        using RunResult run = Run(new InterventionGraph
        {
            Name = "Gradient",
            Metrics = [s_logitDifference],
            Gradients = [
                Gradient("blocks.0.resid"), Gradient("blocks.0.resid.sae.features"), Gradient("blocks.0.resid.sae.error"),
                Gradient("embed")],
        }.Splice("Sae", "blocks.0.resid", _sae, detachError: detachError));
        Tensor x = Forward(0)["blocks.0.resid"];
        Tensor site = SiteGradient("blocks.0.resid"), embed = SiteGradient("embed");
        foreach (Func<string, Tensor> kept in new Func<string, Tensor>[]
            { name => run.Changed(name).Values, name => run.Run("clean")[name] })
        {
            Close(site, kept("blocks.0.resid"));
            Close(site, kept("blocks.0.resid.sae.error"));
            Close(site.matmul(_sae.Decoder.t()), kept("blocks.0.resid.sae.features"));
            if (!detachError)
                Close(embed, kept("embed"));
            else
                Assert.True((embed - kept("embed")).abs().max().item<double>() > 1e-3);
        }
    }

    [Fact]
    public void With_a_constant_error_gradients_pass_through_the_features_alone()
    {
        using RunResult run = Run(
            new InterventionGraph
            {
                Name = "Detached",
                Metrics = [s_logitDifference],
                Gradients = [
                Gradient("blocks.0.resid.sae.original")]
            }
            .Splice("Sae", "blocks.0.resid", _sae, detachError: true));
        Tensor x = Forward(0)["blocks.0.resid"], active = _sae.Encode(x).gt(0).to(float64);
        Close((SiteGradient("blocks.0.resid").matmul(_sae.Decoder.t()) * active).matmul(_sae.Encoder.t()), run.Run("clean")[
            "blocks.0.resid.sae.original"]);
    }

    [Fact]
    public void A_splice_borrows_its_weights_and_leaves_the_model_alone()
    {
        InterventionGraph graph = Edit(errorTerm: false);
        int nodes = _model.Graph.Nodes.Length;
        for (int i = 0; i < 2; i++)
        {
            using RunResult run = Run(graph);
            Assert.False(_sae.Decoder.IsInvalid);
        }
        Assert.Equal(nodes, _model.Graph.Nodes.Length);
        Assert.DoesNotContain(_model.Schema.Sites, site => site.Splice is not null);
    }

    [Theory]
    [InlineData("blocks.1.resid[pos=end]", null, "takes no selectors")]
    [InlineData("blocks.{layer}.resid", null, "sweeps nothing")]
    [InlineData("blocks.1.residd", null, "did you mean 'blocks.1.resid'?")]
    [InlineData("blocks.1.result", null, "lies beside the model's ordinary path")]
    [InlineData("blocks.0.out", "blocks.1.out", "'blocks.1.out' is computed after 'blocks.0.out'")]
    [InlineData("blocks.0.out", "blocks.*.resid", "each splice reads one site")]
    public void A_splice_that_cannot_stand_there_is_refused_before_the_pass(string site, string? reads, string message) =>
        Refused(message, new InterventionGraph { Name = "Wrong" }.Splice("Sae", site, _sae, reads));

    [Theory]
    [InlineData("Sae", "sae")]
    [InlineData("SAE", "sae")]
    [InlineData("ResidualSae4", "residual_sae4")]
    [InlineData("SAEOfMlp", "sae_of_mlp")]
    [InlineData("BothSAEs", "both_saes")]
    [InlineData("SAEsOfMlp", "saes_of_mlp")]
    [InlineData("mlp_Sae", "mlp_sae")]
    public void Inner_sites_are_named_after_the_property(string property, string segment) =>
        Assert.Equal(segment, new SpliceNames(property, "embed", null, null).Segment);

    [Fact]
    public void Splices_that_do_not_fit_are_refused()
    {
        InterventionGraph graph = new() { Name = "Wrong" };
        Refused("'blocks.0.resid' is spliced twice", graph.Splice("Sae", "blocks.0.resid", _sae).Splice("Other", "blocks.*.resid", _sae));
        Refused("Wrong.Sae holds 2 splices, and 'blocks.0.resid' names 1 site:", graph.Splice("Sae", "blocks.0.resid", [_sae, _other]));
        Refused("has 5 features, and its [Splice] says Features = 6", graph.Splice("Sae", "blocks.0.resid", _sae, features: 6));
        Refused("the splices have 5, 7 features", graph.Splice("Sae", "blocks.*.resid", [_sae, LinearSae.Random(3, 7)]));
        Refused("feature 5 of 'blocks.0.resid.sae.features[feature=5]' is out of range: Sae has 5 features (0 to 4)",
            graph.Splice("Sae", "blocks.0.resid", _sae).Then(BuiltInWrites.Zero("blocks.0.resid.sae.features[feature=5]")));
        Refused("layer 1 has no 'blocks.1.resid.sae.error': Sae is spliced into layer 0",
            graph.Splice("Sae", "blocks.0.resid", _sae).Then(BuiltInWrites.Zero("blocks.1.resid.sae.error")));
        Refused("did you mean 'blocks.0.resid.sae.features'?",
            graph.Splice("Sae", "blocks.0.resid", _sae).Then(BuiltInWrites.Zero("blocks.0.resid.sae.feature")));
        Refused("Encode returned [1, 2, 3] for [1, 2, 6]; it must return [batch=1, pos=2, feature=5]",
            graph.Splice(
                "Sae", "blocks.0.resid", new LinearSae(ones(6, 3, dtype: float64), ones(3, 6, dtype: float64)) { Claims = 5 },
                errorTerm: false));
        Refused("Decode returned [1, 2, 3]; what it replaces is [1, 2, 6]",
            graph.Splice("Sae", "blocks.0.resid", new LinearSae(ones(6, 5, dtype: float64), ones(5, 3, dtype: float64)), errorTerm: false));
        Assert.Contains(
            "Wrong.Sae is null", Assert.Throws<InterventionException>(() => graph.Splice("Sae", "blocks.0.resid", (ISplice)null!)).Message,
            StringComparison.Ordinal);
    }

    private InterventionGraph Edit(bool errorTerm) =>
        new InterventionGraph { Name = "Edit", Captures = [Capture("blocks.0.resid"), Capture("logits")] }
            .Splice("Sae", "blocks.0.resid", _sae, errorTerm: errorTerm)
            .Then(new WriteNode("Double", "blocks.0.resid.sae.features[feature=3; pos=2]", [new Read.Value()], x => (x[0] * 2) + 1));

    private static CaptureNode Capture(string site) => new(site, site, [new Read.Value()], x => x[0]);

    private static GradientNode Gradient(string site) => new(site, site, [new Read.Gradient()], x => x[0]);

    private RunResult Run(InterventionGraph graph) => InterventionRunner.Run(graph, _model, _prompts);

    private void Refused(string message, InterventionGraph graph) =>
        Assert.Contains(
            message, Assert.Throws<InterventionException>(() => InterventionRunner.Run(graph, _model, _prompts)).Message,
            StringComparison.Ordinal);

    private Tensor Ids(int run) => stack(_prompts.Prompts.Select(prompt => tensor(prompt.Runs[run].Ids.ToArray())));

    private Dictionary<string,
    Tensor> Forward(int run, params (string Node, Func<Tensor, Tensor> Write)[] writes) => GraphEvaluator.Evaluate(
        _model.Graph, Ids(run), ["embed", "blocks.0.resid", "blocks.1.out", "blocks.1.resid", "logits"],
        writes.ToDictionary(write => write.Node, write => write.Write));

    private Tensor Difference(Tensor logits) =>
        stack(_prompts.Prompts.Select((prompt, row) => logits[row, -1, prompt.Answers[0]] - logits[row, -1, prompt.Answers[1]]));

    /// <summary>The model's own gradient at a site, without any splice.</summary>
    private Tensor SiteGradient(string site)
    {
        Tensor? leaf = null;
        Tensor sum =
            Difference(Forward(0, (site, value => leaf = value.detach().requires_grad_().MoveToOtherDisposeScope(_scope)))["logits"]).sum();
        return autograd.grad([sum], [leaf!])[0];
    }

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True((expected - actual).abs().max().item<double>() < 1e-9, "The values differ.");
    }

    /// <summary>relu(x·W) and f·D + b: enough of a sparse autoencoder to compute by hand.</summary>
    private sealed class LinearSae(Tensor encoder, Tensor decoder) : ISplice
    {
        public static LinearSae Random(int seed, int features = SpliceTests.Features)
        {
            using Generator generator = new((ulong)seed);
            return new LinearSae(
                randn([ToyModel.Width, features], dtype: float64, generator: generator),
                randn([features, ToyModel.Width], dtype: float64, generator: generator));
        }

        public Tensor Encoder => encoder;

        public Tensor Decoder => decoder;

        public int? Claims { get; init; }

        public int Features => Claims ?? (int)encoder.shape[1];

        public Tensor Encode(Tensor x) => x.matmul(encoder).relu();

        public Tensor Decode(Tensor features, Tensor x) => features.matmul(decoder) + 0.5;
    }
}
