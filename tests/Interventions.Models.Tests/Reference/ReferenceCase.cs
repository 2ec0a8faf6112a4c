using System.Text.Json;
using Interventions.Files;
using Interventions.Models.Decoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Reference;

/// <summary>One folder of golden values.</summary>
public sealed class ReferenceCase : IDisposable
{
    private readonly SafeTensorFile _values;

    public ReferenceCase(string name)
    {
        Name = name;
        Folder = SharedData.Path($"reference/models/{name}");
        _values = SafeTensorFile.Open(Path.Combine(Folder, "reference.safetensors"));
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "reference.json")));
        JsonElement tolerance = json.RootElement.GetProperty("tolerance");
        LogitsTolerance = tolerance.GetProperty("logits").GetDouble();
        SitesTolerance = tolerance.GetProperty("sites").GetDouble();
        GradientsTolerance = tolerance.GetProperty("gradients").GetDouble();
    }

    public string Name { get; }

    public string Folder { get; }

    public double LogitsTolerance { get; }

    public double SitesTolerance { get; }

    public double GradientsTolerance { get; }

    /// <summary>The stored sites, <c>logits</c> excepted.</summary>
    public IEnumerable<string> Sites => _values.Entries.Keys.Where(name => !name.StartsWith("grad.", StringComparison.Ordinal) &&
        name.Split('.')[0] is "embed" or "pos_embed" or "blocks" or "ln_final" or "embed_norm");

    /// <summary>The sites whose gradients are stored.</summary>
    public IEnumerable<string> GradientSites =>
        _values.Entries.Keys.Where(name => name.StartsWith("grad.", StringComparison.Ordinal)).Select(name => name["grad.".Length..]);

    public Tensor this[string name] => _values.Read(name);

    public DecoderModel Load(ScalarType? dtype = null) => DecoderModel.Load(Folder, dtype);

    /// <summary>All cases.</summary>
    public static IEnumerable<string> Names() => SharedData.Folders("reference/models").Select(folder => Path.GetFileName(folder));

    public void Dispose() => _values.Dispose();
}
