using System.Globalization;
using Interventions.Models.Decoder;
using Interventions.Runtime;

namespace Interventions.Models.Families;

/// <summary>Keys of a <c>config.json</c> that say one thing, as they are read and as they are written.</summary>
/// <param name="Names">All spellings.</param>
/// <param name="Read">Adds what a configuration says to what is known already.</param>
/// <param name="Write">
/// The keys and values of a decoder: null, truth values, numbers, texts, lists of texts, lists of keys and values.
/// </param>
internal sealed record ConfigKey(
    IReadOnlyList<string> Names,
    Func<IConfig, DecoderConfig, DecoderConfig> Read,
    Func<DecoderConfig, IEnumerable<(string Name, object? Value)>> Write)
{
    /// <summary>The keys within a section of theirs that are not read.</summary>
    public Func<IConfig, IEnumerable<string>> Unread { get; init; } = _ => [];
}

/// <summary>
/// The keys of which families' tables are made. Several spellings of one key are separated by <c>|</c>; the first one is written.
/// </summary>
internal static class ConfigKeys
{
    /// <summary>A size.</summary>
    public static ConfigKey Size(
        string names, Func<DecoderConfig, int> get, Func<DecoderConfig, int, DecoderConfig> set,
        Func<DecoderConfig, int>? otherwise = null) =>
        Of(names, (config, spelled, known) => set(known, Said(config, spelled, name => config.Integer(name, otherwise?.Invoke(known)))),
            known => get(known));

    public static ConfigKey Layers(string names, Func<DecoderConfig, int>? otherwise = null) =>
        Size(names, known => known.Layers, (known, size) => known with { Layers = size }, otherwise);

    public static ConfigKey DModel(string names, Func<DecoderConfig, int>? otherwise = null) =>
        Size(names, known => known.DModel, (known, size) => known with { DModel = size }, otherwise);

    public static ConfigKey Neurons(string names, Func<DecoderConfig, int>? otherwise = null) =>
        Size(names, known => known.Neurons, (known, size) => known with { Neurons = size }, otherwise);

    public static ConfigKey Vocabulary(string names, Func<DecoderConfig, int>? otherwise = null) =>
        Size(names, known => known.VocabularySize, (known, size) => known with { VocabularySize = size }, otherwise);

    public static ConfigKey Context(string names, Func<DecoderConfig, int>? otherwise = null) =>
        Size(names, known => known.ContextLength, (known, size) => known with { ContextLength = size }, otherwise);

    /// <summary>The number of query heads; where nothing else is said, of key/value heads too.</summary>
    public static ConfigKey Heads(string names, Func<DecoderConfig, int>? otherwise = null) =>
        Size(names, known => known.Heads, (known, size) => known with { Heads = size, KvHeads = size }, otherwise);

    /// <summary>The number of key/value heads, which may be left out where it is that of query heads.</summary>
    public static ConfigKey KvHeads(string names, bool isRequired) => Of(
        names,
        (config, spelled, known) =>
        {
            int count = Said(config, spelled, name => config.Integer(name, isRequired ? null : known.Heads));
            return known.Heads % count == 0
                ? known with { KvHeads = count }
                : throw config.Wrong(spelled[0], $"is {count}, which does not divide {known.Heads} query heads");
        },
        known => known.KvHeads);

    /// <summary>The width of a head, which decides the factor of scores.</summary>
    /// <param name="names">The keys; <see langword="null"/> where the residual stream is always divided among the heads.</param>
    /// <param name="widthKey">The key of the residual stream's width, for messages.</param>
    /// <param name="isRequired">Whether it may not be left out.</param>
    public static ConfigKey HeadWidth(string? names, string widthKey = "hidden_size", bool isRequired = false) => new(
        Split(names ?? ""),
        (config, known) =>
        {
            IReadOnlyList<string> spelled = Split(names ?? "");
            bool isSaid = spelled.Any(config.Has);
            if (!isSaid && !isRequired && known.DModel % known.Heads != 0)
                throw config.Wrong(widthKey, $"is {known.DModel}, which {known.Heads} heads do not divide");
            int width = isSaid || isRequired ? Said(config, spelled, name => config.Integer(name)) : known.DModel / known.Heads;
            if (known.Rotary is { Width: null } && width % 2 != 0)
                throw config.Wrong(isSaid ? spelled[0] : widthKey, $"is {width}, and rotary positions need an even number");
            return known with { DHead = width, ScoreScale = 1 / Math.Sqrt(width) };
        },
        known => names is null ? [] : [(Split(names)[0], (object?)known.DHead)]);

    public static ConfigKey Epsilon(string names) =>
        Number(names, known => known.NormEpsilon, (known, number) => known with { NormEpsilon = number });

    public static ConfigKey Activation(string names) => Of(
        names,
        (config, spelled, known) => known with
        {
            Activation = Said(config, spelled, name => ActivationNames.Read(config, name, known.Activation)),
        },
        known => ActivationNames.Of(known.Activation));

    public static ConfigKey Tied { get; } = Flag(
        "tie_word_embeddings", known => known.TiedUnembedding, (known, flag) => known with { TiedUnembedding = flag });

    /// <summary>Biases of all four projections of attention.</summary>
    public static ConfigKey AttentionBias { get; } = Flag(
        "attention_bias", known => known.QkvBias, (known, flag) => known with { QkvBias = flag, AttentionOutBias = flag });

    /// <summary>A number that the usual decoder has where it is left out.</summary>
    public static ConfigKey Number(string names, Func<DecoderConfig, double> get, Func<DecoderConfig, double, DecoderConfig> set) => Of(
        names, (config, spelled, known) => set(known, Said(config, spelled, name => config.Number(name, get(known)))), known => get(known));

    /// <summary>A number that may be null, for none.</summary>
    public static ConfigKey Optional(string name, Func<DecoderConfig, double?> get, Func<DecoderConfig, double?, DecoderConfig> set) => Of(
        name,
        (config, _, known) => !config.Says(name) ? known : set(known, config.Has(name) ? config.Number(name) : null),
        known => get(known));

    public static ConfigKey Flag(string names, Func<DecoderConfig, bool> get, Func<DecoderConfig, bool, DecoderConfig> set) => Of(
        names, (config, spelled, known) => set(known, Said(config, spelled, name => config.Flag(name, get(known)))), known => get(known));

    /// <summary>A flag of which one value only is supported; it is the one that is meant where the flag is left out.</summary>
    public static ConfigKey Only(string name, bool value, string otherwise) => Of(
        name,
        (config, _, known) => config.Flag(name, value) == value ? known
            : throw config.Wrong(name, $"is {(value ? "false" : "true")}, and {otherwise} not supported"),
        _ => value);

    /// <summary>A window in every layer, or null.</summary>
    public static ConfigKey Window(string name) => Of(
        name,
        (config, _, known) => !config.Says(name) ? known : known with { Window = config.Has(name) ? config.Integer(name) : null },
        known => known.Window);

    /// <summary>What follows from keys that were read before.</summary>
    public static ConfigKey Derived(Func<DecoderConfig, DecoderConfig> derive) => new([], (_, known) => derive(known), _ => []);

    /// <summary>A key with one value.</summary>
    public static ConfigKey Of(
        string names, Func<IConfig, IReadOnlyList<string>, DecoderConfig, DecoderConfig> read, Func<DecoderConfig, object?> write)
    {
        IReadOnlyList<string> spelled = Split(names);
        return new(spelled, (config, known) => read(config, spelled, known), known => [(spelled[0], write(known))]);
    }

    /// <summary>What is said under any of several names. It fails where two of them say different things.</summary>
    public static T Said<T>(IConfig config, IReadOnlyList<string> names, Func<string, T> read)
    {
        string first = names.FirstOrDefault(config.Has) ?? names[0];
        T value = read(first);
        foreach (string other in names.Where(name => name != first && config.Has(name)))
            if (!Equals(read(other), value))
                throw config.Wrong(
                    other, $"is {Shown(read(other))}, and '{first}' is {Shown(value)}; both say the same thing: leave one out");
        return value;
    }

    private static string Shown(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";

    private static string[] Split(string names) => names.Split(['|'], StringSplitOptions.RemoveEmptyEntries);
}
