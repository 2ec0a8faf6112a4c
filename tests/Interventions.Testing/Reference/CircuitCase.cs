using System.Reflection;
using System.Text.Json;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Models.Families;
using Interventions.Runtime;
using Interventions.Testing.Support;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Interventions.Testing.Reference;

/// <summary>One model and data set of the circuit reference: prompts in two runs, and golden values in float64.</summary>
public sealed class CircuitCase : IPromptSet, IDisposable
{
    private readonly string _folder;
    private readonly Dictionary<string, SafeTensorFile> _files = [];

    public CircuitCase(string name)
    {
        _folder = SharedData.Path($"reference/circuits/{name}");
        string model = Path.Combine(Path.GetDirectoryName(_folder)!, "model");
        Model = IsDecoder(model) ? DecoderModel.Load(model, ScalarType.Float64) : PlainTransformer.Load(model);
        using JsonDocument json = Json("data");
        JsonElement data = json.RootElement;
        int[] lengths = [.. data.GetProperty("lengths").EnumerateArray().Select(length => length.GetInt32())];
        Prompts = [.. lengths.Select((length, i) => new PromptTokens(
            [Run("clean", i, length), Run("corrupted", i, length)],
            [.. data.GetProperty("answers")[i].EnumerateArray().Select(id => id.GetInt64())])
        {
            Template = data.GetProperty("template")[i].GetInt32(),
        })];

        RunTokens Run(string run, int i, int length) =>
            new([.. data.GetProperty(run)[i].EnumerateArray().Take(length).Select(id => id.GetInt64())], [length - 1]);
    }

    /// <summary>The prompts that means are taken over, five a template.</summary>
    public IPromptSet Reference => new ReferencePrompts(this, [.. ReadReference()]);

    /// <summary>The model: a decoder of ours, or one that a user might write.</summary>
    public HookedModel Model { get; }

    public PromptVocabulary Vocabulary { get; } = new(
        "Circuit", EquatableArray.Of("clean", "corrupted"), EquatableArray.Of("end"), EquatableArray.Of("correct", "wrong"));

    public IReadOnlyList<PromptTokens> Prompts { get; }

    /// <summary>LD of the reference.</summary>
    public static MetricNode LogitDifference { get; } =
        new("LD", [new Read.Logit("correct", "end"), new Read.Logit("wrong", "end")], x => x[0] - x[1]);

    public JsonDocument Json(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, file + ".json")));

    public bool Has(string file, string value) => File_(file).Entries.ContainsKey(value);

    public Tensor this[string file, string value] => File_(file).Read(value);

    public void Dispose()
    {
        foreach (SafeTensorFile file in _files.Values)
            file.Dispose();
        Model.Dispose();
    }

    private IEnumerable<PromptTokens> ReadReference()
    {
        using JsonDocument json = Json("data");
        JsonElement data = json.RootElement;
        for (int i = 0; i < data.GetProperty("reference").GetArrayLength(); i++)
        {
            int length = data.GetProperty("reference_lengths")[i].GetInt32();
            RunTokens tokens = new(
                [.. data.GetProperty("reference")[i].EnumerateArray().Take(length).Select(id => id.GetInt64())], [length - 1]);
            yield return new PromptTokens([tokens, tokens], [0, 0]) { Template = data.GetProperty("reference_template")[i].GetInt32() };
        }
    }

    private static bool IsDecoder(string folder)
    {
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        return DecoderFamily.All.Any(family => family.ModelType == config.RootElement.GetProperty("model_type").GetString());
    }

    private sealed record ReferencePrompts(CircuitCase Case, IReadOnlyList<PromptTokens> Prompts) : IPromptSet
    {
        public PromptVocabulary Vocabulary => Case.Vocabulary;
    }

    private SafeTensorFile File_(string name) =>
        _files.TryGetValue(
            name, out SafeTensorFile? file) ? file : _files[name] = SafeTensorFile.Open(Path.Combine(_folder, name + ".safetensors"));
}

/// <summary>The data sets of every circuit folder.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class CircuitCasesAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        SharedData.Folders("reference/circuits").SelectMany(
            folder => new[] { "equal", "mixed" }.Select(set => new object[] { $"{Path.GetFileName(folder)}/{set}" }));
}
