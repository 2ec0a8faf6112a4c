using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models;

/// <summary>A Llama: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class LlamaModel : DecoderModel
{
    /// <summary>A declared Llama; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected LlamaModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily(LlamaFamily.Type), declared)
    {
    }

    /// <summary>A Llama of any size, with the family's defaults: no biases, untied unembedding, rotary base 10,000.</summary>
    /// <param name="layers">How many blocks.</param>
    /// <param name="heads">How many query heads; divides <paramref name="d_model"/>.</param>
    /// <param name="kv_heads">How many key/value heads; divides <paramref name="heads"/>.</param>
    /// <param name="d_model">The width of the residual stream.</param>
    /// <param name="neurons">The width of the feed-forward block.</param>
    /// <param name="vocabularySize">How many different tokens.</param>
    /// <param name="contextLength">The most tokens that it reads.</param>
    public static DecoderConfig Configure(
        int layers, int heads, int kv_heads, int d_model, int neurons, int vocabularySize, int contextLength) =>
        (LlamaFamily.Usual with
        {
            Layers = layers,
            Heads = heads,
            KvHeads = kv_heads,
            DHead = d_model / heads,
            DModel = d_model,
            Neurons = neurons,
            VocabularySize = vocabularySize,
            ContextLength = contextLength,
            ScoreScale = 1 / Math.Sqrt(d_model / heads),
        }).Checked();
}
