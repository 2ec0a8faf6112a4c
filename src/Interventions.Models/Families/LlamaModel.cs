using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models;

/// <summary>A Llama: the sites of the family. Sealed partial types add the sizes.</summary>
[Site("embed", "batch", "pos", "d_model")]
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
[Site("blocks.{layer}.attn.rot_q", "batch", "pos", "head", "d_head")]
[Site("blocks.{layer}.attn.rot_k", "batch", "pos", "kv_head", "d_head")]
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
[Site("blocks.{layer}.mlp.pre_linear", "batch", "pos", "neuron")]
[Site("blocks.{layer}.mlp.post", "batch", "pos", "neuron")]
[Site("blocks.{layer}.mlp_out", "batch", "pos", "d_model")]
[Site("blocks.{layer}.resid_post", "batch", "pos", "d_model")]
[Site("ln_final.scale", "batch", "pos", "one")]
[Site("ln_final.normalized", "batch", "pos", "d_model")]
[Site("logits", "batch", "pos", "vocab")]
public abstract class LlamaModel : DecoderModel
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
        int layers, int heads, int kv_heads, int d_model, int neurons, int vocabularySize, int contextLength) => new DecoderConfig
        {
            Family = LlamaFamily.Type,
            Layers = layers,
            Heads = heads,
            KvHeads = kv_heads,
            DHead = d_model / heads,
            DModel = d_model,
            Neurons = neurons,
            VocabularySize = vocabularySize,
            ContextLength = contextLength,
            Norm = NormKind.RmsNorm,
            NormEpsilon = 1e-6,
            Activation = Activation.Silu,
            GatedMlp = true,
            Rotary = new RotaryConfig(10000),
            ScoreScale = 1 / Math.Sqrt(d_model / heads),
        }.Checked();
}
