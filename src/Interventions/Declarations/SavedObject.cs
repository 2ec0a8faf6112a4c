using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Interventions.Runtime;
using static TorchSharp.torch;

namespace Interventions.Declarations;

/// <summary>One object of a saved graph. What is missing, of a wrong type or not known is an error that says where.</summary>
internal sealed class SavedObject
{
    private readonly JsonElement _json;
    private readonly string _where;
    private readonly GraphMembers _members;
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public SavedObject(JsonElement json, string where, GraphMembers members)
    {
        _where = where;
        _members = members;
        _json = json.ValueKind == JsonValueKind.Object ? json : throw Wrong("it is not an object");
    }

    public bool Has(string name) => Find(name) is not null;

    public string Text(string name) => OptionalText(name) ?? throw Wrong($"'{name}' is missing");

    public string? OptionalText(string name) => Find(name) is { } value
        ? value.ValueKind == JsonValueKind.String ? value.GetString() : throw Wrong($"'{name}' is not a text")
        : null;

    /// <summary>A truth value; one that is missing is false.</summary>
    public bool Truth(string name) => Find(name) is { } value
        && (value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Wrong($"'{name}' is not true or false"));

    public int Integer(string name) =>
        Needed(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt32(out int number) ? number : throw Wrong($"'{name}' is not a whole number");

    /// <summary>A number; those that JSON lacks are texts.</summary>
    public double Number(string name) => AsNumber(Needed(name)) ?? throw Wrong($"'{name}' is not a number");

    /// <summary>The tensor whose name is given.</summary>
    public Tensor Tensor(string name)
    {
        string tensor = Text(name);
        return _members.Tensors.TryGetValue(tensor, out Tensor? value)
            ? value
            : throw Wrong($"the tensor '{tensor}' was not given{Given(_members.Tensors.Keys)}: load it, and pass it among the members");
    }

    /// <summary>The prompts whose name is given, which need not be.</summary>
    public IPromptSet? OptionalPrompts(string name) => OptionalText(name) is not { } prompts ? null
        : _members.Prompts.TryGetValue(prompts, out IPromptSet? value)
            ? value
            : throw Wrong($"the prompts '{prompts}' were not given{Given(_members.Prompts.Keys)}: pass them among the members");

    /// <summary>The method whose name is given, for these reads.</summary>
    public MethodBody Method(string name, ImmutableArray<Read> reads)
    {
        string method = Text(name);
        if (!_members.Methods.TryGetValue(method, out GraphMethod? known))
            throw Wrong($"the method '{method}' was not given{Given(_members.Methods.Keys)}: pass the Members of the declaration that has it");
        return known.Reads.Select(read => read.GetType()).SequenceEqual(reads.Select(read => read.GetType()))
            ? known.Body
            : throw Wrong($"the method '{method}' reads ({GraphText.Describe(known.Reads)}) today, and ({GraphText.Describe(reads)}) when the graph was saved");
    }

    /// <summary>The encoder–decoders whose names are given.</summary>
    public ImmutableArray<ISplice> Splices(string name) => [.. Texts(name).Select(splice => _members.Splices.TryGetValue(splice, out ISplice? value)
        ? value
        : throw Wrong($"the encoder–decoder '{splice}' was not given{Given(_members.Splices.Keys)}: pass it among the members"))];

    /// <summary>The objects of a list, which need not be there.</summary>
    public ImmutableArray<T> List<T>(string name, Func<SavedObject, T> read)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
            throw Wrong($"'{name}' is not a list");
        return [.. value.EnumerateArray().Select((item, i) =>
        {
            SavedObject saved = new(item, string.Create(CultureInfo.InvariantCulture, $"{_where}, {name}[{i}]"), _members);
            T result = read(saved);
            saved.Close();
            return result;
        })];
    }

    /// <summary>A list of whole numbers.</summary>
    public ImmutableArray<long> Sizes(string name) =>
        Values(name, value => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number : throw Wrong($"'{name}' has no sizes"));

    /// <summary>A list of numbers.</summary>
    public ImmutableArray<double> Numbers(string name) => Values(name, value => AsNumber(value) ?? throw Wrong($"'{name}' has what is no number"));

    /// <summary>A list of texts.</summary>
    public ImmutableArray<string> Texts(string name) =>
        Values(name, value => value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Wrong($"'{name}' has what is no text"));

    /// <summary>What nobody asked for would be lost.</summary>
    public void Close()
    {
        foreach (JsonProperty property in _json.EnumerateObject())
            if (!_known.Contains(property.Name))
                throw Wrong($"'{property.Name}' is not known to this version of Interventions");
    }

    public InterventionException Wrong(string problem) => new($"{_where}: {problem}.");

    private static double? AsNumber(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.GetDouble(),
        JsonValueKind.String when double.TryParse(value.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double number) => number,
        _ => null,
    };

    private ImmutableArray<T> Values<T>(string name, Func<JsonElement, T> read) => Needed(name) is { ValueKind: JsonValueKind.Array } value
        ? [.. value.EnumerateArray().Select(read)]
        : throw Wrong($"'{name}' is not a list");

    private JsonElement Needed(string name) => Find(name) ?? throw Wrong($"'{name}' is missing");

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _json.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;
    }

    private static string Given(IEnumerable<string> names) =>
        names.Any() ? $" (given are {string.Join(", ", names.Order(StringComparer.Ordinal))})" : "";
}
