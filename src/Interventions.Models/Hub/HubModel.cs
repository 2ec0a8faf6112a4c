using Interventions.Models.Hub;

namespace Interventions.Models;

/// <summary>Models on the Hugging Face hub.</summary>
/// <remarks>
/// They are kept in the cache that Python's tools keep theirs in, so that either finds what the other has downloaded. The variables
/// <c>HF_HOME</c>, <c>HF_HUB_CACHE</c>, <c>HF_TOKEN</c>, <c>HF_ENDPOINT</c> and <c>HF_HUB_OFFLINE</c> mean what they mean there.
/// </remarks>
public static class HubModel
{
    /// <summary>
    /// Downloads what is not in the cache yet of a model: its configuration, its tokenizer and its weights. A download that was interrupted
    /// goes on where it stopped. <c>Load</c> does the same with an id whose files are not in the cache; call this to see the progress, to
    /// stop on the way, or to have a branch's newest version.
    /// </summary>
    /// <param name="id">
    /// <c>openai-community/gpt2</c>; with a branch, a tag or a commit, <c>openai-community/gpt2@main</c>; or with one file of weights,
    /// <c>owner/name/model-q8_0.gguf</c>.
    /// </param>
    /// <param name="progress">Is told ten times a second at most.</param>
    /// <param name="cancellationToken">Stops; what has arrived is kept.</param>
    /// <returns>The folder of the model, or the file that was named: what <c>Load</c> takes.</returns>
    /// <exception cref="CheckpointException">
    /// There is no such model, it may not be read, the hub cannot be reached or sends something else than it promised, or the disk is full.
    /// </exception>
    public static Task<string> DownloadAsync(
        string id, IProgress<DownloadProgress>? progress = null, CancellationToken cancellationToken = default) =>
        DownloadAsync(id, HubSettings.Of(Environment.GetEnvironmentVariable), progress, cancellationToken);

    internal static async Task<string> DownloadAsync(
        string id, HubSettings settings, IProgress<DownloadProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(id);
        HubId parsed = HubId.TryParse(id)
            ?? throw new CheckpointException(id, "is no hub id: those are 'owner/name' or 'owner/name@revision'.");
        if (!settings.IsOffline)
            return await new HubDownload(parsed, settings, progress).RunAsync(cancellationToken).ConfigureAwait(false);
        return new HubCache(parsed, settings.Cache).Find(isWhole: false) ?? throw HubRefusals.Offline(parsed, settings);
    }

    /// <summary>A model's files in the cache; what is missing is downloaded.</summary>
    internal static string Locate(HubId id, HubSettings settings)
    {
        HubCache cache = new(id, settings.Cache);
        if (cache.Find(isWhole: true) is { } whole)
            return whole;
        string? weights = cache.Find(isWhole: false);
        if (settings.IsOffline)
            return weights ?? throw HubRefusals.Offline(id, settings);
        try
        {
            // On a thread of its own, so that a caller's context cannot wait for itself.
            return Task.Run(() => new HubDownload(id, settings, progress: null).RunAsync(default)).GetAwaiter().GetResult();
        }
        catch (CheckpointException) when (weights is not null)
        {
            return weights; // the tokenizer alone is missing: who asks for it is told
        }
    }
}
