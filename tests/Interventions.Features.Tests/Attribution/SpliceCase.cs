using System.Text.Json;
using Interventions.Models.Decoder;
using Interventions.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Attribution;

/// <summary>The trained model of the reference, its dictionary, and golden values. The run <c>other</c> is the row before.</summary>
internal sealed class SpliceCase : IPromptSet, IDisposable
{
    public const string Folder = "reference/features/splicing", Site = "blocks.1.resid_pre";

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Dictionary<string, Tensor> _splicing = SafeTensors.Load(SharedData.Path($"{Folder}/splicing.safetensors"));
    private readonly Dictionary<string, Tensor> _attribution = SafeTensors.Load(SharedData.Path($"{Folder}/attribution.safetensors"));

    public SpliceCase()
    {
        Tensor ids = Splicing("tokens"), answers = Attribution("metric_tokens");
        long[][] rows = [.. Enumerable.Range(0, (int)ids.shape[0]).Select(row => ids[row].data<long>().ToArray())];
        Prompts = [.. rows.Select((row, i) => new PromptTokens(
            [new RunTokens(row, [row.Length - 1]), new RunTokens(rows[(i + rows.Length - 1) % rows.Length], [row.Length - 1])],
            [.. answers[i].data<long>()]))];
    }

    public DecoderModel Model { get; } = DecoderModel.Load(SharedData.Path("reference/features/model"), ScalarType.Float64);

    public Sae Sae { get; } = Sae.Load(SharedData.Path($"{Folder}/sae"), ScalarType.Float64);

    public JsonElement Json { get; } = JsonDocument.Parse(File.ReadAllText(SharedData.Path($"{Folder}/splicing.json"))).RootElement;

    public PromptVocabulary Vocabulary { get; } = new(
        "Spliced", EquatableArray.Of("only", "other"), EquatableArray.Of("end"), EquatableArray.Of("correct", "wrong"));

    public IReadOnlyList<PromptTokens> Prompts { get; }

    public InterventionGraph Difference => Intervention.On(Model).LogitDifference("correct", "wrong").Graph;

    public FeatureSite At => new(Sae, Site);

    public FeatureSite WithoutError => At with { ErrorTerm = false };

    public Tensor Splicing(string name) => _splicing[name];

    public Tensor Attribution(string name) => _attribution[name];

    public double Number(string name) => Json.GetProperty(name).GetDouble();

    public static void Close(Tensor expected, Tensor actual, double tolerance = 1e-9)
    {
        Assert.Equal(expected.shape, actual.shape);
        double distance = (expected - actual).abs().max().item<double>();
        Assert.True(distance < tolerance, $"The values differ by {distance}.");
    }

    public void Dispose()
    {
        Sae.Dispose();
        Model.Dispose();
        _scope.Dispose();
    }
}
