using System.Collections.Immutable;
using System.Globalization;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;

namespace Interventions.Models.Families;

/// <summary>How a family lies in GGUF files, told by its Hugging Face layout: tables of keys, facts and names.</summary>
internal sealed record GgufLayout
{
    /// <summary>The layout of a family; <see langword="null"/> when it is not read from GGUF files.</summary>
    public static GgufLayout? Of(DecoderFamily family) => family.ModelType == LlamaFamily.Type ? LlamaGguf.Layout : null;

    /// <summary>GGUF's name of the family, with which its keys begin.</summary>
    public required string Architecture { get; init; }

    /// <summary>The properties of <c>config.json</c> that are keys.</summary>
    public required ImmutableArray<GgufKey> Keys { get; init; }

    /// <summary>The properties that follow from the rest of a file when no key says them.</summary>
    public ImmutableArray<(string Property, Func<GgufHeader, object?> Value)> Facts { get; init; } = [];

    /// <summary>Keys that repeat what the configuration determines; another value would be another model.</summary>
    public ImmutableArray<(string Key, Func<DecoderConfig, long> Value)> Implied { get; init; } = [];

    /// <summary>The tensors: the name in the Hugging Face layout and GGUF's, without their ending; <c>*</c> is the layer.</summary>
    public required ImmutableArray<(string Stored, string Name)> Tensors { get; init; }

    /// <summary>
    /// The tensors, by GGUF's name, whose rows are reordered within each head: the two coordinates that rotary positions turn together
    /// are neighbours, and not half a head apart.
    /// </summary>
    public ImmutableArray<(string Name, Func<DecoderConfig, int> Heads)> Paired { get; init; } = [];

    /// <summary>Where a GGUF file stores the weights of a decoder.</summary>
    public StoredLayout Weights(DecoderFamily family, DecoderConfig config) =>
        new(family.ModelType, "", family.Weights(config).Select(source => source with
        {
            Parts = [.. source.Parts.Select(part => Translate(part, config))],
            Transposed = false,
        }), _ => false, null);

    private WeightPart Translate(WeightPart part, DecoderConfig config)
    {
        string[] words = part.Name.Split('.');
        int layer = Array.FindIndex(words, word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        string number = layer < 0 ? "" : words[layer];
        if (layer >= 0)
            words[layer] = "*";
        string stored = string.Join('.', words.SkipLast(1));
        string name = Tensors.First(tensor => tensor.Stored == stored).Name;
        int? heads = Paired.FirstOrDefault(paired => paired.Name == name).Heads?.Invoke(config);
        return part with
        {
            Name = $"{name.Replace("*", number, StringComparison.Ordinal)}.{words[^1]}",
            Order = heads is { } count ? new RowOrder(count, config.DHead / 2, 2) : null,
        };
    }
}

/// <summary>A property of <c>config.json</c> and its key in GGUF files, without the architecture in front.</summary>
/// <param name="Property">The property; <c>section.property</c> within an object.</param>
/// <param name="Key">The key.</param>
/// <param name="Required">Whether every file has it. Otherwise the family's default holds, which is then llama.cpp's too.</param>
internal sealed record GgufKey(string Property, string Key, bool Required = true);
