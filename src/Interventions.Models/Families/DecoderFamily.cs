using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

internal abstract partial class DecoderFamily
{
    /// <summary>What the names of the base model's tensors begin with; checkpoints of the base model alone leave it out.</summary>
    public abstract string Prefix { get; }

    /// <summary>Writes the properties of <c>config.json</c> that <see cref="Read"/> reads, <c>model_type</c> excepted.</summary>
    public abstract void Write(DecoderConfig config, Utf8JsonWriter json);

    /// <summary>Where every weight of <see cref="DecoderWeights.Shapes"/> is stored.</summary>
    public abstract IEnumerable<WeightSource> Weights(DecoderConfig config);

    /// <summary>
    /// Whether a stored tensor that is not among <see cref="Weights"/> can be left out: a mask, or a table that the configuration
    /// determines.
    /// </summary>
    public abstract bool Ignores(string name, DecoderConfig config);

    /// <summary>How the family lies in GGUF files; <see langword="null"/> when it is not read from them.</summary>
    public virtual GgufLayout? Gguf => null;

    /// <summary>Where the Hugging Face layout stores the weights of a decoder.</summary>
    public StoredLayout Stored(DecoderConfig config) => new(ModelType, Prefix, Weights(config), name => Ignores(name, config));

    /// <summary>The family of a configuration.</summary>
    /// <exception cref="CheckpointException">It is not supported.</exception>
    public static DecoderFamily Of(ConfigFile file)
    {
        string type = file.Text("model_type");
        return Find(type) ?? throw new CheckpointException(file.Path, $"describes a model of type '{type}'; supported are {Names}.");
    }

    /// <summary>The family of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static DecoderFamily Named(string name) =>
        Find(name) ?? throw new ArgumentException($"There is no decoder family '{name}'; known are {Names}.", nameof(name));
}

/// <summary>
/// Marks the model class of a <see cref="DecoderFamily"/>: the generator adds the family's sites to it, as <see cref="SiteAttribute"/>s.
/// </summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
internal sealed class FamilySitesAttribute : Attribute;

/// <summary>Where a decoder's weights are stored.</summary>
/// <param name="ModelType">The family's name, for messages.</param>
/// <param name="Prefix">What files of the base model alone leave out of names.</param>
/// <param name="Weights">The place of every weight.</param>
/// <param name="Ignores">Whether another stored tensor, by name, can be left out.</param>
internal sealed record StoredLayout(string ModelType, string Prefix, IEnumerable<WeightSource> Weights, Func<string, bool> Ignores);

/// <summary>Where a weight is stored.</summary>
/// <param name="Weight">The canonical name.</param>
/// <param name="Parts">The stored tensors that make it up, one below the other.</param>
/// <param name="Transposed">Whether matrices are stored <c>[in, out]</c>.</param>
internal sealed record WeightSource(string Weight, ImmutableArray<WeightPart> Parts, bool Transposed)
{
    /// <summary>A weight that is stored as one tensor.</summary>
    public WeightSource(string weight, string stored, bool transposed = false)
        : this(weight, [new WeightPart(stored, null)], transposed)
    {
    }
}

/// <summary>A stored tensor.</summary>
/// <param name="Name">Its name, prefix included.</param>
/// <param name="Rows">How many of the weight's rows it holds; <see langword="null"/> for all.</param>
/// <param name="PairedHeads">
/// If not <see langword="null"/>, the rows are those of so many heads, and within a head row i of the weight and row i + d_head/2 are
/// stored as neighbours.
/// </param>
internal sealed record WeightPart(string Name, long? Rows, int? PairedHeads = null);
