using System.Text;
using Interventions.Models.Decoder;
using Interventions.Models.Hub;
using static TorchSharp.torch;

namespace Interventions.Models.Tests.Hub;

/// <summary>Downloads from a hub that works.</summary>
public sealed class HubDownloadTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_is_downloaded_into_pythons_layout_and_loads()
    {
        using DecoderModel model = SmallDecoders.Model("llama", ScalarType.Float32);
        using FakeHub hub = new(Saved(model));
        hub.Files["README.md"] = "A model."u8.ToArray();
        hub.Files["pytorch_model.bin"] = [1, 2, 3];
        hub.Files["vocab.json"] = "{}"u8.ToArray();
        hub.Files["tokenizer.json"] = "{}"u8.ToArray();
        HubSettings settings = hub.Settings(_folder["home"]);
        string folder = await HubModel.DownloadAsync(FakeHub.Id, settings, null, default);
        string repository = Path.Combine(_folder["home"], "hub", "models--some-one--tiny.model");
        Assert.Equal(Path.Combine(repository, "snapshots", FakeHub.Commit), folder);
        Assert.Equal(FakeHub.Commit, File.ReadAllText(Path.Combine(repository, "refs", "main")));
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], Names(folder));
        string blob = Path.Combine("..", "..", "blobs", FakeHub.Sha(hub.Files["model.safetensors"]));
        Assert.Equal(blob, new FileInfo(Path.Combine(folder, "model.safetensors")).LinkTarget);
        string? config = new FileInfo(Path.Combine(folder, "config.json")).LinkTarget;
        Assert.Equal(FakeHub.GitHash(hub.Files["config.json"]), Path.GetFileName(config));
        Assert.True(File.Exists(Path.Combine(repository, ".no_exist", FakeHub.Commit, "generation_config.json")));
        Assert.Empty(Directory.GetFiles(repository, "*.incomplete", SearchOption.AllDirectories));
        using DecoderModel loaded = DecoderModel.Load(folder);
        Assert.All(model.Weights, weight => Assert.True(SmallDecoders.Same(weight.Value, loaded.Weights[weight.Key]), weight.Key));

        // What is there is not asked for again: not even whether it is there, where a model is loaded.
        int asked = hub.Requests.Count;
        Assert.Equal(folder, HubModel.Locate(HubId.TryParse(FakeHub.Id)!, settings));
        Assert.Equal(asked, hub.Requests.Count);
        Assert.Equal(folder, await HubModel.DownloadAsync($"{FakeHub.Id}@v1.0", settings, null, default));
        Assert.Equal(asked + 1, hub.Requests.Count);
        Assert.Equal(folder, await HubModel.DownloadAsync(FakeHub.Id, settings with { IsOffline = true }, null, default));
    }

    [Fact]
    public void Load_downloads_what_an_id_names_and_then_finds_it()
    {
        using DecoderModel model = SmallDecoders.Model("gpt2", ScalarType.Float32);
        using FakeHub hub = new(Saved(model));
        string[] names = ["HF_ENDPOINT", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"];
        string?[] before = [.. names.Select(Environment.GetEnvironmentVariable)];
        try
        {
            Set([$"{hub.Settings(_folder.Path).Endpoint}", _folder["home"], null, null, null]);
            using DecoderModel first = DecoderModel.Load(FakeHub.Id);
            Set(["http://127.0.0.1:1/", _folder["home"], null, "1", null]);
            using DecoderModel second = DecoderModel.Load($"{FakeHub.Id}@main");
            Assert.True(SmallDecoders.Same(model.Weights["embed.weight"], first.Weights["embed.weight"]));
            Assert.True(SmallDecoders.Same(model.Weights["embed.weight"], second.Weights["embed.weight"]));
            string message = Assert.Throws<CheckpointException>(() => DecoderModel.Load("some-one/other")).Message;
            Assert.Contains("HF_HUB_OFFLINE forbids to download it", message, StringComparison.Ordinal);
        }
        finally
        {
            Set(before);
        }

        void Set(string?[] values)
        {
            foreach ((string name, string? value) in names.Zip(values))
                Environment.SetEnvironmentVariable(name, value);
        }
    }

    [Fact]
    public async Task Shards_that_an_index_names_are_downloaded_and_no_others()
    {
        using FakeHub hub = new(
        [
            ("config.json", "{}"u8.ToArray()), ("a.safetensors", new byte[300]), ("b.safetensors", [5]), ("c.safetensors", [6]),
            ("model.safetensors.index.json",
                """{"weight_map": {"x": "a.safetensors", "y": "b.safetensors", "z": "a.safetensors"}}"""u8.ToArray()),
        ]);
        string folder = await HubModel.DownloadAsync(FakeHub.Id, hub.Settings(_folder.Path), null, default);
        Assert.Equal(["a.safetensors", "b.safetensors", "config.json", "model.safetensors.index.json"], Names(folder));
        hub.Files.Remove("b.safetensors");
        string message = await Refusal(hub, "fresh");
        Assert.Contains("'model.safetensors.index.json' names 'b.safetensors', which is not there", message, StringComparison.Ordinal);
        hub.Files["model.safetensors.index.json"] = """{"weight_map": {"x": "../../../a.safetensors"}}"""u8.ToArray();
        Assert.Contains("gives 'x' something else than a file name", await Refusal(hub, "hostile"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_named_comes_alone()
    {
        using FakeHub hub = new([("config.json", [1]), ("deep/q8.gguf", [2, 3]), ("q4.gguf", [4]), ("model.safetensors", [5])]);
        HubSettings settings = hub.Settings(_folder.Path);
        string file = await HubModel.DownloadAsync($"{FakeHub.Id}/deep/q8.gguf", settings, null, default);
        Assert.Equal([2, 3], File.ReadAllBytes(file));
        Assert.EndsWith(Path.Combine(FakeHub.Commit, "deep", "q8.gguf"), file, StringComparison.Ordinal);
        Assert.Equal(0, hub.Fetched("config.json"));
        Assert.Equal(file, HubModel.Locate(HubId.TryParse($"{FakeHub.Id}/deep/q8.gguf")!, settings));
        CheckpointException error = await Assert.ThrowsAsync<CheckpointException>(
            () => HubModel.DownloadAsync($"{FakeHub.Id}/q5.gguf", settings, null, default));
        Assert.Contains("has no file 'q5.gguf' at revision 'main'; did you mean 'q4.gguf'?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repository_without_the_usual_weights_says_what_it_has()
    {
        using FakeHub hub = new([("q8.gguf", [1]), ("q4.gguf", [1]), ("README.md", [1])]);
        Assert.Contains($"has no config.json; name one of its files, such as '{FakeHub.Id}/q4.gguf': q4.gguf, q8.gguf.",
            await Refusal(hub), StringComparison.Ordinal);
        hub.Files.Clear();
        hub.Files["config.json"] = [1];
        Assert.Contains(
            "has no model.safetensors: it is no model whose weights can be read.", await Refusal(hub), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Progress_grows_to_the_whole()
    {
        byte[] large = new byte[3_000_000];
        using FakeHub hub = new([("config.json", new byte[100]), ("model.safetensors", large)]);
        List<DownloadProgress> reports = [];
        await HubModel.DownloadAsync(FakeHub.Id, hub.Settings(_folder.Path), new Direct(reports.Add), default);
        Assert.Equal(new DownloadProgress("config.json", 100, 3_000_100), reports[0]);
        Assert.Equal(new DownloadProgress("model.safetensors", 3_000_100, 3_000_100), reports[^1]);
        Assert.Equal(1, reports[^1].Fraction);
        Assert.Equal(reports.Select(report => report.Bytes).Order(), reports.Select(report => report.Bytes));
    }

    [Fact]
    public async Task A_content_is_downloaded_once_by_all_who_want_it()
    {
        byte[] large = new byte[2_000_000];
        Random.Shared.NextBytes(large);
        using FakeHub hub = new([("config.json", "{}"u8.ToArray()), ("model.safetensors", large)]);
        HubSettings settings = hub.Settings(_folder.Path);
        string[] folders = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(
            () => HubModel.DownloadAsync(FakeHub.Id, settings, null, default))));
        Assert.Single(folders.Distinct());
        Assert.Equal(large, File.ReadAllBytes(Path.Combine(folders[0], "model.safetensors")));
        Assert.Single(hub.StoreRequests);
    }

    [Fact]
    public async Task A_download_that_was_stopped_goes_on_where_it_stopped()
    {
        byte[] large = new byte[1_000_000];
        Random.Shared.NextBytes(large);
        using FakeHub hub = new([("config.json", "{}"u8.ToArray()), ("model.safetensors", large)]);
        HubSettings settings = hub.Settings(_folder.Path) with { Patience = TimeSpan.FromSeconds(30) };
        HubCache cache = new(HubId.TryParse(FakeHub.Id)!, settings.Cache);
        FileInfo partial = new(cache.Blob(FakeHub.Sha(large)) + ".incomplete");
        using CancellationTokenSource stop = new();
        hub.Mischief = request =>
        {
            if (!request.Path.StartsWith("/store/", StringComparison.Ordinal))
                return null;
            _ = StopOnceKeptAsync();
            return FakeHub.Part(request, large) with { CutAt = 300_000, Stalls = true };
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => HubModel.DownloadAsync(FakeHub.Id, settings, null, stop.Token));
        Assert.Null(cache.Find(isWhole: false));
        partial.Refresh();
        long kept = partial.Length;
        Assert.InRange(kept, 200_000, 300_000);
        hub.Mischief = null;
        string folder = await HubModel.DownloadAsync(FakeHub.Id, settings, null, default);
        Assert.Equal(large, File.ReadAllBytes(Path.Combine(folder, "model.safetensors")));
        Assert.Equal(kept, hub.StoreRequests[^1].From);

        async Task StopOnceKeptAsync()
        {
            do
            {
                await Task.Delay(5);
                partial.Refresh();
            }
            while (!partial.Exists || partial.Length < 200_000);
            stop.Cancel();
        }
    }

    [Fact]
    public async Task A_link_to_a_deleted_content_is_downloaded_again_and_weights_without_a_tokenizer_get_one()
    {
        using FakeHub hub = new([("config.json", "{}"u8.ToArray()), ("model.safetensors", [1, 2]), ("tokenizer.json", "{}"u8.ToArray())]);
        HubSettings settings = hub.Settings(_folder.Path);
        HubId id = HubId.TryParse(FakeHub.Id)!;
        string folder = HubModel.Locate(id, settings), weights = Path.Combine(folder, "model.safetensors");
        File.Delete(File.ResolveLinkTarget(weights, returnFinalTarget: true)!.FullName);
        Assert.Equal(folder, HubModel.Locate(id, settings));
        Assert.Equal([1, 2], File.ReadAllBytes(weights));

        string tokenizer = Path.Combine(folder, "tokenizer.json");
        File.Delete(tokenizer);
        hub.Mischief = _ => new Answer(503, []);
        Assert.Equal(folder, HubModel.Locate(id, settings));
        Assert.Equal(folder, HubModel.Locate(id, settings with { IsOffline = true }));
        Assert.False(File.Exists(tokenizer));
        hub.Mischief = null;
        Assert.Equal(folder, HubModel.Locate(id, settings));
        Assert.True(File.Exists(tokenizer));
    }

    [Fact]
    public void Where_there_are_no_links_the_file_itself_is_placed()
    {
        HubCache cache = new(HubId.TryParse(FakeHub.Id)!, _folder.Path);
        Directory.CreateDirectory(Path.GetDirectoryName(cache.Blob("abc"))!);
        File.WriteAllText(cache.Blob("abc"), "content");
        cache.Place("commit", "config.json", "abc", (_, _) => throw new IOException("no links here"));
        string file = Path.Combine(cache.Snapshot("commit"), "config.json");
        Assert.Null(new FileInfo(file).LinkTarget);
        Assert.Equal("content", File.ReadAllText(file));
    }

    private async Task<string> Refusal(FakeHub hub, string folder = "home")
    {
        CheckpointException error = await Assert.ThrowsAsync<CheckpointException>(
            () => HubModel.DownloadAsync(FakeHub.Id, hub.Settings(_folder[folder]), null, default));
        return error.Message;
    }

    private (string, byte[])[] Saved(DecoderModel model)
    {
        model.Save(_folder["saved"]);
        return [.. Directory.GetFiles(_folder["saved"]).Select(file => (Path.GetFileName(file), File.ReadAllBytes(file)))];
    }

    private static string[] Names(string folder) => [.. Directory.GetFiles(folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)!];

    /// <summary>Reports at once, on the thread that reports.</summary>
    private sealed class Direct(Action<DownloadProgress> report) : IProgress<DownloadProgress>
    {
        public void Report(DownloadProgress value) => report(value);
    }
}
