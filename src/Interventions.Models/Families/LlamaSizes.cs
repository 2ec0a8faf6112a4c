namespace Interventions.Models;

/// <summary>SmolLM2, 135 million parameters: <c>HuggingFaceTB/SmolLM2-135M</c> and its Instruct variant.</summary>
[ModelSchema]
[Axis("layer", 30)]
[Axis("head", 9)]
[Axis("kv_head", 3)]
[Axis("d_head", 64)]
[Axis("d_model", 576)]
[Axis("neuron", 1536)]
[Axis("vocab", 49152)]
public sealed partial class SmolLm2_135M : LlamaModel;

/// <summary>The smallest TinyLlamas checkpoint, 260 thousand parameters, trained on TinyStories.</summary>
[ModelSchema]
[Axis("layer", 5)]
[Axis("head", 8)]
[Axis("kv_head", 4)]
[Axis("d_head", 8)]
[Axis("d_model", 64)]
[Axis("neuron", 172)]
[Axis("vocab", 512)]
public sealed partial class Stories260K : LlamaModel;
