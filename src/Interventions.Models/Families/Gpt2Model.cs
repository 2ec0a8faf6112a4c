using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models;

/// <summary>
/// A GPT-2: the sites of the family. <see cref="Gpt2Small"/> and its larger siblings add the sizes; derive another sealed partial type for
/// other sizes.
/// </summary>
[Site("embed", "batch", "pos", "d_model")]
[Site("pos_embed", "batch", "pos", "d_model")]
[Site("blocks.{layer}.resid_pre", "batch", "pos", "d_model")]
[Site("blocks.{layer}.attn_in", "batch", "pos", "d_model")]
[Site("blocks.{layer}.attn.q_input", "batch", "pos", "head", "d_model")]
[Site("blocks.{layer}.attn.k_input", "batch", "pos", "head", "d_model")]
[Site("blocks.{layer}.attn.v_input", "batch", "pos", "head", "d_model")]
[Site("blocks.{layer}.ln1.scale", "batch", "pos", "one")]
[Site("blocks.{layer}.ln1.normalized", "batch", "pos", "d_model")]
[Site("blocks.{layer}.attn.q", "batch", "pos", "head", "d_head")]
[Site("blocks.{layer}.attn.k", "batch", "pos", "kv_head", "d_head")]
[Site("blocks.{layer}.attn.v", "batch", "pos", "kv_head", "d_head")]
[Site("blocks.{layer}.attn.scores", "batch", "head", "query", "key")]
[Site("blocks.{layer}.attn.pattern", "batch", "head", "query", "key")]
[Site("blocks.{layer}.attn.z", "batch", "pos", "head", "d_head")]
[Site("blocks.{layer}.attn.result", "batch", "pos", "head", "d_model")]
[Site("blocks.{layer}.attn_out", "batch", "pos", "d_model")]
[Site("blocks.{layer}.resid_mid", "batch", "pos", "d_model")]
[Site("blocks.{layer}.mlp_in", "batch", "pos", "d_model")]
[Site("blocks.{layer}.ln2.scale", "batch", "pos", "one")]
[Site("blocks.{layer}.ln2.normalized", "batch", "pos", "d_model")]
[Site("blocks.{layer}.mlp.pre", "batch", "pos", "neuron")]
[Site("blocks.{layer}.mlp.post", "batch", "pos", "neuron")]
[Site("blocks.{layer}.mlp_out", "batch", "pos", "d_model")]
[Site("blocks.{layer}.resid_post", "batch", "pos", "d_model")]
[Site("ln_final.scale", "batch", "pos", "one")]
[Site("ln_final.normalized", "batch", "pos", "d_model")]
[Site("logits", "batch", "pos", "vocab")]
public abstract class Gpt2Model : DecoderModel
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
    public static DecoderConfig Configure(int layers, int heads, int d_model, int vocabularySize, int contextLength) => new DecoderConfig
    {
        Family = Gpt2Family.Type,
        Layers = layers,
        Heads = heads,
        KvHeads = heads,
        DHead = d_model / heads,
        DModel = d_model,
        Neurons = 4 * d_model,
        VocabularySize = vocabularySize,
        ContextLength = contextLength,
        Norm = NormKind.LayerNorm,
        NormEpsilon = 1e-5,
        Activation = Activation.GeluTanh,
        ScoreScale = 1 / Math.Sqrt(d_model / heads),
        QkvBias = true,
        AttentionOutBias = true,
        MlpBias = true,
        TiedUnembedding = true,
    }.Checked();
}
