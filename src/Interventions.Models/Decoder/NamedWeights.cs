using System.Collections;
using System.Diagnostics.CodeAnalysis;
using Interventions.Sites;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>
/// A decoder's weights by name: those that it computes with (<see cref="DecoderWeights.Shapes"/>), which are enumerated, and views of them
/// with named axes, such as one head's: <c>blocks.3.attn.W_O</c> is <c>[head, d_head, d_model]</c>. A view shares the weight's memory, and
/// the model owns both. Views carry no gradients.
/// </summary>
public sealed class NamedWeights : IReadOnlyDictionary<string, Tensor>
{
    private readonly DecoderConfig _config;
    private readonly IReadOnlyDictionary<string, Tensor> _stored;
    private readonly Dictionary<string, Tensor> _views = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    internal NamedWeights(DecoderConfig config, IReadOnlyDictionary<string, Tensor> stored) => (_config, _stored) = (config, stored);

    /// <summary>The weight, or the view, of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none; the message says which name was probably meant.</exception>
    public Tensor this[string key] => TryGetValue(key, out Tensor? weight) ? weight : throw new KeyNotFoundException(Unknown(key));

    /// <inheritdoc/>
    public IEnumerable<string> Keys => _stored.Keys;

    /// <inheritdoc/>
    public IEnumerable<Tensor> Values => _stored.Values;

    /// <summary>How many weights the model computes with.</summary>
    public int Count => _stored.Count;

    /// <summary>The names of the views.</summary>
    public IEnumerable<string> Views => WeightViews.All(_config).Select(view => view.Name);

    /// <summary>Whether there is a weight or a view of that name.</summary>
    public bool ContainsKey(string key) => TryGetValue(key, out _);

    /// <summary>Finds a weight or a view.</summary>
    public bool TryGetValue(string key, [MaybeNullWhen(false)] out Tensor value)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (_stored.TryGetValue(key, out value))
            return true;
        lock (_lock)
        {
            if (_views.TryGetValue(key, out value))
                return true;
            if (WeightViews.All(_config).FirstOrDefault(view => view.Name == key) is not { } found)
                return false;
            using IDisposable mode = no_grad();
            using DisposeScope scope = NewDisposeScope();
            _views[key] = value = found.Of(_stored[found.Weight]).DetachFromDisposeScope();
            return true;
        }
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, Tensor>> GetEnumerator() => _stored.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Frees the views; the checkpoint frees the weights.</summary>
    internal void FreeViews()
    {
        foreach (Tensor view in _views.Values)
            view.Dispose();
        _views.Clear();
    }

    private string Unknown(string name)
    {
        string[] known = [.. Keys, .. Views];
        string block = $"blocks.{_config.Layers - 1}.";
        string end = Spelling.Nearest(name, known) is { } nearest ? $"did you mean '{nearest}'?"
            : $"of the last block there are {Spelling.List([.. known.Where(one => one.StartsWith(block, StringComparison.Ordinal))])}";
        return $"The model has no weight '{name}'; {end}";
    }
}

/// <summary>A view of a weight.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Weight">The weight.</param>
/// <param name="Of">Makes the view.</param>
internal sealed record WeightView(string Name, string Weight, Func<Tensor, Tensor> Of);

/// <summary>
/// The views of a decoder's weights: one matrix a head, and matrices as they multiply a row, <c>[in, out]</c>, under the names that the
/// field uses.
/// </summary>
internal static class WeightViews
{
    /// <summary>All views, in the order of the forward pass.</summary>
    public static IEnumerable<WeightView> All(DecoderConfig config)
    {
        HashSet<string> weights = [.. DecoderWeights.Shapes(config).Select(weight => weight.Name)];
        string unembedding = config.TiedUnembedding ? "embed.weight" : "unembed.weight";
        return new WeightView[]
        {
            new("W_E", "embed.weight", x => x.alias()),
            new("W_pos", "pos_embed.weight", x => x.alias()),
        }.Concat(Enumerable.Range(0, config.Layers).SelectMany(layer => OfBlock(config, $"blocks.{layer}")))
            .Append(new("W_U", unembedding, x => x.t())).Append(new("b_U", "unembed.bias", x => x.alias()))
            .Where(view => weights.Contains(view.Weight));
    }

    private static IEnumerable<WeightView> OfBlock(DecoderConfig config, string block)
    {
        string qkv = $"{block}.attn.qkv", output = $"{block}.attn.out";
        (string Name, int First, int Heads)[] parts =
        [
            ("Q", 0, config.Heads), ("K", config.Heads, config.KvHeads), ("V", config.Heads + config.KvHeads, config.KvHeads),
        ];
        foreach ((string name, int first, int heads) in parts)
        {
            Tensor Part(Tensor all) => all.narrow(0, (long)first * config.DHead, (long)heads * config.DHead);
            yield return new($"{block}.attn.W_{name}", $"{qkv}.weight", x => Part(x).split_axis(0, heads, config.DHead).transpose(1, 2));
            yield return new($"{block}.attn.b_{name}", $"{qkv}.bias", x => Part(x).split_axis(0, heads, config.DHead));
        }
        yield return new($"{block}.attn.W_O", $"{output}.weight", x => x.t().split_axis(0, config.Heads, config.DHead));
        yield return new($"{block}.attn.b_O", $"{output}.bias", x => x.alias());
        foreach (string name in new[] { "gate", "in", "out" })
        {
            yield return new($"{block}.mlp.W_{name}", $"{block}.mlp.{name}.weight", x => x.t());
            yield return new($"{block}.mlp.b_{name}", $"{block}.mlp.{name}.bias", x => x.alias());
        }
    }
}
