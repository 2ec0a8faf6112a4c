using System.Collections;
using System.Text;
using Interventions.Features.Files;
using Interventions.Files;
using Interventions.ModelGraphs;
using Interventions.Models.Decoder;
using Interventions.Tables;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Features;

/// <summary>What to take of files that hold several sets of transcoders, and what they do not say.</summary>
public sealed record TranscoderSetOptions
{
    /// <summary>
    /// The width of which one is taken, as its folder says it: <c>16k</c> of Gemma Scope's <c>width_16k</c>. Default: any.
    /// </summary>
    public string? Width { get; init; }

    /// <summary>
    /// Of several transcoders of a layer, which differ in how many features are active, the one nearest to this number is taken
    /// (<c>average_l0_76</c>). Default: there must be one alone.
    /// </summary>
    public int? L0 { get; init; }

    /// <summary>
    /// What the transcoders encode, where no file says it: <c>mlp_in</c> (the stream), <c>ln2.normalized</c> (behind the norm, its gain and
    /// its bias) or <c>ln2.hook_normalized</c> (behind the norm alone). Default: what files say; of Gemma Scope the last one.
    /// </summary>
    public string? Reads { get; init; }
}

/// <summary>
/// A transcoder for each layer of a model: features that are read where a feed-forward block reads, and that write what it writes
/// (Dunefsky et al. 2024, arXiv:2406.11944). It owns the transcoders.
/// </summary>
public sealed class TranscoderSet : IReadOnlyList<Sae>, IDisposable
{
    /// <summary>The sites that transcoders may read.</summary>
    internal const string MlpIn = "mlp_in", Normalized = "ln2.normalized";

    /// <summary>The name of their splices: <c>blocks.3.mlp_out.transcoder.features</c>.</summary>
    internal const string SpliceName = "Transcoder";

    private readonly Sae[] _transcoders;

    /// <summary>A set of transcoders.</summary>
    /// <param name="transcoders">One for each layer, in order; the set disposes of them.</param>
    /// <param name="reads">The site in a block that they encode: <c>mlp_in</c>, or <c>ln2.normalized</c>.</param>
    /// <param name="name">The name of the set. Default: none.</param>
    /// <exception cref="ArgumentException">There is none, one is no transcoder, or they cannot read there.</exception>
    public TranscoderSet(IReadOnlyList<Sae> transcoders, string reads = MlpIn, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(transcoders);
        if (transcoders.Count == 0)
            throw new ArgumentException("A set has a transcoder for each layer, and this one is empty.", nameof(transcoders));
        if (reads is not (MlpIn or Normalized))
            throw new ArgumentException($"'{reads}' is not read by transcoders: '{MlpIn}' and '{Normalized}' are.", nameof(reads));
        foreach ((int layer, Sae sae) in transcoders.Index())
            if (Problem(sae) is { } problem)
                throw new ArgumentException($"The dictionary of layer {layer} is no transcoder of a feed-forward block: {problem}.",
                    nameof(transcoders));
        (_transcoders, Reads, Name) = ([.. transcoders], reads, name);
    }

    /// <summary>The site in a block whose value is encoded.</summary>
    public string Reads { get; }

    /// <summary>The name of the set, as the viewer of graphs calls it (<c>scan</c>); null for none.</summary>
    public string? Name { get; }

    /// <summary>How many layers there are.</summary>
    public int Count => _transcoders.Length;

    /// <summary>The transcoder of a layer.</summary>
    public Sae this[int index] => _transcoders[index];

    /// <summary>Reads a set from files, and fits it to a model.</summary>
    /// <param name="path">
    /// A folder, its <c>config.yaml</c>, or a folder on the hub (<c>owner/name</c>, <c>owner/name@revision/folder</c>): circuit-tracer's
    /// (<c>config.yaml</c>, <c>layer_0.safetensors</c> and so on), Gemma Scope's (<c>layer_0/width_16k/average_l0_76/params.npz</c>), or a
    /// folder for each layer with a file that <see cref="Sae.Load"/> reads.
    /// </param>
    /// <param name="model">The model; the transcoders become of its element type.</param>
    /// <param name="options">Which of several sets.</param>
    /// <exception cref="CheckpointException">There is none, a layer is missing, or a file is malformed or not known.</exception>
    /// <exception cref="InterventionException">They do not fit the model.</exception>
    public static TranscoderSet Load(string path, DecoderModel model, TranscoderSetOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(model);
        options ??= new TranscoderSetOptions();
        (Sae[] read, TranscoderConfig? config) =
            TranscoderFiles.Read(path, model.Config.Layers, model.Weights["embed.weight"].dtype, options);
        List<Sae> fitted = [.. read];
        try
        {
            TranscoderHooks hooks = TranscoderHooks.Of(path, read, config, options);
            hooks.CheckOutput(model);
            for (int layer = 0; layer < read.Length; layer++)
                fitted[layer] = hooks.Fitted(read[layer], model, layer);
            TranscoderSet set = new(fitted, hooks.Site, config?.Scan);
            set.Check(model);
            return set;
        }
        catch (ArgumentException error)
        {
            fitted.ForEach(sae => sae.Dispose());
            throw new CheckpointException(path, $"is no such set: {error.Message}", error);
        }
        catch
        {
            fitted.ForEach(sae => sae.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Writes the set as circuit-tracer reads it: <c>config.yaml</c>, and <c>layer_0.safetensors</c> and so on.
    /// </summary>
    /// <param name="folder">The folder; it is made if it is missing.</param>
    /// <exception cref="NotSupportedException">The format has no such transcoder, such as one by top-k.</exception>
    public void Save(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        for (int layer = 0; layer < Count; layer++)
            CircuitTracerFormat.Write(Path.Combine(folder, $"layer_{layer}.safetensors"), this[layer]);
        string hook = Reads == MlpIn ? "hook_resid_mid" : "mlp.hook_in";
        byte[] text = Encoding.UTF8.GetBytes(TranscoderConfig.Written(this[0].Config.Model, hook, Name));
        CompleteFile.Replace(Path.Combine(folder, TranscoderConfig.Name), stream => stream.Write(text));
    }

    /// <summary>Compares layers, widths and element types with a model.</summary>
    /// <param name="model">The model.</param>
    /// <exception cref="InterventionException">They do not fit.</exception>
    public void Check(HookedModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        string name = model.Schema.Model;
        HashSet<string> sites = [.. model.Schema.Sites.Select(site => site.Path)];
        foreach (string site in new[] { Reads, "mlp_out" })
            if (!sites.Contains("blocks.{layer}." + site))
                throw new InterventionException($"{name} has no site 'blocks.{{layer}}.{site}', which these transcoders need.");
        if (model.Schema.SizeOf("layer") is { } layers && layers != Count)
            throw new InterventionException(
                $"{name} has {TextTable.Count(layers, "layer")}, and the set {TextTable.Count(Count, "transcoder")}: one each is needed.");
        for (int layer = 0; layer < Count; layer++)
            foreach ((string what, int width) in new[] { ("reads", this[layer].InputWidth), ("writes", this[layer].OutputWidth) })
                if (model.Schema.SizeOf("d_model") is { } d_model && d_model != width)
                    throw new InterventionException(
                        $"The transcoder of layer {layer} {what} vectors of {width}, and {name}'s are of {d_model}.");
        if (model is DecoderModel decoder && decoder.Weights["embed.weight"].dtype is var type
            && _transcoders.FirstOrDefault(sae => sae.Weights.Decoder.dtype != type) is { } other)
            throw new InterventionException(
                $"{name} is {type}, and a transcoder {other.Weights.Decoder.dtype}: load both in one type.");
    }

    /// <summary>
    /// The declaration that splices all of them, to include: <c>.Include("transcoders", set.ToIntervention(model))</c>. Inside are the
    /// sites <c>blocks.3.mlp_out.transcoder.features</c>, <c>.error</c>, <c>.reconstruction</c> and <c>.original</c>.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="errorTerm">Whether the changed run keeps the error terms: then, unedited, it is the model.</param>
    /// <param name="detachError">Whether gradients hold the error terms constant.</param>
    /// <exception cref="InterventionException">They do not fit the model.</exception>
    public InterventionGraph ToIntervention(HookedModel model, bool errorTerm = true, bool detachError = false)
    {
        Check(model);
        InterventionGraph graph = new() { Name = nameof(TranscoderSet) };
        if (_transcoders.Select(sae => sae.Features).Distinct().Count() == 1)
            return graph.Splice(SpliceName, "blocks.*.mlp_out", _transcoders, $"blocks.*.{Reads}", errorTerm, detachError);
        for (int layer = 0; layer < Count; layer++)
            graph = graph.Splice(
                SpliceName, $"blocks.{layer}.mlp_out", this[layer], $"blocks.{layer}.{Reads}", errorTerm, detachError);
        return graph;
    }

    /// <inheritdoc/>
    public IEnumerator<Sae> GetEnumerator() => _transcoders.AsEnumerable().GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString()
    {
        TextTable table = new(
            new("layer", IsNumber: true), new("features", IsNumber: true), new("activation"), new("skip"));
        foreach ((int layer, Sae sae) in _transcoders.Index())
            table.Add($"{layer}", $"{sae.Features}", sae.Config.Activation.GetType().Name, sae.Weights.Skip is null ? "" : "yes");
        return $"{TextTable.Count(Count, "transcoder")} from {Reads} to mlp_out{(Name is null ? "" : $": {Name}")}\n{table.Print(12)}";
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        foreach (Sae sae in _transcoders)
            sae.Dispose();
    }

    private static string? Problem(Sae sae) =>
        sae is null ? "it is null"
        : sae.Config.SubtractsDecoderBias ? "it subtracts its decoder's bias from what it encodes"
        : sae.Config.FlattensHeads || sae.Config.Head is not null ? "it encodes values of heads"
        : sae.Config is { InputNorm: not InputNorm.None, IsTranscoder: false } ? "it undoes a normalisation after it decodes"
        : null;
}
