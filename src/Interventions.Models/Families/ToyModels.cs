using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models;

/// <summary>
/// A transformer of attention alone, without norms: what its heads add, the unembedding reads as it is. Sealed partial types add the sizes.
/// </summary>
[FamilySites]
public abstract partial class AttentionOnlyModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected AttentionOnlyModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily(ToyFamily.Type), declared)
    {
    }

    /// <summary>One of any size: learned positions, biases of attention, an unembedding of its own.</summary>
    /// <param name="layers">How many blocks.</param>
    /// <param name="heads">How many heads; divides <paramref name="d_model"/>.</param>
    /// <param name="d_model">The width of the residual stream.</param>
    /// <param name="vocabularySize">How many different tokens.</param>
    /// <param name="contextLength">The most tokens that it reads.</param>
    /// <param name="norms">Whether attention and the unembedding read the stream through layer norms.</param>
    public static DecoderConfig Configure(
        int layers, int heads, int d_model, int vocabularySize, int contextLength, bool norms = false) =>
        ((norms ? ToyFamily.Normed : ToyFamily.Usual) with
        {
            Layers = layers,
            Heads = heads,
            KvHeads = heads,
            DHead = d_model / heads,
            DModel = d_model,
            VocabularySize = vocabularySize,
            ContextLength = contextLength,
            ScoreScale = 1 / Math.Sqrt(d_model / heads),
        }).Checked();
}

/// <summary>A transformer of attention alone, with layer norms: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class NormedAttentionOnlyModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected NormedAttentionOnlyModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily(ToyFamily.Type), declared)
    {
    }
}

/// <summary>A transformer without norms, of attention and feed-forward blocks. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class NormFreeModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected NormFreeModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily(ToyFamily.Type), declared)
    {
    }

    /// <summary>One of any size: learned positions, biases, an unembedding of its own.</summary>
    /// <param name="layers">How many blocks.</param>
    /// <param name="heads">How many heads; divides <paramref name="d_model"/>.</param>
    /// <param name="d_model">The width of the residual stream.</param>
    /// <param name="neurons">The width of the feed-forward block.</param>
    /// <param name="vocabularySize">How many different tokens.</param>
    /// <param name="contextLength">The most tokens that it reads.</param>
    public static DecoderConfig Configure(
        int layers, int heads, int d_model, int neurons, int vocabularySize, int contextLength) =>
        (AttentionOnlyModel.Configure(layers, heads, d_model, vocabularySize, contextLength) with
        {
            Block = BlockKind.Sequential,
            Neurons = neurons,
            MlpBias = true,
        }).Checked();
}
