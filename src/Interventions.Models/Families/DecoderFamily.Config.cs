using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// What distinguishes one family of decoders. The generator is compiled with the files named <c>*.Config.cs</c>: so it reads a
/// <c>config.json</c> as the library does. A new family is a class in two files, a model class with <see cref="FamilySitesAttribute"/>,
/// and a line in <see cref="All"/>.
/// </summary>
internal abstract partial class DecoderFamily
{
    /// <summary>The families that can be read.</summary>
    public static IReadOnlyList<DecoderFamily> All { get; } = [new Gpt2Family(), new LlamaFamily()];

    /// <summary>Their names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(family => family.ModelType));

    /// <summary>The family's <c>model_type</c>.</summary>
    public string ModelType => Default.Family;

    /// <summary>The full name of the class that the family's models derive from.</summary>
    public abstract string ModelClass { get; }

    /// <summary>The decoder of an empty configuration. Its parts decide which sites the family has; its sizes are the usual ones.</summary>
    public abstract DecoderConfig Default { get; }

    /// <summary>Translates a configuration. It fails where a property is missing, malformed or asks for something unsupported.</summary>
    public abstract DecoderConfig Read(IConfig config);

    /// <summary>The family of that name; <see langword="null"/> when there is none.</summary>
    public static DecoderFamily? Find(string modelType) => All.FirstOrDefault(family => family.ModelType == modelType);
}

/// <summary>
/// A <c>config.json</c>, with access that checks types. The library and the generator have different readers of JSON. A property that is
/// <c>null</c> counts as absent.
/// </summary>
internal interface IConfig
{
    /// <summary>Whether the property is there.</summary>
    bool Has(string name);

    /// <summary>An integer of at least one.</summary>
    int Integer(string name, int? otherwise = null);

    /// <summary>A number.</summary>
    double Number(string name, double? otherwise = null);

    /// <summary>A truth value.</summary>
    bool Flag(string name, bool otherwise);

    /// <summary>Text.</summary>
    string Text(string name, string? otherwise = null);

    /// <summary>A nested object; <see langword="null"/> when it is absent.</summary>
    IConfig? Section(string name);

    /// <summary>The exception that says what is wrong with a property.</summary>
    Exception Wrong(string name, string reason);
}
