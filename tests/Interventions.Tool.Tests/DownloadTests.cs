using Interventions.Models.Tests.Hub;
using Interventions.Testing.Support;

namespace Interventions.Tool.Tests;

/// <summary>A hub on this machine, and a cache of its own. The environment says where both are, so these tests are of one class.</summary>
public sealed class DownloadTests : IDisposable
{
    private static readonly string[] s_variables = ["HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"];

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string?> _before = s_variables.ToDictionary(name => name, Environment.GetEnvironmentVariable);
    private readonly FakeHub _hub = new(
        ((string[])["config.json", "tokenizer.json", "model.safetensors"])
            .Select(name => (name, File.ReadAllBytes(Path.Combine(ToolRun.Model, name)))));

    public DownloadTests()
    {
        foreach (string name in s_variables)
            Environment.SetEnvironmentVariable(name, null);
        Environment.SetEnvironmentVariable("HF_ENDPOINT", $"{_hub.Settings(_folder.Path).Endpoint}");
        Environment.SetEnvironmentVariable("HF_HOME", _folder.Path);
    }

    public void Dispose()
    {
        foreach ((string name, string? value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        _hub.Dispose();
        _folder.Dispose();
    }

    /// <summary>What looks at models takes none from the hub; once it is in the cache, all commands find it by its id.</summary>
    [Fact]
    public void A_model_comes_into_the_cache_and_is_found_there()
    {
        Assert.Equal(
            $"'{FakeHub.Id}' is neither a folder nor a file, and as a hub id not in the cache: get it with 'interventions download "
                + $"{FakeHub.Id}'.",
            ToolRun.Refusal("hooks", FakeHub.Id));
        Assert.Empty(_hub.Requests);

        ToolRun run = ToolRun.Of("download", FakeHub.Id);
        Assert.Equal((0, ""), (run.Code, run.Error));
        Assert.True(File.Exists(Path.Combine(run.Output.TrimEnd('\n'), "model.safetensors")));
        Assert.Equal(run.Output.TrimEnd('\n'), ToolRun.Json("download", FakeHub.Id).GetProperty("path").GetString());
        Assert.Single(_hub.StoreRequests, request => request.Method == "GET" && FakeHub.IsOf(request, "model.safetensors"));

        Assert.Equal(ToolRun.Answer("hooks", ToolRun.Model), ToolRun.Answer("hooks", FakeHub.Id));
        Assert.Equal(ToolRun.Answer("tokenize", ToolRun.Model, "Mary"), ToolRun.Answer("tokenize", FakeHub.Id, "Mary"));
        Assert.Contains($"/// <summary>{FakeHub.Id}</summary>\n", ToolRun.Answer("schema", FakeHub.Id), StringComparison.Ordinal);
        Assert.Contains("class TinyModel : Gpt2Model;", ToolRun.Answer("schema", FakeHub.Id), StringComparison.Ordinal);
        Assert.StartsWith("When Mary", ToolRun.Of("generate", FakeHub.Id, "When Mary", "--tokens", "1").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_the_hub_has_not_is_one_sentence()
    {
        Assert.Contains($"did you mean '{FakeHub.Id}'?", ToolRun.Refusal("download", "some-one/tiny"), StringComparison.Ordinal);
        Assert.StartsWith("'not an id' is no hub id", ToolRun.Refusal("download", "not an id"), StringComparison.Ordinal);
    }
}
