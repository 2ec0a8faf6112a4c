using Interventions.Models.Hub;

namespace Interventions.Models.Tests.Hub;

/// <summary>Models that Python's tools have downloaded are found, and ids are told from paths.</summary>
public sealed class HubCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("gpt2", "gpt2", "main", null)]
    [InlineData("openai-community/gpt2", "openai-community/gpt2", "main", null)]
    [InlineData("openai-community/gpt2@v1.0", "openai-community/gpt2", "v1.0", null)]
    [InlineData("a/b.c@refs/pr/3", "a/b.c", "refs/pr/3", null)]
    [InlineData("a/b-GGUF/b-q8_0.gguf", "a/b-GGUF", "main", "b-q8_0.gguf")]
    [InlineData("a/b@main/deep/b.safetensors", "a/b", "main", "deep/b.safetensors")]
    [InlineData("a/b.gguf@main", "a/b.gguf", "main", null)]
    public void A_hub_id_names_a_repository_a_revision_and_a_file(string text, string repository, string revision, string? file) =>
        Assert.Equal(new HubId(repository, revision, file), HubId.TryParse(text));

    [Theory]
    [InlineData("no/such/folder")]
    [InlineData("models/tiny.gguf")]
    [InlineData("tiny.safetensors")]
    [InlineData("../models/gpt2")]
    [InlineData("a/..")]
    [InlineData("a/b@../c")]
    [InlineData("a/b/../c.gguf")]
    [InlineData("a--b/c")]
    [InlineData("/models/gpt2")]
    [InlineData("./gpt2")]
    [InlineData("~/gpt2")]
    [InlineData(@"C:\models")]
    [InlineData("a b")]
    [InlineData("a/b\n")]
    [InlineData("")]
    public void A_path_is_no_hub_id(string text) => Assert.Null(HubId.TryParse(text));

    [Fact]
    public void The_cache_and_the_token_are_where_pythons_tools_have_them()
    {
        Assert.Equal(_folder["hub"], Settings(("HF_HOME", _folder.Path)).Cache);
        Assert.Equal(_folder["cache"], Settings(("HF_HOME", "elsewhere"), ("HF_HUB_CACHE", _folder["cache"])).Cache);
        Assert.Equal(Path.Combine(_folder.Path, "huggingface", "hub"), Settings(("XDG_CACHE_HOME", _folder.Path)).Cache);
        string user = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        Assert.Equal(Path.Combine(user, "models", "hub"), Settings(("HF_HOME", "~/models")).Cache);

        Assert.Null(Settings(("HF_HOME", _folder.Path)).Token);
        File.WriteAllText(_folder["token"], "kept\n");
        Assert.Equal("kept", Settings(("HF_HOME", _folder.Path)).Token);
        Assert.Equal("given", Settings(("HF_HOME", _folder.Path), ("HF_TOKEN", " given ")).Token);
        CheckpointException error = Assert.Throws<CheckpointException>(() => Settings(("HF_TOKEN", "secret word")));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);

        Assert.True(Settings(("HF_HUB_OFFLINE", "1")).IsOffline);
        Assert.True(Settings(("HF_HUB_OFFLINE", "yes")).IsOffline);
        Assert.False(Settings(("HF_HUB_OFFLINE", "0")).IsOffline);
        error = Assert.Throws<CheckpointException>(() => Settings(("HF_ENDPOINT", "mirror")));
        Assert.Contains("HF_ENDPOINT", error.Message, StringComparison.Ordinal);
        Assert.Equal("https://mirror.example/hub/", $"{Settings(("HF_ENDPOINT", "https://mirror.example/hub")).Endpoint}");
    }

    [Fact]
    public void A_snapshot_counts_when_its_weights_are_whole()
    {
        HubCache cache = new(HubId.TryParse("some-one/tiny.model")!, _folder.Path);
        string model = _folder["models--some-one--tiny.model"], snapshot = Path.Combine(model, "snapshots", "abc");
        Assert.Null(Find());
        Directory.CreateDirectory(snapshot);
        Assert.Null(Find());
        Write("config.json", "{}");
        Assert.Null(Find());
        Write("model.safetensors.index.json", """{"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}""");
        Write("one.safetensors", "");
        Assert.Null(Find());
        Write("two.safetensors", "");
        Assert.Equal(snapshot, Find());
        File.Delete(Path.Combine(snapshot, "one.safetensors"));
        File.CreateSymbolicLink(Path.Combine(snapshot, "one.safetensors"), "nothing");
        Assert.Null(Find());
        Write("model.safetensors", "");
        Assert.Equal(snapshot, Find());

        // Which of several is the branch's, its reference says; a whole one has a tokenizer, or is known to have none.
        Directory.CreateDirectory(Path.Combine(model, "snapshots", "older"));
        Assert.Null(Find());
        Directory.CreateDirectory(Path.Combine(model, "refs"));
        File.WriteAllText(Path.Combine(model, "refs", "main"), "abc\n");
        Assert.Equal(snapshot, Find());
        Assert.Null(cache.Find(isWhole: true));
        cache.Note("abc", ["tokenizer.json"]);
        Assert.Equal(snapshot, cache.Find(isWhole: true));
        Assert.Null(new HubCache(HubId.TryParse("some-one/tiny.model@v2")!, _folder.Path).Find(isWhole: false));
        Assert.Equal(snapshot, new HubCache(HubId.TryParse("some-one/tiny.model@abc")!, _folder.Path).Find(isWhole: true));
        File.WriteAllText(Path.Combine(model, "refs", "main"), "../..");
        Assert.Null(Find());

        string? Find() => cache.Find(isWhole: false);

        void Write(string name, string text) => File.WriteAllText(Path.Combine(snapshot, name), text);
    }

    private static HubSettings Settings(params (string Name, string Value)[] variables) =>
        HubSettings.Of(name => variables.Where(variable => variable.Name == name).Select(variable => variable.Value).FirstOrDefault());
}
