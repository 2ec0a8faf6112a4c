using System.Text.Json;
using Interventions.Files;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>Spliced runs of a small trained model against values of SAELens and of plain float64 code.</summary>
public sealed class SpliceReferenceTests : IDisposable
{
    private const string Folder = "reference/features/splicing", Site = "blocks.1.resid_pre";

    private static readonly MetricNode s_metric = new(
        "Metric", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [SharedFact(Folder)]
    public void Features_errors_and_spliced_logits_are_the_references()
    {
        using Case reference = new();
        using RunResult run = reference.Run(
            new InterventionGraph { Name = "Inner", Captures = [Capture("logits"), .. Inner("features", "reconstruction", "error")] }
            .Splice("Sae", Site, reference.Sae, errorTerm: false));
        Close(reference["splicing", "feature_acts"], run.Run("only")["features"]);
        Close(reference["splicing", "reconstruction"], run.Run("only")["reconstruction"]);
        Close(reference["splicing", "error"], run.Run("only")["error"]);
        Close(reference["splicing", "logits.clean"], run.Run("only")["logits"]);
        Close(reference["splicing", "logits.spliced"], run.Changed("logits").Values);

        using RunResult skipping = reference.Run(new InterventionGraph { Name = "Skipping", Captures = [Capture("logits")] }
            .Splice("Sae", Site, reference.Sae).Then(BuiltInWrites.Zero($"{Site}.sae.error[pos=1..-1]")));
        // Where the error stays, so does the value.
        Close(reference["splicing", "logits.spliced_skipping_position_0"], skipping.Changed("logits").Values);
    }

    [SharedFact(Folder)]
    public void Edited_features_give_the_references_logits()
    {
        using Case reference = new();
        int feature = reference.Json.GetProperty("feature").GetInt32(), position = reference.Json.GetProperty("position").GetInt32();
        double set = reference.Json.GetProperty("set_value").GetDouble();
        foreach ((string edit, Func<Tensor, Tensor> write) in new (string, Func<Tensor, Tensor>)[]
            { ("zero", x => x * 0), ("set", x => full_like(x, set)), ("double", x => x * 2) })
        {
            foreach ((string where, string selector) in new[] { ("one_position", $"; pos={position}"), ("all_positions", "") })
            {
                foreach ((string error, bool errorTerm) in new[] { ("spliced", false), ("with_error", true) })
                {
                    using RunResult run = reference.Run(new InterventionGraph { Name = "Edit", Captures = [Capture("logits")] }
                        .Splice("Sae", Site, reference.Sae, errorTerm: errorTerm)
                        .Then(new WriteNode(
                            "Edit", $"{Site}.sae.features[feature={feature}{selector}]", [new Read.Value()], x => write(x[0]))));
                    Close(reference["splicing", $"logits.feature_{edit}.{where}.{error}"], run.Changed("logits").Values);
                }
            }
        }
    }

    [SharedFact(Folder)]
    public void Gradients_of_features_and_of_the_site_are_the_references()
    {
        using Case reference = new();
        InterventionGraph graph =
            new() { Name = "Gradients", Metrics = [s_metric], Gradients = [Gradient("features"), Gradient("original")] };
        using RunResult passing = reference.Run(graph.Splice("Sae", Site, reference.Sae));
        using RunResult detached = reference.Run(graph.Splice("Sae", Site, reference.Sae, detachError: true));
        using RunResult spliced = reference.Run(graph.Splice("Sae", Site, reference.Sae, errorTerm: false));
        Close(reference["attribution", "metric.clean"], passing.Changed("Metric").Values);
        Close(reference["attribution", "metric.spliced"], spliced.Changed("Metric").Values);
        Close(reference["attribution", "gradient.with_error"], passing.Run("only")["features"]);
        Close(reference["attribution", "gradient.with_error"], detached.Changed("features").Values);
        Close(reference["attribution", "gradient.spliced"], spliced.Changed("features").Values);
        Close(reference["attribution", "site_gradient.pass_through"], passing.Run("only")["original"]);
        Close(reference["attribution", "site_gradient.clean"], passing.Changed("original").Values);
        Close(reference["attribution", "site_gradient.detached_error"], detached.Run("only")["original"]);
        Close(reference["attribution", "site_gradient.spliced"], spliced.Changed("original").Values);
    }

    [SharedFact(Folder)]
    public void Sweeping_every_feature_off_at_every_position_gives_the_ablation_effects()
    {
        using Case reference = new();
        using RunResult run = reference.Run(new InterventionGraph { Name = "Off", Metrics = [s_metric] }
            .Splice("Sae", Site, reference.Sae).Then(BuiltInWrites.Zero($"{Site}.sae.features[feature={{f}}; pos={{p}}]")));
        Close(
            reference["attribution", "ablation_effect.with_error"],
            run.Run("only")["Metric"].view(-1, 1, 1) - run.Changed("Metric").Values.permute(2, 1, 0));
    }

    private static CaptureNode Capture(string site) => new(site, site, [new Read.Value()], x => x[0]);

    private static IEnumerable<CaptureNode> Inner(params string[] names) =>
        names.Select(name => Capture($"{Site}.sae.{name}") with { Name = name });

    private static GradientNode Gradient(string name) => new(name, $"{Site}.sae.{name}", [new Read.Gradient()], x => x[0]);

    private static void Close(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(
            (expected - actual).abs().max().item<double>() < 1e-9,
            $"The values differ by {(expected - actual).abs().max().item<double>()}.");
    }

    /// <summary>The model, its prompts and their values.</summary>
    private sealed class Case : IPromptSet, IDisposable
    {
        private readonly SafeTensorFile _splicing = Open("splicing"), _attribution = Open("attribution");
        private readonly DecoderModel _model = DecoderModel.Load(SharedData.Path("reference/features/model"), ScalarType.Float64);

        public Case()
        {
            using SafeTensorFile weights = SafeTensorFile.Open(SharedData.Path($"{Folder}/sae/sae_weights.safetensors"));
            Sae = new StandardSae(Weight("W_enc"), Weight("b_enc"), Weight("W_dec"), Weight("b_dec"));
            Tensor ids = this["splicing", "tokens"], answers = this["attribution", "metric_tokens"];
            Prompts = [.. Enumerable.Range(0, (int)ids.shape[0]).Select(row => new PromptTokens(
                [new RunTokens([.. ids[row].data<long>()], [(int)ids.shape[1] - 1])], [.. answers[row].data<long>()]))];

            Tensor Weight(string name) => weights.Read(name).to(ScalarType.Float64);
        }

        public StandardSae Sae { get; }

        public JsonElement Json { get; } = JsonDocument.Parse(File.ReadAllText(SharedData.Path($"{Folder}/splicing.json"))).RootElement;

        public PromptVocabulary Vocabulary { get; } = new(
            "Spliced", EquatableArray.Of("only"), EquatableArray.Of("end"), EquatableArray.Of("correct", "wrong"));

        public IReadOnlyList<PromptTokens> Prompts { get; }

        public Tensor this[string file, string value] => (file == "splicing" ? _splicing : _attribution).Read(value);

        public RunResult Run(InterventionGraph graph) => InterventionRunner.Run(graph, _model, this);

        public void Dispose()
        {
            _splicing.Dispose();
            _attribution.Dispose();
            _model.Dispose();
        }

        private static SafeTensorFile Open(string name) => SafeTensorFile.Open(SharedData.Path($"{Folder}/{name}.safetensors"));
    }

    /// <summary>relu((x − b_dec)·W_enc + b_enc), and f·W_dec + b_dec.</summary>
    private sealed class StandardSae(Tensor encoder, Tensor encoderBias, Tensor decoder, Tensor decoderBias) : ISplice
    {
        public int Features => (int)encoder.shape[1];

        public Tensor Encode(Tensor x) => ((x - decoderBias).matmul(encoder) + encoderBias).relu();

        public Tensor Decode(Tensor features, Tensor x) => features.matmul(decoder) + decoderBias;
    }
}
