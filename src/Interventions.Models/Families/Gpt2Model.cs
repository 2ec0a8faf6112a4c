using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models;

/// <summary>
/// A GPT-2: the sites of the family. <see cref="Gpt2Small"/> and its larger siblings add the sizes; derive another sealed partial type for
/// other sizes.
/// </summary>
[FamilySites]
public abstract partial class Gpt2Model : DecoderModel
{
    /// <summary>A declared GPT-2; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Gpt2Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily(Gpt2Family.Type), declared)
    {
    }

    /// <summary>
    /// A GPT-2 of any size, with the family's defaults: tied unembedding, gelu approximated by tanh, four neurons a coordinate.
    /// </summary>
    /// <param name="layers">How many blocks.</param>
    /// <param name="heads">How many heads; divides <paramref name="d_model"/>.</param>
    /// <param name="d_model">The width of the residual stream.</param>
    /// <param name="vocabularySize">How many different tokens.</param>
    /// <param name="contextLength">The most tokens that it reads.</param>
    public static DecoderConfig Configure(int layers, int heads, int d_model, int vocabularySize, int contextLength) =>
        (Gpt2Family.Usual with
        {
            Layers = layers,
            Heads = heads,
            KvHeads = heads,
            DHead = d_model / heads,
            DModel = d_model,
            Neurons = 4 * d_model,
            VocabularySize = vocabularySize,
            ContextLength = contextLength,
            ScoreScale = 1 / Math.Sqrt(d_model / heads),
        }).Checked();
}
