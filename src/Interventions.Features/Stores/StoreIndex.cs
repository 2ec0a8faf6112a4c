using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Interventions.Files;
using Interventions.ModelGraphs;

namespace Interventions.Features;

/// <summary>
/// The file that says what is in a store's folder: what the rows were made from, and which files are complete. A file that is not listed
/// counts as not written.
/// </summary>
internal sealed record StoreIndex
{
    private const string Name = "index.json", Version = "1";

    /// <summary>What the rows are made from, by key: only work on the same may be gone on with.</summary>
    public required ImmutableArray<KeyValuePair<string, string>> Origin { get; init; }

    /// <summary>How many rows each file has.</summary>
    public ImmutableArray<long> Shards { get; init; } = [];

    /// <summary>How many contexts of the corpus were read for them.</summary>
    public long Contexts { get; init; }

    /// <summary>A hash of the tokens of these contexts.</summary>
    public string Tokens { get; init; } = "";

    /// <summary>Whether these contexts are the whole corpus.</summary>
    public bool IsWhole { get; init; }

    /// <summary>How many rows there are.</summary>
    public long Rows => Shards.Sum();

    /// <summary>A part of the origin.</summary>
    public string this[string key] => Origin.First(part => part.Key == key).Value;

    /// <summary>The name of a file of rows.</summary>
    public static string ShardName(int number) => number.ToString("D6", CultureInfo.InvariantCulture) + ".safetensors";

    /// <summary>What rows are made from.</summary>
    /// <exception cref="InterventionException">The model does not say which weights it has.</exception>
    public static StoreIndex Of(ActivationReader reader, HookedModel model, StoreOptions options)
    {
        string weights = model.WeightsFingerprint() ?? throw new InterventionException(
            $"{model.Schema.Model} does not say which weights it has, so nobody could tell whether a store goes on with the same ones. "
            + $"Override {nameof(HookedModel.WeightsFingerprint)}.");
        string version = typeof(StoreIndex).Assembly.GetName().Version?.ToString() ?? "";
        return new StoreIndex
        {
            Origin =
            [
                new("model", $"{model.Schema.Model} ({model.Schema.Fingerprint})"),
                new("weights", Hash(weights)),
                new("site", reader.Site),
                new("target", options.Target ?? "none"),
                new("corpus", reader.Corpus.Cutting),
                new("left out", reader.Positions.ToString()),
                new("type", options.Type.ToString()),
                new("batches", string.Create(CultureInfo.InvariantCulture, $"of {options.BatchSize} contexts on {model.Device.type}")),
                new("bytes of a file", options.ShardBytes.ToString(CultureInfo.InvariantCulture)),
                new("seed", options.Seed.ToString(CultureInfo.InvariantCulture)),
                new("version", version),
            ],
        };
    }

    /// <summary>Reads a folder's index; null if it has none.</summary>
    /// <exception cref="InterventionException">It is malformed.</exception>
    public static StoreIndex? Read(string folder)
    {
        string path = Path.Combine(folder, Name);
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonFields.Read(File.ReadAllText(path), fields => Fields(fields, null), (place, problem) => Malformed(
                $"{(place.Length > 0 ? $"at {place}, " : "")}{problem}."));
        }
        catch (Exception wrong) when (wrong is JsonException or FormatException or ArgumentException)
        {
            throw Malformed(wrong.Message);
        }

        InterventionException Malformed(string why) => new($"'{path}' is no index of a store: {why}");
    }

    /// <summary>Writes the folder's index, which is seen complete or not at all.</summary>
    public void Write(string folder)
    {
        byte[] text = Encoding.UTF8.GetBytes(JsonFields.Write(fields => Fields(fields, this), isIndented: true));
        CompleteFile.Replace(Path.Combine(folder, Name), stream => stream.Write(text));
    }

    /// <summary>Checks that a store was begun with the same.</summary>
    /// <param name="begun">What is there.</param>
    /// <param name="folder">Its folder.</param>
    /// <exception cref="InterventionException">It was not.</exception>
    public void Check(StoreIndex begun, string folder)
    {
        foreach (((string key, string now), (_, string before)) in Origin.Zip(begun.Origin))
            if (now != before)
                throw Other(folder, key switch
                {
                    "weights" => "with other weights of that model",
                    "site" => $"of '{before}', and this is of '{now}'",
                    "batches" => $"in batches {before}, and this is in batches {now}",
                    "version" => $"by version {before} of Interventions, and this is {now}",
                    _ => $"with {key} {before}, and this is with {key} {now}",
                });
    }

    /// <summary>The refusal to go on with a store.</summary>
    public static InterventionException Other(string folder, string how) =>
        new($"The store '{folder}' was begun {how}: go on with the same, give another folder, or delete it.");

    private static StoreIndex Fields(JsonFields fields, StoreIndex? index)
    {
        string version = fields.Text("version", index is null ? null : Version);
        if (version != Version)
            throw fields.Wrong($"it is of version {version}, and this is version {Version}");
        ImmutableArray<string> origin = fields.Texts(
            "origin", index is null ? default : [.. index.Origin.Select(part => $"{part.Key}={part.Value}")]);
        ImmutableArray<long> shards = fields.Longs("shards", index?.Shards ?? default);
        long contexts = fields.Long("contexts", index?.Contexts);
        string tokens = fields.Text("tokens", index?.Tokens);
        bool isWhole = fields.Truth("isWhole", index?.IsWhole);
        return index ?? new StoreIndex
        {
            Origin = [.. origin.Select(part => part.Split('=', 2)).Select(part => new KeyValuePair<string, string>(part[0], part[^1]))],
            Shards = shards,
            Contexts = contexts,
            Tokens = tokens,
            IsWhole = isWhole,
        };
    }

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 8));
}

/// <summary>Goes through the contexts of a corpus once, and hashes the tokens of those that were read.</summary>
internal sealed class ContextCursor : IDisposable
{
    private readonly IEnumerator<IReadOnlyList<long>> _contexts;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public ContextCursor(Corpus corpus) => _contexts = corpus.Contexts.GetEnumerator();

    /// <summary>How many contexts were read.</summary>
    public long Read { get; private set; }

    /// <summary>A hash of their tokens.</summary>
    public string Tokens => Convert.ToHexStringLower(_hash.GetCurrentHash().AsSpan(0, 16));

    /// <summary>The next contexts; fewer than asked for, or none, at the end of the corpus.</summary>
    public IReadOnlyList<long>[] Take(int count)
    {
        List<IReadOnlyList<long>> taken = [];
        while (taken.Count < count && _contexts.MoveNext())
        {
            long[] tokens = [.. _contexts.Current];
            if (tokens.Length == 0)
                throw new InterventionException($"Context {Read} of the corpus has no tokens.");
            _hash.AppendData(MemoryMarshal.AsBytes<long>([tokens.Length, .. tokens]));
            taken.Add(tokens);
            Read++;
        }
        return [.. taken];
    }

    public void Dispose()
    {
        _contexts.Dispose();
        _hash.Dispose();
    }
}
