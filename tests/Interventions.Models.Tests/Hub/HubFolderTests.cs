using Interventions.Models.Hub;

namespace Interventions.Models.Tests.Hub;

/// <summary>Folders on the hub that hold something else than a model.</summary>
public sealed class HubFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_folders_files_are_downloaded_and_found_again()
    {
        using FakeHub hub = new(
        [
            ("README.md", [1]), ("layers/blocks.1.resid/cfg.json", "{}"u8.ToArray()), ("layers/blocks.1.resid/b.bin", [2, 3]),
            ("layers/blocks.1.resid/a.bin", [4]), ("layers/blocks.2.resid/a.bin", [5]),
        ]);
        HubSettings settings = hub.Settings(_folder.Path);
        HubFolder folder = HubFolder.TryParse($"{FakeHub.Id}/layers/blocks.1.resid")!;
        string found = folder.Locate(["a.bin", "b.bin"], ["cfg.json", "config.json"], settings);
        Assert.Equal(["a.bin", "cfg.json"], Directory.GetFiles(found).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal([4], File.ReadAllBytes(Path.Combine(found, "a.bin")));
        int asked = hub.Requests.Count;
        Assert.Equal(found, folder.Locate(["a.bin", "b.bin"], ["cfg.json", "config.json"], settings with { IsOffline = true }));
        Assert.Equal(asked, hub.Requests.Count);
    }

    [Fact]
    public void A_folder_without_such_files_names_those_that_have_them()
    {
        using FakeHub hub = new([("README.md", [1]), ("blocks.1/a.bin", [2]), ("blocks.2/a.bin", [3])]);
        HubSettings settings = hub.Settings(_folder.Path);
        HubFolder folder = HubFolder.TryParse(FakeHub.Id)!;
        Assert.Contains(
            "has none of a.bin; folders that have one: blocks.1, blocks.2.",
            Assert.Throws<CheckpointException>(() => folder.Locate(["a.bin"], [], settings)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "HF_HUB_OFFLINE forbids to download it",
            Assert.Throws<CheckpointException>(() => folder.Locate(["a.bin"], [], settings with { IsOffline = true })).Message,
            StringComparison.Ordinal);
    }

    /// <summary>What is chosen among the names of files is downloaded; what is in the cache counts only where it suffices.</summary>
    [Fact]
    public void Several_files_are_chosen_downloaded_and_found_again()
    {
        using FakeHub hub = new([("set/a/1.bin", [1]), ("set/a/2.bin", [2]), ("set/notes.txt", [3]), ("other/a/3.bin", [4])]);
        HubSettings settings = hub.Settings(_folder.Path);
        HubFolder folder = HubFolder.TryParse($"{FakeHub.Id}/set")!;
        string one = folder.Locate(names => Chosen(names, 1), "one", settings);
        Assert.Equal(["a/1.bin"], HubFolder.Below(one));
        string two = folder.Locate(names => Chosen(names, 2), "two", settings);
        Assert.Equal((one, 2), (two, HubFolder.Below(two).Count));
        int asked = hub.Requests.Count;
        Assert.Equal(two, folder.Locate(names => Chosen(names, 2), "two", settings with { IsOffline = true }));
        Assert.Equal(asked, hub.Requests.Count);
        Assert.Contains("has not three files.", Assert.Throws<CheckpointException>(
            () => folder.Locate(names => Chosen(names, 3), "three files", settings)).Message, StringComparison.Ordinal);

        static string[]? Chosen(IReadOnlyCollection<string> names, int count) =>
            names.Where(name => name.EndsWith(".bin", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray() is var found
            && found.Length >= count ? found[..count] : null;
    }

    [Theory]
    [InlineData("owner/name", "owner/name", "")]
    [InlineData("owner/name@v1/blocks.7.hook_resid_pre", "owner/name@v1", "blocks.7.hook_resid_pre")]
    [InlineData("owner/name/a/b", "owner/name", "a/b")]
    public void Ids_are_read(string text, string id, string name)
    {
        HubFolder folder = HubFolder.TryParse(text)!;
        Assert.Equal((id, name), ($"{folder.Id}", folder.Name));
        Assert.Equal(text, $"{folder}");
    }

    [Theory]
    [InlineData("name")]
    [InlineData("owner/name/../x")]
    [InlineData("owner/name//x")]
    [InlineData("./owner/name")]
    [InlineData("/tmp/x")]
    public void What_is_no_id_is_none(string text) => Assert.Null(HubFolder.TryParse(text));
}
