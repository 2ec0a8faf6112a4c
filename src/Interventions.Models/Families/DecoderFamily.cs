using System.Collections.Immutable;
using System.Text.Json;
using Interventions.Models.Checkpoints;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// How one family spells a decoder: its <c>config.json</c> and its tensors' names. Another family is another class here and a line in <see
/// cref="All"/>.
/// </summary>
internal abstract class DecoderFamily
{
    /// <summary>The families that can be read.</summary>
    public static ImmutableArray<DecoderFamily> All { get; } = [new Gpt2Family(), new LlamaFamily()];

    /// <summary>The family's <c>model_type</c>.</summary>
    public abstract string ModelType { get; }

    /// <summary>What the names of the base model's tensors begin with; checkpoints of the base model alone leave it out.</summary>
    public abstract string Prefix { get; }

    /// <summary>Translates a configuration.</summary>
    /// <exception cref="CheckpointException">A property is missing, malformed or asks for something unsupported.</exception>
    public abstract DecoderConfig Read(ConfigFile file);

    /// <summary>Writes the properties of <c>config.json</c> that <see cref="Read"/> reads, <c>model_type</c> excepted.</summary>
    public abstract void Write(DecoderConfig config, Utf8JsonWriter json);

    /// <summary>Where every weight of <see cref="DecoderWeights.Shapes"/> is stored.</summary>
    public abstract IEnumerable<WeightSource> Weights(DecoderConfig config);

    /// <summary>
    /// Whether a stored tensor that is not among <see cref="Weights"/> carries nothing: a mask, a table that follows from the
    /// configuration.
    /// </summary>
    public abstract bool Ignores(string name, DecoderConfig config);

    /// <summary>The family of a configuration.</summary>
    /// <exception cref="CheckpointException">It is not supported.</exception>
    public static DecoderFamily Of(ConfigFile file)
    {
        string type = file.Text("model_type");
        return All.FirstOrDefault(family => family.ModelType == type)
            ?? throw new CheckpointException(file.Path, $"describes a model of type '{type}'; supported are {Names}.");
    }

    /// <summary>The family of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static DecoderFamily Named(string name) => All.FirstOrDefault(family => family.ModelType == name)
        ?? throw new ArgumentException($"There is no decoder family '{name}'; known are {Names}.", nameof(name));

    private static string Names => string.Join(", ", All.Select(family => family.ModelType));
}

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
internal sealed record WeightPart(string Name, long? Rows);
