using System.ComponentModel;
using Interventions.Binding;
using Interventions.ModelGraphs;
using Interventions.Models.Families;
using TorchSharp;
using static TorchSharp.torch;

namespace Interventions.Models.Decoder;

/// <summary>
/// A decoder-only language model of any family. Declared types such as <c>Gpt2Small</c> derive from it and add names that the compiler
/// checks.
/// </summary>
/// <example><code>
/// using var model = DecoderModel.Load("openai-community/gpt2");
/// using Tensor logits = model.Forward(ids);
/// </code></example>
public class DecoderModel : HookedModel
{
    private readonly DecoderCheckpoint _checkpoint;
    private readonly Lazy<HuggingFaceTokenizer> _tokenizer;

    /// <summary>A model without a declared type. It takes over the checkpoint's weights.</summary>
    public DecoderModel(DecoderCheckpoint checkpoint)
        : this(checkpoint, declared: null)
    {
    }

    /// <summary>A model of a declared type. It takes over the checkpoint's weights, also when it refuses them.</summary>
    /// <exception cref="CheckpointException">The checkpoint has other sizes than declared, or lacks a declared site.</exception>
    public DecoderModel(DecoderCheckpoint checkpoint, ModelSchema? declared)
    {
        _checkpoint = checkpoint;
        _tokenizer = new Lazy<HuggingFaceTokenizer>(checkpoint.LoadTokenizer);
        try
        {
            Weights = new NamedWeights(Config, checkpoint.Weights);
            Schema = DecoderSchema.Of(Config, declared?.Model ?? checkpoint.Path);
            if (declared is not null && SchemaDifferences.Find(Schema, declared) is { Count: > 0 } differences)
                throw new CheckpointException(checkpoint.Path, $"is no {declared.Model}: {string.Join("; ", differences)}.");
            Graph = DecoderGraph.Build(Config, Weights.ToDictionary(weight => weight.Key, weight => (Tensor)weight.Value));
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>Loads a checkpoint of any supported family.</summary>
    /// <param name="path">
    /// A folder, a file or a hub id, see
    /// <see cref="DecoderCheckpoint.Open(string, ScalarType?, Device?, IReadOnlyList{string}?, WeightProcessing)"/>.
    /// </param>
    /// <param name="dtype">What the weights are converted to. Default: float32.</param>
    /// <param name="device">Where they are put. Default: the CPU.</param>
    /// <param name="ignore">
    /// Names of tensors that are left out although the family does not know them, in which <c>*</c> stands for any text. Default: none.
    /// </param>
    /// <param name="processing">What is done to the weights then. Default: nothing.</param>
    /// <exception cref="CheckpointException">There is no such checkpoint, it is malformed, or it is not supported.</exception>
    /// <exception cref="ArgumentException">The processing would change what the model computes.</exception>
    public static DecoderModel Load(
        string path, ScalarType? dtype = null, Device? device = null, IReadOnlyList<string>? ignore = null,
        WeightProcessing processing = WeightProcessing.None) =>
        new(DecoderCheckpoint.Open(path, dtype, device, ignore, processing));

    /// <summary>
    /// A model that has not been trained. Let its <see cref="Weights"/> require gradients to train it: the graph is differentiable.
    /// </summary>
    /// <param name="config">What it is made of.</param>
    /// <param name="seed">Equal seeds give equal weights.</param>
    /// <param name="dtype">Default: float32.</param>
    /// <param name="device">Default: the CPU.</param>
    public static DecoderModel Random(DecoderConfig config, long seed = 0, ScalarType? dtype = null, Device? device = null) =>
        new(DecoderCheckpoint.Random(config, seed, dtype, device));

    /// <summary>
    /// A model without numbers, of any size: its weights take no memory. Interventions on it are checked, planned and explained
    /// (<c>Explain</c>) as on the loaded model; what it computes has shapes alone.
    /// </summary>
    /// <param name="config">What it is made of, for example <see cref="DecoderCheckpoint.ReadConfig"/> of a <c>config.json</c>.</param>
    /// <param name="dtype">The type of its numbers, which bytes are counted in. Default: float32.</param>
    /// <exception cref="ArgumentException">The configuration's numbers do not fit together, or its family is unknown.</exception>
    public static DecoderModel WithoutWeights(DecoderConfig config, ScalarType? dtype = null) =>
        new(DecoderCheckpoint.WithoutWeights(config, dtype));

    /// <summary>What the model is made of.</summary>
    public DecoderConfig Config => _checkpoint.Config;

    /// <summary>
    /// The weights by canonical name, see <see cref="DecoderWeights.Shapes"/>, and views of them by head, such as
    /// <c>blocks.3.attn.W_O</c>, see <see cref="NamedWeights"/>. The model owns them; they do not require gradients.
    /// </summary>
    public NamedWeights Weights { get; }

    /// <inheritdoc cref="DecoderCheckpoint.Warnings"/>
    public IReadOnlyList<string> Warnings => _checkpoint.Warnings;

    /// <inheritdoc cref="DecoderCheckpoint.Processing"/>
    public WeightProcessing Processing => _checkpoint.Processing;

    /// <summary>
    /// A copy of this model with processed weights: it gives each token the same log-probability. Its numbers are rounded to the model's
    /// type once more; <c>processing</c> of <c>Load</c> needs no second copy in memory.
    /// </summary>
    /// <param name="processing">What is done, beside what was done before.</param>
    /// <exception cref="ArgumentException">The processing would change what the model computes; the message says why.</exception>
    public virtual DecoderModel Processed(WeightProcessing processing) => new(ProcessedCheckpoint(processing));

    /// <summary>
    /// A copy of this model that writes nothing along some directions into the residual stream: they are taken out of the rows of
    /// <c>W_E</c>, <c>W_pos</c>, <c>W_O</c> and <c>W_out</c> and of the output biases (Arditi et al. 2024, arXiv:2406.11717). It computes
    /// what this model computes where the component along them is removed from <c>embed</c>, <c>pos_embed</c>, <c>attn_out</c> and
    /// <c>mlp_out</c>. The unembedding stays as it is: where it was the embedding's, it gets a matrix of its own.
    /// </summary>
    /// <param name="directions">
    /// One direction, <c>[d_model]</c>, or several that need not be orthogonal, <c>[direction, d_model]</c>, of any length but 0.
    /// </param>
    /// <exception cref="ArgumentException">They have another shape, or one is 0 or made of the others.</exception>
    /// <exception cref="InvalidOperationException">
    /// Weights alone cannot do it: what blocks add, or the embedding, comes from a norm.
    /// </exception>
    public DecoderModel WithoutDirections(Tensor directions)
    {
        CheckWidth(directions, nameof(directions));
        if (Config.NormsAfter || Config.EmbeddingNorm)
            throw new InvalidOperationException(
                $"Directions cannot be taken out of the weights of a {Config.Family}: "
                + (Config.NormsAfter ? "what its blocks add comes from a norm" : "its stream begins with the norm of the embedding")
                + ", whose gain turns them. Take them out of activations.");
        using Tensor basis = Directions.Basis(directions);
        return new(_checkpoint.Copy().WithoutDirections(basis));
    }

    /// <summary>A copy of the weights, processed. Called by generated code.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    protected DecoderCheckpoint ProcessedCheckpoint(WeightProcessing processing) => _checkpoint.Copy().Processed(processing);

    /// <inheritdoc/>
    public override string? WeightsNote => (Processing, _checkpoint.Change) switch
    {
        (WeightProcessing.None, var change) => change,
        (var processing, null) => processing.ToString(),
        (var processing, var change) => $"{processing}, {change}",
    };

    /// <inheritdoc/>
    public override string? WeightsFingerprint()
    {
        if (Device.type == DeviceType.META)
            return null;
        IEnumerable<Tensor> weights = Weights.OrderBy(weight => weight.Key, StringComparer.Ordinal).Select(weight => weight.Value);
        string fingerprint = $"{Config} {WeightsChecksum.Of(weights)}";
        return WeightsNote is { } note ? $"{fingerprint} {note}" : fingerprint;
    }

    /// <summary>The tokenizer in the folder of the weights or in their GGUF file, read at first use.</summary>
    /// <exception cref="FileNotFoundException">There is none in the model's folder.</exception>
    /// <exception cref="CheckpointException">The GGUF file has one that is malformed or not supported.</exception>
    /// <exception cref="InvalidOperationException">The model was not loaded, or its GGUF file has none.</exception>
    public HuggingFaceTokenizer Tokenizer => _tokenizer.Value;

    /// <summary>
    /// The tokens with which the model ends a text: all that its <c>generation_config.json</c>, its <c>config.json</c>, its GGUF file and
    /// its tokenizer call an end.
    /// </summary>
    /// <exception cref="CheckpointException">A file calls something an end that is no token id.</exception>
    public override IReadOnlyList<long> EndTokens => field ??=
    [
        .. _checkpoint.Ends().Concat(HasTokenizer && Tokenizer.EosId is { } end ? [end] : [])
            .Where(token => token >= 0 && token < VocabularySize).Distinct(),
    ];

    /// <inheritdoc/>
    public override ModelSchema Schema { get; }

    /// <inheritdoc/>
    public override ModelGraph Graph { get; }

    /// <inheritdoc/>
    public override int? ContextLength => Config.ContextLength;

    /// <inheritdoc/>
    public override int VocabularySize => Config.VocabularySize;

    /// <inheritdoc/>
    public override Device Device => Weights["embed.weight"].device;

    /// <summary>Runs the model.</summary>
    /// <param name="ids">Token ids, <c>[batch, pos]</c>, int64, on the model's device.</param>
    /// <returns>Logits, <c>[batch, pos, vocab]</c>; the caller owns them.</returns>
    /// <exception cref="ArgumentException">
    /// The ids are not int64 <c>[batch, pos]</c>, one is outside the vocabulary, or there are more than the context holds.
    /// </exception>
    public Tensor Forward(Tensor ids)
    {
        PromptChecks.CheckIds(ids, this);
        return GraphEvaluator.Evaluate(Graph, ids, [Graph.Output])[Graph.Output];
    }

    /// <summary>The embeddings of tokens, without positions.</summary>
    /// <param name="ids">Token ids, <c>[…]</c>, int64, on the model's device.</param>
    /// <returns><c>[…, d_model]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The ids are not int64, or one is outside the vocabulary.</exception>
    public Tensor Embed(Tensor ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        using DisposeScope scope = NewDisposeScope();
        PromptChecks.CheckIds(ids.reshape(1, -1), this, isText: false);
        return Parts.Embed(ids).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The last norm of residual streams, or of parts of them; the value itself where the model has none. With a <paramref name="scale"/>
    /// that is given, it is linear but for its bias: the norms of parts, and the bias once, add up to the norm of their sum.
    /// </summary>
    /// <param name="x"><c>[…, d_model]</c>.</param>
    /// <param name="scale">
    /// The divisor, <c>[…, 1]</c>, most often the captured <c>ln_final.scale</c> of the whole stream. Default: that of
    /// <paramref name="x"/> itself.
    /// </param>
    /// <param name="bias">Whether the norm's bias is added, where it has one: <c>ln_final.bias</c>.</param>
    /// <returns><c>[…, d_model]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">A last axis has another length, or the scale does not broadcast.</exception>
    public Tensor FinalNorm(Tensor x, Tensor? scale = null, bool bias = true) =>
        Normalized(Config.FinalNorm ? "ln_final" : null, "the unembedding", x, scale, bias);

    /// <summary>
    /// The norm through which a block's attention reads residual streams, or parts of them, <c>ln1</c>; the value itself where the model
    /// has none. With a <paramref name="scale"/> that is given, it is linear but for its bias.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="x"><c>[…, d_model]</c>.</param>
    /// <param name="scale">
    /// The divisor, <c>[…, 1]</c>, most often the captured <c>blocks.{layer}.ln1.scale</c>. Default: that of <paramref name="x"/> itself.
    /// </param>
    /// <param name="bias">Whether the norm's bias is added, where it has one: <c>ln1.bias</c>.</param>
    /// <returns><c>[…, d_model]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// There is no such layer, a last axis has another length, or the scale does not broadcast.
    /// </exception>
    public Tensor AttentionNorm(int layer, Tensor x, Tensor? scale = null, bool bias = true)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Config.Layers);
        return Normalized(Config.NormsBefore ? $"blocks.{layer}.ln1" : null, "attention", x, scale, bias);
    }

    /// <summary>A norm by its name, or the value itself.</summary>
    private Tensor Normalized(string? name, string reader, Tensor x, Tensor? scale, bool bias)
    {
        CheckWidth(x, nameof(x));
        if (scale is not null && !(scale.shape is [.., 1] && Shapes.Broadcasts(scale.shape, x.shape)))
            throw new ArgumentException(
                $"The scale is {Shapes.Describe(scale)}, the value {Shapes.Describe(x)}: a scale has the same axes, the last of length 1.",
                nameof(scale));
        if (name is null)
        {
            return scale is null ? x.alias()
                : throw new ArgumentException($"The model has no norm before {reader}, so nothing is divided.", nameof(scale));
        }
        using DisposeScope scope = NewDisposeScope();
        Norm norm = Parts.Norm(name);
        norm = bias ? norm : norm with { Bias = null };
        return (scale is null ? norm.Apply(x) : norm.ApplyWith(x, scale)).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The logits of normalised residual streams, or of parts of them: linear but for the bias, which few families have, and for the soft
    /// cap of the logits that Gemma 2 has.
    /// </summary>
    /// <param name="normalized"><c>[…, d_model]</c>, behind the last norm: see <see cref="FinalNorm"/>.</param>
    /// <param name="bias">Whether the unembedding's bias is added, where it has one: <c>unembed.bias</c>.</param>
    /// <returns><c>[…, vocab]</c>; the caller owns it.</returns>
    /// <exception cref="ArgumentException">The last axis has another length.</exception>
    public Tensor Unembed(Tensor normalized, bool bias = true)
    {
        CheckWidth(normalized, nameof(normalized));
        Unembedding unembedding = Unembedding.Of(Config, _checkpoint.Weights);
        using DisposeScope scope = NewDisposeScope();
        return (bias ? unembedding : unembedding with { Bias = null }).Logits(normalized).MoveToOuterDisposeScope();
    }

    /// <summary>The configuration and the weights, without the views of these.</summary>
    private DecoderParts Parts => new(Config, _checkpoint.Weights, new ModelGraphBuilder());

    /// <summary>Continues prompts with the likeliest token.</summary>
    /// <param name="ids">Prompts of equal length, <c>[batch, pos]</c>, int64.</param>
    /// <param name="count">How many tokens to add.</param>
    /// <returns>The added tokens, <c>[batch, count]</c>, int64; the caller owns them.</returns>
    /// <exception cref="ArgumentException">
    /// As <see cref="Forward"/>; prompt and continuation together must fit into the context.
    /// </exception>
    public Tensor Generate(Tensor ids, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        PromptChecks.CheckIds(ids, this, following: count);
        (int batch, int length) = ((int)ids.shape[0], (int)ids.shape[1]);
        if (count == 0)
            return empty(batch, 0, dtype: ScalarType.Int64, device: ids.device);
        using DisposeScope scope = NewDisposeScope();
        long[][] prompts = [.. ids.cpu().contiguous().data<long>().ToArray().Chunk(length)];
        GeneratedRun run = Generate(prompts, new GenerationOptions { MaxNewTokens = count, BatchSize = batch });
        return tensor(run.Tokens.SelectMany(tokens => tokens).ToArray(), device: ids.device).view(batch, count).MoveToOuterDisposeScope();
    }

    /// <summary>Continues prompts.</summary>
    /// <param name="prompts">Token ids, at least one prompt of at least one token; their lengths may differ.</param>
    /// <param name="options">How tokens are chosen; by default the likeliest 20.</param>
    /// <param name="cancellationToken">Stops between two steps.</param>
    /// <exception cref="InterventionException">
    /// A token is outside the vocabulary, or a prompt with its new tokens does not fit into the context.
    /// </exception>
    public GeneratedRun Generate(
        IReadOnlyList<IReadOnlyList<long>> prompts, GenerationOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerationRunner.Generate(this, prompts, options, cancellationToken);

    internal override string NameOf(long token) =>
        (HasTokenizer ? Tokenizer.IdToToken(checked((int)token)) : null) ?? base.NameOf(token);

    /// <summary>Whether a tokenizer came with the weights.</summary>
    internal bool HasTokenizer => _checkpoint.HasTokenizer;

    /// <inheritdoc/>
    public override string? Decode(IEnumerable<long> tokens) =>
        HasTokenizer ? Tokenizer.Decode(tokens.Select(token => checked((int)token)), skipSpecialTokens: true) : null;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The tokenizer has no token for a part of the text.</exception>
    public override IReadOnlyList<long>? Encode(string text) =>
        HasTokenizer ? PromptText.Encode(Tokenizer, text, "the text") : null;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The tokenizer has no token for a part of the text.</exception>
    public override IReadOnlyList<long>? EncodePiece(string text) =>
        HasTokenizer ? PromptText.Encode(Tokenizer, text, "the text", addSpecialTokens: false) : null;

    /// <summary>
    /// Writes the model in the Hugging Face layout, <c>config.json</c>, <c>model.safetensors</c> and the tokenizer that it was loaded with;
    /// <see cref="Load"/> reads the same model back. Weights keep their type.
    /// </summary>
    /// <param name="folder">The folder; it is made if it does not exist.</param>
    /// <param name="shardBytes">The most bytes of weights in one file: larger models are several, with an index. Default: 5 GB.</param>
    /// <exception cref="InvalidOperationException">The weights are processed.</exception>
    public void Save(string folder, long shardBytes = DecoderCheckpoint.ShardBytes) => _checkpoint.Save(folder, shardBytes);

    /// <summary>The model's name, family and sizes, the type and place of its weights, and what was done to them.</summary>
    public override string ToString() =>
        $"{Schema.Model}: {DecoderFamily.TitleOf(Config.Family)}, {Config.Layers} layers of {Config.Heads} heads, d_model {Config.DModel}, "
        + $"{Weights["embed.weight"].dtype} on {Device}{(WeightsNote is { } note ? $"; weights: {note}" : "")}";

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing)
            return;
        Weights.FreeViews();
        _checkpoint.Dispose();
    }

    private void CheckWidth(Tensor x, string name)
    {
        ArgumentNullException.ThrowIfNull(x, name);
        if (x.dim() == 0 || x.shape[^1] != Config.DModel)
            throw new ArgumentException($"The last axis is d_model, of length {Config.DModel}; the value is {Shapes.Describe(x)}.", name);
    }
}
