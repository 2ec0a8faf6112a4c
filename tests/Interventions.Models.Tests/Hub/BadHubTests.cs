using System.Text;
using Interventions.Models.Hub;

namespace Interventions.Models.Tests.Hub;

/// <summary>Hubs that stall, cut off, lead astray, refuse and lie: the right file, or one sentence that says what to do.</summary>
public sealed class BadHubTests : IDisposable
{
    private static readonly byte[] s_weights = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31))];
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeHub _hub = new([("config.json", "{}"u8.ToArray()), ("model.safetensors", s_weights)]);

    public void Dispose()
    {
        _hub.Dispose();
        _folder.Dispose();
    }

    public static TheoryData<string> Passing =>
        ["cut", "stalled", "silent", "500", "429", "no length", "unknown range", "ranges ignored"];

    /// <summary>What goes wrong twice goes right at the third time, and no byte is asked for twice.</summary>
    [Theory]
    [MemberData(nameof(Passing))]
    public async Task What_passes_is_tried_again(string trouble)
    {
        int times = 0;
        _hub.Mischief = request => !request.Path.StartsWith("/store/", StringComparison.Ordinal) || ++times > 2 ? null : trouble switch
        {
            "cut" => FakeHub.Part(request, s_weights) with { CutAt = 30_000 },
            "stalled" => FakeHub.Part(request, s_weights) with { CutAt = 30_000, Stalls = true },
            "silent" => new Answer(200, [], []) { CutAt = 0, Stalls = true, Length = s_weights.Length },
            "no length" => FakeHub.Part(request, s_weights) with { CutAt = 30_000, Length = -1 },
            "500" => new Answer(500, []),
            "429" => new Answer(429, [], ("Retry-After", "0")),
            "unknown range" => new Answer(416, []),
            _ => new Answer(200, s_weights) { CutAt = 30_000 }, // ranges are ignored
        };
        string folder = await Download(_hub.Settings(_folder.Path) with { Patience = s_second });
        Assert.Equal(s_weights, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        Request last = _hub.StoreRequests[^1];
        Assert.Equal(trouble switch { "cut" or "stalled" or "no length" => 60_000, "ranges ignored" => 30_000, _ => 0 }, last.From);
    }

    [Theory]
    [InlineData("cut", "of 100000 bytes of 'model.safetensors' and no more", "could not be read")]
    [InlineData("silent", "sent nothing for 1 seconds", "sent nothing for 1 seconds")]
    [InlineData("503", "answers 503 (Answer)", "answers 503 (Answer)")]
    public async Task What_does_not_pass_is_refused_after_a_few_attempts(string trouble, string reason, string otherwise)
    {
        _hub.Mischief = request => !request.Path.StartsWith("/store/", StringComparison.Ordinal) ? null : trouble switch
        {
            "cut" => FakeHub.Part(request, s_weights) with { CutAt = 10 },
            "silent" => new Answer(200, [], []) { CutAt = 0, Stalls = true, Length = s_weights.Length },
            _ => new Answer(503, []),
        };
        string message = await Refusal(_hub.Settings(_folder.Path) with { Attempts = 3, Patience = s_second });
        Assert.True(message.Contains(reason, StringComparison.Ordinal) || message.Contains(otherwise, StringComparison.Ordinal), message);
        Assert.Contains("3 times in a row. What arrived is kept, so try again", message, StringComparison.Ordinal);
        Assert.Equal(3, _hub.StoreRequests.Count);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_one_sentence()
    {
        HubSettings settings = _hub.Settings(_folder.Path);
        _hub.Dispose();
        string message = await Refusal(settings);
        Assert.StartsWith($"'{FakeHub.Id}' is not in the cache and could not be downloaded: {settings.Endpoint}api/models/", message,
            StringComparison.Ordinal);
        Assert.Contains("could not be read", message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_never_along_a_redirection()
    {
        HubSettings settings = _hub.Settings(_folder.Path, ("HF_TOKEN", "secret"));
        _hub.Mischief = request => request.Path.StartsWith("/api/", StringComparison.Ordinal)
            ? new Answer(307, [], ("Location", "/moved" + request.Path))
            : request.Path.StartsWith("/moved", StringComparison.Ordinal)
                ? _hub.OfHub(request with { Path = request.Path["/moved".Length..] }) : null;
        await HubModel.DownloadAsync(FakeHub.Id, settings, null, default);
        Assert.NotEmpty(_hub.StoreRequests);
        Assert.All(_hub.StoreRequests, request => Assert.Null(request["Authorization"]));
        Request[] ofHub = [.. _hub.Requests.Except(_hub.StoreRequests)];
        Assert.Contains(ofHub, request => request.Path.StartsWith("/moved", StringComparison.Ordinal));
        Assert.All(ofHub, request => Assert.Equal("Bearer secret", request["Authorization"]));
    }

    [Fact]
    public async Task A_file_that_lies_elsewhere_is_described_there()
    {
        byte[] config = _hub.Files["config.json"];
        _hub.Mischief = request => !FakeHub.IsOf(request, "config.json") ? null
            : request.Path.StartsWith("/store/", StringComparison.Ordinal)
                ? FakeHub.Part(request, config, ("ETag", $"W/\"{FakeHub.GitHash(config)}\""))
                : new Answer(302, [], ("Location", $"{_hub.Store}store/config.json"));
        string folder = await Download(_hub.Settings(_folder.Path, ("HF_TOKEN", "secret")));
        Assert.Equal(config, File.ReadAllBytes(Path.Combine(folder, "config.json")));
        Assert.Contains(_hub.StoreRequests, request => FakeHub.IsOf(request, "config.json"));
        Assert.All(_hub.StoreRequests, request => Assert.Null(request["Authorization"]));
    }

    [Fact]
    public async Task A_circle_of_redirections_and_a_page_instead_of_a_listing_are_no_hub()
    {
        _hub.Mischief = request => new Answer(302, [], ("Location", request.Path));
        Assert.Contains("leads from address to address, more than 10 times", await Refusal(), StringComparison.Ordinal);
        _hub.Mischief = _ => new Answer(302, [], ("Location", "ftp://elsewhere/"));
        Assert.Contains("leads to ftp://elsewhere", await Refusal(), StringComparison.Ordinal);
        string[] pages =
        [
            "<html>Sign in</html>", "{}", "[]", "3", """{"sha": 3}""", """{"sha": "../..", "siblings": []}""",
            $$"""{"sha": "{{FakeHub.Commit}}", "siblings": [3]}""", $$"""{"sha": "{{FakeHub.Commit}}"}""",
        ];
        foreach (string page in pages)
        {
            _hub.Mischief = _ => new Answer(200, Encoding.UTF8.GetBytes(page));
            Assert.Contains("names no commit and no files, as no hub does. Is HF_ENDPOINT", await Refusal(), StringComparison.Ordinal);
        }
    }

    public static TheoryData<string, string, string?, string> Refusals => new()
    {
        { "404", "RepoNotFound", null, $"nor a model on http://127.0.0.1:PORT/; did you mean '{FakeHub.Id}'? If it is private, set" },
        { "404", "RepoNotFound", "secret", "If it is private, your token's account must be given access." },
        { "401", "RepoNotFound", null, "is neither a folder nor a file here, nor a model on" },
        { "401", "", "secret", "the hub does not know your token. Renew HF_TOKEN" },
        { "401", "GatedRepo", null, $"is gated: accept its licence at http://127.0.0.1:PORT/{FakeHub.Id}, then set HF_TOKEN" },
        { "403", "GatedRepo", "secret", "is gated, and the account of your token may not read it: accept its licence" },
        { "403", "", null, "is gated: accept its licence" },
        { "410", "", null, "answers 410 (Answer)." },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task A_refusal_says_what_to_do(string status, string code, string? token, string reason)
    {
        HubSettings settings = _hub.Settings(_folder.Path, ("HF_TOKEN", token ?? ""));
        _hub.Mischief = request => request.Path.Contains("?search=", StringComparison.Ordinal) ? null
            : new Answer(int.Parse(status), [], ("X-Error-Code", code));
        string message = await Refusal(settings);
        Assert.Contains(reason.Replace("PORT", $"{settings.Endpoint.Port}", StringComparison.Ordinal), message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_revision_that_is_not_there_is_refused_with_the_nearest()
    {
        string message = await Refusal(_hub.Settings(_folder.Path), $"{FakeHub.Id}@v1.1");
        Assert.Contains("has no revision 'v1.1'", message, StringComparison.Ordinal);
        Assert.EndsWith("for its branches; did you mean 'v1.0'?", message, StringComparison.Ordinal);
        Assert.Contains("is no hub id", await Refusal(_hub.Settings(_folder.Path), "no/such/folder"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offline_is_said()
    {
        HubSettings settings = _hub.Settings(_folder.Path, ("HF_HUB_OFFLINE", "1"));
        Assert.Contains("is not in the cache", await Refusal(settings), StringComparison.Ordinal);
        CheckpointException error = Assert.Throws<CheckpointException>(() => HubModel.Locate(HubId.TryParse(FakeHub.Id)!, settings));
        Assert.Contains("HF_HUB_OFFLINE forbids to download it", error.Message, StringComparison.Ordinal);
        Assert.Empty(_hub.Requests);
    }

    public static TheoryData<string, string> Lies => new()
    {
        { "content", "the hub says that its hash is " },
        { "longer", "the hub says 100000 bytes, and 100001 come" },
        { "shorter", "the hub says 100000 bytes, and 99999 come" },
        { "more than said", "the hub says 100000 bytes, and more come" },
        { "other part", "and something else came" },
        { "no hash", "gives 'model.safetensors' no hash (ETag: none)" },
        { "odd hash", "gives 'model.safetensors' no hash (ETag: ../../../../evil)" },
        { "no size", "gives 'model.safetensors' no size" },
        { "negative size", "gives 'model.safetensors' the size -1" },
        { "huge size", "needs 1,000,000.0 GB, and " },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public async Task A_lie_is_refused_and_nothing_of_it_stays(string lie, string reason)
    {
        string hash = FakeHub.Sha(s_weights);
        _hub.Mischief = request =>
        {
            bool isStore = request.Path.StartsWith("/store/", StringComparison.Ordinal);
            if (isStore ? request.Method != "GET" : !FakeHub.IsOf(request, "model.safetensors") || request.Method != "HEAD")
                return null;
            Answer Described(string? etag, string? size) => new(200, [],
                [.. etag is null ? [] : new[] { ("X-Linked-Etag", etag) }, .. size is null ? [] : new[] { ("X-Linked-Size", size) }])
            { Length = -1 };
            return (isStore, lie) switch
            {
                (true, "content") => new Answer(200, new byte[s_weights.Length]),
                (true, "longer") => new Answer(200, [.. s_weights, 0]),
                (true, "shorter") => new Answer(200, s_weights[1..]),
                (true, "more than said") => new Answer(200, [.. s_weights, 0]) { Length = -1 },
                (true, "other part") => request.From == 0 ? new Answer(200, s_weights) { CutAt = 500 }
                    : new Answer(206, s_weights[7..], ("Content-Range", $"bytes 7-{s_weights.Length - 1}/{s_weights.Length}")),
                (false, "no hash") => Described(null, "100000"),
                (false, "odd hash") => Described("../../../../evil", "100000"),
                (false, "no size") => Described(hash, null),
                (false, "negative size") => Described(hash, "-1"),
                (false, "huge size") => Described(hash, "1000000000000000"),
                _ => null,
            };
        };
        Assert.Contains(reason, await Refusal(), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(_folder.Path, "*", SearchOption.AllDirectories), file =>
            Path.GetFileName(file) is "model.safetensors" || Path.GetFileName(file) == hash
            || (file.EndsWith(".incomplete", StringComparison.Ordinal) && new FileInfo(file).Length > 0));
    }

    [Fact]
    public async Task What_an_earlier_download_left_wrong_is_thrown_away()
    {
        HubSettings settings = _hub.Settings(_folder.Path);
        HubCache cache = new(HubId.TryParse(FakeHub.Id)!, settings.Cache);
        string partial = cache.Blob(FakeHub.Sha(s_weights)) + ".incomplete";
        Directory.CreateDirectory(Path.GetDirectoryName(partial)!);
        foreach (int length in (int[])[0, 5000, s_weights.Length, s_weights.Length + 1])
        {
            File.WriteAllBytes(partial, new byte[length]);
            string folder = await Download(settings);
            Assert.Equal(s_weights, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
            Directory.Delete(cache.Folder, recursive: true);
            Directory.CreateDirectory(Path.GetDirectoryName(partial)!);
        }
        File.WriteAllBytes(partial, s_weights); // whole already: nothing is fetched
        int asked = _hub.StoreRequests.Count;
        await Download(settings);
        Assert.Equal(asked, _hub.StoreRequests.Count);
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_named()
    {
        File.WriteAllText(_folder["file"], "");
        string message = await Refusal(_hub.Settings(_folder["file"]));
        Assert.Contains("set HF_HOME or HF_HUB_CACHE to a folder that you may write to.", message, StringComparison.Ordinal);
    }

    private Task<string> Download(HubSettings? settings = null) =>
        HubModel.DownloadAsync(FakeHub.Id, settings ?? _hub.Settings(_folder.Path), null, default);

    private async Task<string> Refusal(HubSettings? settings = null, string id = FakeHub.Id)
    {
        CheckpointException error = await Assert.ThrowsAsync<CheckpointException>(
            () => HubModel.DownloadAsync(id, settings ?? _hub.Settings(_folder.Path), null, default));
        return error.Message;
    }
}
