using System.Collections;
using System.Globalization;
using System.Text.Json;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

internal sealed partial class DecoderFamily
{
    // These describe the file, its training or its use with other programs.
    private static readonly HashSet<string> s_descriptions =
    [
        "architectures", "model_type", "torch_dtype", "dtype", "transformers_version", "_name_or_path", "name_or_path", "auto_map",
        "_attn_implementation", "attn_implementation", "use_cache", "cache_implementation", "hidden_size_per_head",
        "bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "sep_token_id", "decoder_start_token_id", "tokenizer_class",
        "initializer_range", "is_decoder", "is_encoder_decoder", "gradient_checkpointing", "task_specific_params", "id2label", "label2id",
        "num_labels", "finetuning_task", "problem_type", "prefix", "output_attentions", "output_hidden_states", "return_dict",
        "attention_dropout", "hidden_dropout", "resid_dropout", "embed_dropout", "classifier_dropout", "dropout", "activation_dropout",
        "attn_pdrop", "embd_pdrop", "resid_pdrop", "attention_probs_dropout_prob", "hidden_dropout_prob", "attn_dropout",
        "summary_activation", "summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj",
        "max_length", "min_length", "do_sample", "early_stopping", "num_beams", "temperature", "top_k", "top_p", "repetition_penalty",
    ];

    /// <summary>How the family lies in GGUF files; <see langword="null"/> when it is not read from them.</summary>
    public GgufLayout? Gguf => GgufLayout.Of(this);

    /// <summary>Where every weight of <see cref="DecoderWeights.Shapes"/> is stored in the Hugging Face layout.</summary>
    public IEnumerable<WeightSource> Weights(DecoderConfig config) => Sources(Tensors, config);

    /// <summary>Where every weight of <see cref="DecoderWeights.Shapes"/> is stored, by a table of names.</summary>
    public static IEnumerable<WeightSource> Sources(IReadOnlyList<TensorNames> tensors, DecoderConfig config)
    {
        Dictionary<string, TensorNames> names = tensors.ToDictionary(tensor => tensor.Weight);
        foreach ((string weight, long[] shape) in DecoderWeights.Shapes(config))
        {
            string[] words = weight.Split('.');
            string end = words[^1] == "gain" ? "weight" : words[^1], layer = words[0] == "blocks" ? words[1] : "";
            string name = string.Join('.', words.SkipLast(1).Select((word, i) => i == 1 && layer.Length > 0 ? "*" : word));
            TensorNames stored = names[name];
            string[] storedNames = [.. stored.Stored.Select(pattern => $"{pattern.Replace("*", layer, StringComparison.Ordinal)}.{end}")];
            yield return new WeightSource(weight, [.. Parts(stored, storedNames, shape, config)], stored.Transposed);
        }
    }

    /// <summary>Where the Hugging Face layout stores the weights of a decoder.</summary>
    public StoredLayout Stored(DecoderConfig config)
    {
        string unembedding = $"{Tensors.First(names => names.Weight == "unembed").Stored[0]}.weight";
        return new(
            ModelType, Prefix, Weights(config), name => IgnoredTensors.Any(end => name.EndsWith(end, StringComparison.Ordinal)),
            config.TiedUnembedding ? unembedding : null);
    }

    /// <summary>Writes the properties of <c>config.json</c> that <see cref="Read"/> reads, <c>model_type</c> excepted.</summary>
    public void Write(DecoderConfig config, Utf8JsonWriter json)
    {
        (string Name, object? Value)[] architecture = [("architectures", new[] { Architecture })];
        foreach ((string name, object? value) in architecture.Concat(Keys.SelectMany(key => key.Write(config))))
        {
            json.WritePropertyName(name);
            WriteValue(json, value);
        }
    }

    /// <summary>The keys of a configuration that are not read and are not known to be without effect.</summary>
    public IReadOnlyList<string> Unexplained(ConfigFile file) =>
    [
        .. file.Properties.Select(property => property.Name)
            .Where(name => !s_descriptions.Contains(name) && !WithoutEffect.Contains(name) && !Keys.Any(key => key.Names.Contains(name))),
    ];

    /// <summary>The keys within sections of a configuration that <see cref="Read"/> accepts and that are not read.</summary>
    public IEnumerable<string> Unread(ConfigFile file) => Keys.SelectMany(key => key.Unread(file));

    /// <summary>The family of a configuration.</summary>
    /// <exception cref="CheckpointException">It is not supported.</exception>
    public static DecoderFamily Of(ConfigFile file)
    {
        string type = file.Text("model_type");
        if (Find(type) is { } family)
            return family;
        (DecoderFamily nearest, IReadOnlyList<string> missing) =
            All.Select(known => (Family: known, Missing: known.Unexplained(file))).MinBy(known => known.Missing.Count);
        string[] strange = [.. missing.Where(key => All.All(known => known.Unexplained(file).Contains(key)))];
        string gap = missing.Count == 0 ? "which reads all of its keys" : $"which does not know {Quoted(missing)}";
        throw new CheckpointException(
            file.Path, $"describes a model of type '{type}'; supported are {Names}. " +
            $"Nearest comes {nearest.ModelType}, {gap}{(strange.Length > 0 ? $"; no family knows {Quoted(strange)}" : "")}.");
    }

    /// <summary>The family of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static DecoderFamily Named(string name) =>
        Find(name) ?? throw new ArgumentException($"There is no decoder family '{name}'; known are {Names}.", nameof(name));

    /// <summary>The first names, in quotes.</summary>
    internal static string Quoted(IReadOnlyList<string> names) =>
        string.Join(", ", names.Take(8).Select(name => $"'{name}'")) + (names.Count > 8 ? ", …" : "");

    private static IEnumerable<WeightPart> Parts(TensorNames names, string[] stored, long[] shape, DecoderConfig config)
    {
        if (stored is [string q, string k, string v])
        {
            long queries = (long)config.Heads * config.DHead, keys = (long)config.KvHeads * config.DHead;
            return [new(q, queries), new(k, keys), new(v, keys)];
        }
        if (stored[0].Contains('#', StringComparison.Ordinal))
        {
            // One an expert, of a stack of matrices; or one a head, of a list of gains.
            long count = shape.Length == 3 ? shape[0] : shape[0] / config.DHead;
            long rows = shape.Length == 3 ? shape[1] : config.DHead;
            return Enumerable.Range(0, (int)count).Select(i => new WeightPart(
                stored[0].Replace("#", i.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), rows));
        }
        return
        [
            new WeightPart(stored[0], null)
            {
                Order = names.HeadByHead ? new RowOrder(1, config.Heads, 3) : null,
                Slot = names.Slot,
            },
        ];
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case bool flag:
                json.WriteBooleanValue(flag);
                break;
            case int number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case (string, object?)[] section:
                json.WriteStartObject();
                foreach ((string name, object? inside) in section)
                {
                    json.WritePropertyName(name);
                    WriteValue(json, inside);
                }
                json.WriteEndObject();
                break;
            case IEnumerable list:
                json.WriteStartArray();
                foreach (object? item in list)
                    WriteValue(json, item);
                json.WriteEndArray();
                break;
            default:
                throw new InvalidOperationException($"A {value.GetType().Name} cannot be written to a configuration.");
        }
    }
}

/// <summary>
/// Marks a model class of a <see cref="DecoderFamily"/>: the generator adds the family's sites to it, as <see cref="SiteAttribute"/>s.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class FamilySitesAttribute : Attribute;
