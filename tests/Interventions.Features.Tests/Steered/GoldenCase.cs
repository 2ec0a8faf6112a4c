using System.Text.Json;
using Interventions.Binding;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Steered;

/// <summary>The model and the values of the steering reference, in float64.</summary>
internal sealed class GoldenCase : IDisposable
{
    public const string Folder = "reference/features/steering";

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Dictionary<string, Tensor> _tensors = SafeTensors.Load(SharedData.Path($"{Folder}/steering.safetensors"));
    private readonly JsonDocument _json = JsonDocument.Parse(File.ReadAllText(SharedData.Path($"{Folder}/steering.json")));

    public DecoderModel Model { get; } = DecoderModel.Load(SharedData.Path("reference/features/model"), ScalarType.Float64);

    public JsonElement Json => _json.RootElement;

    public Tensor this[string name] => _tensors[name];

    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>Prompts of tokens, <c>[prompt, pos]</c>, as a set with the run <c>text</c> and the position <c>end</c>.</summary>
    public TokenPrompts Prompts(string name) => new(Tokens(name));

    public long[][] Tokens(string name) => [.. this[name].contiguous().data<long>().ToArray().Chunk((int)this[name].shape[1])];

    /// <summary>The logits of prompts in the changed run, planned and naive alike.</summary>
    public Tensor Logits(Intervention intervention, TokenPrompts prompts, bool isNaive) => Logits(
        intervention.Capture("Logits", "logits").Run(prompts, new() { Naive = isNaive }));

    public void Dispose()
    {
        Model.Dispose();
        _json.Dispose();
        _scope.Dispose();
    }

    private static Tensor Logits(RunResult run)
    {
        using (run)
            return run["Logits"].Values.clone();
    }
}
