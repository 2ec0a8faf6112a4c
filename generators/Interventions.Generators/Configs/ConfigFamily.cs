using Interventions.Runtime;

namespace Interventions.Generators.Configs;

/// <summary>
/// How one family's configuration says what sizes a model has: the rules of the classes of <c>Interventions.Models.Families</c>, which read the same file at
/// run time.
/// </summary>
internal abstract class ConfigFamily
{
    /// <summary>The families whose configurations are understood.</summary>
    public static IReadOnlyList<ConfigFamily> All { get; } = [new Gpt2Config(), new LlamaConfig()];

    /// <summary>The family's <c>model_type</c>.</summary>
    public abstract string ModelType { get; }

    /// <summary>The metadata name of the base of its models.</summary>
    public abstract string Base { get; }

    /// <summary>The lengths of the axes.</summary>
    /// <exception cref="ConfigException">A member is missing, malformed, or asks for something unsupported.</exception>
    public EquatableArray<AxisSize> Axes(ConfigObject config)
    {
        Sizes sizes = Read(config);
        return EquatableArray.Of<AxisSize>(
            new("layer", sizes.Layers), new("head", sizes.Heads), new("kv_head", sizes.KvHeads), new("d_head", sizes.DHead),
            new("d_model", sizes.DModel), new("neuron", sizes.Neurons), new("vocab", sizes.Vocabulary));
    }

    /// <summary>The family of a configuration.</summary>
    /// <exception cref="ConfigException">It is not supported.</exception>
    public static ConfigFamily Of(ConfigObject config)
    {
        string type = config.Text("model_type");
        return All.FirstOrDefault(family => family.ModelType == type)
            ?? throw config.Wrong("model_type", $"is '{type}'; supported are {string.Join(", ", All.Select(family => family.ModelType))}");
    }

    protected abstract Sizes Read(ConfigObject config);

    protected sealed record Sizes(int Layers, int Heads, int KvHeads, int DHead, int DModel, int Neurons, int Vocabulary);
}
