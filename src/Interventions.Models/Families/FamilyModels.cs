using Interventions.Models.Decoder;
using Interventions.Models.Families;

namespace Interventions.Models;

// The model classes of the families: each has the sites of its family, and sealed partial types that derive from it add the sizes.

/// <summary>A GPT-Neo: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class GptNeoModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected GptNeoModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gpt_neo"), declared)
    {
    }
}

/// <summary>A GPT-NeoX or Pythia: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class GptNeoXModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected GptNeoXModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gpt_neox"), declared)
    {
    }
}

/// <summary>
/// A GPT-NeoX whose feed-forward block follows attention (<c>use_parallel_residual</c> is false): the sites of the family. Sealed partial
/// types add the sizes.
/// </summary>
[FamilySites]
public abstract partial class SequentialGptNeoXModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected SequentialGptNeoXModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gpt_neox"), declared)
    {
    }
}

/// <summary>A GPT-J: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class GptJModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected GptJModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gptj"), declared)
    {
    }
}

/// <summary>An OPT: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class OptModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected OptModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("opt"), declared)
    {
    }
}

/// <summary>A BLOOM: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class BloomModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected BloomModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("bloom"), declared)
    {
    }
}

/// <summary>A Phi 1 or 2: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class PhiModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected PhiModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("phi"), declared)
    {
    }
}

/// <summary>A Phi-3 or 4: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Phi3Model : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Phi3Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("phi3"), declared)
    {
    }
}

/// <summary>A Mistral: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class MistralModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected MistralModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("mistral"), declared)
    {
    }
}

/// <summary>A Mixtral: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class MixtralModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected MixtralModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("mixtral"), declared)
    {
    }
}

/// <summary>A Qwen 2 or 2.5: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Qwen2Model : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Qwen2Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("qwen2"), declared)
    {
    }
}

/// <summary>A Qwen 3: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Qwen3Model : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Qwen3Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("qwen3"), declared)
    {
    }
}

/// <summary>A Qwen 3 with experts: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Qwen3MoeModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Qwen3MoeModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("qwen3_moe"), declared)
    {
    }
}

/// <summary>A Gemma: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class GemmaModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected GemmaModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gemma"), declared)
    {
    }
}

/// <summary>A Gemma 2: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Gemma2Model : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Gemma2Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gemma2"), declared)
    {
    }
}

/// <summary>A Gemma 3, its text part: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Gemma3Model : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Gemma3Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("gemma3_text"), declared)
    {
    }
}

/// <summary>An OLMo: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class OlmoModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected OlmoModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("olmo"), declared)
    {
    }
}

/// <summary>An OLMo 2: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class Olmo2Model : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected Olmo2Model(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("olmo2"), declared)
    {
    }
}

/// <summary>A StableLM: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class StableLmModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected StableLmModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("stablelm"), declared)
    {
    }
}

/// <summary>
/// A StableLM with attention and feed-forward side by side (<c>use_parallel_residual</c> is true): the sites of the family. Sealed
/// partial types add the sizes.
/// </summary>
[FamilySites]
public abstract partial class ParallelStableLmModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected ParallelStableLmModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("stablelm"), declared)
    {
    }
}

/// <summary>A Granite: the sites of the family. Sealed partial types add the sizes.</summary>
[FamilySites]
public abstract partial class GraniteModel : DecoderModel
{
    /// <summary>A declared model; takes over the checkpoint's weights.</summary>
    /// <exception cref="CheckpointException">The checkpoint is of another family, or has other sizes than declared.</exception>
    protected GraniteModel(DecoderCheckpoint checkpoint, ModelSchema declared)
        : base(checkpoint.OfFamily("granite"), declared)
    {
    }
}
