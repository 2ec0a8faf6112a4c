using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>
/// What distinguishes one family of decoders, as a table: which keys of a <c>config.json</c> it reads and which tensors hold its weights.
/// The generator is compiled with the files named <c>*.Config.cs</c>: so it reads a <c>config.json</c> as the library does. A new family
/// is such a table, a model class with <see cref="FamilySitesAttribute"/>, and a line in <see cref="All"/>.
/// </summary>
internal sealed partial class DecoderFamily
{
    /// <summary>The families that can be read.</summary>
    public static IReadOnlyList<DecoderFamily> All => Tables.All;

    /// <summary>Their names, for messages.</summary>
    public static string Names => string.Join(", ", All.Select(family => family.ModelType));

    /// <summary>The family as its authors write it.</summary>
    public required string Title { get; init; }

    /// <summary>The decoder of a usual model: the values of keys that a configuration leaves out, and the sites of the family.</summary>
    public required DecoderConfig Usual { get; init; }

    /// <summary>The name of the class that the family's models derive from, in <c>Interventions.Models</c>.</summary>
    public required string Model { get; init; }

    /// <summary>Other classes, for configurations with other sites.</summary>
    public IReadOnlyList<(string Model, DecoderConfig Usual)> Variants { get; init; } = [];

    /// <summary>The class in <c>transformers</c>, which configurations name.</summary>
    public required string Architecture { get; init; }

    /// <summary>The keys that are read, those first on which others depend.</summary>
    public required IReadOnlyList<ConfigKey> Keys { get; init; }

    /// <summary>The family's own keys that change no number of a forward pass.</summary>
    public IReadOnlyList<string> WithoutEffect { get; init; } = [];

    /// <summary>What the names of the base model's tensors begin with; checkpoints of the base model alone leave it out.</summary>
    public required string Prefix { get; init; }

    /// <summary>The tensors that hold the weights.</summary>
    public required IReadOnlyList<TensorNames> Tensors { get; init; }

    /// <summary>
    /// The ends of names of stored tensors that can be left out: masks, and tables that the configuration determines.
    /// </summary>
    public IReadOnlyList<string> IgnoredTensors { get; init; } = [];

    /// <summary>The family's <c>model_type</c>.</summary>
    public string ModelType => Usual.Family;

    /// <summary>The full names of the model classes, each with a decoder that has its sites.</summary>
    public IEnumerable<(string Class, DecoderConfig Usual)> Classes =>
        Variants.Prepend((Model, Usual)).Select(variant => ($"Interventions.Models.{variant.Item1}", variant.Item2));

    /// <summary>Translates a configuration. It fails where a property is missing, malformed or asks for something unsupported.</summary>
    public DecoderConfig Read(IConfig config) => Keys.Aggregate(Usual, (read, key) => key.Read(config, read));

    /// <summary>The model class that has the sites of a decoder.</summary>
    public string ClassOf(DecoderConfig config)
    {
        EquatableArray<SiteDefinition> sites = DecoderSchema.Sites(config);
        return Classes.FirstOrDefault(variant => DecoderSchema.Sites(variant.Usual) == sites).Class ?? Classes.First().Class;
    }

    /// <summary>The family of that name; <see langword="null"/> when there is none.</summary>
    public static DecoderFamily? Find(string modelType) => All.FirstOrDefault(family => family.ModelType == modelType);

    /// <summary>What a family is called in messages.</summary>
    public static string TitleOf(string modelType) => Find(modelType)?.Title ?? modelType;

    // Tables are made of each other, so none of them is made before it is asked for.
    private static class Tables
    {
        public static readonly IReadOnlyList<DecoderFamily> All =
        [
            Gpt2Family.Table, LlamaFamily.Table, MistralFamily.Table, MixtralFamily.Table, Qwen2Family.Table, Qwen3Family.Table,
            Qwen3MoeFamily.Table, GemmaFamily.Table, Gemma2Family.Table, Gemma3Family.Table, Phi3Family.Table, PhiFamily.Table,
            OlmoFamily.Table, Olmo2Family.Table, GraniteFamily.Table, StableLmFamily.Table, GptNeoXFamily.Table, GptJFamily.Table,
            GptNeoFamily.Table, OptFamily.Table, BloomFamily.Table, ToyFamily.Table,
        ];
    }
}

/// <summary>The stored tensors of one weight, without the end of their names (<c>.weight</c>, <c>.bias</c>).</summary>
/// <param name="Weight">The canonical name, with <c>*</c> for the layer.</param>
/// <param name="Stored">
/// The stored names, with <c>*</c> for the layer. Three hold queries, keys and values; one with <c>#</c> stands for one tensor an expert or
/// a head.
/// </param>
internal sealed record TensorNames(string Weight, params string[] Stored)
{
    /// <summary>Whether matrices are stored <c>[in, out]</c>.</summary>
    public bool Transposed { get; init; }

    /// <summary>Whether a head's queries, keys and values lie together; otherwise all heads' queries come first.</summary>
    public bool HeadByHead { get; init; }

    /// <summary>Which of several weights of equal size it is that one tensor holds, and how many those are.</summary>
    public (int Index, int Count) Slot { get; init; } = (0, 1);
}

/// <summary>
/// A <c>config.json</c>, with access that checks types. The library and the generator have different readers of JSON. A property that is
/// <c>null</c> counts as absent.
/// </summary>
internal interface IConfig
{
    /// <summary>The properties that are there, with the names of the sections around them: <c>rope_parameters.factor</c>.</summary>
    IEnumerable<string> Names { get; }

    /// <summary>Whether the property is there.</summary>
    bool Has(string name);

    /// <summary>Whether the property is there, be it <c>null</c>.</summary>
    bool Says(string name);

    /// <summary>An integer of at least one.</summary>
    int Integer(string name, int? otherwise = null);

    /// <summary>A number.</summary>
    double Number(string name, double? otherwise = null);

    /// <summary>A truth value.</summary>
    bool Flag(string name, bool otherwise);

    /// <summary>Text.</summary>
    string Text(string name, string? otherwise = null);

    /// <summary>A list of texts; <see langword="null"/> when it is absent.</summary>
    IReadOnlyList<string>? Texts(string name);

    /// <summary>A list of numbers; <see langword="null"/> when it is absent.</summary>
    IReadOnlyList<double>? Numbers(string name);

    /// <summary>A nested object; <see langword="null"/> when it is absent.</summary>
    IConfig? Section(string name);

    /// <summary>The exception that says what is wrong with a property.</summary>
    Exception Wrong(string name, string reason);
}
