using System.Diagnostics;

namespace Interventions.Features.Tests.Stores;

/// <summary>A store whose filling process is killed at random moments.</summary>
public sealed class KilledStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_killed_store_goes_on_and_has_the_same_bytes() => Check(seed: 3, leastKills: 3, further: 12);

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [Trait("Duration", "long")]
    public void A_store_that_is_killed_often_has_the_same_bytes(int seed) => Check(seed, leastKills: 8, further: 3);

    private void Check(int seed, int leastKills, int further)
    {
        string whole = _folder["whole"], killed = _folder["killed"];
        KilledStore.Fill(whole, pause: 0);
        Random random = new(seed);
        int kills = 0;
        for (bool isDone = false; !isDone;)
        {
            // Soon after some files: while one is computed, written or renamed, or the index is.
            int there = Shards(killed), until = there + random.Next(further + 1);
            TimeSpan pause = TimeSpan.FromMilliseconds(random.Next(40));
            using Process child = Process.Start(
                new ProcessStartInfo("dotnet", ["exec", typeof(KilledStore).Assembly.Location, killed]) { RedirectStandardError = true })!;
            while (!child.HasExited && (Shards(killed) <= until || !File.Exists(Path.Combine(killed, "index.json"))))
                Thread.Sleep(1);
            Thread.Sleep(pause);
            child.Kill();
            child.WaitForExit();
            Assert.True(child.ExitCode is 0 or 137, child.StandardError.ReadToEnd());
            isDone = child.ExitCode == 0;
            kills += isDone ? 0 : 1;
            Assert.True(Shards(killed) >= there, "what was finished stays");
            // What the index lists is whole.
            if (Shards(killed) > 1)
                ActivationStore.Open(killed).Dispose();
        }
        Assert.True(kills >= leastKills, $"it was killed {kills} times");
        StoreTests.SameFiles(whole, killed);
        using ActivationStore store = ActivationStore.Open(killed);
        Assert.Equal(TinyCorpora.Tokens(KilledStore.Contexts, seed: 5).Sum(context => context.Length - 1), store.Count);
    }

    private static int Shards(string folder) => Directory.Exists(folder) ? Directory.GetFiles(folder, "*.safetensors").Length : 0;
}
