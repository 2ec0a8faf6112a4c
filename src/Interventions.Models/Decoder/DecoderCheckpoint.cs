using System.Text.Json;
using Interventions.Files;
using Interventions.Models.Checkpoints;
using Interventions.Models.Families;
using Interventions.Models.Hub;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>A decoder's configuration and weights, before they become a model. A model that takes it owns the weights.</summary>
public sealed class DecoderCheckpoint : IDisposable
{
    internal const string ConfigName = "config.json";
    internal const long ShardBytes = 5_000_000_000;

    private readonly StoredTokenizer _tokenizer;
    private readonly Dictionary<string, Tensor> _weights;

    private DecoderCheckpoint(string path, StoredTokenizer tokenizer, DecoderConfig config, Dictionary<string, Tensor> weights)
    {
        Path = path;
        _tokenizer = tokenizer;
        Config = config;
        _weights = weights;
    }

    /// <summary>The file or folder that it was read from, for messages.</summary>
    public string Path { get; }

    /// <summary>What the decoder is made of.</summary>
    public DecoderConfig Config { get; private set; }

    /// <summary>The weights, by canonical name (<see cref="DecoderWeights.Shapes"/>).</summary>
    public IReadOnlyDictionary<string, Tensor> Weights => _weights;

    /// <summary>What was done to the weights beside reading them.</summary>
    public WeightProcessing Processing { get; private init; }

    /// <summary>What else was changed in the weights after they were trained; null if nothing was.</summary>
    internal string? Change { get; private init; }

    /// <summary>What may matter and is not so: keys of the configuration that nobody reads, and what a format cannot say.</summary>
    public IReadOnlyList<string> Warnings { get; private set; } = [];

    /// <summary>The tokens that its files call the end of a text, beside its tokenizer: read when they are asked for.</summary>
    internal Func<IReadOnlyList<long>> Ends { get; private init; } = () => [];

    /// <summary>Further families that the checkpoint may be of, since its format does not tell them apart.</summary>
    private IReadOnlyList<string> AlsoHolds { get; init; } = [];

    /// <summary>Reads a checkpoint in the Hugging Face layout, or a GGUF file.</summary>
    /// <param name="path">
    /// A folder with <c>config.json</c> and the weights; a <c>.safetensors</c> or PyTorch file (<c>.bin</c>, <c>.pt</c>, <c>.pth</c>, of
    /// which nothing is run) beside its <c>config.json</c>; a <c>.gguf</c> file, or
    /// a folder that has one and no <c>config.json</c>; or a hub id (<c>openai-community/gpt2</c>), whose files are downloaded unless they
    /// are in the cache: see <see cref="HubModel"/>.
    /// </param>
    /// <param name="dtype">What the weights are converted to. Default: float32.</param>
    /// <param name="device">Where they are put. Default: the CPU.</param>
    /// <param name="ignore">
    /// Names of tensors that are left out, in which <c>*</c> stands for any text: <c>"value_head.*"</c>. A tensor that the family does not
    /// have is refused unless it is named here; a name that fits none of them is refused too. Default: none.
    /// </param>
    /// <param name="processing">What is done to the weights then. Default: nothing.</param>
    /// <exception cref="CheckpointException">
    /// There is no such checkpoint, it is malformed, or its family or an option is not supported.
    /// </exception>
    /// <exception cref="ArgumentException">The processing would change what the model computes.</exception>
    public static DecoderCheckpoint Open(
        string path, ScalarType? dtype = null, Device? device = null, IReadOnlyList<string>? ignore = null,
        WeightProcessing processing = WeightProcessing.None)
    {
        (string folder, FileInfo? file) = Locate(path);
        WeightReading how = new(dtype ?? ScalarType.Float32, device ?? CPU, new IgnoredTensors(ignore ?? []));
        DecoderCheckpoint stored = file?.Extension == GgufFile.Extension
            ? OpenGguf(file.FullName, how)
            : Open(System.IO.Path.Combine(folder, ConfigName), folder, file, how);
        return stored.Processed(processing);
    }

    /// <summary>Reads the weights of a folder as another configuration file describes them.</summary>
    internal static DecoderCheckpoint Open(string config, string folder, FileInfo? file, WeightReading how)
    {
        ConfigFile json = ConfigFile.Read(config);
        DecoderFamily family = DecoderFamily.Of(json);
        DecoderConfig decoder = family.Read(json);
        using TensorFolder files = file is null ? new TensorFolder(folder) : new TensorFolder(file);
        Dictionary<string, Tensor> weights = WeightFiles.Read(files, family.Stored(decoder), decoder, how);
        return new DecoderCheckpoint(file?.FullName ?? folder, StoredTokenizer.InFolder(folder), decoder, weights)
        {
            Warnings = [.. WarningsOf(json, family, decoder)],
            Ends = () => EndTokens.InFiles(folder, json),
        };
    }

    private static IEnumerable<string> WarningsOf(ConfigFile json, DecoderFamily family, DecoderConfig decoder)
    {
        string[] unread = [.. family.Unexplained(json), .. family.Unread(json)];
        if (unread.Length > 0)
            yield return $"'{json.Path}' has keys that a {family.ModelType} does not read: {DecoderFamily.Quoted(unread)}.";
        if (decoder.LongRopes.Any())
        {
            yield return $"'{json.Path}' turns longer prompts by other frequencies ('longrope'), which is not supported: the model reads " +
                $"up to {decoder.ContextLength} tokens.";
        }
    }

    /// <summary>
    /// Reads what a checkpoint's decoder is made of, and no weights: <c>config.json</c>, or the header of a GGUF file.
    /// </summary>
    /// <param name="path">
    /// The <c>config.json</c> itself, or what
    /// <see cref="Open(string, ScalarType?, Device?, IReadOnlyList{string}?, WeightProcessing)"/> takes.
    /// </param>
    /// <exception cref="CheckpointException">
    /// There is no such configuration, it is malformed, or its family or an option is not supported.
    /// </exception>
    public static DecoderConfig ReadConfig(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        bool isConfig = System.IO.Path.GetExtension(path) == ".json" && File.Exists(path);
        return (isConfig ? DecoderDescription.OfConfig(path) : DecoderDescription.Read(path)).Config;
    }

    private static DecoderCheckpoint OpenGguf(string path, WeightReading how)
    {
        using GgufFile file = new(path);
        (DecoderFamily family, DecoderConfig decoder) = GgufConfig.Read(file);
        Dictionary<string, Tensor> weights = WeightFiles.Read(file, family.Gguf!.Weights(family, decoder), decoder, how);
        GgufHeader header = file.Header;
        return new DecoderCheckpoint(path, StoredTokenizer.InGguf(header), decoder, weights)
        {
            AlsoHolds = family.Gguf.AlsoHolds,
            Ends = () => EndTokens.InGguf(header),
        };
    }

    /// <summary>A decoder that has not been trained; see <see cref="DecoderWeights.Random"/>.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    /// <param name="dtype">Default: float32.</param>
    /// <param name="device">Default: the CPU.</param>
    /// <exception cref="ArgumentException">The configuration's numbers do not fit together, or its family is unknown.</exception>
    public static DecoderCheckpoint Random(DecoderConfig config, long seed = 0, ScalarType? dtype = null, Device? device = null)
    {
        string name = $"random {DecoderFamily.Named(config.Family).ModelType}";
        return new DecoderCheckpoint(
            name, StoredTokenizer.None(name, "it was not loaded"), config, DecoderWeights.Random(config.Checked(), seed, dtype, device));
    }

    /// <summary>A decoder whose weights have shapes and a type, and no memory: they are on the meta device.</summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="dtype">The type of its weights. Default: float32.</param>
    /// <exception cref="ArgumentException">The configuration's numbers do not fit together, or its family is unknown.</exception>
    public static DecoderCheckpoint WithoutWeights(DecoderConfig config, ScalarType? dtype = null)
    {
        string name = $"{DecoderFamily.Named(config.Family).ModelType} without weights";
        Dictionary<string, Tensor> weights = DecoderWeights.Shapes(config.Checked()).ToDictionary(
            weight => weight.Name, weight => empty(weight.Shape, dtype ?? ScalarType.Float32, META).DetachFromDisposeScope());
        return new DecoderCheckpoint(name, StoredTokenizer.None(name, "it has none"), config, weights);
    }

    /// <summary>
    /// Writes <c>config.json</c> and the weights in their type, as
    /// <see cref="Open(string, ScalarType?, Device?, IReadOnlyList{string}?, WeightProcessing)"/> reads them: <c>model.safetensors</c>, or
    /// shards with an index.
    /// </summary>
    /// <param name="folder">The folder; it is made if it does not exist.</param>
    /// <param name="shardBytes">The most bytes of weights in one file. Default: 5 GB.</param>
    /// <exception cref="CheckpointException">The tokenizer is that of a GGUF file, and malformed or not supported.</exception>
    /// <exception cref="InvalidOperationException">The weights are processed.</exception>
    public void Save(string folder, long shardBytes = ShardBytes)
    {
        if (Processing != WeightProcessing.None)
            throw new InvalidOperationException(
                $"Processed weights ({Processing}) are not saved: a {Config.Family} has no place for all of them, and no reader would see "
                + "what they are. Save the model without processing, and process it where it is loaded.");
        DecoderFamily family = DecoderFamily.Named(Config.Family);
        (string Name, byte[] Content)[] tokenizer = [.. _tokenizer.Files()];
        IReadOnlyList<long> ends = Ends();
        using DisposeScope scope = NewDisposeScope();
        ShardedFiles.Save(folder, WeightFiles.Stored(family, Config, Weights), shardBytes);
        CompleteFile.Replace(System.IO.Path.Combine(folder, ConfigName), stream =>
        {
            using Utf8JsonWriter json = new(stream, new JsonWriterOptions { Indented = true });
            json.WriteStartObject();
            json.WriteString("model_type", family.ModelType);
            json.WriteString("torch_dtype", Weights["embed.weight"].dtype.ToString().ToLowerInvariant());
            family.Write(Config, json);
            EndTokens.Write(ends, json);
            json.WriteEndObject();
        });
        foreach ((string name, byte[] content) in tokenizer)
            CompleteFile.Replace(System.IO.Path.Combine(folder, name), stream => stream.Write(content));
    }

    /// <summary>A copy that owns its weights.</summary>
    internal DecoderCheckpoint Copy()
    {
        using IDisposable mode = no_grad();
        Dictionary<string, Tensor> weights =
            Weights.ToDictionary(weight => weight.Key, weight => weight.Value.clone().DetachFromDisposeScope());
        return new DecoderCheckpoint(Path, _tokenizer, Config, weights)
        {
            Warnings = Warnings,
            AlsoHolds = AlsoHolds,
            Ends = Ends,
            Processing = Processing,
            Change = Change,
        };
    }

    /// <summary>This checkpoint with its weights processed further. It takes over this one's weights, also when it refuses.</summary>
    /// <exception cref="ArgumentException">The processing would change what the model computes.</exception>
    internal DecoderCheckpoint Processed(WeightProcessing processing)
    {
        if (processing == WeightProcessing.None)
            return this;
        try
        {
            // What was done before is done again: folding norms gives values new biases.
            WeightProcessing all = WeightProcessings.Of(Processing | processing, Config);
            WeightRewriting rewriting = new(Config, _weights);
            rewriting.Apply(all);
            return new DecoderCheckpoint(Path, _tokenizer, rewriting.Config, _weights)
            {
                Warnings = Warnings,
                AlsoHolds = AlsoHolds,
                Ends = Ends,
                Processing = all,
                Change = Change,
            };
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// This checkpoint without some directions in what is written into the residual stream. It takes over this one's weights.
    /// </summary>
    /// <param name="basis">Orthonormal directions, <c>[direction, d_model]</c>, float64.</param>
    internal DecoderCheckpoint WithoutDirections(Tensor basis)
    {
        WeightRewriting rewriting = new(Config, _weights);
        rewriting.RemoveDirections(basis);
        string change = $"without {TextTable.Count(basis.shape[0], "direction")}";
        return new DecoderCheckpoint(Path, _tokenizer, rewriting.Config, _weights)
        {
            Warnings = Warnings,
            AlsoHolds = AlsoHolds,
            Ends = Ends,
            Processing = Processing,
            Change = Change is null ? change : $"{Change}, {change}",
        };
    }

    /// <summary>Whether a tokenizer came with the weights.</summary>
    internal bool HasTokenizer => _tokenizer.Exists;

    /// <summary>The tokenizer that came with the weights.</summary>
    internal HuggingFaceTokenizer LoadTokenizer() => _tokenizer.Load();

    /// <summary>This checkpoint, if it is of the family; otherwise it is disposed.</summary>
    /// <exception cref="CheckpointException">It is of another family.</exception>
    internal DecoderCheckpoint OfFamily(string family)
    {
        if (Config.Family == family)
            return this;
        if (AlsoHolds.Contains(family))
        {
            Config = Config with { Family = family };
            Warnings =
            [
                .. Warnings,
                $"'{Path}' does not say how many tokens back a {family} looks: every token sees all before it, as if it had no window.",
            ];
            return this;
        }
        Dispose();
        throw new CheckpointException(Path, $"is a {Config.Family}, not a {family}.");
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (Tensor weight in Weights.Values)
            weight.Dispose();
    }

    internal static (string Folder, FileInfo? File) Locate(string path)
    {
        if (Directory.Exists(path))
            return InFolder(path);
        if (File.Exists(path))
        {
            FileInfo file = new(path);
            return file.Extension is ".safetensors" or GgufFile.Extension || PickleFile.Extensions.Contains(file.Extension)
                ? (file.DirectoryName!, file)
                : throw new CheckpointException(
                    path, "is not a checkpoint: give a folder, a .safetensors, .gguf or .bin file, or a hub id.");
        }
        return HubId.TryParse(path) is { } id
            ? Locate(HubModel.Locate(id, HubSettings.Of(Environment.GetEnvironmentVariable)))
            : throw new CheckpointException(path, "is neither a folder, a file nor a hub id.");
    }

    /// <summary>A folder in the Hugging Face layout, or its one GGUF file.</summary>
    private static (string Folder, FileInfo? File) InFolder(string folder)
    {
        if (File.Exists(System.IO.Path.Combine(folder, ConfigName)))
            return (folder, null);
        string[] files = [.. Directory.GetFiles(folder, "*" + GgufFile.Extension).Order(StringComparer.Ordinal)];
        if (files.Length <= 1)
            return (folder, files is [string only] ? new FileInfo(only) : null);
        string names = string.Join(", ", files.Take(5).Select(System.IO.Path.GetFileName));
        throw new CheckpointException(folder, $"has {files.Length} GGUF files ({names}): give the path of one.");
    }
}
