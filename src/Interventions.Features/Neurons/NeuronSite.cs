using System.Collections.Immutable;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Runtime;
using Interventions.Sites;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>
/// What has one number a token: a neuron of a feed-forward block, an entry of another value, or a feature of a dictionary.
/// </summary>
/// <param name="Site">The path of the value that has it, or that the dictionary encodes.</param>
/// <param name="Index">Its number.</param>
/// <param name="IsFeature">Whether it is a feature of a dictionary.</param>
public readonly record struct Neuron(string Site, int Index, bool IsFeature = false)
{
    /// <summary>As a site path selects it: <c>blocks.3.mlp.post[neuron=17]</c>, <c>blocks.2.resid_post[feature=3]</c>.</summary>
    public override string ToString() => $"{Site}[{(IsFeature ? "feature" : "neuron")}={Index}]";

    /// <summary>The name of its file, without what stands behind it.</summary>
    internal string FileName => $"{Site}.{(IsFeature ? "feature" : "neuron")}{Index}";

    /// <summary>Writes or reads it.</summary>
    internal static Neuron Fields(JsonFields fields, Neuron? neuron) => new(
        fields.Text("site", neuron?.Site), fields.Integer("index", neuron?.Index), fields.Truth("isFeature", neuron?.IsFeature));
}

/// <summary>The neurons that are looked at together: of one value of a model, or features of a dictionary that encodes it.</summary>
/// <example><code>
/// NeuronSite.Of("blocks.3.mlp.post")           // all neurons of a feed-forward block
/// NeuronSite.Of("blocks.3.mlp.post", 17, 511)  // two of them
/// NeuronSite.Of("blocks.2.resid_post", sae, 3) // a feature
/// </code></example>
public sealed record NeuronSite
{
    private NeuronSite(string path, ISplice? dictionary, IEnumerable<int> neurons)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.AsSpan().ContainsAny("[{*"))
            throw new ArgumentException(
                $"'{path}' selects a part of a site or several: neurons are of one site as a whole, such as 'blocks.3.mlp.post', and are "
                + "given by number.", nameof(path));
        (Path, Dictionary, Neurons) = (path, dictionary, [.. neurons]);
        if (Neurons.Distinct().Count() < Neurons.Length)
            throw new ArgumentException($"Of '{path}' a neuron is given twice.", nameof(neurons));
    }

    /// <summary>The path of the value.</summary>
    public string Path { get; }

    /// <summary>What encodes it; null where the value's own entries are the neurons.</summary>
    public ISplice? Dictionary { get; }

    /// <summary>The numbers of the neurons; empty for all of them.</summary>
    public ImmutableArray<int> Neurons { get; }

    /// <summary>Entries of a value, <c>[batch, pos, …]</c>; of several axes behind <c>pos</c> the last one counts fastest.</summary>
    /// <param name="path">Its path: <c>blocks.3.mlp.post</c>.</param>
    /// <param name="neurons">Their numbers; all of them unless some are given.</param>
    /// <exception cref="ArgumentException">The path has brackets, braces or a <c>*</c>, or a number is given twice.</exception>
    public static NeuronSite Of(string path, params IEnumerable<int> neurons) => new(path, null, neurons);

    /// <summary>Features of a dictionary.</summary>
    /// <param name="path">The path of the value that it encodes; of a transcoder what it reads.</param>
    /// <param name="dictionary">The dictionary; borrowed.</param>
    /// <param name="features">Their numbers; all of them unless some are given.</param>
    /// <exception cref="ArgumentException">The path has brackets, braces or a <c>*</c>, or a number is given twice.</exception>
    public static NeuronSite Of(string path, ISplice dictionary, params IEnumerable<int> features)
    {
        ArgumentNullException.ThrowIfNull(dictionary);
        return new NeuronSite(path, dictionary, features);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Path}{(Dictionary is null ? "" : ", features")}{(Neurons.IsEmpty ? "" : $" {string.Join(", ", Neurons.Take(5))}")}"
        + (Neurons.Length > 5 ? $" and {Neurons.Length - 5} more" : "");

    /// <summary>The same site with these of its neurons.</summary>
    internal NeuronSite With(IEnumerable<int> neurons) => new(Path, Dictionary, neurons);

    /// <summary>The neurons of a model, in order.</summary>
    /// <exception cref="InterventionException">The model has no such site, or a number is out of range.</exception>
    internal ImmutableArray<Neuron> In(HookedModel model)
    {
        int count = Count(model);
        foreach (int wrong in Neurons.Where(neuron => neuron < 0 || neuron >= count).Take(1))
            throw new InterventionException(
                $"'{Path}' has {(Dictionary is null ? "neurons" : "features")} 0 to {count - 1}; there is no {wrong}.");
        IEnumerable<int> numbers = Neurons.IsEmpty ? Enumerable.Range(0, count) : Neurons;
        return [.. numbers.Select(index => new Neuron(Path, index, Dictionary is not null))];
    }

    /// <summary>An intervention that keeps their activations, <c>[batch, pos, neuron]</c>.</summary>
    internal Intervention Captured(Intervention intervention, string name)
    {
        ImmutableArray<long> chosen = [.. Neurons.Select(neuron => (long)neuron)];
        ISplice? dictionary = Dictionary;
        return intervention.Capture(name, Path, x =>
        {
            Tensor values = dictionary is null ? x.flatten(2) : dictionary.Encode(x);
            return chosen.IsEmpty ? values : values.index_select(-1, tensor(chosen.AsSpan().ToArray(), device: values.device));
        });
    }

    /// <summary>Identifies the dictionary's weights; empty where there is none.</summary>
    /// <exception cref="InterventionException">It does not say them.</exception>
    internal string Fingerprint => Dictionary is null ? "" : Dictionary.WeightsFingerprint() ?? throw new InterventionException(
        $"What is found of '{Path}' cannot be kept in a folder: its {Dictionary.GetType().Name} does not say which weights it has. "
        + $"Implement {nameof(ISplice.WeightsFingerprint)}.");

    private int Count(HookedModel model)
    {
        (SiteResolution? resolution, EquatableArray<SiteProblem> problems) = SiteResolver.Resolve(Path, model.Schema, null);
        if (problems.Count > 0)
            throw new InterventionException(string.Join("; ", problems.Select(problem => problem.Message)));
        SiteDefinition site = resolution!.Site!;
        if (site.Axes.Count < 3 || site.Axes[1] != "pos")
            throw new InterventionException(
                $"'{Path}' has the axes {string.Join(", ", site.Axes)}: neurons are of values with one position after the other.");
        return Dictionary?.Features ?? site.Axes.Skip(2).Aggregate(1, (product, axis) => product * (model.Schema.SizeOf(site, axis)
            ?? throw new InterventionException($"'{Path}' has an axis '{axis}' of unknown length.")));
    }
}
