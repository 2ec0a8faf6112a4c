using System.Reflection;
using System.Text.Json;
using TorchSharp;
using Xunit.Sdk;
using static TorchSharp.torch;

namespace Interventions.Features.Tests.Dictionaries;

/// <summary>The folders of the features reference that hold a dictionary.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class SaeCasesAttribute : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) =>
        SharedData.Folders("reference/features/sae").Select(folder => new object[] { Path.GetFileName(folder) });
}

/// <summary>A dictionary of the reference, with golden values.</summary>
internal sealed class SaeCase : IDisposable
{
    private readonly string _folder;
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Dictionary<string, Tensor> _expected;

    public SaeCase(string name)
    {
        _folder = SharedData.Path($"reference/features/sae/{name}");
        _expected = SafeTensors.Load(Path.Combine(_folder, "expected.safetensors"));
        Sae = Sae.Load(_folder);
    }

    public Sae Sae { get; }

    public Tensor X => this["x"];

    public Tensor this[string name] => _expected[name];

    public IEnumerable<string> Names => _expected.Keys;

    public bool Has(string name) => _expected.ContainsKey(name);

    public JsonElement? Metrics() => File.Exists(Path.Combine(_folder, "metrics.json"))
        ? JsonDocument.Parse(File.ReadAllText(Path.Combine(_folder, "metrics.json"))).RootElement.Clone() : null;

    public void Dispose()
    {
        Sae.Dispose();
        _scope.Dispose();
    }
}
