using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Interventions.Models.Hub;

namespace Interventions.Models.Tests.Hub;

/// <summary>A hub on this machine with one model; large files lie on a second server, to which the first leads.</summary>
internal sealed class FakeHub : IDisposable
{
    public const string Id = "some-one/tiny.model", Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly TestServer _hub, _store;

    /// <param name="files">The model's files.</param>
    public FakeHub(IEnumerable<(string Name, byte[] Content)> files)
    {
        Files = files.ToDictionary(file => file.Name, file => file.Content);
        _hub = new TestServer(request => Mischief?.Invoke(request) ?? OfHub(request));
        _store = new TestServer(request => Mischief?.Invoke(request) ?? OfStore(request));
    }

    public Dictionary<string, byte[]> Files { get; }

    /// <summary>Where large files lie.</summary>
    public Uri Store => _store.Address;

    /// <summary>Answers instead of the hub and its store, where it does not give null.</summary>
    public Func<Request, Answer?>? Mischief { get; set; }

    public IReadOnlyList<Request> Requests => [.. _hub.Requests, .. _store.Requests];

    public IReadOnlyList<Request> StoreRequests => [.. _store.Requests];

    /// <summary>How often a file's content was asked for.</summary>
    public int Fetched(string name) => Requests.Count(request => request.Method == "GET" && IsOf(request, name));

    /// <summary>Whether a request is for a file's content, wherever it lies.</summary>
    public static bool IsOf(Request request, string name) => request.Path.EndsWith($"/{name}", StringComparison.Ordinal);

    /// <summary>The settings of a machine whose cache is in the folder.</summary>
    public HubSettings Settings(string folder, params (string Name, string Value)[] more)
    {
        Dictionary<string, string> variables = new()
        {
            ["HF_ENDPOINT"] = $"{_hub.Address}",
            ["HF_HOME"] = folder,
        };
        foreach ((string name, string value) in more)
            variables[name] = value;
        return HubSettings.Of(variables.GetValueOrDefault) with
        {
            Patience = TimeSpan.FromSeconds(20), // a busy machine is no silent hub
            Pause = TimeSpan.FromMilliseconds(1),
        };
    }

    public Answer OfHub(Request request)
    {
        if (request.Path.StartsWith($"/api/models/{Id}/revision/", StringComparison.Ordinal))
        {
            string revision = request.Path.Split('/')[^1];
            return revision is "main" or "v1.0" or Commit ? new Answer(200, Listing()) : Missing("RevisionNotFound");
        }
        if (request.Path == $"/api/models/{Id}/refs")
            return new Answer(200, """{"branches": [{"name": "main"}], "tags": [{"name": "v1.0"}]}"""u8.ToArray());
        if (request.Path.StartsWith("/api/models?search=", StringComparison.Ordinal))
            return new Answer(200, Encoding.UTF8.GetBytes($$"""[{"id": "{{Id}}"}]"""));
        string prefix = $"/{Id}/resolve/{Commit}/";
        if (!request.Path.StartsWith(prefix, StringComparison.Ordinal))
            return Missing("RepoNotFound");
        string name = request.Path[prefix.Length..];
        if (!Files.TryGetValue(name, out byte[]? content))
            return Missing("EntryNotFound");
        if (!IsLarge(name))
            return Part(request, content, ("ETag", $"\"{GitHash(content)}\""));
        return new Answer(302, [], ("Location", $"{_store.Address}store/{name}"), ("X-Linked-Etag", $"\"{Sha(content)}\""),
            ("X-Linked-Size", $"{content.Length}"));
    }

    public Answer OfStore(Request request) => Part(request, Files[request.Path["/store/".Length..]]);

    /// <summary>What is left of a content from the byte on that is asked for.</summary>
    public static Answer Part(Request request, byte[] content, params (string, string)[] headers) => request.From == 0
        ? new Answer(200, content, headers)
        : new Answer(206, content[request.From..],
            [.. headers, ("Content-Range", $"bytes {request.From}-{content.Length - 1}/{content.Length}")]);

    public static string Sha(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static string GitHash(byte[] content) =>
        Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    public void Dispose()
    {
        _hub.Dispose();
        _store.Dispose();
    }

    private static bool IsLarge(string name) => Path.GetExtension(name) is ".safetensors" or ".bin" or ".gguf";

    private static Answer Missing(string code) => new(404, [], ("X-Error-Code", code));

    private byte[] Listing() => Encoding.UTF8.GetBytes(new JsonObject
    {
        ["sha"] = Commit,
        ["siblings"] = new JsonArray([.. Files.Keys.Select(name => new JsonObject { ["rfilename"] = name })]),
    }.ToJsonString());
}
